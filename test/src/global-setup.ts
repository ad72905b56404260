// One PostgreSQL for the whole run, its durability off, and one migrated template database that each rig
// clones (tens of milliseconds) instead of migrating again.
//
// The databases belong to a login that is neither superuser nor BYPASSRLS and may not create roles: what
// row-level security allows such an owner is the minimum that any installation has.

import { chmodSync, existsSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import type { TestProject } from 'vitest/node'
import { buildServer } from '../../scripts/server-file.ts'
import { startEmbedded } from '../../server/src/db/embedded.ts'
import { migrate } from '../../server/src/db/migrate.ts'
import { Secret } from '../../server/src/secret.ts'
import { createPlainOwner, databaseUrl } from './database.ts'
import { startServer } from './server-process.ts'
import { openSharedRigDesk } from './shared-rig.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** A login that may create databases; its `template1` is not touched. */
    adminUrl: string
    templateDatabase: string
    /** The administrator of the whole server, for tests that need one. */
    superuserUrl: string
  }
}

export const setup = async (project: TestProject) => {
  const dir = mkdtempSync(join(scratchFolder(), 'sfdc-engine-x-test-'))
  chmodSync(dir, 0o755) // PostgreSQL runs as another user when we are root
  const built = buildServer() // as `npm start` runs it, and in half of the time of its modules
  const server = await startEmbedded(dir, { durable: false })
  const templateDatabase = 'engine_template'
  const adminUrl = await createPlainOwner(server.url.reveal())
  const owner = new pg.Client({ connectionString: adminUrl })
  await owner.connect()
  await owner.query(`create database ${templateDatabase}`)
  await owner.end()
  const templateUrl = databaseUrl(adminUrl, templateDatabase)
  await migrate(new Secret(templateUrl))
  await built
  // The queue creates its own tables and queues at the first start of a server, in a seventh of a second.
  const first = await startServer({ DATABASE_URL: templateUrl })
  // For api.ts: all servers of a run are the same build.
  process.env.OPENAPI_DOCUMENT = join(dir, 'openapi.json')
  const document = await fetch(`${first.url}/openapi.json`)
  writeFileSync(process.env.OPENAPI_DOCUMENT, await document.text())
  await first.terminate()

  project.provide('adminUrl', adminUrl)
  project.provide('superuserUrl', server.url.reveal())
  project.provide('templateDatabase', templateDatabase)
  const desk = await openSharedRigDesk(adminUrl, templateDatabase)
  project.provide('sharedRigDesk', desk.url)
  return async () => {
    await desk.close()
    await server.stop()
    rmSync(dir, { recursive: true, force: true })
  }
}

/** Linux keeps it in memory. */
const IN_MEMORY = '/dev/shm'
const ROOM_BYTES = 4 * 1024 ** 3

/** In memory if there is room: copying a database costs a seventh of the CPU there. */
const scratchFolder = (): string => {
  if (!existsSync(IN_MEMORY)) return tmpdir()
  const { bavail, bsize } = statfsSync(IN_MEMORY)
  return bavail * bsize >= ROOM_BYTES ? IN_MEMORY : tmpdir()
}
