// What a push changes, for the person who approves it.

import { type ApprovalAction, type Change, plainName } from '../approvals/change.ts'
import { type Intention, type PushInput } from './intention.ts'
import { type PushKind } from './model.ts'
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

const basis = (mapping: Intention['mapping']) => ({
  mapping_id: mapping?.id ?? null,
  mapping_version: mapping?.version ?? null,
})

export const pushChange = (
  { wait_seconds: _wait, ...input }: PushInput,
  rows: readonly unknown[],
  mapping: Intention['mapping'],
): Change => ({
  action: ACTION[input.kind],
  clientId: input.client_id,
  request: { ...input, rows },
  restsOn: basis(mapping),
  words: [
    words(input.kind, rows.length, input.object),
    ...(input.options.all_or_none ? ['All of them or none'] : []),
    ...(input.options.allow_duplicates ? ['Although a duplicate rule may warn'] : []),
    ...(input.options.assignment_rules === false ? [] : ['With assignment rules']),
  ],
})

export const retryChange = (row: PushRow, mapping: Intention['mapping']): Change => ({
  action: 'push_retry',
  clientId: row.client_id,
  request: { push_id: row.id },
  restsOn: { push_id: row.id, failed: row.failed, ...basis(mapping) },
  words: [`Pushes again what failed: ${words(row.kind, row.failed, row.canonical_object)}`],
})
