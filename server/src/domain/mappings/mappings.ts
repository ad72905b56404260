// Field mappings: how records of the caller's own model are stored in a client's Salesforce org. Checked
// against the newest snapshot, versioned, and suggested if there is none yet.

import {
  type Database,
  isUniqueViolation,
  type Reader,
  type Tenant,
  type Tx,
} from '../../db/database.ts'
import { EngineError, notFound } from '../../errors.ts'
import { type Caller } from '../caller.ts'
import { requireClient } from '../clients.ts'
import { type MappingFacts } from '../conflicts/facts.ts'
import { bindIdempotency } from '../idempotency.ts'
import { pageOf, type Page, type PageRequest } from '../page.ts'
import { type Topology } from '../topology/topology.ts'
import { factsOf, type LastPushOf } from './facts.ts'
import { asErrors, type Finding } from './finding.ts'
import { type Mapping, type MappingDraft, type MappingField } from './mapping.ts'
import { orphansOf } from './orphans.ts'
import { createPresent, noSnapshot, type PresentSnapshot } from './present.ts'
import {
  activeMappings,
  mappingFor,
  mappingsOf,
  mappingVersion,
  requireMapping,
  toMapping,
} from './rows.ts'
import { checkAgainst, type Checked, checkNewest, describedObjects } from './schema-of.ts'
import { type CanonicalField, type Precedents } from './suggest/fields.ts'
import { objectCandidates } from './suggest/objects.ts'
import { didYouMean } from './suggest/words.ts'
import { parentNames, suggestMapping, type Suggestion } from './suggest/suggest.ts'
import { changeMapping, insertMapping, removeMapping } from './write.ts'

export { type Finding } from './finding.ts'
export { type Mapping, type MappingDraft, type MappingField, type MappedValue } from './mapping.ts'
export { mappingFor, mappingVersion } from './rows.ts'
export { parseSfdcField, type SfdcField, writtenField } from './sfdc-field.ts'

/** A mapping with its warnings. */
export interface CheckedMapping extends Mapping {
  warnings: Finding[]
  /** The snapshot it was checked against; null if the client has none. */
  snapshot_version: number | null
}

export interface Validation {
  /** Whether no finding is an error. */
  valid: boolean
  snapshot_version: number
  findings: Finding[]
}

/** Stores an active mapping although a finding is an error: its fields will be deployed later. */
interface AllowBroken {
  allow_broken?: boolean | undefined
}

export type CreateInput = MappingDraft & AllowBroken & { client_id: string }

export interface UpdateInput extends AllowBroken {
  mapping_id: string
  sfdc_object?: string | undefined
  external_id_field?: string | null | undefined
  /** Replaces all fields. */
  fields?: readonly MappingField[] | undefined
  is_active?: boolean | undefined
}

export type GetInput =
  | { mapping_id: string; version?: number | undefined }
  | { client_id: string; canonical_object: string }

export type ValidateInput = { mapping_id: string } | { client_id: string; mapping: MappingDraft }

export interface SuggestInput {
  client_id: string
  canonical_object: string
  canonical_fields: readonly CanonicalField[]
  /** Without it, objects are proposed and the best is taken. */
  sfdc_object?: string | undefined
}

export type MappingSuggestion = Suggestion & {
  client_id: string
  canonical_object: string
  snapshot_version: number
}

interface Options {
  db: Database
  topology: Pick<Topology, 'newestComplete'>
  /** The pushes that the conflict check considers; without it none are known. */
  lastPush?: LastPushOf
}

export interface Mappings {
  /**
   * Throws not_found (the client), already_exists, and without `allow_broken` invalid_mapping with every
   * finding that is an error.
   */
  create(caller: Caller, input: CreateInput): Promise<CheckedMapping>
  /**
   * Raises the version. Throws not_found, already_exists (another one became active in the meantime),
   * and invalid_mapping as `create` does, unless it is inactive afterwards.
   */
  update(caller: Caller, input: UpdateInput): Promise<CheckedMapping>
  /**
   * Deletes it permanently: it is no longer listed, and the canonical object is free for a new one.
   * Accepted pushes continue with it. Returns it as it was, inactive.
   */
  delete(caller: Caller, mappingId: string): Promise<CheckedMapping>
  get(tenant: Tenant, input: GetInput): Promise<Mapping>
  /** The current state with its warnings, as create and update return it. */
  checked(tenant: Tenant, mappingId: string): Promise<CheckedMapping>
  list(
    tenant: Tenant,
    input: PageRequest & {
      client_id?: string | undefined
      canonical_object?: string | undefined
      is_active?: boolean | undefined
    },
  ): Promise<Page<Mapping>>
  /** Checks every mapped field of a stored mapping or of a draft. Throws not_found, no_snapshot. */
  validate(tenant: Tenant, input: ValidateInput): Promise<Validation>
  /** Throws not_found, no_snapshot, unknown_object. */
  suggest(tenant: Tenant, input: SuggestInput): Promise<MappingSuggestion>
  /** The client's active mappings, for the conflict check. */
  facts(tenant: Tenant, clientId: string): Promise<MappingFacts[]>
}

export const createMappings = ({
  db,
  topology: pulled,
  lastPush = async () => null,
}: Options): Mappings => {
  const topology = createPresent(db, pulled)
  const withWarnings = async (tenant: Tenant, mapping: Mapping): Promise<CheckedMapping> =>
    asChecked(mapping, await checkNewest(topology, tenant, mapping.client_id, mapping))

  /**
   * Runs a change; a conflict over the one active mapping becomes the error that names the other
   * mapping.
   */
  const change = async (
    caller: Caller,
    canonicalOf: () => { clientId: string; canonicalObject: string } | null,
    work: (tx: Tx) => Promise<Mapping>,
  ): Promise<Mapping> => {
    try {
      return await db.as(caller.tenant).tx(work)
    } catch (thrown) {
      const place = canonicalOf()
      if (!isUniqueViolation(thrown, 'crm_field_mappings_one_active') || place === null) {
        throw thrown
      }
      const { clientId, canonicalObject } = place
      const other = await mappingFor(
        db.as(caller.tenant).read,
        caller.tenant,
        clientId,
        canonicalObject,
      )
      throw new EngineError(
        'already_exists',
        `The client already has an active mapping of ${canonicalObject}` +
          (other === null ? '.' : `: ${other.id}.`),
        { cause: thrown },
      )
    }
  }

  const newestSnapshot = async (tenant: Tenant, clientId: string): Promise<PresentSnapshot> => {
    await requireClient(db.as(tenant).read, tenant, clientId)
    const snapshot = await topology.newestComplete(tenant, clientId)
    if (snapshot === null) throw noSnapshot()
    return snapshot
  }

  const get: Mappings['get'] = (tenant, input) =>
    db.as(tenant).tx(async (tx) => {
      if ('client_id' in input) {
        await requireClient(tx, tenant, input.client_id)
        const found = await mappingFor(tx, tenant, input.client_id, input.canonical_object)
        if (found === null) throw notFound('mapping')
        return found
      }
      const row = await requireMapping(tx, tenant, input.mapping_id)
      if (input.version === undefined || input.version === row.version) return toMapping(row)
      const found = await mappingVersion(tx, tenant, input.mapping_id, input.version)
      if (found === null) throw notFound('mapping')
      return found
    })

  const keptAsInput = async (tenant: Tenant, input: GetInput) => {
    const mapping = await get(tenant, input)
    return { client_id: mapping.client_id, mapping }
  }

  /** Before the update, which holds its row: what a concurrent update adds is found by the next push. */
  const refuseBrokenUpdate = async (tenant: Tenant, input: UpdateInput): Promise<void> => {
    const before = await get(tenant, { mapping_id: input.mapping_id })
    if (!(input.is_active ?? before.is_active)) return
    const after = {
      ...before,
      sfdc_object: input.sfdc_object ?? before.sfdc_object,
      external_id_field:
        input.external_id_field === undefined ? before.external_id_field : input.external_id_field,
      fields: input.fields ?? before.fields,
    }
    refuseBroken(await checkNewest(topology, tenant, before.client_id, after))
  }

  return {
    create: async (caller, input) => {
      const { tenant } = caller
      const place = { clientId: input.client_id, canonicalObject: input.canonical_object }
      await requireClient(db.as(tenant).read, tenant, input.client_id)
      const checked = await checkNewest(topology, tenant, input.client_id, input)
      if (input.allow_broken !== true) refuseBroken(checked)
      const mapping = await change(
        caller,
        () => place,
        async (tx) => {
          await requireClient(tx, tenant, input.client_id)
          const row = await insertMapping(tx, caller, input.client_id, input)
          await bindIdempotency(tx, caller, row.id)
          return toMapping(row)
        },
      )
      return asChecked(mapping, checked)
    },

    update: async (caller, input) => {
      const { tenant } = caller
      let place: { clientId: string; canonicalObject: string } | null = null
      if (input.allow_broken !== true) await refuseBrokenUpdate(tenant, input)
      const mapping = await change(
        caller,
        () => place,
        async (tx) => {
          const before = await requireMapping(tx, tenant, input.mapping_id, true)
          place = { clientId: before.client_id, canonicalObject: before.canonical_object }
          const row = await changeMapping(tx, caller, before, input)
          await bindIdempotency(tx, caller, row.id)
          return toMapping(row)
        },
      )
      return withWarnings(tenant, mapping)
    },

    delete: async (caller, mappingId) => {
      const { tenant } = caller
      const { mapping, others } = await db.as(tenant).tx(async (tx) => {
        await requireMapping(tx, tenant, mappingId, true)
        const row = await removeMapping(tx, caller, mappingId)
        return {
          mapping: toMapping(row),
          others: await activeMappings(tx, tenant, row.client_id),
        }
      })
      const snapshot = await topology.newestComplete(tenant, mapping.client_id)
      return {
        ...mapping,
        warnings: snapshot === null ? [] : await orphansOf(mapping, others, snapshot),
        snapshot_version: snapshot?.version ?? null,
      }
    },

    get,

    checked: async (tenant, mappingId) =>
      withWarnings(tenant, await get(tenant, { mapping_id: mappingId })),

    list: (tenant, input) =>
      db.as(tenant).tx(async (tx) => {
        const { client_id, canonical_object, is_active } = input
        let query = mappingsOf(tx, tenant)
        if (client_id !== undefined) {
          await requireClient(tx, tenant, client_id)
          query = query.where('client_id', '=', client_id)
        }
        if (canonical_object !== undefined) {
          query = query.where('canonical_object', '=', canonical_object)
        }
        if (is_active !== undefined) query = query.where('is_active', '=', is_active)
        return pageOf(query, 'id', input, toMapping)
      }),

    validate: async (tenant, input) => {
      const { client_id: clientId, mapping } =
        'mapping' in input ? input : await keptAsInput(tenant, input)
      const snapshot = await newestSnapshot(tenant, clientId)
      const { findings } = await checkAgainst(mapping, snapshot)
      return {
        valid: findings.every(({ severity }) => severity !== 'error'),
        snapshot_version: snapshot.version,
        findings,
      }
    },

    suggest: async (tenant, input) => {
      const snapshot = await newestSnapshot(tenant, input.client_id)
      const names =
        input.sfdc_object === undefined
          ? objectCandidates(input.canonical_object, snapshot.objectNames)
          : [input.sfdc_object]
      const objects = await describedObjects(snapshot, names)
      if (input.sfdc_object !== undefined && objects.size === 0) {
        throw new EngineError(
          'unknown_object',
          `The snapshot has no describe of ${input.sfdc_object}.` +
            didYouMean(input.sfdc_object, snapshot.objectNames),
        )
      }
      const parents = new Set([...objects.values()].flatMap(parentNames))
      const suggestion = suggestMapping({
        canonicalObject: input.canonical_object,
        fields: input.canonical_fields,
        objects: [...objects.values()],
        isChosen: input.sfdc_object !== undefined,
        parents: await describedObjects(snapshot, [...parents]),
        precedents: await precedentsOf(db.as(tenant).read, tenant, input),
      })
      return {
        client_id: input.client_id,
        canonical_object: input.canonical_object,
        snapshot_version: snapshot.version,
        ...suggestion,
      }
    },

    facts: async (tenant, clientId) => {
      const mappings = await activeMappings(db.as(tenant).read, tenant, clientId)
      return Promise.all(
        mappings.map(async (mapping) => factsOf(mapping, await lastPush(tenant, mapping.id))),
      )
    },
  }
}

const asChecked = (mapping: Mapping, { findings, snapshotVersion }: Checked): CheckedMapping => ({
  ...mapping,
  warnings: findings,
  snapshot_version: snapshotVersion,
})

/** Throws invalid_mapping if a finding is an error. */
const refuseBroken = ({ findings }: Checked): void => {
  const broken = findings.filter(({ severity }) => severity === 'error')
  const [first] = broken
  if (first === undefined) return
  throw new EngineError('invalid_mapping', first.message, { errors: asErrors(broken) })
}

/** The newest mappings of an org are enough to show how it maps. */
const PRECEDENTS_MAX = 100

/**
 * How the same org's other mappings map this canonical object. Only names that exist in the client's own
 * Salesforce org become proposals, so that no client learns of another's fields; and a company user sees
 * only its own client's mappings, as everywhere.
 */
const precedentsOf = async (
  reader: Reader,
  tenant: Tenant,
  { client_id, canonical_object }: SuggestInput,
): Promise<Precedents> => {
  const rows = await mappingsOf(reader, tenant)
    .where('canonical_object', '=', canonical_object)
    .where('is_active', '=', true)
    .where('client_id', '<>', client_id)
    .orderBy('id', 'desc')
    .limit(PRECEDENTS_MAX)
    .execute()
  const counts = new Map<string, Map<string, number>>()
  for (const { fields } of rows.map(toMapping)) {
    for (const { canonical_field, sfdc_field } of fields) {
      const targets = counts.get(canonical_field) ?? new Map<string, number>()
      targets.set(sfdc_field, (targets.get(sfdc_field) ?? 0) + 1)
      counts.set(canonical_field, targets)
    }
  }
  return counts
}
