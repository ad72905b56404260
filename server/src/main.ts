// The process: configuration → database → engine → listen → signal → dispose.

import { join } from 'node:path'
import { getHeapStatistics, setFlagsFromString } from 'node:v8'
import { ConfigError, parseConfig } from './config.ts'
import { createEngine } from './engine.ts'
import { createLogger } from './logger.ts'
import { ROOT } from './root.ts'
import { stackOf } from './source-lines.ts'

const DATA_DIR = join(ROOT, '.data')
/** This long after a signal the process exits, whatever still runs; work resumes elsewhere. */
const SHUTDOWN_MS = 25_000
/** The last lines of the log have this long to be read. */
const LAST_LINES_MS = 3_000

/**
 * On a machine with much memory V8 lets garbage grow to hundreds of megabytes before it collects: a push of
 * 200,000 rows took 260 MB over idle with 70 MB alive. How far it may grow is a share of what is alive, and a
 * matter of memory against time. (V8's own memory saver mode saves as much memory, but costs a quarter of the
 * read throughput.)
 */
const letGarbageGrow = (percent: number): void =>
  setFlagsFromString(`--heap-growing-percent=${Math.round(percent)}`)

/** What a start leaves behind is not needed later. It is also the least share at work. */
const GARBAGE_PERCENT = 15
/**
 * The share at work comes to about this much, whatever is alive. With the 8 MB that V8 allows at least, the
 * server took 15 ms of processor time for a call of 200 rows, with 20 MB 11 ms.
 */
const GARBAGE_MB = 20
const HEAP_LOOK_MS = 500

const limitGarbage = (): void => {
  const look = (): void => {
    const usedMb = getHeapStatistics().used_heap_size / 1024 ** 2
    letGarbageGrow(Math.max(GARBAGE_PERCENT, (100 * GARBAGE_MB) / usedMb))
  }
  look()
  setInterval(look, HEAP_LOOK_MS).unref()
}

letGarbageGrow(GARBAGE_PERCENT)

/**
 * Ends the process if it has not ended by then. Lines of the log that nobody reads hold a thread, and Node's
 * own exit waits for its threads.
 */
const killSoon = (): void => {
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), LAST_LINES_MS).unref()
}

/** Loaded only when needed: a production image leaves out the package's binaries. */
const embeddedServer = async () => {
  const { startEmbedded } = await import('./db/embedded.ts')
  return startEmbedded(DATA_DIR, { durable: true })
}

const run = async (): Promise<void> => {
  // What nobody catches, Node prints before it ends the process.
  process.once('uncaughtExceptionMonitor', (error) => {
    if (error instanceof Error) error.stack = stackOf(error) ?? ''
  })
  const config = parseConfig(process.env)
  const logger = createLogger(config.logLevel)
  let stopping = false

  const start = async () => {
    const embedded = config.database.url === undefined ? await embeddedServer() : null
    const url = config.database.url ?? embedded?.url
    if (url === undefined) throw new Error('no database')
    const engine = await createEngine(config, url, logger)
    if (!stopping) {
      const address = await engine.listen()
      const database = embedded === null ? 'DATABASE_URL' : 'embedded'
      logger.info({ address, database }, 'listening')
      logger.flush() // whoever started the server waits for this line
      limitGarbage()
    }
    return { engine, embedded }
  }

  // Set up at once: a signal during the migration also leads to an orderly end.
  const stop = (signal: string) => {
    if (stopping) return
    stopping = true
    logger.info({ signal }, 'shutting down')
    const deadline = setTimeout(() => {
      logger.error('shutdown took too long')
      logger.flush(() => process.exit(1))
      killSoon()
    }, SHUTDOWN_MS)
    deadline.unref()
    started
      .then(({ engine, embedded }) =>
        Promise.resolve(engine[Symbol.asyncDispose]()).finally(() => embedded?.stop()),
      )
      .then(
        () => {
          clearTimeout(deadline)
          logger.info('stopped')
          killSoon()
          // The IPC channel to our parent (node --watch, a process manager) would keep us alive.
          if (process.connected) process.disconnect()
        },
        (error: unknown) => {
          logger.error({ err: error }, 'shutdown failed')
          process.exitCode = 1
        },
      )
  }
  process.once('SIGTERM', stop)
  process.once('SIGINT', stop)
  const started = start()
  await started
}

/** Resolves when the server listens. Where it cannot, the process says why and ends with 1. */
export const main = (): Promise<void> =>
  run().catch((error: unknown) => {
    const text = error instanceof ConfigError ? error.message : error
    process.stderr.write(
      `${error instanceof Error && text === error ? stackOf(error) : String(text)}\n`,
    )
    process.exit(1)
  })
