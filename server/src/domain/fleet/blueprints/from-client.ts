// A version made from what a client has: named objects, fields, automations and mappings of its newest
// snapshot, and a list of what of it a plan cannot say.

import { type Database, type Tenant } from '../../../db/database.ts'
import { EngineError } from '../../../errors.ts'
import { type JsonObject } from '../../../salesforce/json.ts'
import { leaf, listObjects } from '../../../salesforce/xml.ts'
import { type Caller } from '../../caller.ts'
import { requireClient } from '../../clients.ts'
import { noSnapshot, type Present } from '../../mappings/present.ts'
import { activeMappings } from '../../mappings/rows.ts'
import { sameName } from '../../metadata/names.ts'
import { type CompleteSnapshot } from '../../topology/topology.ts'
import { type WorkflowType } from '../../workflows/definition/schema.ts'
import { componentOf } from '../../workflows/transition.ts'
import { type Blueprints } from './blueprints.ts'
import { type Expressed, fieldWritten, objectWritten, ownFields } from './from-snapshot.ts'
import { type BlueprintContent } from './places.ts'
import { type BlueprintVersion } from './rows.ts'

export interface FromClientInput {
  blueprint_id: string
  client_id: string
  /** Without `fields`: all custom ones that are no package's. */
  objects?: readonly { api_name: string; fields?: readonly string[] | undefined }[] | undefined
  workflows?: readonly { type: WorkflowType; api_name: string }[] | undefined
  /** Canonical objects. */
  mappings?: readonly string[] | undefined
  notes?: string | undefined
  expected_latest?: number | undefined
}

export interface LeftOut {
  type: string
  full_name: string
  /** What a plan cannot say about it. */
  reason: string
}

export interface FromClient {
  version: BlueprintVersion
  /** The snapshot that it was made from. */
  snapshot_version: number
  left_out: LeftOut[]
}

const refusal = (
  code: 'unknown_object' | 'unknown_field' | 'not_found' | 'invalid_blueprint',
  path: string,
  message: string,
): EngineError => new EngineError(code, message, { errors: [{ path, code, message }] })

export const createFromClient =
  (options: { db: Database; present: Present; blueprints: Blueprints }) =>
  /**
   * Throws `no_snapshot`, `unknown_object` and `unknown_field` for names that the snapshot does not have,
   * `invalid_blueprint` if a plan can say nothing of it, and what `createVersion` throws.
   */
  async (caller: Caller, input: FromClientInput): Promise<FromClient> => {
    const { db, present, blueprints } = options
    const { tenant } = caller
    await requireClient(db.as(tenant).read, tenant, input.client_id)
    const snapshot = await present.newestComplete(tenant, input.client_id)
    if (snapshot === null) throw noSnapshot('client_id')
    const leftOut: LeftOut[] = []
    const content: BlueprintContent = {
      ...member('plan', await planFrom(snapshot, input, leftOut)),
      ...member('workflows', await workflowsFrom(snapshot, input, leftOut)),
      ...member('mappings', await mappingsFrom(db, tenant, input)),
    }
    if (Object.keys(content).length === 0) {
      const reasons = leftOut.map(({ full_name, reason }) => `${full_name}: ${reason}`).join(' ')
      const message = `A plan can say nothing of what was named. ${reasons}`
      throw refusal('invalid_blueprint', 'objects', message.trim())
    }
    const { blueprint_id, notes, expected_latest } = input
    const { version } = await blueprints.createVersion(caller, {
      ...{ blueprint_id, notes, expected_latest },
      ...content,
    })
    return { version, snapshot_version: snapshot.version, left_out: leftOut }
  }

export type CreateFromClient = ReturnType<typeof createFromClient>

const member = (name: string, list: unknown): object =>
  list === null || (Array.isArray(list) && list.length === 0) ? {} : { [name]: list }

const planFrom = async (
  snapshot: CompleteSnapshot,
  { objects = [] }: FromClientInput,
  leftOut: LeftOut[],
): Promise<unknown> => {
  const describes = await describesOf(snapshot, objects)
  const written = objects.flatMap(({ api_name: name, fields }, index) => {
    const described = describes.get(sameName(name))
    if (described === undefined) {
      const message = `The snapshot has no object ${name}.`
      throw refusal('unknown_object', `objects.${index}.api_name`, message)
    }
    const api_name = leaf(described.name) ?? name
    const keep = (type: string, full_name: string, one: Expressed): object[] => {
      if ('written' in one) return [one.written]
      leftOut.push({ type, full_name, reason: one.reason })
      return []
    }
    // Named fields alone do not ask for the object itself.
    const [own] =
      fields === undefined ? keep('CustomObject', api_name, objectWritten(described)) : [{}]
    const all = chosenFields(described, fields, `objects.${index}.fields`).flatMap((field) =>
      keep(
        'CustomField',
        `${api_name}.${leaf(field.name) ?? ''}`,
        fieldWritten(described, field, (target) => describes.get(sameName(target))),
      ),
    )
    if (own === undefined && all.length === 0) return []
    return [{ api_name, ...own, ...(all.length === 0 ? {} : { fields: all }) }]
  })
  const isAny = written.some((one) => Object.keys(one).length > 1)
  return isAny ? { objects: written.filter((one) => Object.keys(one).length > 1) } : null
}

/** Of the named objects, and of those that their fields refer to. */
const describesOf = async (
  snapshot: CompleteSnapshot,
  objects: readonly { api_name: string }[],
): Promise<Map<string, JsonObject>> => {
  const own = await snapshot.readObjects(objects.map(({ api_name }) => api_name))
  const targets = [...own.values()].flatMap((described) =>
    ownFields(described).flatMap(({ referenceTo }) =>
      Array.isArray(referenceTo) ? referenceTo.map(String) : [],
    ),
  )
  const parents = await snapshot.readObjects([...new Set(targets)])
  return new Map([...parents, ...own].map(([name, described]) => [sameName(name), described]))
}

const chosenFields = (
  described: JsonObject,
  names: readonly string[] | undefined,
  path: string,
): JsonObject[] => {
  if (names === undefined) return ownFields(described)
  return names.map((name, index) => {
    const found = listObjects(described.fields).find(
      (one) => sameName(leaf(one.name) ?? '') === sameName(name),
    )
    if (found?.custom === true) return found
    const object = leaf(described.name) ?? ''
    const message =
      found === undefined
        ? `${object} has no field ${name} in the snapshot.`
        : `${object}.${name} is a standard field, which a plan does not create.`
    throw refusal('unknown_field', `${path}.${index}`, message)
  })
}

const workflowsFrom = async (
  snapshot: CompleteSnapshot,
  { workflows = [] }: FromClientInput,
  leftOut: LeftOut[],
): Promise<object[]> => {
  if (workflows.length === 0) return []
  const automations = await snapshot.readAutomations()
  return workflows.flatMap(({ type, api_name: name }, index) => {
    const found = automations.find(
      (one) => one.type === type && sameName(one.api_name) === sameName(name),
    )
    if (found === undefined) {
      const message = `The snapshot has no ${type} ${name}.`
      throw refusal('not_found', `workflows.${index}`, message)
    }
    if (found.definition === null || found.managed) {
      const reason = found.managed ? 'It belongs to a package.' : 'Salesforce hides its content.'
      const { type: kind, fullName } = componentOf({ type, api_name: found.api_name })
      leftOut.push({ type: kind, full_name: fullName, reason })
      return []
    }
    const { fullName: _name, status: _status, active: _active, ...definition } = found.definition
    return [
      {
        ...{ type, api_name: found.api_name, definition },
        activate: found.active === true ? true : 'keep',
      },
    ]
  })
}

const mappingsFrom = async (
  db: Database,
  tenant: Tenant,
  { client_id: clientId, mappings = [] }: FromClientInput,
): Promise<object[]> => {
  if (mappings.length === 0) return []
  const active = await activeMappings(db.as(tenant).read, tenant, clientId)
  return mappings.map((name, index) => {
    const found = active.find(({ canonical_object }) => canonical_object === name)
    if (found === undefined) {
      const message = `The client has no active mapping of ${name}.`
      throw refusal('not_found', `mappings.${index}`, message)
    }
    const { canonical_object, sfdc_object, external_id_field, fields } = found
    return { canonical_object, sfdc_object, external_id_field, fields }
  })
}
