// A Salesforce org as its own administrator and its connected user see it, through Salesforce's APIs and
// past the engine.

import { Connection } from '@jsforce/jsforce-node'
import { type SimulatedWorld } from '../rig.ts'
import { type Row } from '../push-support.ts'

/** Everything a plan or a workflow of the storm can touch. */
const TYPES = [
  'CustomObject',
  'CustomField',
  'ValidationRule',
  'Layout',
  'PermissionSet',
  'CustomTab',
  'Flow',
  'FlowDefinition',
  'AssignmentRules',
  'Profile',
] as const
type Type = (typeof TYPES)[number]

/** Whether components of this type are among those that are read. */
export const isListed = (type: string): boolean => TYPES.some((each) => each === type)

/** Salesforce: a call lists three types at most, and reads ten components. */
const LISTED_AT_ONCE = 3
const READ_AT_ONCE = 10
const API_VERSION = '66.0'

export interface SalesforceOrgView {
  /** The content of every component, by `Type:full name`. */
  components(): Promise<Map<string, string>>
  /** The describes of all objects as the connected user sees them. */
  describes(): Promise<Map<string, Row>>
  /** Whether a flow or validation rule is active; null if it does not exist. */
  isActive(type: 'flow' | 'validation_rule', name: string): Promise<boolean | null>
}

/** The same content has the same text, whatever the order of its members. */
export const canonical = (value: unknown): string =>
  JSON.stringify(value, (_key, member: unknown) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(
          Object.entries(member).toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)),
        )
      : member,
  )

const slices = <T>(all: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(all.length / size) }, (_, n) =>
    all.slice(n * size, n * size + size),
  )

export const viewOf = async (
  { control }: Pick<SimulatedWorld, 'control'>,
  name: string,
  connectedUser: string,
): Promise<SalesforceOrgView> => {
  const connect = async (username?: string) => {
    const { token, instanceUrl } = await control.openSession(name, username)
    return new Connection({ instanceUrl, accessToken: token, version: API_VERSION })
  }
  const admin = await connect()
  const names = async (): Promise<(readonly [Type, string])[]> => {
    const all: (readonly [Type, string])[] = []
    for (const types of slices(TYPES, LISTED_AT_ONCE)) {
      const listed = await admin.metadata.list(types.map((type) => ({ type })))
      for (const { type, fullName } of [listed].flat()) all.push([type as Type, fullName])
    }
    return all
  }
  const read = async (type: Type, fullNames: string[]): Promise<(readonly [string, string])[]> => {
    const found = await admin.metadata.read(type, fullNames)
    return [found].flat().map((each, at) => [`${type}:${fullNames[at] ?? ''}`, canonical(each)])
  }
  return {
    components: async () => {
      const listed = await names()
      const all = new Map<string, string>()
      for (const type of TYPES) {
        const ofType = listed.filter(([of]) => of === type).map(([, fullName]) => fullName)
        for (const some of slices(ofType, READ_AT_ONCE)) {
          for (const [key, content] of await read(type, some)) all.set(key, content)
        }
      }
      const { records } = await admin.query(
        'select PermissionSet.Name, Assignee.Username from PermissionSetAssignment',
      )
      for (const record of records) {
        const { PermissionSet: set, Assignee: who } = record as Record<string, Row | null>
        all.set(`Assignment:${String(set?.['Name'])} ${String(who?.['Username'])}`, '')
      }
      return all
    },
    describes: async () => {
      const user = await connect(connectedUser)
      const { sobjects } = await user.describeGlobal()
      const all = new Map<string, Row>()
      for (const { name: object } of sobjects) {
        all.set(object, await user.describe(object))
      }
      return all
    },
    isActive: async (type, apiName) => {
      const soql =
        type === 'flow'
          ? `select ActiveVersionId from FlowDefinition where DeveloperName = '${apiName}'`
          : `select Active from ValidationRule where ValidationName = '${apiName.split('.').at(-1) ?? ''}'`
      const { records } = await admin.tooling.query<Row>(soql)
      const [found] = records
      if (found === undefined) return null
      return type === 'flow' ? found['ActiveVersionId'] !== null : found['Active'] === true
    },
  }
}
