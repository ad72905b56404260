// PostgreSQL's failures, classified: what passes by itself, or with the operator's help, is a 503 for
// our caller; anything else is our bug and stays as it is. Source: PostgreSQL, "Error Codes".

import { EngineError } from '../errors.ts'

/** Node's codes for a connection that failed or broke. */
const CONNECTION_LOST = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
])

/**
 * The same in words: those of node-postgres and its pool, and PostgreSQL's for a database that an
 * operator has closed to connections, whose SQLSTATE (55000) also stands for other things.
 */
const LOST_WORDS =
  /Connection terminated|is not queryable|Cannot use a pool after|is not currently accepting connections/

/** node-postgres' pool: none of its connections became free in time. */
const ALL_IN_USE = 'timeout exceeded when trying to connect'

interface Passing {
  message: string
  retryAfterSeconds: number
}

const AWAY: Passing = { message: 'The database cannot be reached right now.', retryAfterSeconds: 2 }
const BUSY: Passing = {
  message: 'All connections to the database are in use right now.',
  retryAfterSeconds: 5,
}
const FULL: Passing = {
  message: 'The database is out of disk space or memory.',
  retryAfterSeconds: 30,
}
const READ_ONLY: Passing = {
  message: 'The database accepts no writes right now.',
  retryAfterSeconds: 10,
}
const SLOW: Passing = {
  message: 'The database took too long for this, and the statement was cancelled.',
  retryAfterSeconds: 5,
}
const CONTENDED: Passing = {
  message: 'Other work held the same rows. Try again.',
  retryAfterSeconds: 1,
}

const DELETED: Passing = {
  message: 'A snapshot that was to be used has been deleted in the meantime. Try again.',
  retryAfterSeconds: 1,
}

/** By prefix of SQLSTATE, the longest first. */
const BY_STATE: readonly [state: string, what: Passing][] = [
  ['53100', FULL], // disk_full
  ['53200', FULL], // out_of_memory
  ['53300', BUSY], // too_many_connections
  ['53', AWAY], // other limits
  ['57014', SLOW], // query_canceled, by statement_timeout
  ['57P0', AWAY], // shutdown, crash, cannot_connect_now, database_dropped
  ['58', FULL], // system and I/O errors of the server's machine
  ['08', AWAY],
  ['28', AWAY], // the login is refused: the operator is probably changing it
  ['3D000', AWAY],
  ['25006', READ_ONLY],
  ['40001', CONTENDED], // serialization_failure
  ['40P01', CONTENDED], // deadlock_detected
  ['55P03', CONTENDED], // lock_not_available
]

/**
 * A newer version's migration changed a table under a statement that this connection had prepared.
 * PostgreSQL refuses the statement for as long as the connection lives.
 */
export const isStalePlan = (error: unknown): boolean =>
  error instanceof Error &&
  (error as { code?: unknown }).code === '0A000' &&
  error.message.includes('cached plan')

/** Retention may delete a snapshot after it was chosen: whoever tries again chooses a newer one. */
const isSnapshotGone = (error: object): boolean => {
  const { code, constraint } = error as { code?: unknown; constraint?: unknown }
  return (
    code === '23503' && // foreign_key_violation
    typeof constraint === 'string' &&
    /_(snapshot_id|pull_id)_fkey$/.test(constraint)
  )
}

const passingOf = (error: Error): Passing | null => {
  const { code } = error as { code?: unknown }
  if (isStalePlan(error) || LOST_WORDS.test(error.message)) return AWAY
  if (error.message === ALL_IN_USE) return BUSY
  if (isSnapshotGone(error)) return DELETED
  if (typeof code !== 'string') return null
  if (CONNECTION_LOST.has(code)) return AWAY
  return BY_STATE.find(([state]) => code.startsWith(state))?.[1] ?? null
}

/** For a database that answers but accepts no writes: a standby, or one set to read-only. */
export const readOnly = (): EngineError => unavailable(READ_ONLY)

const unavailable = ({ message, retryAfterSeconds }: Passing, cause?: unknown): EngineError =>
  new EngineError('unavailable', message, { cause, retryAfterSeconds })

/** `unavailable` for temporary failures; everything else stays as it is. */
export const translate = (error: unknown): unknown => {
  if (!(error instanceof Error) || error instanceof EngineError) return error
  const passing = passingOf(error)
  return passing === null ? error : unavailable(passing, error)
}
