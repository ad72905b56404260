// Checks the rows of one push from the first to the last: each by itself, and against those before it.

import { type LastPush } from '../../conflicts/facts.ts'
import { type JudgedRow } from '../model.ts'
import { KeySet } from './key-set.ts'
import { failed, type Preparer } from './prepare.ts'
import { createProfile } from './profile.ts'
import { remedyOf } from '../remedies.ts'
import { Refusal } from './refusal.ts'

export interface RowJudge {
  judge(index: number, row: unknown): JudgedRow
  /** Profile of the rows so far that can be sent; null if they have no mapping. */
  profile(): LastPush | null
}

const REPEATED: Refusal = new Refusal(
  'DUPLICATE_KEY_IN_INPUT',
  'A row before this one has the same key; only the first is sent.',
  remedyOf('DUPLICATE_KEY_IN_INPUT'),
)

/**
 * One push; `index` counts up. Of rows with the same key, the first that can be sent is ready, the
 * others fail.
 */
export const createRowJudge = (preparer: Preparer): RowJudge => {
  const keys = new KeySet()
  const repeated = REPEATED.of(...(preparer.keyName === null ? [] : [preparer.keyName]))
  const profile = preparer.profiled.length === 0 ? null : createProfile(preparer.profiled)
  return {
    judge: (index, row) => {
      const { row: judged, identity } = preparer.judge(index, row)
      if (identity === null || !('ready' in judged)) return judged
      if (!keys.add(identity)) {
        return failed(index, judged.ready.key, [repeated]).row
      }
      profile?.note(judged.ready)
      return judged
    },
    profile: () => profile?.result() ?? null,
  }
}
