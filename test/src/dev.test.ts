// `npm run dev`, as run right after cloning the repository.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, expect, it } from 'vitest'
import { createControl } from '../../simulator/src/control/client.ts'
import { readWorld } from '../../simulator/src/saved/file.ts'
import { apiOf } from './api.ts'
import { createDatabase } from './database.ts'
import { createOrg } from './rig.ts'
import { until } from './until.ts'

const DEV = join(import.meta.dirname, '../../scripts/dev.ts')

const isEmpty = (processGroup: number): boolean => {
  try {
    process.kill(-processGroup, 0)
    return false
  } catch {
    return true
  }
}

/** Starts it and waits until it listens. Its process group is killed at the end. */
const startDev = async (environment: Record<string, string>) => {
  const child = spawn(process.execPath, [DEV], {
    detached: true, // a process group of its own
    env: { PATH: process.env.PATH ?? '', PORT: '0', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const group = child.pid ?? 0
  const ended = once(child, 'exit')
  const lines: string[] = []
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => lines.push(line))
  }
  /** The word after the name on a line of what it prints first. */
  const printed = (name: string) =>
    lines.find((line) => line.startsWith(name))?.split(/\s+/)[1] ?? ''
  const kill = async () => {
    if (!isEmpty(group)) process.kill(-group, 'SIGKILL')
    await ended
    await until('its processes are gone', () => (isEmpty(group) ? true : undefined))
  }
  const listening = await until('it listens', () =>
    lines.find((line) => line.includes('"listening"')),
  )
  const { address } = JSON.parse(listening) as { address: string }
  const api = apiOf(address)
  const simulator = {
    control: createControl(printed('simulator')),
    nangoUrl: printed('Nango'),
    orgs: [],
  }
  const superAdmin = api.as(printed('super-admin'))
  return { child, group, ended, address, api, superAdmin, simulator, kill }
}

describe('npm run dev', () => {
  it('listens on this machine only, and leaves no process behind on SIGTERM', async () => {
    await using database = await createDatabase()
    const world = await mkdtemp(join(tmpdir(), 'dev-'))
    const dev = await startDev({
      DATABASE_URL: database.url,
      SIMULATOR_WORLD: join(world, 'world'),
    })
    try {
      expect(dev.address).toContain('http://127.0.0.1:')
      dev.child.kill('SIGTERM')
      await dev.ended
      expect(isEmpty(dev.group)).toBe(true)
    } finally {
      await dev.kill()
      await rm(world, { recursive: true })
    }
  })

  it('finds the client of yesterday connected, even after SIGKILL', async () => {
    await using database = await createDatabase()
    const world = await mkdtemp(join(tmpdir(), 'dev-'))
    const file = join(world, 'world')
    const environment = { DATABASE_URL: database.url, SIMULATOR_WORLD: file }
    const first = await startDev(environment)
    let second: Awaited<ReturnType<typeof startDev>> | undefined
    try {
      const org = await createOrg(first.superAdmin, first.api, first.simulator)
      const client = await org.client()
      await client.connect('Acme')
      await until('it is saved', async () => {
        const found = await readWorld(file)
        return found !== null && 'world' in found && found.world.nango.store.connections.length > 0
      })
      await first.kill()

      second = await startDev(environment)
      const { body } = await second.api
        .as(org.token)
        .post<{ status: string }>('/api/connections/get', { client_id: client.id, check: true })
      expect(body).toMatchObject({ status: 'connected', error: null })
    } finally {
      await first.kill()
      await second?.kill()
      await rm(world, { recursive: true })
    }
  })
})
