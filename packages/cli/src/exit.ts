// How a command ends: what its exit code says to a script, and what the message says to a person.

import {
  AbortedError,
  ApiError,
  ConnectionLostError,
  EngineError,
  ForbiddenError,
  InvalidRequestError,
  OperationFailedError,
  StillRunningError,
  UnauthenticatedError,
} from '@sfdc-engine-x/client'

export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  /** The check says that the plan should not be deployed. */
  verdict: 3,
  credential: 4,
  /** The org is not as it was checked, or not as its blueprint says. */
  drift: 5,
  partly: 6,
  running: 8,
} as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** Ends the command with this code; the message is for people and may be empty. */
export class Exit extends Error {
  readonly code: ExitCode
  constructor(code: ExitCode, message = '') {
    super(message)
    this.code = code
  }
}

/** A command that cannot mean anything as it was typed. */
export const usage = (message: string): Exit => new Exit(EXIT.usage, message)

const apiCode = ({ code }: ApiError): ExitCode | undefined =>
  code === 'conflicts_found' ? EXIT.verdict : code === 'topology_drifted' ? EXIT.drift : undefined

const FILE_FAULTS: Readonly<Record<string, string>> = {
  ENOENT: 'There is no file',
  EACCES: 'No permission to open',
}

/** A file that was named and cannot be used. */
const isOfFile = (error: unknown): error is Error & { code: string; path: string } =>
  error instanceof Error &&
  'path' in error &&
  typeof error.path === 'string' &&
  'code' in error &&
  typeof error.code === 'string' &&
  error.code in FILE_FAULTS

/** The exit code of what a command threw. */
export const codeOf = (error: unknown): ExitCode => {
  if (error instanceof Exit) return error.code
  if (error instanceof StillRunningError) return EXIT.running
  if (error instanceof UnauthenticatedError || error instanceof ForbiddenError) {
    return EXIT.credential
  }
  if (error instanceof InvalidRequestError || isOfFile(error)) return EXIT.usage
  if (error instanceof ApiError) return apiCode(error) ?? EXIT.failed
  return EXIT.failed
}

/** What to tell a person about it. A stack only for faults of our own. */
export const messageOf = (error: unknown): string => {
  if (error instanceof Exit) return error.message
  if (error instanceof ApiError) {
    const upstream = error.upstream === undefined ? '' : `\nSalesforce: ${error.upstream.message}`
    return `${error.message}${upstream}\nRequest ${error.requestId}; more: ${error.docUrl}`
  }
  if (isOfFile(error)) return `${FILE_FAULTS[error.code]} ${error.path}`
  if (error instanceof ConnectionLostError || error instanceof AbortedError) {
    return error.message.replaceAll('idempotencyKey', '--key')
  }
  if (error instanceof EngineError || error instanceof OperationFailedError) {
    return error.message.replace('baseUrl', 'the URL of the server')
  }
  if (error instanceof Error && 'code' in error) return error.message // of the system: no such file …
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
