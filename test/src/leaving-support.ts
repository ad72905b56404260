// What the suites about clients that leave share: an off-boarding as its caller sees it, the Salesforce org as it
// is read beside the server, and every row that mentions somebody.

import { readFiles } from '../../server/src/domain/deployments/plan/images.ts'
import { elementsIn } from '../../server/src/domain/metadata/xml-tree.ts'
import { createSalesforce } from '../../server/src/salesforce/gateway.ts'
import { createHostPolicy } from '../../server/src/salesforce/hosts.ts'
import { openBudget } from '../../server/src/salesforce/testing/budget.ts'
import { Secret } from '../../server/src/secret.ts'
import { type Api } from './api.ts'
import { type SharedRig } from './shared-rig.ts'

export interface Stay {
  type: string
  full_name: string
  code: string
  reason: string
  rows: number | null
}

export interface Offboarding {
  id: string
  status: string
  code?: string
  is_final: boolean
  removed: { type: string; full_name: string }[]
  restored: { type: string; full_name: string }[]
  stays: Stay[]
  proof: { complete: boolean; differences: unknown[] } | null
  connection: { status: string; failed_steps: unknown[] } | null
  purged: boolean
  certificate: Record<string, unknown> | null
  certificate_hash: string | null
  error: { code: string; message: string } | null
}

export interface Schema {
  objects: string[]
  fields: Record<string, unknown>
  flows: unknown[]
  rules: unknown[]
  sets: unknown[]
  assignments: number
  layout: string
}

const VERSION = 'v66.0'
/** A pull of it costs little. */
export const SMALL_ORG = { edition: 'Enterprise', seed: { objects: 2, fields: 26 } } as const

/** The files of these components, read with the session of an administrator. */
const readWith = async (
  token: string,
  instanceUrl: string,
  components: Parameters<typeof readFiles>[1],
): ReturnType<typeof readFiles> => {
  const session = { accessToken: new Secret(token), instanceUrl }
  const salesforce = createSalesforce({ hosts: createHostPolicy(['127.0.0.1']) })
  const salesforceOrg = salesforce.org({
    sfdcOrgId: '00D',
    apiVersion: VERSION,
    sessions: { current: async () => session, renew: async () => session },
    budget: openBudget,
    priority: 'work',
  })
  return readFiles(salesforceOrg, components).finally(() => salesforce.close())
}

/** The Salesforce org as an administrator's own program reads it. */
export const readOrg = async (rig: SharedRig, salesforceOrg: string): Promise<Schema> => {
  const { token, instanceUrl } = await rig.simulator.control.openSession(salesforceOrg)
  const get = async <T>(path: string): Promise<T> => {
    const response = await fetch(`${instanceUrl}/services/data/${VERSION}${path}`, {
      headers: { authorization: `Bearer ${token}` },
    })
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
    return (await response.json()) as T
  }
  const rows = async (query: string, tooling = false) =>
    (
      await get<{ records: Record<string, unknown>[] }>(
        `${tooling ? '/tooling' : ''}/query?q=${encodeURIComponent(query)}`,
      )
    ).records.map(({ attributes: _, ...rest }) => rest)
  const global = await get<{ sobjects: { name: string; custom: boolean }[] }>('/sobjects')
  const custom = global.sobjects.filter((one) => one.custom).map((one) => one.name)
  const { files } = await readWith(token, instanceUrl, [
    ...['Lead', 'Account', 'Job__c', 'Held__c'].map((fullName) => ({
      type: 'CustomObject',
      fullName,
    })),
    { type: 'Layout', fullName: 'Lead-Lead Layout' },
  ])
  const fields: Record<string, unknown> = {}
  for (const [path, file] of files) {
    if (!path.endsWith('.object')) continue
    const object = path.slice('objects/'.length, -'.object'.length)
    for (const [field, element] of elementsIn(file, { root: 'CustomObject', list: 'fields' })) {
      fields[`${object}.${field}`] = element
    }
  }
  return {
    objects: custom.toSorted(),
    fields,
    flows: await rows('SELECT DeveloperName, ActiveVersionId FROM FlowDefinition', true),
    rules: await rows('SELECT ValidationName, Active FROM ValidationRule', true),
    sets: await rows('SELECT Name FROM PermissionSet WHERE IsOwnedByProfile = false'),
    assignments: (await rows('SELECT Id FROM PermissionSetAssignment')).length,
    layout: files.get('layouts/Lead-Lead Layout.layout') ?? '',
  }
}

export const readRules = async (rig: SharedRig, salesforceOrg: string): Promise<string[]> => {
  const { token, instanceUrl } = await rig.simulator.control.openSession(salesforceOrg)
  const query = encodeURIComponent('SELECT ValidationName FROM ValidationRule')
  const answer = await fetch(`${instanceUrl}/services/data/${VERSION}/tooling/query?q=${query}`, {
    headers: { authorization: `Bearer ${token}` },
  })
  const { records } = (await answer.json()) as { records: { ValidationName: string }[] }
  return records.map(({ ValidationName }) => ValidationName)
}

/** What differs, by name. */
export const differences = (a: Schema, b: Schema): string[] => {
  const flat = (schema: Schema) =>
    new Map([
      ...schema.objects.map((one) => [`object ${one}`, true] as const),
      ...Object.entries(schema.fields),
      ...[...schema.flows, ...schema.rules, ...schema.sets].map(
        (one) => [JSON.stringify(one), true] as const,
      ),
      ['layout', schema.layout] as const,
    ])
  const [was, is] = [flat(a), flat(b)]
  return [...new Set([...was.keys(), ...is.keys()])]
    .filter((key) => JSON.stringify(was.get(key)) !== JSON.stringify(is.get(key)))
    .toSorted()
}

export const named = (list: readonly { type: string; full_name: string }[]): string[] =>
  list.map(({ type, full_name }) => `${type} ${full_name}`).toSorted()

export const post = async <T = Offboarding>(api: Api, path: string, body: object): Promise<T> => {
  const answer = await api.post<T>(path, body)
  if (answer.status >= 300) throw new Error(`${path}: ${answer.status} ${answer.text}`)
  return answer.body
}

export const rule = (message: string) => ({
  type: 'validation_rule',
  api_name: 'Account.Phone_Needed',
  definition: { errorConditionFormula: 'ISBLANK(Phone)', errorMessage: message },
  activate: true,
})
/** Rows that have this id anywhere, by table. */
export const mentioning = async (rig: SharedRig, id: string): Promise<Record<string, number>> => {
  const tables = await rig.query<{ name: string }>(
    `select format('%I.%I', n.nspname, c.relname) as name from pg_class c
       join pg_namespace n on n.oid = c.relnamespace
      where c.relkind = 'r' and n.nspname in ('public', 'engine')`,
  )
  const counts: Record<string, number> = {}
  for (const { name: table } of tables) {
    const [{ count } = { count: 0 }] = await rig.query<{ count: number }>(
      `select count(*)::int as count from ${table} t where t::text like $1`,
      [`%${id}%`],
    )
    if (count > 0) counts[table] = count
  }
  return counts
}
