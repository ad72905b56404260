// What a push changes, for the person who approves it.

import { type ApprovalAction, type Change, plainName } from '../approvals/change.ts'
import { type Intention, type PushInput, type Taken } from './intention.ts'
import { type MendedRow } from './mending.ts'
import { type PushKind, type PushOptions } from './model.ts'
import { type PushRow } from './rows.ts'

const ACTION: Readonly<Record<PushKind, ApprovalAction>> = {
  records: 'push_records',
  status_update: 'push_status_update',
  link: 'push_link',
}

const VERB: Readonly<Record<PushKind, string>> = {
  records: 'Creates or updates',
  status_update: 'Updates existing',
  link: 'Links existing',
}

const words = (kind: PushKind, count: number, object: string | null): string =>
  `${VERB[kind]} ${count} record${count === 1 ? '' : 's'}${object === null ? '' : ` of ${plainName(object)}`}`

const failedWords = (failed: number): string[] =>
  failed === 0 ? [] : [`Of these, ${failed} cannot be sent and fail`]

const optionWords = (options: PushOptions): string[] => [
  ...(options.all_or_none ? ['All of them or none'] : []),
  ...(options.allow_duplicates ? ['Although a duplicate rule may warn'] : []),
  ...(options.assignment_rules === false ? [] : ['With assignment rules']),
]

const basis = (mapping: Intention['mapping']) => ({
  mapping_id: mapping?.id ?? null,
  mapping_version: mapping?.version ?? null,
})

export const pushChange = (
  { wait_seconds: _wait, ...input }: PushInput,
  rows: readonly unknown[],
  failed: number,
  mapping: Intention['mapping'],
): Change => ({
  action: ACTION[input.kind],
  clientId: input.client_id,
  request: { ...input, rows },
  restsOn: basis(mapping),
  words: [
    words(input.kind, rows.length, input.object),
    ...failedWords(failed),
    ...optionWords(input.options),
  ],
})

/** Of rows that came one after the other: they are known by their hash, and have to come once more. */
export const uploadChange = (
  { wait_seconds: _wait, ...input }: PushInput,
  { total, failed, rowsHash }: Taken,
  mapping: Intention['mapping'],
): Change => ({
  action: ACTION[input.kind],
  clientId: input.client_id,
  request: { ...input, rows_hash: rowsHash },
  restsOn: basis(mapping),
  words: [
    words(input.kind, total, input.object),
    ...failedWords(failed),
    ...optionWords(input.options),
  ],
})

export const retryChange = (
  row: PushRow,
  changes: readonly MendedRow[],
  mapping: Intention['mapping'],
): Change => ({
  action: 'push_retry',
  clientId: row.client_id,
  request: { push_id: row.id, ...(changes.length === 0 ? {} : { changes }) },
  restsOn: { push_id: row.id, failed: row.failed, ...basis(mapping) },
  words: [
    `Pushes again what failed: ${words(row.kind, row.failed, row.canonical_object)}`,
    ...(changes.length === 0 ? [] : [`Of these, ${changes.length} with changed values`]),
  ],
})
