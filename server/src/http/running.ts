// How running work is shown and followed, whatever its kind: the same words in every answer.

import * as z from 'zod'
import { type WorkFault } from '../db/tables/work.ts'
import { type Reply } from './route.ts'

export const isFinal = z
  .boolean()
  .describe('True once the work has ended, whatever its status: stop polling then')

interface Running {
  is_final: boolean
  /** Why the work is paused, if it is and has one reason. */
  error?: WorkFault | null
}

/** Most work ends within seconds, and a look costs no Salesforce call. */
const LOOK_SECONDS = 2
/** A pause may end earlier than planned, for example when somebody reconnects the client. */
const LOOK_SECONDS_MAX = 60

/** After how many seconds it makes sense to look again: paused work does nothing before its next try. */
const lookAgainSeconds = (error: WorkFault | null): number => {
  const nextTryAt = error?.waiting?.next_try_at
  if (nextTryAt === undefined) return LOOK_SECONDS
  const seconds = Math.ceil((Date.parse(nextTryAt) - Date.now()) / 1_000)
  return Math.min(Math.max(seconds, LOOK_SECONDS), LOOK_SECONDS_MAX)
}

/** `ended` once the work has ended; until then 202, with where (`poll`) and when to look again. */
export const replyWith = (
  body: Running,
  poll: string,
  {
    ended = 200,
    paused = body.error ?? null,
  }: { ended?: 200 | 201; paused?: WorkFault | null } = {},
): Reply =>
  body.is_final
    ? { status: ended, body }
    : {
        status: 202,
        body,
        headers: { location: poll, 'retry-after': String(lookAgainSeconds(paused)) },
      }
