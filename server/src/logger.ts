import { pino, type DestinationStream, type Logger } from 'pino'
import { isExpected } from './errors.ts'
import { stackOf } from './source-lines.ts'

/** Members whose values never reach a log line, wherever they occur. */
const SECRET_MEMBERS = [
  'authorization',
  'cookie',
  'password',
  'current_password',
  'new_password',
  'token',
  'access_token',
  'refresh_token',
  'session_token',
  'connect_link',
  'secretKey',
  'sessionId',
]

/**
 * What looks like a credential in a text: our tokens, JWTs, Salesforce and Nango tokens, URLs with a
 * password.
 */
const CREDENTIALS =
  /\bsfx_[\w-]{20,}|\beyJ[\w-]{10,}\.[\w-]+\.[\w-]+|\b00D[A-Za-z0-9]{9,15}![\w.]+|\bnango_connect_session_\w+|\b(?:Bearer|OAuth)\s+[\w!.~+/=-]{8,}|(?<=:\/\/[^\s:/@]*:)[^\s@/]+(?=@)/gi

export const withoutCredentials = (text: string): string => text.replaceAll(CREDENTIALS, '[secret]')

/** So much is collected before it is written, but not for longer than this. */
const LINES_BYTES = 4_096
const LINES_MS = 100
/** Of lines that nobody reads: a log collector that stands still must not take the server's memory. */
const WAITING_BYTES = 8 * 1024 * 1024

/**
 * JSON lines on standard output. One logger is created at the start; everything else gets a child of it.
 */
export const createLogger = (level: string, destination?: DestinationStream): Logger =>
  pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: {
        paths: SECRET_MEMBERS.flatMap((name) => [name, `*.${name}`]),
        censor: '[secret]',
      },
      serializers: { err: errorLine },
      hooks: {
        // The last line of defence: whatever a library puts into its messages.
        streamWrite: withoutCredentials,
      },
    },
    destination ?? createOutput(STANDARD_OUTPUT),
  )

const STANDARD_OUTPUT = 1
/** pino's number for `warn`. */
const WARNING = 40

/**
 * Written in the background, in order, many lines at once when there are many: a write for each took a
 * twelfth of a read's time. Whatever is pending is written before the process ends. Where nothing is pending
 * nothing is written: the library's own `periodicFlush` hands an empty write to another thread each time,
 * which was more than a quarter of what an idle server did. While nobody reads, lines beyond some megabytes
 * are lost; a line says how many when somebody reads again. Output that takes nothing (a full disk) ends no
 * process: the same lines are tried again with the next.
 */
export const createOutput = (
  descriptor: number,
  waitingBytes = WAITING_BYTES,
): ReturnType<typeof pino.destination> => {
  const output = pino.destination({
    dest: descriptor,
    sync: false,
    minLength: LINES_BYTES,
    maxLength: waitingBytes,
  })
  let timer: NodeJS.Timeout | undefined
  const flushSoon = () => {
    timer ??= setTimeout(() => {
      timer = undefined
      if (!isEnded) output.flush()
    }, LINES_MS).unref()
  }
  let isEnded = false
  const end = output.end.bind(output)
  output.end = () => {
    isEnded = true
    end()
  }
  const write = output.write.bind(output)
  let isLookedAfter = true
  output.write = (line) => {
    isLookedAfter = false
    flushSoon()
    return write(line)
  }
  let lost = 0
  output.on('drop', () => {
    lost += 1
  })
  const tellLost = () => {
    if (lost === 0) return
    const line = { level: WARNING, time: new Date(), lost, msg: 'log lines were lost: nobody read' }
    lost = 0
    output.write(`${JSON.stringify(line)}\n`)
  }
  // Unheard, an error would end the process. While there is one, `flushSync` would try for ever.
  let takesNothing = false
  output.on('error', () => {
    takesNothing = true
  })
  output.on('write', () => {
    takesNothing = false
  })
  const flushSync = output.flushSync.bind(output)
  output.flushSync = () => {
    if (!takesNothing) flushSync()
  }
  // A flush does nothing while an earlier write is under way: what came meanwhile would stay.
  output.on('drain', () => {
    tellLost()
    if (!isLookedAfter) flushSoon()
    isLookedAfter = true
  })
  return output
}

/**
 * An error as data, its causes included, without the members that libraries attach (requests, headers).
 * Only what may be a bug has its stack: not the cause of an outcome that has a code, either.
 */
const errorLine = (error: unknown, depth = 0, isKnown = isExpected(error)): unknown => {
  if (!(error instanceof Error)) return String(error)
  const { code } = error as { code?: unknown }
  return {
    type: error.name,
    message: error.message,
    ...(typeof code === 'string' ? { code } : {}),
    ...(isKnown ? {} : { stack: stackOf(error) }),
    ...(error.cause === undefined || depth > 3
      ? {}
      : {
          cause: errorLine(error.cause, depth + 1, isKnown || isExpected(error.cause)),
        }),
  }
}
