// The drift of bound clients from their newest snapshots: what each should have, what is known of it, and the
// verdict. Asks no Salesforce org.

import { type Database, type Tenant } from '../../../db/database.ts'
import { type Fault } from '../../../db/tables/work.ts'
import { canonicalJson } from '../../canonical.ts'
import { type Mapping } from '../../mappings/mapping.ts'
import { activeMappings } from '../../mappings/rows.ts'
import { sameName } from '../../metadata/names.ts'
import { keyOfAutomation } from '../../topology/automations/automation.ts'
import {
  type CompleteSnapshot,
  type StoredSnapshot,
  type Topology,
} from '../../topology/topology.ts'
import { type ParameterValues } from '../blueprints/parameters.ts'
import { type BlueprintVersion, versionOf } from '../blueprints/rows.ts'
import { type ClientDrift, type ComponentDrift, evaluate, type Override } from './evaluate.ts'
import { type FileFacts, fileFacts } from './files.ts'
import { grantedBy, type History, keyOfDeployed, plannedThen, plansOf } from './history.ts'
import { readingOf } from './readings.ts'
import {
  type DescribedObject,
  describedObject,
  type Facts,
  type Wanted,
  wantedComponents,
} from './standing.ts'
import { wantedBy } from './wanted.ts'

export interface BoundClient {
  client_id: string
  blueprint_id: string
  /** The version at which it should stand; 0: the blueprint has none. */
  version: number
  parameters: ParameterValues
  overrides: readonly Override[]
  /** To which the client is connected now; null: to none. */
  sfdcOrgId: string | null
}

/** With a reason its components are `unknown`. */
export interface Assessment extends ClientDrift {
  snapshot: Pick<CompleteSnapshot, 'id' | 'version' | 'completedAt'> | null
}

/** Versions before the wanted one that a component is compared with. */
const OLDER_MAX = 10

/** Clients with the same blueprint have many objects in common; of those that differ few are worth keeping. */
const DESCRIBES_REMEMBERED = 200

interface Deps {
  db: Database
  topology: Pick<Topology, 'newestComplete'>
}

/**
 * For one run: what versions hold, what clients with equal values should have, and what an object says that several
 * clients have, is worked out once.
 */
export const createAssessor = ({ db, topology }: Deps, tenant: Tenant, history: History) => {
  const versions = new Map<string, Promise<BlueprintVersion | null>>()
  const filled = new Map<string, Wanted | Fault>()
  const described = new Map<string, DescribedObject>()

  const version = (blueprintId: string, number: number): Promise<BlueprintVersion | null> => {
    const key = `${blueprintId}/${number}`
    const known = versions.get(key) ?? versionOf(db.as(tenant).read, tenant, blueprintId, number)
    versions.set(key, known)
    return known
  }

  const wantedOf = (of: BlueprintVersion, parameters: ParameterValues): Wanted | Fault => {
    const key = canonicalJson([of.id, parameters])
    const known = filled.get(key) ?? wantedBy(of, parameters)
    filled.set(key, known)
    return known
  }

  /** Of the objects of this version that are in the snapshot; only what no client before had is read. */
  const describesOf = async (
    snapshot: StoredSnapshot,
    of: BlueprintVersion,
    { plan }: Wanted,
  ): Promise<Map<string, DescribedObject>> => {
    const fieldNames = new Map(
      (plan?.objects ?? []).map(({ api_name: object, fields }) => [
        sameName(object),
        (fields ?? []).map(({ api_name }) => api_name),
      ]),
    )
    const gists = await snapshot.gistsOf([...fieldNames.keys()])
    const found = new Map<string, DescribedObject>()
    const unread = [...gists].flatMap(([name, gist]) => {
      const known = described.get(`${of.id} ${name} ${gist}`)
      if (known === undefined) return name
      found.set(sameName(name), known)
      return []
    })
    await snapshot.eachObject(unread, (name, describe) => {
      const one = describedObject(describe, fieldNames.get(sameName(name)) ?? [])
      found.set(sameName(name), one)
      described.set(`${of.id} ${name} ${gists.get(name)}`, one)
      const [oldest] = described.keys()
      if (described.size > DESCRIBES_REMEMBERED && oldest !== undefined) described.delete(oldest)
    })
    return found
  }

  /** Of a snapshot only what is compared: a client has thousands of objects. */
  const factsOf = async (
    snapshot: StoredSnapshot,
    of: BlueprintVersion,
    wanted: Wanted,
  ): Promise<Facts> => {
    const needsAutomations = wantedComponents(wanted).some(({ type }) => AUTOMATED.has(type))
    const needsMappings = wanted.mappings.length > 0
    const [describes, automations, mappings, files] = await Promise.all([
      describesOf(snapshot, of, wanted),
      needsAutomations ? snapshot.readAutomations() : [],
      needsMappings
        ? activeMappings(db.as(tenant).read, tenant, snapshot.clientId)
        : ([] as Mapping[]),
      filesOf(db, tenant, snapshot),
    ])
    return {
      files,
      describes,
      automations: new Map(automations.map((one) => [sameName(keyOfAutomation(one)), one])),
      mappings: new Map(mappings.map((one) => [one.canonical_object, one])),
      hidden: new Set([...snapshot.unreadable, ...snapshot.notVisible].map(sameName)),
    }
  }

  const olderOf = async ({ blueprint_id, version: newest }: BoundClient) => {
    const from = Math.max(1, newest - OLDER_MAX)
    const numbers = Array.from({ length: newest - from }, (_, back) => newest - 1 - back)
    const found = await Promise.all(numbers.map((number) => version(blueprint_id, number)))
    return found.filter((one) => one !== null)
  }

  return {
    assess: async (bound: BoundClient, maxAgeHours: number | null): Promise<Assessment> => {
      const of = bound.version === 0 ? null : await version(bound.blueprint_id, bound.version)
      if (of === null) return unknown('no_version', 'The blueprint has no version yet.')
      const wanted = wantedOf(of, bound.parameters)
      if ('code' in wanted) return { ...unknown('', ''), reason: wanted }
      const snapshot = await topology.newestComplete(tenant, bound.client_id)
      const doubt = doubtOf(snapshot, bound, maxAgeHours)
      if (doubt !== null || snapshot === null) {
        return { ...unknown('', ''), ...unknownComponents(wanted), reason: doubt, snapshot }
      }
      const older = await olderOf(bound)
      const drift = evaluate(wanted, {
        takenAt: snapshot.completedAt,
        facts: await factsOf(snapshot, of, wanted),
        deployedOf: ({ type, fullName }) =>
          history.get(keyOfDeployed(bound.client_id, type, fullName)) ?? null,
        older: function* () {
          for (const one of older) {
            const then = wantedOf(one, bound.parameters)
            if (!('code' in then)) yield { version: one.version, wanted: then }
          }
        },
        overrides: bound.overrides,
      })
      const components = await withDeployed(db, tenant, drift.components)
      return { ...drift, components, snapshot }
    },
  }
}

/** What was changed since says also what we had put there. */
const withDeployed = async (
  db: Database,
  tenant: Tenant,
  components: ComponentDrift[],
): Promise<ComponentDrift[]> => {
  const changed = components.filter(({ state }) => state === 'modified')
  const ids = changed.flatMap(({ deployed }) => deployed?.deployment_id ?? [])
  if (ids.length === 0) return components
  const plans = await plansOf(db.as(tenant).read, tenant, [...new Set(ids)])
  return components.map((one) => {
    const plan = plans.get(one.deployed?.deployment_id ?? '')
    if (one.state !== 'modified' || plan === undefined) return one
    const differences = one.differences.map((difference) => ({
      ...difference,
      deployed: plannedThen(plan, one, difference.attribute),
    }))
    return { ...one, differences }
  })
}

const unknown = (code: string, message: string): Assessment => ({
  state: 'unknown',
  counts: {},
  components: [],
  reason: { code, message },
  snapshot: null,
})

const unknownComponents = (wanted: Wanted): Pick<Assessment, 'counts' | 'components'> => {
  const components = wantedComponents(wanted).map(({ type, fullName, path }): ComponentDrift => ({
    ...{ type, full_name: fullName, path, state: 'unknown', accepted: false, differences: [] },
    ...{ stands_at: null, deployed: null, changed_at: null, changed_by: null, reason: null },
  }))
  return { counts: { unknown: components.length }, components }
}

const HOUR_MS = 3_600_000

const doubtOf = (
  snapshot: CompleteSnapshot | null,
  { sfdcOrgId }: BoundClient,
  maxAgeHours: number | null,
): Fault | null => {
  if (snapshot === null) {
    return {
      code: 'no_snapshot',
      message: 'The client has no complete snapshot. Pull its topology.',
    }
  }
  if (sfdcOrgId !== null && snapshot.sfdcOrgId !== sfdcOrgId) {
    return {
      code: 'salesforce_org_changed',
      message:
        'The newest snapshot is of the Salesforce org that the client was connected to before. Pull the topology, or run with refresh.',
    }
  }
  const hours = (Date.now() - snapshot.completedAt.getTime()) / HOUR_MS
  return maxAgeHours === null || hours <= maxAgeHours
    ? null
    : {
        code: 'snapshot_too_old',
        message: `The newest snapshot is ${Math.floor(hours)} hours old. Pull the topology, or run with refresh.`,
      }
}

const AUTOMATED = new Set(['Flow', 'ValidationRule', 'AssignmentRule', 'CustomObject'])

/** What pulls have read beside the snapshot, if it was in the same Salesforce org. */
const filesOf = async (
  db: Database,
  tenant: Tenant,
  { clientId, sfdcOrgId }: CompleteSnapshot,
): Promise<FileFacts> => {
  const { read } = db.as(tenant)
  const found = await readingOf(read, tenant, clientId)
  const reading = found?.sfdcOrgId === sfdcOrgId ? found : null
  const holdsGrants = [...(reading?.files.keys() ?? [])].some((path) =>
    path.startsWith('permissionsets/'),
  )
  return fileFacts(reading, holdsGrants ? await grantedBy(read, tenant, clientId) : new Map())
}
