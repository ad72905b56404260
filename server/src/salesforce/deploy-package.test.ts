import { strFromU8, unzipSync } from 'fflate'
import { describe, expect, it } from 'vitest'
import { buildDeployPackage, PACKAGE_LIMITS } from './deploy-package.ts'
import { unzip } from './zip.ts'

const none = new Map<string, string[]>()

const textOf = (zip: Uint8Array, path: string): string => {
  const bytes = unzipSync(zip)[path]
  return bytes === undefined ? `no ${path}` : strFromU8(bytes)
}

describe('a deploy package', () => {
  it('holds its files and a manifest in which no name leaves its place', () => {
    const { zip, fileCount } = buildDeployPackage(
      {
        files: new Map<string, string | Uint8Array>([
          ['objects/Ünï__c.object', '<CustomObject/>'],
          ['layouts/Lead-A & B.layout', new Uint8Array([1, 2, 3])],
        ]),
        members: new Map([
          ['Layout', ['Lead-A & B', 'Lead-A & B']],
          ['CustomObject', ['Ünï__c', 'A__c']],
          ['Flow', []],
        ]),
      },
      'v66.0',
    )
    expect(fileCount).toBe(3)
    expect(Object.keys(unzipSync(zip)).sort()).toEqual([
      'layouts/Lead-A & B.layout',
      'objects/Ünï__c.object',
      'package.xml',
    ])
    expect(textOf(zip, 'package.xml')).toBe(
      '<?xml version="1.0" encoding="UTF-8"?>\n' +
        '<Package xmlns="http://soap.sforce.com/2006/04/metadata">' +
        '<types><members>A__c</members><members>Ünï__c</members><name>CustomObject</name></types>' +
        '<types><members>Lead-A &amp; B</members><name>Layout</name></types>' +
        '<version>66.0</version></Package>\n',
    )
    expect([...unzip(zip)].find(({ path }) => path.startsWith('layouts'))?.bytes).toEqual(
      new Uint8Array([1, 2, 3]),
    )
  })

  it('names what is deleted before and after, beside a package.xml that may name nothing', () => {
    const { zip } = buildDeployPackage(
      {
        files: new Map(),
        members: none,
        deleteBefore: new Map([['Flow', ['Old-1']]]),
        deleteAfter: new Map([['CustomField', ['Lead.A__c']]]),
      },
      'v66.0',
    )
    expect(textOf(zip, 'package.xml')).toContain('/metadata"><version>66.0</version></Package>')
    expect(textOf(zip, 'destructiveChangesPre.xml')).toContain(
      '<types><members>Old-1</members><name>Flow</name></types></Package>',
    )
    expect(textOf(zip, 'destructiveChangesPost.xml')).toContain('<members>Lead.A__c</members>')
    const empty = buildDeployPackage(
      { files: new Map(), members: none, deleteBefore: new Map([['Flow', []]]) },
      'v66.0',
    )
    expect(Object.keys(unzipSync(empty.zip))).toEqual(['package.xml'])
  })

  it('of equal contents has equal bytes, whatever the order they came in', () => {
    const build = (paths: string[]) =>
      buildDeployPackage(
        {
          files: new Map(paths.map((path) => [path, path])),
          members: new Map([['Flow', paths]]),
        },
        'v66.0',
      ).zip
    expect(build(['flows/A.flow', 'flows/B.flow'])).toEqual(build(['flows/B.flow', 'flows/A.flow']))
  })

  const sizes: [string, () => ReadonlyMap<string, string | Uint8Array>][] = [
    [
      'files',
      () =>
        new Map(Array.from({ length: PACKAGE_LIMITS.files }, (_, i) => [`flows/${i}.flow`, ''])),
    ],
    [
      'zipped bytes',
      // In its names, which a zip holds twice and as they are: compressing so much would take ten seconds.
      () => {
        const letters = 'n'.repeat(PACKAGE_LIMITS.zipBytes / 2 / 400)
        const names = Array.from({ length: 400 }, (_, i) => `${letters}${i}`)
        return new Map(names.map((name) => [name, '']))
      },
    ],
    [
      'unzipped bytes',
      () => {
        const tenth = new Uint8Array(PACKAGE_LIMITS.unzippedBytes / 10)
        return new Map(Array.from({ length: 10 }, (_, i) => [`${i}`, tenth]))
      },
    ],
  ]
  it.each(sizes)('with more %s than Salesforce takes is refused', (_name, files) => {
    const build = () => buildDeployPackage({ files: files(), members: none }, 'v66.0')
    const refusal = { name: 'EngineError', code: 'payload_too_large' }
    expect(build).toThrow(expect.objectContaining(refusal))
  })

  it.each([
    '',
    '/etc/passwd',
    '../x',
    'a/../../x',
    'a\\b',
    'package.xml',
    'destructiveChanges.xml',
  ])('takes no file at %j', (path) => {
    const build = () =>
      buildDeployPackage({ files: new Map([[path, 'x']]), members: none }, 'v66.0')
    expect(build).toThrow(TypeError)
  })

  it('deletes nothing by wildcard', () => {
    const build = () =>
      buildDeployPackage(
        { files: new Map(), members: none, deleteAfter: new Map([['Flow', ['*']]]) },
        'v66.0',
      )
    expect(build).toThrow(TypeError)
  })
})
