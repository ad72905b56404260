// What durable work of any kind stores of itself.

import { type FaultCode, type MemberError, type Upstream } from '../../errors.ts'

/** A reason, for programs (`code`) and for people (`message`). */
export interface Fault {
  code: string
  message: string
}

/** How work waits: since when, until when, for what, and when it is tried again. Times are ISO 8601. */
export interface Waiting {
  /** `time`: it passes by itself. `person`: somebody has to act, in Salesforce or here. */
  for: 'time' | 'person'
  since: string
  /** When it ends with this fault. Null: it waits without limit, since something was already sent. */
  until: string | null
  next_try_at: string
}

/** Why durable work is paused (then with `waiting`), or why it ended as it did. */
export interface WorkFault extends Fault {
  code: FaultCode
  /** Where several things are named, such as rows that would be lost. */
  errors?: MemberError[]
  /** The words of Salesforce or Nango, if they failed. */
  upstream?: Upstream
  waiting?: Waiting
}

/** What went less well than planned in work that is done. */
export interface WorkWarning extends Fault {
  code: FaultCode
}

export interface Progress {
  stage: string
  done: number
  total: number
}
