import { strToU8, zipSync } from 'fflate'
import { describe, expect, it } from 'vitest'
import { EngineError } from '../errors.ts'
import { describeMetadata, listMetadata, readMetadata, retrieve } from './metadata.ts'
import { budgetOf } from './testing/budget.ts'
import { type Answer, rejection, type SeenRequest, startRig } from './testing/misbehaving-server.ts'
import { decodeZipElement, unzip } from './zip.ts'

const envelope = (operation: string, result: string): string =>
  '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns="http://soap.sforce.com/2006/04/metadata"><soapenv:Body>' +
  `<${operation}Response>${result}</${operation}Response></soapenv:Body></soapenv:Envelope>`

const operationOf = ({ body }: SeenRequest): string => /<soapenv:Body><(\w+)>/.exec(body)?.[1] ?? ''

const xml = (response: Parameters<Answer>[1], body: string): void => {
  response.writeHead(200, { 'content-type': 'text/xml;charset=UTF-8' }).end(body)
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')

const files = {
  'unpackaged/package.xml': strToU8('<Package/>'),
  'unpackaged/flows/Ünïcode.flow': strToU8('<Flow/>'),
  'unpackaged/flows/Big.flow': new Uint8Array(9_000_000).fill(65),
  'unpackaged/layouts/Lead-Lead Layout.layout': strToU8('<Layout/>'),
}

describe('SOAP calls', () => {
  it('carry the session in the body only, and one element reads like many', async () => {
    await using rig = await startRig((request, response) =>
      xml(
        response,
        envelope(
          operationOf(request),
          operationOf(request) === 'describeMetadata'
            ? '<result><metadataObjects><directoryName>flows</directoryName><inFolder>false</inFolder><metaFile>false</metaFile><suffix>flow</suffix><xmlName>Flow</xmlName></metadataObjects></result>'
            : '<result><fileName>flows/A.flow</fileName><fullName>A &amp; B</fullName><id/><type>Flow</type></result>',
        ),
      ),
    )
    const found = await listMetadata(rig.org, [{ type: 'Flow' }])
    expect(found).toMatchObject([
      { type: 'Flow', fullName: 'A & B', id: null, fileName: 'flows/A.flow' },
    ])
    expect(await describeMetadata(rig.org)).toEqual([
      {
        xmlName: 'Flow',
        directoryName: 'flows',
        suffix: 'flow',
        inFolder: false,
        metaFile: false,
        childXmlNames: [],
      },
    ])
    expect(rig.seen[0]?.url).toBe('/services/Soap/m/66.0')
    expect(rig.seen[0]?.headers.authorization).toBeUndefined()
    expect(rig.seen[0]?.headers.soapaction).toBe('""')
    expect(rig.seen[0]?.body).toContain(
      '<SessionHeader><sessionId>token-1</sessionId></SessionHeader>',
    )
  })

  it('listMetadata asks for three types a call, readMetadata for ten components', async () => {
    await using rig = await startRig((request, response) =>
      xml(response, envelope(operationOf(request), '<result><records/></result>')),
    )
    await listMetadata(
      rig.org,
      ['A', 'B', 'C', 'D'].map((type) => ({ type })),
    )
    const layouts = Array.from({ length: 11 }, (_, i) => `Lead-<${i}>`)
    expect(await readMetadata(rig.org, 'Layout', layouts)).toEqual([])
    expect(rig.seen).toHaveLength(4)
    expect(rig.seen[2]?.body).toContain('<type>Layout</type><fullNames>Lead-&lt;0&gt;</fullNames>')
  })

  it('a fault of a dead session renews it, and the replay carries the new one', async () => {
    await using rig = await startRig((request, response) => {
      if (request.body.includes('token-2')) return xml(response, envelope('listMetadata', ''))
      response.writeHead(500, { 'content-type': 'text/xml' })
      response.end(
        '<soapenv:Envelope><soapenv:Body><soapenv:Fault><faultcode>sf:INVALID_SESSION_ID</faultcode><faultstring>x</faultstring></soapenv:Fault></soapenv:Body></soapenv:Envelope>',
      )
    })
    expect(await listMetadata(rig.org, [{ type: 'Flow' }])).toEqual([])
    expect(rig.sessions.renewals).toEqual(['token-1'])
  })
})

describe('retrieve', () => {
  /** A retrieve that is done at the third poll; `deliver` sends the zip. */
  const retrieving = (deliver: (response: Parameters<Answer>[1]) => unknown): Answer => {
    let looks = 0
    return (request, response) => {
      if (operationOf(request) === 'retrieve') {
        looks = 0
        return xml(
          response,
          envelope(
            'retrieve',
            '<result><done>false</done><id>09S1</id><state>Queued</state></result>',
          ),
        )
      }
      if (request.body.includes('<includeZip>true</includeZip>')) return deliver(response)
      looks += 1
      xml(
        response,
        envelope(
          'checkRetrieveStatus',
          looks < 3
            ? '<result><done>false</done><id>09S1</id><status>InProgress</status><success>false</success></result>'
            : '<result><done>true</done><fileProperties><fileName>unpackaged/flows/Big.flow</fileName><fullName>Big</fullName><type>Flow</type></fileProperties><messages><fileName>unpackaged/package.xml</fileName><problem>Entity of type &apos;Flow&apos; named &apos;Gone&apos; cannot be found</problem></messages><id>09S1</id><status>Succeeded</status><success>true</success></result>',
        ),
      )
    }
  }
  const zipped = (zip: Uint8Array): string =>
    envelope(
      'checkRetrieveStatus',
      `<result><done>true</done><id>09S1</id><success>true</success><zipFile>${base64(zip)}</zipFile></result>`,
    )
  const members = new Map([['Flow', ['Big', 'Gone']]])

  it('asks, waits, and gives every file with its bytes, and says what could not be had', async () => {
    const zip = zipSync(files)
    await using rig = await startRig(retrieving((response) => xml(response, zipped(zip))))
    const retrieved = await retrieve(rig.org, members)
    const seen = new Map([...retrieved.files()].map(({ path, bytes }) => [path, bytes.byteLength]))
    expect(seen).toEqual(
      new Map([
        ['package.xml', 10],
        ['flows/Ünïcode.flow', 7],
        ['flows/Big.flow', 9_000_000],
        ['layouts/Lead-Lead Layout.layout', 9],
      ]),
    )
    expect(retrieved.properties).toMatchObject([{ fullName: 'Big', type: 'Flow' }])
    expect(retrieved.problems[0]?.problem).toBe(
      "Entity of type 'Flow' named 'Gone' cannot be found",
    )
    expect(rig.waits).toEqual([250, 375])
    expect(rig.seen[0]?.body).toContain(
      '<types><members>Big</members><members>Gone</members><name>Flow</name></types><version>66.0</version>',
    )
  })

  it('gathers again when the download breaks: the zip is gone by then', async () => {
    const zip = zipSync(files)
    let downloads = 0
    await using rig = await startRig(
      retrieving((response) => {
        downloads += 1
        if (downloads > 1) return xml(response, zipped(zip))
        response.writeHead(200)
        response.write(zipped(zip).slice(0, 600), () => response.destroy())
      }),
    )
    const retrieved = await retrieve(rig.org, members)
    expect([...retrieved.files()]).toHaveLength(4)
    expect(rig.seen.map(operationOf).filter((operation) => operation === 'retrieve')).toHaveLength(
      2,
    )
  })

  it('once accepted, is not stopped by the budget', async () => {
    const zip = zipSync(files)
    await using rig = await startRig(retrieving((response) => xml(response, zipped(zip))))
    let left = 1
    const check = async (): Promise<void> => {
      if (left-- <= 0) throw new EngineError('api_budget_exhausted', 'under the reserve')
    }
    const org = rig.salesforce.org({ ...rig.target, budget: budgetOf(check) })
    expect([...(await retrieve(org, members)).files()]).toHaveLength(4)
    expect(await rejection(retrieve(org, members))).toMatchObject({ code: 'api_budget_exhausted' })
  })

  it('that Salesforce fails says so in its words', async () => {
    await using rig = await startRig((request, response) =>
      xml(
        response,
        envelope(
          operationOf(request),
          '<result><done>true</done><errorMessage>Too many</errorMessage><errorStatusCode>LIMIT_EXCEEDED</errorStatusCode><id>09S1</id><success>false</success></result>',
        ),
      ),
    )
    expect(await rejection(retrieve(rig.org, members))).toMatchObject({
      upstream: { code: 'LIMIT_EXCEEDED', message: 'Too many' },
    })
  })

  it('that never ends is given up', async () => {
    await using rig = await startRig((request, response) =>
      xml(
        response,
        envelope(operationOf(request), '<result><done>false</done><id>09S1</id></result>'),
      ),
    )
    expect(await rejection(retrieve(rig.org, members, { timeoutMs: 0 }))).toMatchObject({
      failure: { code: 'RETRIEVE_NOT_DONE' },
    })
  })
})

describe('the zip element', () => {
  const pieces = async function* (text: string, size: number) {
    for (let start = 0; start < text.length; start += size)
      yield Buffer.from(text.slice(start, start + size))
  }
  const bytes = Uint8Array.from({ length: 1000 }, (_, i) => i % 256)
  const wrapped = base64(bytes).replace(/.{76}/g, '$&\r\n')
  const text = `<r><messages><problem>no &lt;zipFile&gt; yet</problem></messages><zipFile>${wrapped}</zipFile><z/></r>`

  it.each([1, 3, 7, 64, 100_000])('is decoded from pieces of %i bytes', async (size) => {
    expect(new Uint8Array(await decodeZipElement(pieces(text, size)))).toEqual(bytes)
  })

  it.each([
    ['absent', '<r></r>', /holds no zip/],
    ['cut', text.slice(0, 400), /breaks off/],
    ['cut before it begins', '<r><zipFi', /holds no zip/],
  ])('that is %s is malformed', async (_name, body, message) => {
    expect(await rejection(decodeZipElement(pieces(body, 50)))).toMatchObject({
      failure: { kind: 'malformed', message: expect.stringMatching(message) as string },
    })
  })

  it('of damaged bytes is malformed, never a wrong file', () => {
    const zip = zipSync({ 'a.flow': strToU8('x'.repeat(5000)) })
    expect(() => [...unzip(zip.subarray(0, zip.length - 30))]).toThrow(/salesforce|Salesforce/)
    expect(() => [...unzip(new Uint8Array(0))]).toThrow(/Salesforce/)
    const garbled = Uint8Array.from(zip, (byte, i) => (i > 36 && i < 50 ? 255 - byte : byte))
    expect(() => [...unzip(garbled)]).toThrow(/Salesforce/)
  })

  it.each(['../evil', '/etc/passwd', 'a/../../b', 'a\\b'])('naming %j leads nowhere', (name) => {
    expect(() => [...unzip(zipSync({ [name]: strToU8('x') }))]).toThrow(/Salesforce/)
  })
})
