import { strFromU8, unzipSync } from 'fflate'
import { describe, expect, it } from 'vitest'
import { fileNameOf, type Component } from './component.ts'
import { readEnvelope, SoapFault, writeFault } from './soap.ts'
import { readManifest } from './manifest.ts'
import { buildRetrieve } from './retrieve.ts'
import {
  child,
  inSalesforceOrder,
  list,
  parseMetadataFile,
  parseXml,
  writeMetadataFile,
  type MetadataNode,
} from '../../org/metadata-xml.ts'

function component(type: string, fullName: string, node: MetadataNode, wildcard = true): Component {
  const stamp = {
    createdById: '005',
    lastModifiedById: '005',
    createdDate: '',
    lastModifiedDate: '',
  }
  const fileName = fileNameOf(type, fullName)
  return { type, fullName, id: fullName, fileName, wildcard, metadata: () => node, ...stamp }
}

const catalogue: Record<string, Component[]> = {
  CustomObject: [
    component('CustomObject', 'Account', { fields: [{ fullName: 'Name' }] }, false),
    component('CustomObject', 'Trip__c', { label: 'Trip', fields: [{ fullName: 'Day__c' }] }),
  ],
  CustomField: [
    component('CustomField', 'Account.Tier__c', { type: 'Text', label: 'Tier' }, false),
    component('CustomField', 'Account.Zone__c', { type: 'Text', label: 'Zone' }, false),
    component('CustomField', 'Trip__c.Day__c', { type: 'Date', label: 'Day' }, false),
  ],
  ApexTrigger: [
    { ...component('ApexTrigger', 'OnLead', { status: 'Active' }), content: 'trigger OnLead {}' },
  ],
  Layout: [component('Layout', 'Trip__c-Trip Layout', {})],
}

function retrieve(types: Record<string, string[]>, singlePackage = true) {
  const xml = Object.entries(types).map(
    ([name, members]) =>
      `<types>${members.map((member) => `<members>${member}</members>`).join('')}<name>${name}</name></types>`,
  )
  const node = parseXml(`<unpackaged>${xml.join('')}<version>67.0</version></unpackaged>`)
  const output = buildRetrieve({
    manifest: readManifest(child(node, 'unpackaged')),
    singlePackage,
    list: (type) => catalogue[type],
    find: () => undefined,
  })
  const files = Object.fromEntries(
    Object.entries(unzipSync(output.zip)).map(([path, bytes]) => [path, strFromU8(bytes)]),
  )
  return { files, output }
}

describe('retrieve', () => {
  it('takes custom objects by *, and standard objects only by name', () => {
    expect(Object.keys(retrieve({ CustomObject: ['*'] }).files).sort()).toEqual([
      'objects/Trip__c.object',
      'package.xml',
    ])
    expect(Object.keys(retrieve({ CustomObject: ['*', 'Account'] }).files)).toContain(
      'objects/Account.object',
    )
  })

  it('merges single fields into a partial object file, named without the object', () => {
    const { files } = retrieve({ CustomField: ['Account.Zone__c', 'Account.Tier__c'] })
    expect(files['objects/Account.object']).toBe(
      [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<CustomObject xmlns="http://soap.sforce.com/2006/04/metadata">',
        ...['Zone', 'Tier'].flatMap((name) => [
          '    <fields>',
          `        <fullName>${name}__c</fullName>`,
          `        <label>${name}</label>`,
          '        <type>Text</type>',
          '    </fields>',
        ]),
        '</CustomObject>',
        '',
      ].join('\n'),
    )
  })

  it('writes a whole object once, however many of its fields are named too', () => {
    const { files } = retrieve({ CustomObject: ['Trip__c'], CustomField: ['Trip__c.Day__c'] })
    const { node } = parseMetadataFile(files['objects/Trip__c.object'] ?? '')
    expect(node['label']).toBe('Trip')
    expect(list(node, 'fields')).toHaveLength(1)
  })

  it('puts a -meta.xml beside content files, and leaves blanks in file names', () => {
    const { files } = retrieve({ ApexTrigger: ['*'], Layout: ['*'] })
    expect(files['triggers/OnLead.trigger']).toBe('trigger OnLead {}')
    expect(files['triggers/OnLead.trigger-meta.xml']).toContain('<status>Active</status>')
    expect(Object.keys(files)).toContain('layouts/Trip__c-Trip Layout.layout')
  })

  it('answers a message for a member or a type that does not exist', () => {
    const { output, files } = retrieve({ CustomObject: ['Nope__c'], Quux: ['*'] }, false)
    expect(output.messages).toEqual([
      {
        fileName: 'unpackaged/package.xml',
        problem: "Entity of type 'CustomObject' named 'Nope__c' cannot be found",
      },
      { fileName: 'unpackaged/package.xml', problem: "Entity type: 'Quux' is unknown" },
    ])
    expect(Object.keys(files)).toEqual(['unpackaged/package.xml'])
  })

  it('lists in package.xml what was retrieved, sorted', () => {
    const { files } = retrieve({
      Layout: ['*'],
      CustomField: ['Trip__c.Day__c', 'Account.Tier__c'],
    })
    const { node } = parseMetadataFile(files['package.xml'] ?? '')
    expect(readManifest(node)).toEqual({
      types: [
        { name: 'CustomField', members: ['Account.Tier__c', 'Trip__c.Day__c'] },
        { name: 'Layout', members: ['Trip__c-Trip Layout'] },
      ],
      version: '67.0',
    })
  })
})

describe('metadata XML', () => {
  it('survives writing and reading, with fullName first and the rest by name', () => {
    const node = inSalesforceOrder({ label: 'A & <B>', active: true, fullName: 'X', z: ['1', '2'] })
    expect(Object.keys(node)).toEqual(['fullName', 'active', 'label', 'z'])
    const read = parseMetadataFile(writeMetadataFile('Thing', node))
    expect(read.type).toBe('Thing')
    expect(read.node).toMatchObject({
      fullName: 'X',
      active: 'true',
      label: 'A & <B>',
      z: ['1', '2'],
    })
  })
})

describe('SOAP', () => {
  it('reads the call, its arguments and the session whatever the prefixes are', () => {
    const call = readEnvelope(
      '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header><m:SessionHeader xmlns:m="x"><m:sessionId>00D!abc</m:sessionId></m:SessionHeader></s:Header><s:Body><m:listMetadata xmlns:m="x"><m:queries><m:type>Flow</m:type></m:queries></m:listMetadata></s:Body></s:Envelope>',
    )
    expect(call).toMatchObject({
      name: 'listMetadata',
      sessionId: '00D!abc',
      arguments: { queries: { type: 'Flow' } },
    })
  })

  it('refuses what is not an envelope, and repeats the code in a fault', () => {
    expect(() => readEnvelope('<a/>')).toThrow(SoapFault)
    expect(() => readEnvelope('<a><b></a>')).toThrow(SoapFault)
    const fault = writeFault(new SoapFault('INVALID_SESSION_ID', 'Invalid Session ID'))
    expect(fault).toContain('<faultcode>sf:INVALID_SESSION_ID</faultcode>')
    expect(fault).toContain('<faultstring>INVALID_SESSION_ID: Invalid Session ID</faultstring>')
  })
})
