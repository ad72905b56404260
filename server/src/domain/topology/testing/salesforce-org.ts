// As much of a Salesforce org as a pull needs, over real HTTP, for the tests of this folder: its objects
// with their dates, its automations, and a journal of what was asked. Not a simulator.

import { createServer, type IncomingMessage } from 'node:http'
import { type AddressInfo } from 'node:net'
import { strToU8, zipSync } from 'fflate'
import { type JsonObject } from '../../../salesforce/json.ts'

export interface Asked {
  method: string
  path: string
  /** Paths of a composite's sub-requests, each with the date that it was conditional on. */
  parts: { path: string; ifModifiedSince: string | null }[]
  ifModifiedSince: string | null
}

interface Answer {
  status: number
  body: unknown
  headers?: Record<string, string>
}

const SOAP = (operation: string, result: string): string =>
  `<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns="http://soap.sforce.com/2006/04/metadata"><soapenv:Body><${operation}Response><result>${result}</result></${operation}Response></soapenv:Body></soapenv:Envelope>`

const field = (name: string, type: string, more: JsonObject = {}): JsonObject => ({
  calculated: false,
  createable: true,
  label: name,
  length: type === 'string' ? 80 : 0,
  name,
  nillable: true,
  picklistValues: [],
  referenceTo: [],
  type,
  updateable: true,
  ...more,
})

/** A describe with the members that matter here; Salesforce's own has many more of the same kinds. */
export const describeOf = (name: string, fields: number): JsonObject => ({
  childRelationships: [
    {
      cascadeDelete: false,
      childSObject: 'Task',
      field: 'WhatId',
      relationshipName: 'Tasks',
    },
  ],
  createable: true,
  custom: name.endsWith('__c'),
  fields: [
    field('Id', 'id'),
    field('Status', 'picklist', {
      picklistValues: [
        { active: true, defaultValue: true, label: 'Open', validFor: null, value: 'Open' },
        { active: true, defaultValue: false, label: 'Closed', validFor: null, value: 'Closed' },
      ],
    }),
    ...Array.from({ length: fields - 2 }, (_, i) => field(`Field_${i}__c`, 'string')),
  ],
  keyPrefix: 'a01',
  label: name,
  name,
  recordTypeInfos: [
    { available: true, developerName: 'Master', master: true, recordTypeId: '012000000000000AAA' },
  ],
  urls: { describe: `/services/data/v66.0/sobjects/${name}/describe` },
})

const PERMISSIONS = [
  'ApiEnabled',
  'CustomizeApplication',
  'ModifyMetadata',
  'ManageProfilesPermissionsets',
  'AssignPermissionSets',
  'ViewSetup',
  'ViewAllData',
]

const EPOCH_MS = Date.UTC(2026, 0, 5)

export const startSalesforceOrg = async (latency = { callMs: 0, describeMs: 0 }) => {
  const objects = new Map<string, { describe: JsonObject; modifiedMs: number; text?: string }>()
  const automations = {
    flowDefinitions: [] as JsonObject[],
    flows: [] as JsonObject[],
    validationRules: [] as JsonObject[],
    workflowRules: [] as JsonObject[],
    assignmentRules: [] as JsonObject[],
    apexTriggers: [] as JsonObject[],
    customObjects: [] as JsonObject[],
    /** Path in the zip → content, by `Type:member`. */
    files: new Map<string, Record<string, string>>(),
  }
  const settings = {
    language: 'en_US',
    /** Object → the error that its describe returns. */
    unreadable: new Map<string, { status: number; errorCode: string; message: string }>(),
    /** Permissions that the connected user lacks; without ViewSetup nothing hidden is returned. */
    lacking: new Set<string>(),
    /** Objects, and fields as `Object.Field`, that exist but that the connected user does not see. */
    hidden: new Set<string>(),
    /** Table of a query → the error that it returns. */
    unlistable: new Map<string, { status: number; errorCode: string; message: string }>(),
    /** Salesforce's clock, by which it dates its answers. */
    now: (): number => Date.now(),
    /** Called before each answer; may hold it up or refuse it. */
    before: async (_asked: Asked): Promise<Answer | null> => null,
  }
  const asked: Asked[] = []
  let clockMs = EPOCH_MS
  let globalMs = EPOCH_MS
  let retrieved: string[] = []
  let usage = 0

  /** Each change is a minute after the previous one, long ago: no date is in the current second. */
  const tick = (): number => {
    clockMs += 60_000
    return clockMs
  }

  const put = (name: string, describe: JsonObject, atMs = tick()): void => {
    objects.set(name, { describe, modifiedMs: atMs })
    globalMs = atMs
  }

  const conditional = (modifiedMs: number, since: string | null, text: () => string): Answer => {
    const headers = { 'last-modified': new Date(modifiedMs).toUTCString() }
    const whole = Math.floor(modifiedMs / 1000) * 1000
    if (since !== null && Date.parse(since) >= whole) return { status: 304, body: null, headers }
    return { status: 200, body: text(), headers }
  }

  const describe = (name: string, since: string | null): Answer => {
    const fault = settings.unreadable.get(name)
    if (fault !== undefined) {
      const { status, errorCode, message } = fault
      return { status, body: [{ errorCode, message }] }
    }
    const found =
      objects.get(name) ??
      [...objects].find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1]
    if (found === undefined || settings.hidden.has(String(found.describe.name))) {
      const message = 'The requested resource does not exist'
      return { status: 404, body: [{ errorCode: 'NOT_FOUND', message }] }
    }
    return conditional(found.modifiedMs, since, () =>
      settings.hidden.size > 0
        ? JSON.stringify(seen(found.describe))
        : (found.text ??= JSON.stringify(found.describe)),
    )
  }

  const tables = (): Record<string, JsonObject[]> => ({
    FlowDefinition: automations.flowDefinitions,
    Flow: automations.flows,
    ValidationRule: automations.validationRules,
    WorkflowRule: automations.workflowRules,
    AssignmentRule: automations.assignmentRules,
    ApexTrigger: automations.apexTriggers,
    CustomObject: automations.customObjects,
    UserPermissionAccess: [
      Object.fromEntries(
        PERMISSIONS.map((name) => [`Permissions${name}`, !settings.lacking.has(name)]),
      ),
    ],
    EntityDefinition: [...objects.keys()].map((name) => ({ QualifiedApiName: name })),
    FieldDefinition: [...objects].flatMap(([object, { describe: of }]) =>
      (of.fields as JsonObject[]).map(({ name }) => ({
        QualifiedApiName: name,
        EntityDefinition: { QualifiedApiName: object },
      })),
    ),
  })

  /** The describe as the connected user sees it. */
  const seen = (of: JsonObject): JsonObject => ({
    ...of,
    fields: (of.fields as JsonObject[]).filter(
      ({ name }) => !settings.hidden.has(`${String(of.name)}.${String(name)}`),
    ),
  })

  const queried = (soql: string): Answer => {
    const table = /\bFROM\s+(\w+)/i.exec(soql)?.[1] ?? ''
    const fault = settings.unlistable.get(table)
    if (fault !== undefined) {
      const { status, errorCode, message } = fault
      return { status, body: [{ errorCode, message }] }
    }
    const records = tables()[table] ?? []
    return { status: 200, body: { totalSize: records.length, done: true, records } }
  }

  const soap = (xml: string): Answer => {
    if (xml.includes('<retrieve>')) {
      retrieved = [...xml.matchAll(/<types>(.*?)<\/types>/gs)].flatMap(([, types = '']) => {
        const type = /<name>(.*?)<\/name>/.exec(types)?.[1] ?? ''
        return [...types.matchAll(/<members>(.*?)<\/members>/g)].map(
          ([, member = '']) => `${type}:${member}`,
        )
      })
      return {
        status: 200,
        body: SOAP('retrieve', '<done>false</done><id>09SWs0000000001MAA</id>'),
      }
    }
    const wantsZip = xml.includes('<includeZip>true</includeZip>')
    const files: Record<string, Uint8Array> = { 'package.xml': strToU8('<Package/>') }
    const messages: string[] = []
    for (const member of retrieved) {
      const content = automations.files.get(member)
      if (content === undefined) {
        messages.push(
          `<messages><fileName>package.xml</fileName><problem>Entity '${member}' not found</problem></messages>`,
        )
      }
      for (const [path, text] of Object.entries(content ?? {})) files[path] = strToU8(text)
    }
    const zip = wantsZip
      ? `<zipFile>${Buffer.from(zipSync(files)).toString('base64')}</zipFile>`
      : ''
    return {
      status: 200,
      body: SOAP(
        'checkRetrieveStatus',
        `<done>true</done>${messages.join('')}<status>Succeeded</status><success>true</success>${zip}`,
      ),
    }
  }

  const globalList = (): string =>
    JSON.stringify({
      encoding: 'UTF-8',
      maxBatchSize: 200,
      sobjects: [...objects.keys()]
        .filter((name) => !settings.hidden.has(name))
        .map((name) => ({ name, label: name })),
    })

  const answer = (path: string, since: string | null, body: string): Answer => {
    const [bare = '', search] = path.split('?')
    const rest = bare.replace(/^\/services\/data\/v\d+\.0/, '')
    if (bare === '/services/oauth2/userinfo') {
      const { language } = settings
      return { status: 200, body: { user_id: USER_ID, organization_id: ORG_ID, language } }
    }
    if (bare.startsWith('/services/Soap/m/')) return soap(body)
    if (rest === '/sobjects/') return conditional(globalMs, since, globalList)
    const name = /^\/sobjects\/(\w+)\/describe$/.exec(rest)?.[1]
    if (name !== undefined) return describe(name, since)
    if (/^\/(tooling\/)?query$/.test(rest))
      return queried(new URLSearchParams(search).get('q') ?? '')
    return { status: 404, body: [{ errorCode: 'NOT_FOUND', message: rest }] }
  }

  interface SubRequest {
    url: string
    referenceId: string
    httpHeaders?: Record<string, string>
  }

  const composite = (parts: readonly SubRequest[]): string =>
    `{"compositeResponse":[${parts
      .map(({ url, referenceId, httpHeaders = {} }) => {
        const {
          status,
          body,
          headers = {},
        } = answer(url, httpHeaders['If-Modified-Since'] ?? null, '')
        const text = typeof body === 'string' ? body : JSON.stringify(body)
        const given = { 'Last-Modified': headers['last-modified'] ?? '' }
        return `{"body":${text},"httpHeaders":${JSON.stringify(given)},"httpStatusCode":${status},"referenceId":"${referenceId}"}`
      })
      .join(',')}]}`

  const read = async (request: IncomingMessage): Promise<string> => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    return Buffer.concat(chunks).toString()
  }

  const server = createServer((request, response) => {
    void (async () => {
      const body = await read(request)
      const path = request.url ?? ''
      const since = request.headers['if-modified-since'] ?? null
      const isComposite = path.endsWith('/composite')
      const parts = isComposite
        ? (JSON.parse(body) as { compositeRequest: SubRequest[] }).compositeRequest
        : []
      const entry: Asked = {
        method: request.method ?? '',
        path,
        parts: parts.map(({ url, httpHeaders }) => ({
          path: url,
          ifModifiedSince: httpHeaders?.['If-Modified-Since'] ?? null,
        })),
        ifModifiedSince: since,
      }
      asked.push(entry)
      if (path.startsWith('/services/data')) usage += 1
      const refused = await settings.before(entry)
      const waitMs = latency.callMs + latency.describeMs * parts.length
      if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs))
      const given =
        refused ??
        (isComposite ? { status: 200, body: composite(parts) } : answer(path, since, body))
      response.writeHead(given.status, {
        'content-type': path.includes('/Soap/') ? 'text/xml' : 'application/json;charset=UTF-8',
        date: new Date(settings.now()).toUTCString(),
        'sforce-limit-info': `api-usage=${usage}/100000`,
        ...given.headers,
      })
      if (given.status === 304) response.end()
      else response.end(typeof given.body === 'string' ? given.body : JSON.stringify(given.body))
    })().catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo

  return {
    url: `http://127.0.0.1:${port}`,
    objects,
    automations,
    settings,
    asked,
    put,
    /** Changes one describe at a later moment (or at `atMs`). */
    change: (name: string, edit: (describe: JsonObject) => JsonObject, atMs?: number): void => {
      put(name, edit(structuredClone(objects.get(name)?.describe ?? {})), atMs)
    },
    remove: (name: string): void => {
      objects.delete(name)
      globalMs = tick()
    },
    /** A permission set was assigned: every date changes but no content does. */
    touchEverything: (): void => {
      const atMs = tick()
      for (const object of objects.values()) object.modifiedMs = atMs
      globalMs = atMs
    },
    /** Names that were described since the last look, and with which condition. */
    describes: (): Map<string, string | null> => {
      const found = new Map<string, string | null>()
      for (const { path, parts, ifModifiedSince } of asked) {
        for (const one of [{ path, ifModifiedSince }, ...parts]) {
          const name = /\/sobjects\/(\w+)\/describe$/.exec(one.path)?.[1]
          if (name !== undefined) found.set(name, one.ifModifiedSince)
        }
      }
      return found
    },
    forgetAsked: (): void => {
      asked.length = 0
    },
    close: async (): Promise<void> => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

export type SalesforceOrgStandIn = Awaited<ReturnType<typeof startSalesforceOrg>>

export const ORG_ID = '00DWs000001AbCdMAK'
export const USER_ID = '005Ws000001XyZaIAK'
