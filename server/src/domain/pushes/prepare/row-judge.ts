// Checks the rows of one push from the first to the last: each by itself, against those before it, and in a
// retry against what the pushes before it have written.

import { type LastPush } from '../../conflicts/facts.ts'
import { type Judge, type RefusedRow } from '../intention.ts'
import { KeySet } from './key-set.ts'
import { failed, type Preparer } from './prepare.ts'
import { createProfile } from './profile.ts'
import { remedyOf } from '../remedies.ts'
import { Refusal } from './refusal.ts'

export type RowJudge = Omit<Judge, 'meet'> & { profile(): LastPush | null }

const refusalOf = (message: string): Refusal =>
  new Refusal('DUPLICATE_KEY_IN_INPUT', message, remedyOf('DUPLICATE_KEY_IN_INPUT'))

const REPEATED = refusalOf('A row before this one has the same key; only the first is sent.')
const STILL_REPEATED = refusalOf(
  'Another row of the push that is retried has the same key; only that one is sent.',
)
const WRITTEN = refusalOf(
  'A row of the push that is retried has written the record with this key, which this row would overwrite.',
)

/**
 * One push; `index` counts up. Of rows with the same key, the first that can be sent is ready, the
 * others fail.
 */
export const createRowJudge = (preparer: Preparer): RowJudge => {
  const { keyForm } = preparer
  const keys = new KeySet()
  let written: KeySet | null = null
  const names = preparer.keyName === null ? [] : [preparer.keyName]
  const [repeated, stillRepeated, isWritten] = [REPEATED, STILL_REPEATED, WRITTEN].map((refusal) =>
    refusal.of(...names),
  ) as [ReturnType<Refusal['of']>, ReturnType<Refusal['of']>, ReturnType<Refusal['of']>]
  const profile = preparer.profiled.length === 0 ? null : createProfile(preparer.profiled)

  /** Whether the row has the key with which it was refused before it was mended. */
  const keepsKey = (
    identity: string,
    key: string | null,
    { row, key: old }: RefusedRow,
  ): boolean => {
    const before = preparer.judge(0, row).identity
    return before === null ? key === old : before === identity
  }

  return {
    judge: (index, row, refused) => {
      const { row: judged, identity } = preparer.judge(index, row)
      if (identity === null || !('ready' in judged)) return judged
      const { key } = judged.ready
      if (refused !== undefined && keepsKey(identity, key, refused)) {
        return failed(index, key, [stillRepeated]).row
      }
      if (written !== null && keyForm !== null && key !== null && written.has(keyForm(key))) {
        return failed(index, key, [isWritten]).row
      }
      if (!keys.add(identity)) return failed(index, key, [repeated]).row
      profile?.note(judged.ready)
      return judged
    },
    refuseWritten:
      keyForm === null
        ? null
        : (key) => {
            written ??= new KeySet()
            written.add(keyForm(key))
          },
    profile: () => profile?.result() ?? null,
  }
}
