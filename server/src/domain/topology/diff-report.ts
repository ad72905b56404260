// The answer to topology/diff: everything that differs is counted, and one page of it is reported in
// detail.

import { EngineError } from '../../errors.ts'
import { type Difference, differencesOf, notCompared, type Side } from './compare.ts'
import {
  type AttributeChange,
  type Change,
  CHANGES,
  isOfSchema,
  type ObjectDiff,
  type SchemaChange,
} from './diff.ts'
import { type Snapshot, type SnapshotRow, toSnapshot } from './snapshots.ts'

export interface DiffRequest {
  /** How many differing objects and automations are reported in detail. */
  limit: number
  cursor?: string | undefined
}

type Counts = Record<SchemaChange, number>
type SightCounts = Record<Exclude<Change, SchemaChange>, number>

export interface ObjectChange extends ObjectDiff {
  api_name: string
  change: Change
  /** For a whole object; null if only parts of it differ. */
  fields_count: number | null
}

export interface AutomationChange {
  type: string
  api_name: string
  change: Change
  attributes: AttributeChange[]
}

export interface SnapshotDiff {
  from: Pick<Snapshot, 'id' | 'client_id' | 'version'>
  to: Pick<Snapshot, 'id' | 'client_id' | 'version'>
  summary: {
    identical: boolean
    objects: Counts
    fields: Counts
    automations: Counts
    /** Objects and fields that differ only in what the connected user sees or may do. */
    visibility: SightCounts
    not_compared: string[]
  }
  objects: ObjectChange[]
  automations: AutomationChange[]
  next_cursor: string | null
}

const noCounts = (): Counts => ({ added: 0, removed: 0, changed: 0 })

const keyOf = ({ kind, change, name }: Difference): string => `${kind}/${change}/${name}`

const encode = (key: string): string => Buffer.from(key).toString('base64url')

const decode = (cursor: string): string => {
  const key = Buffer.from(cursor, 'base64url').toString('utf8')
  const [kind = '', change = ''] = key.split('/', 2)
  const isKnown = /^(object|automation)$/.test(kind) && CHANGES.some((known) => known === change)
  if (!isKnown || encode(key) !== cursor) {
    throw new EngineError('invalid_cursor', 'This cursor does not come from this endpoint.')
  }
  return key
}

const NO_DIFF: ObjectDiff = {
  attributes: [],
  fields: [],
  record_types: [],
  child_relationships: [],
}

const countOne = (
  change: Change,
  of: Counts,
  { visibility }: SnapshotDiff['summary'],
  times = 1,
): void => {
  if (isOfSchema(change)) of[change] += times
  else visibility[change] += times
}

const count = (summary: SnapshotDiff['summary'], difference: Difference): void => {
  const { change } = difference
  summary.identical = false
  if (difference.kind === 'automation') {
    countOne(change, summary.automations, summary)
    return
  }
  const { diff, fieldsCount } = difference
  // A visible object with some hidden fields counts by its fields.
  if (diff === null || isOfSchema(change)) countOne(change, summary.objects, summary)
  if (diff === null && isOfSchema(change)) countOne(change, summary.fields, summary, fieldsCount)
  for (const field of diff?.fields ?? []) countOne(field.change, summary.fields, summary)
}

type SnapshotSide = Side & { row: SnapshotRow }

const named = ({ row }: SnapshotSide): SnapshotDiff['from'] => {
  const { id, client_id, version } = toSnapshot(row)
  return { id, client_id, version }
}

/** Compares two complete snapshots. The counts cover everything, whatever page is requested. */
export const diffSides = async (
  from: SnapshotSide,
  to: SnapshotSide,
  { limit, cursor }: DiffRequest,
): Promise<SnapshotDiff> => {
  const after = cursor === undefined ? null : decode(cursor)
  const result: SnapshotDiff = {
    from: named(from),
    to: named(to),
    summary: {
      identical: true,
      objects: noCounts(),
      fields: noCounts(),
      automations: noCounts(),
      visibility: { not_visible: 0, now_visible: 0, access_changed: 0 },
      not_compared: notCompared(from, to),
    },
    objects: [],
    automations: [],
    next_cursor: null,
  }
  const differences = differencesOf(from, to, {
    acrossOrgs: from.row.sfdc_org_id !== to.row.sfdc_org_id,
    acrossVersions: from.row.api_version !== to.row.api_version,
  })
  // Snapshots never change, so the order is the same at every call and a key identifies a position in
  // it.
  let isBehind = after === null
  let last: string | null = null
  let shown = 0
  for await (const difference of differences) {
    count(result.summary, difference)
    const key = keyOf(difference)
    if (!isBehind) {
      isBehind = key === after
      continue
    }
    if (shown >= limit) {
      result.next_cursor ??= last === null ? null : encode(last)
      continue
    }
    shown += 1
    last = key
    if (difference.kind === 'object') {
      const { name, change, fieldsCount, diff } = difference
      result.objects.push({
        api_name: name,
        change,
        fields_count: diff === null ? fieldsCount : null,
        ...(diff ?? NO_DIFF),
      })
    } else {
      const { name, change, attributes } = difference
      const slash = name.indexOf('/')
      const [type, apiName] = [name.slice(0, slash), name.slice(slash + 1)]
      result.automations.push({ type, api_name: apiName, change, attributes })
    }
  }
  return result
}
