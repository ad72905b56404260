// Fields that cannot be changed in Salesforce once the record exists: the master of a detail that cannot
// be reparented, CampaignMember.CampaignId. An upsert cannot know which rows create a record, so these
// fields are sent, and a record for which Salesforce refuses them is sent once more without them.

import { type Failure } from '../../../salesforce/failure.ts'
import { sameName } from '../../metadata/names.ts'
import { type ReadyRow, type RowError } from '../model.ts'

/** Salesforce: SOAP API guide, StatusCode; the fields are named beside it, or in its text. */
const REFUSED = 'INVALID_FIELD_FOR_INSERT_UPDATE'
const IN_TEXT = /^Unable to create\/update fields: ([\w, ]+?)\./

const fieldsOf = ({ fields, message }: Failure): readonly string[] =>
  fields.length > 0 ? fields : (IN_TEXT.exec(message)?.[1]?.split(/,\s*/) ?? [])

/**
 * The fields of the row that only a new record accepts, in the form in which failures are compared with
 * them.
 */
export const onlyOnCreate = ({ createOnly = [] }: Pick<ReadyRow, 'createOnly'>): string[] =>
  createOnly.map(({ field }) => sameName(field))

/** Whether the row was refused only for such fields. Then its record exists. */
export const isRefusedForExisting = (
  failures: readonly Failure[],
  names: ReadonlySet<string> | readonly string[],
): boolean => {
  const known = new Set(names)
  return (
    known.size > 0 &&
    failures.length > 0 &&
    failures.every((failure) => {
      const fields = failure.code === REFUSED ? fieldsOf(failure) : []
      return fields.length > 0 && fields.every((name) => known.has(sameName(name)))
    })
  )
}

/** The row as an existing record accepts it. */
export const forExisting = (row: ReadyRow): ReadyRow => {
  const { createOnly = [], ...rest } = row
  const left = new Set(createOnly.flatMap(({ field, member }) => [field, member]))
  const fields = Object.fromEntries(Object.entries(row.fields).filter(([name]) => !left.has(name)))
  return { ...rest, fields }
}

/** The warning of a row that was sent in that form. */
export const leftOutOf = ({ createOnly = [] }: Pick<ReadyRow, 'createOnly'>): RowError => ({
  code: 'FIELD_ONLY_ON_CREATE',
  message: `${createOnly.map(({ field }) => field).join(', ')}: set only when a record is created; this one already existed and keeps its value.`,
  fields: createOnly.map(({ name }) => name),
  remedy:
    'To change it too, make the field editable (for a master-detail, allow reparenting), and pull the topology.',
})
