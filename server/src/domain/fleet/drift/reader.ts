// What a pull reads for drift beside the snapshot of a bound client: the files of what its blueprints name and no
// describe shows, and who changed each of their components last. The newest reading is kept.

import { sql } from 'kysely'
import { type Database, type Reader, type Tenant, wholeOrg } from '../../../db/database.ts'
import { json, jsonOrNull } from '../../../db/json.ts'
import { type Fault } from '../../../db/tables/work.ts'
import { EngineError } from '../../../errors.ts'
import { concernsWholeOrg, SalesforceError } from '../../../salesforce/failure.ts'
import { type SalesforceOrg } from '../../../salesforce/gateway.ts'
import { type FileProperties, listMetadata } from '../../../salesforce/metadata.ts'
import { readPlanFiles } from '../../deployments/plan/images.ts'
import { componentAt, filePath, FILE_KINDS, kindOf, PART_KINDS } from '../../metadata/kinds.ts'
import { type Component, keyOf, sameName } from '../../metadata/names.ts'
import { partsIn, writeParts } from '../../metadata/parts.ts'
import { type Plan } from '../../plan/schema.ts'
import { type PulledClient } from '../../topology/pull.ts'
import { versionOf } from '../blueprints/rows.ts'
import { boundOf } from './bound.ts'
import { type LastChange } from './readings.ts'
import { isShownBySnapshot } from './shown.ts'
import { type Wanted, wantedComponents } from './standing.ts'
import { wantedBy } from './wanted.ts'

/**
 * Reads for drift in a pull. Throws only for faults that concern the Salesforce org as a whole; what else Salesforce
 * refuses is stored as the reason why these components are unknown.
 */
export const createDriftReader =
  (db: Database) =>
  async (org: SalesforceOrg, { orgId, clientId, sfdcOrgId }: PulledClient): Promise<void> => {
    // The whole org: blueprints and their versions are not this client's.
    const tenant = wholeOrg(orgId)
    const { read } = db.as(tenant)
    const all = await wantedOf(read, tenant, clientId)
    const components = all.flatMap((wanted) => wantedComponents(wanted))
    if (components.length === 0) return
    // By the clock of the database, like the times of deployments.
    const { at } = await read
      .selectFrom('clients')
      .select(sql<Date>`clock_timestamp()`.as('at'))
      .where('org_id', '=', orgId)
      .where('id', '=', clientId)
      .executeTakeFirstOrThrow()
    const plans = all.flatMap(({ plan }) => (plan === null ? [] : [plan]))
    const { files, properties, error } = await filesOf(org, plans)
    const listed = await listedOf(org, components)
    const known = new Map([...properties, ...listed].map((one) => [keyOf(one), one]))
    const changes = Object.fromEntries(
      components.map((one) => [keyOf(one), changeOf(known.get(keyOf(one)))]),
    )
    const values = {
      sfdc_org_id: sfdcOrgId,
      read_at: at,
      error: jsonOrNull(error),
      components: json(changes),
      files: json(Object.fromEntries(files)),
    }
    await db.as(tenant).tx((tx) =>
      tx
        .insertInto('fleet_readings')
        .values({ org_id: orgId, client_id: clientId, ...values })
        .onConflict((conflict) => conflict.columns(['org_id', 'client_id']).doUpdateSet(values))
        .execute(),
    )
  }

/** What the client should have by each of its bindings. */
const wantedOf = async (reader: Reader, tenant: Tenant, clientId: string): Promise<Wanted[]> => {
  const bound = await boundOf(reader, tenant, { clientIds: [clientId] })
  const found = await Promise.all(
    bound.map(async ({ blueprint_id, version, parameters }) => {
      const of = version === 0 ? null : await versionOf(reader, tenant, blueprint_id, version)
      const wanted = of === null ? null : readable(of, parameters)
      return wanted === null || 'code' in wanted ? [] : [wanted]
    }),
  )
  return found.flat()
}

/** Null for a version that an earlier build accepted and this one refuses: drift says so, the pull goes on. */
const readable = (...given: Parameters<typeof wantedBy>): ReturnType<typeof wantedBy> | null => {
  try {
    return wantedBy(...given)
  } catch (error) {
    if (error instanceof EngineError && error.code === 'invalid_plan') return null
    throw error
  }
}

const changeOf = (properties: FileProperties | undefined): LastChange | null => {
  if (properties === undefined) return null
  const { lastModifiedDate: date, lastModifiedByName: by } = properties
  return { at: date === null ? null : new Date(date).toISOString(), by }
}

interface FilesRead {
  files: Map<string, string>
  properties: FileProperties[]
  error: Fault | null
}

/** What Salesforce refuses is no reason for a pull to fail. */
const unlessWholeOrg = (error: unknown): SalesforceError => {
  if (error instanceof SalesforceError && !concernsWholeOrg(error.failure)) return error
  throw error
}

const filesOf = async (org: SalesforceOrg, plans: readonly Plan[]): Promise<FilesRead> => {
  const found: FilesRead = { files: new Map(), properties: [], error: null }
  for (const plan of plans) {
    const hidden = wantedComponents({ plan, workflows: [], mappings: [] }).filter(
      ({ type }) => !isShownBySnapshot(type),
    )
    if (hidden.length === 0) continue
    try {
      const { files, properties } = await readPlanFiles(org, plan)
      for (const [path, text] of kept(plan, files, hidden)) found.files.set(path, text)
      found.properties.push(...properties)
    } catch (thrown) {
      // A TypeError is of a text that is no metadata file.
      const why = thrown instanceof TypeError ? thrown : unlessWholeOrg(thrown).failure
      const message = `Salesforce did not return the files: ${why.message}`
      return { files: new Map(), properties: [], error: { code: 'not_read', message } }
    }
  }
  return found
}

/** Of the files only what is compared: of an object's, which may be megabytes, the parts that no describe shows. */
const kept = (
  plan: Plan,
  files: ReadonlyMap<string, string>,
  hidden: readonly Component[],
): Map<string, string> => {
  const bases = new Set(
    FILE_KINDS.flatMap(({ buildsOn }) => buildsOn?.(plan) ?? []).map(({ type, fullName }) =>
      sameName(filePath(type, fullName) ?? ''),
    ),
  )
  const read = partsIn(files)
  const parts = hidden.flatMap(({ type, fullName }) => {
    const kind = kindOf(type)
    const element = kind !== null && 'list' in kind ? read.part({ type, fullName }) : null
    return element === null ? [] : [{ component: { type, fullName }, element }]
  })
  return new Map([
    ...writeParts(parts),
    ...[...files].filter(
      ([path]) => componentAt(path)?.type !== 'CustomObject' || bases.has(sameName(path)),
    ),
  ])
}

const LISTED: ReadonlySet<string> = new Set([
  ...['CustomObject', 'Flow', 'AssignmentRule'],
  ...PART_KINDS.map(({ type }) => type),
])

/** For components that share a file, and for automations, only Salesforce's list says who changed which one. */
const listedOf = async (
  org: SalesforceOrg,
  components: readonly Component[],
): Promise<FileProperties[]> => {
  const types = [...new Set(components.map(({ type }) => type))].filter((type) => LISTED.has(type))
  try {
    return await listMetadata(
      org,
      types.map((type) => ({ type })),
    )
  } catch (thrown) {
    unlessWholeOrg(thrown)
    return []
  }
}
