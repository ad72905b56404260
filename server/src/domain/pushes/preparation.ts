// What a push needs to know before its first row: the mapping, what the snapshot says about the objects,
// and the code that checks rows by them.

import { type Database, type Tenant, tenantOf } from '../../db/database.ts'
import { EngineError } from '../../errors.ts'
import { type JsonObject } from '../../salesforce/json.ts'
import { checkMapping, parentsOf } from '../mappings/check.ts'
import { readObject } from '../mappings/describe.ts'
import { activeMappings, mappingFor, mappingVersion } from '../mappings/rows.ts'
import { parseSfdcField } from '../mappings/mappings.ts'
import { asErrors } from '../mappings/finding.ts'
import { type Mapping, type MappingDraft } from '../mappings/mapping.ts'
import { createPresent, noSnapshot, type PresentSnapshot } from '../mappings/present.ts'
import { didYouMean } from '../mappings/suggest/words.ts'
import { sameName } from '../metadata/names.ts'
import { type CompleteSnapshot, type Topology } from '../topology/topology.ts'
import { automationsMet } from './automations.ts'
import { type Intention, type Judge } from './intention.ts'
import { type PushKind, type PushOptions } from './model.ts'
import { createExplain, type Explain } from './prepare/explain.ts'
import { compileLinks, objectsOfLink } from './prepare/links.ts'
import { compileMapping, type MappingFault } from './prepare/prepare.ts'
import { createRowJudge } from './prepare/row-judge.ts'

export interface ToPrepare {
  clientId: string
  kind: PushKind
  /** The canonical name, or Salesforce's own if there is no mapping; null for links. */
  object: string | null
  options: PushOptions
  /** The Salesforce org that will be written to; null for a dry run. */
  sfdcOrgId: string | null
}

export type Prepared = Pick<
  Intention,
  'canonicalObject' | 'sfdcObject' | 'judge' | 'mapping' | 'snapshotId' | 'automations'
>

/** What a stored push says about the mapping of its rows. */
export interface MappingOfPush {
  org_id: string
  client_id: string
  kind: PushKind
  mapping_id: string | null
  mapping_version: number | null
}

export interface Preparation {
  /** Salesforce's errors in the words of the mapping that the push was accepted with. */
  explain(push: MappingOfPush): Promise<Explain>
  /** Throws no_snapshot, mapping_missing, unknown_object, bad_request (with what is wrong in the mapping). */
  prepare(tenant: Tenant, what: ToPrepare): Promise<Prepared>
}

interface Options {
  db: Database
  topology: Pick<Topology, 'newestComplete'>
}

export const createPreparation = ({ db, topology }: Options): Preparation => {
  const present = createPresent(db, topology)
  const snapshotFor = async (
    tenant: Tenant,
    { clientId, sfdcOrgId }: ToPrepare,
  ): Promise<PresentSnapshot> => {
    const snapshot = await present.newestComplete(tenant, clientId)
    if (snapshot === null || (sfdcOrgId !== null && snapshot.sfdcOrgId !== sfdcOrgId)) {
      throw noSnapshot()
    }
    return snapshot
  }

  /** The name that was probably meant: a mapping's, or where none is needed an object's. */
  const nearName = async (
    tenant: Tenant,
    clientId: string,
    object: string,
    kind: 'records' | 'status_update',
    { objectNames }: PresentSnapshot,
  ): Promise<string> => {
    const all = await activeMappings(db.as(tenant).read, tenant, clientId)
    const mapped = all.map(({ canonical_object }) => canonical_object)
    return didYouMean(object, kind === 'records' ? mapped : [...mapped, ...objectNames])
  }

  const prepareObject = async (
    tenant: Tenant,
    { clientId, options }: ToPrepare,
    kind: 'records' | 'status_update',
    object: string,
    snapshot: PresentSnapshot,
  ): Promise<Prepared> => {
    const mapping = await mappingFor(db.as(tenant).read, tenant, clientId, object)
    const describes = createDescribes(snapshot)
    const sfdcObject = mapping?.sfdc_object ?? object
    const near = () => nearName(tenant, clientId, object, kind, snapshot)
    await describes.load([sfdcObject])
    if (mapping === null && kind === 'status_update' && !describes.exists(sfdcObject)) {
      throw new EngineError(
        'unknown_object',
        `${object} is neither mapped nor an object of the Salesforce org.${await near()}`,
      )
    }
    await describes.loadAround(sfdcObject, mapping)
    if (mapping !== null) refuseBroken(mapping, kind, snapshot, describes.all())
    const compiled = compileMapping({
      kind,
      mapping,
      object,
      describes: describes.get,
      options: { null_policy: options.null_policy },
    })
    if ('faults' in compiled) {
      throw refusal(object, mapping, compiled.faults, mapping === null ? await near() : '')
    }
    return {
      canonicalObject: object,
      sfdcObject: describes.nameOf(sfdcObject),
      mapping: mapping === null ? null : { id: mapping.id, version: mapping.version },
      snapshotId: snapshot.id,
      automations: options.dry_run
        ? automationsMet(await snapshot.readAutomations(), sfdcObject, kind, options)
        : null,
      judge: createRowJudge(compiled.preparer),
    }
  }

  const prepareLinks = async (
    tenant: Tenant,
    { clientId, options }: ToPrepare,
    snapshot: CompleteSnapshot,
  ): Promise<Prepared> => {
    const all = await activeMappings(db.as(tenant).read, tenant, clientId)
    const mappings = new Map(all.map((mapping) => [mapping.canonical_object, mapping]))
    const describes = createDescribes(snapshot)
    const met = new Set<string>()
    const rows = createRowJudge(
      compileLinks({
        mappings: (name) => mappings.get(name) ?? null,
        describes: describes.get,
        objectNames: snapshot.objectNames,
        options: { null_policy: options.null_policy },
      }),
    )
    const judge: Judge = {
      ...rows,
      meet: async (batch) => {
        const fresh = [...new Set(batch.flatMap(({ row }) => objectsOfLink(row)))].filter(
          (name) => !met.has(name),
        )
        for (const name of fresh.slice(0, OBJECTS_MAX)) {
          met.add(name)
          const mapping = mappings.get(name) ?? null
          const object = mapping?.sfdc_object ?? name
          await describes.load([object])
          await describes.loadAround(object, mapping)
        }
      },
    }
    return {
      canonicalObject: null,
      sfdcObject: null,
      mapping: null,
      snapshotId: snapshot.id,
      automations: null,
      judge,
    }
  }

  return {
    explain: ({ org_id, client_id, kind, mapping_id, mapping_version }) => {
      const tenant = tenantOf({ org_id, client_id })
      return db.as(tenant).tx(async (tx) => {
        if (kind === 'link') return createExplain(await activeMappings(tx, tenant, client_id))
        if (mapping_id === null || mapping_version === null) return createExplain([])
        const mapping = await mappingVersion(tx, tenant, mapping_id, mapping_version)
        return createExplain(mapping === null ? [] : [mapping])
      })
    },

    prepare: async (tenant, what) => {
      const snapshot = await snapshotFor(tenant, what)
      const { kind, object } = what
      return kind === 'link' || object === null
        ? prepareLinks(tenant, what, snapshot)
        : prepareObject(tenant, what, kind, object, snapshot)
    },
  }
}

/** New objects that one batch of links may name; real links never name more. */
const OBJECTS_MAX = 50

/** Describes of one snapshot, read on demand. */
const createDescribes = (snapshot: CompleteSnapshot) => {
  const known = new Map<string, JsonObject | undefined>()
  const names = new Set(snapshot.objectNames.map(sameName))

  const load = async (objects: readonly string[]): Promise<void> => {
    const fresh = objects.filter((name) => !known.has(sameName(name)))
    if (fresh.length === 0) return
    for (const name of fresh) known.set(sameName(name), undefined)
    for (const [name, describe] of await snapshot.readObjects(fresh)) {
      known.set(sameName(name), describe)
    }
  }

  const get = (name: string): JsonObject | undefined => known.get(sameName(name))

  return {
    load,
    get,
    /** Those that were loaded and exist. */
    all: (): ReadonlyMap<string, JsonObject> =>
      new Map(
        [...known].flatMap(([name, describe]) =>
          describe === undefined ? [] : [[name, describe]],
        ),
      ),
    exists: (name: string): boolean => names.has(sameName(name)) || get(name) !== undefined,
    /** The name as the Salesforce org writes it. */
    nameOf: (name: string): string => {
      const described = get(name)?.name
      return typeof described === 'string' ? described : name
    },
    /**
     * Objects that the values of a mapping's fields may refer to: parents looked up by a key, or given
     * by id.
     */
    loadAround: async (object: string, mapping: MappingDraft | null): Promise<void> => {
      const describe = get(object)
      if (describe === undefined || mapping === null) return
      const mapped = new Set(
        mapping.fields.flatMap(({ sfdc_field }) => {
          const target = parseSfdcField(sfdc_field)
          return target?.kind === 'field' ? [sameName(target.name)] : []
        }),
      )
      const byId = readObject(describe).fields.flatMap(({ name, referenceTo }) =>
        mapped.has(sameName(name)) ? referenceTo : [],
      )
      await load([...parentsOf(mapping, describe), ...byId.slice(0, OBJECTS_MAX)])
    },
  }
}

/** Faults with which no row can be pushed: names that do not exist, or no longer exist. */
const BREAKING: ReadonlySet<string> = new Set([
  'object_unknown',
  'object_not_visible',
  'field_unknown',
  'field_not_visible',
  'field_is_relationship',
  'relationship_unknown',
  'parent_key_unknown',
  'parent_key_not_external_id',
])
/** What breaks a mapping by which records are upserted. */
const BREAKING_KEY: ReadonlySet<string> = new Set([
  'key_unknown',
  'key_not_mapped',
  'key_not_external_id',
])

/** Throws mapping_broken, with everything that has to be fixed. */
const refuseBroken = (
  mapping: Mapping,
  kind: 'records' | 'status_update',
  { objectNames, unreadable, notVisible, removed }: PresentSnapshot,
  describes: ReadonlyMap<string, JsonObject>,
): void => {
  const findings = checkMapping(mapping, {
    objectNames,
    unreadable,
    notVisible,
    removed,
    describes,
  })
  const broken = findings.filter(
    ({ severity, code }) =>
      severity === 'error' &&
      (BREAKING.has(code) || (kind === 'records' && BREAKING_KEY.has(code))),
  )
  if (broken.length > 0) throw brokenMapping(mapping, broken)
}

const brokenMapping = (
  { id, canonical_object }: Pick<Mapping, 'id' | 'canonical_object'>,
  findings: readonly MappingFault[],
): EngineError =>
  new EngineError(
    'mapping_broken',
    `The mapping of ${canonical_object} (${id}) is broken: ${findings[0]?.message ?? ''}`,
    { errors: asErrors(findings, 'mapping.') },
  )

const refusal = (
  object: string,
  mapping: Mapping | null,
  faults: readonly MappingFault[],
  near: string,
): EngineError => {
  const [first] = faults
  if (first?.code === 'mapping_missing') {
    return new EngineError('mapping_missing', `${first.message}${near}`)
  }
  if (mapping !== null) return brokenMapping(mapping, faults)
  return new EngineError(
    'bad_request',
    first === undefined
      ? `Nothing can be pushed to ${object}.`
      : `${first.message} ${first.remedy}`,
  )
}
