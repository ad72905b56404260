// The mappings of a version: saved for a client when its deployment is in place, and put back before that is
// rolled back. No Salesforce call; each in the transaction of what becomes of its target.

import { sql } from 'kysely'
import { type Tx, wholeOrg } from '../../../db/database.ts'
import { json } from '../../../db/json.ts'
import { EngineError, type MemberError } from '../../../errors.ts'
import { canonicalJson } from '../../canonical.ts'
import { type Caller } from '../../caller.ts'
import {
  type Finding,
  type MappingDraft,
  type Mappings,
  parseSfdcField,
  writtenField,
} from '../../mappings/mappings.ts'
import { asErrors } from '../../mappings/finding.ts'
import { mappingsOf, mappingVersion, type MappingRow } from '../../mappings/rows.ts'
import { changeMapping, insertMappingIfNone, removeMapping } from '../../mappings/write.ts'
import { sameName } from '../../metadata/names.ts'
import { parsePlan } from '../../plan/check.ts'
import { type Content } from './contents.ts'
import { type TargetMapping } from './model.ts'
import { type MappingTotals, type RolloutRow, type TargetRow } from './rows.ts'

const storedOf = ({ mappings }: Pick<TargetRow, 'mappings'>): TargetMapping[] =>
  (mappings ?? []) as TargetMapping[]

/** Whether a rollback has a mapping to put back. */
export const changedMappings = (row: Pick<TargetRow, 'mappings'>): boolean =>
  storedOf(row).some(({ action }) => action === 'created' || action === 'updated')

const isSame = (row: MappingRow, draft: MappingDraft): boolean =>
  row.sfdc_object === draft.sfdc_object &&
  row.external_id_field === draft.external_id_field &&
  canonicalJson(row.fields) === canonicalJson(draft.fields)

const store = async (tx: Tx, row: TargetRow, mappings: TargetMapping[]): Promise<void> => {
  await tx
    .updateTable('rollout_targets')
    .set({ mappings: json(mappings) })
    .where('org_id', '=', row.org_id)
    .where('id', '=', row.id)
    .execute()
}

/** Saves them for the client of the target: once, for the target says then what became of them. */
export const saveMappings = async (
  tx: Tx,
  caller: Caller,
  row: TargetRow,
  drafts: readonly MappingDraft[],
): Promise<void> => {
  const saved: TargetMapping[] = []
  for (const draft of drafts) saved.push(await saveOne(tx, caller, row.client_id, draft))
  await store(tx, row, saved)
}

const saveOne = async (
  tx: Tx,
  caller: Caller,
  clientId: string,
  draft: MappingDraft,
): Promise<TargetMapping> => {
  const { canonical_object } = draft
  for (;;) {
    const before = await mappingsOf(tx, caller.tenant)
      .where('client_id', '=', clientId)
      .where('canonical_object', '=', canonical_object)
      .where('is_active', '=', true)
      .forUpdate()
      .executeTakeFirst()
    const said = (after: MappingRow, action: TargetMapping['action'], was: number | null) => ({
      ...{ canonical_object, mapping_id: after.id, action },
      ...{ version: after.version, version_before: was },
    })
    if (before === undefined) {
      const made = await insertMappingIfNone(tx, caller, clientId, draft)
      if (made !== null) return said(made, 'created', null)
      // Somebody created one since: it is changed.
      continue
    }
    if (isSame(before, draft)) return said(before, 'unchanged', null)
    return said(await changeMapping(tx, caller, before, draft), 'updated', before.version)
  }
}

/** Puts back what the rollout changed, but for what somebody has changed since. */
export const restoreMappings = async (tx: Tx, caller: Caller, row: TargetRow): Promise<void> => {
  if (!changedMappings(row)) return
  const restored: TargetMapping[] = []
  for (const saved of storedOf(row)) restored.push(await restoreOne(tx, caller, saved))
  await store(tx, row, restored)
}

/** What a rollback would do with the mappings of all targets now. */
export const mappingTotals = async (
  tx: Tx,
  { org_id: orgId, id }: Pick<RolloutRow, 'org_id' | 'id'>,
): Promise<MappingTotals> => {
  const { rows } = await sql<MappingTotals>`
    select (count(*) filter (where is_ours and before is null))::int as removed,
           (count(*) filter (where is_ours and before is not null))::int as restored,
           (count(*) filter (where not is_ours))::int as kept
      from (select (m ->> 'version_before')::int as before,
                   k.version is not distinct from (m ->> 'version')::int as is_ours
              from rollout_targets t
             cross join lateral jsonb_array_elements(t.mappings) m
              left join crm_field_mappings k on k.org_id = t.org_id and k.id = (m ->> 'mapping_id')::uuid
             where t.org_id = ${orgId} and t.rollout_id = ${id}
               and m ->> 'action' in ('created', 'updated')) every`.execute(tx)
  return rows[0] ?? { removed: 0, restored: 0, kept: 0 }
}

const restoreOne = async (tx: Tx, caller: Caller, saved: TargetMapping): Promise<TargetMapping> => {
  if (saved.action !== 'created' && saved.action !== 'updated') return saved
  const present = await mappingsOf(tx, caller.tenant)
    .where('id', '=', saved.mapping_id)
    .forUpdate()
    .executeTakeFirst()
  if (present?.version !== saved.version) return { ...saved, action: 'kept' }
  if (saved.version_before === null) {
    await removeMapping(tx, caller, present.id)
    return { ...saved, action: 'removed' }
  }
  const before = await mappingVersion(tx, caller.tenant, present.id, saved.version_before)
  if (before === null) return { ...saved, action: 'kept' }
  const { sfdc_object, external_id_field, fields } = before
  await changeMapping(tx, caller, present, { sfdc_object, external_id_field, fields })
  return { ...saved, action: 'restored' }
}

/** What the plan will put in place, in lower case: `job__c`, `job__c.title__c`, and `title__c` for any object. */
const plannedNames = (content: Content): ReadonlySet<string> => {
  if (!('plan' in content)) return new Set()
  const { objects } = parsePlan(content.plan, 'plan')
  return new Set(
    objects
      .flatMap(({ api_name: object, label, fields }) => [
        // An object with a label is created; without one, fields are added to what is there.
        ...(label === undefined ? [] : [object]),
        ...fields.flatMap(({ api_name: field }) => [`${object}.${field}`, field]),
      ])
      .map(sameName),
  )
}

/** Errors of a mapping, but for what the snapshot cannot show yet because the plan creates it. */
export const errorsLeft = (
  findings: readonly Finding[],
  mapping: MappingDraft,
  content: Content,
): Finding[] => {
  const planned = plannedNames(content)
  return findings.filter(
    (finding) => finding.severity === 'error' && !isForeseen(finding, mapping, planned),
  )
}

const isForeseen = (
  { path }: Finding,
  mapping: MappingDraft,
  planned: ReadonlySet<string>,
): boolean => {
  if (planned.has(sameName(mapping.sfdc_object))) return true
  const inObject = (field: string): boolean =>
    planned.has(sameName(`${mapping.sfdc_object}.${field}`))
  const [member, index] = path.split('.')
  if (member === 'external_id_field') {
    return mapping.external_id_field !== null && inObject(mapping.external_id_field)
  }
  const text = member === 'fields' ? mapping.fields[Number(index)]?.sfdc_field : undefined
  if (text === undefined) return false
  const target = parseSfdcField(text)
  if (target?.kind !== 'parent') return inObject(text)
  return inObject(writtenField(text)) || planned.has(sameName(target.key))
}

/**
 * Checks mappings against the client's newest snapshot and what the rollout will deploy. Throws invalid_mapping.
 * A client without a snapshot is pulled for its check; then this is a check of the shape, made before.
 */
export const requireMappings = async (
  mappings: Pick<Mappings, 'validate'>,
  { org_id: orgId, client_id }: TargetRow,
  drafts: readonly MappingDraft[],
  content: Content,
): Promise<void> => {
  const errors: MemberError[] = []
  for (const [at, mapping] of drafts.entries()) {
    const found = await mappings
      .validate(wholeOrg(orgId), { client_id, mapping })
      .catch((error: unknown) => {
        if (error instanceof EngineError && error.code === 'no_snapshot') return { findings: [] }
        throw error
      })
    errors.push(...asErrors(errorsLeft(found.findings, mapping, content), `mappings.${at}.`))
  }
  const [first] = errors
  if (first !== undefined) throw new EngineError('invalid_mapping', first.message, { errors })
}
