// A world that is saved and loaded is the same world: whatever its features left in it.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { readSources } from '../../../scripts/source-files.ts'
import { createControl } from '../control/client.ts'
import { createNangoControl } from '../nango/control/client.ts'
import { createRig } from '../automation/testing/rig.ts'
import { bulkOf, type IngestJob } from '../salesforce/bulk/jobs.ts'
import { Upload } from '../salesforce/bulk/csv.ts'
import { deploysOf } from '../salesforce/metadata/deploy/jobs.ts'
import { readOptions } from '../salesforce/metadata/deploy/options.ts'
import { bulkClient } from '../salesforce/bulk/testing/bulk-client.ts'
import {
  connect,
  deploy,
  fieldZip,
  OPTIONS,
} from '../salesforce/metadata/deploy/testing/deploys.ts'
import { bodyOf, clientOf, startRig, type Client, type Rig } from '../testing/rig.ts'
import { readWorld } from './file.ts'
import { startSimulator } from '../index.ts'
import { lastingPort } from './ports.ts'
import { LASTING, savedOrg } from './world.ts'

const PATIENCE = { timeout: 30_000 }

const TEXT = '<type>Text</type><length>20</length>'
const MAIN = join(import.meta.dirname, '../main.ts')

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'world-'))
})
afterAll(() => rm(folder, { recursive: true }))

const startKept = async (name: string, notices: string[] = []): Promise<Rig> =>
  startRig({
    keep: { file: join(folder, name), notice: (text) => notices.push(text) },
  })

const savedIn = async (name: string) => {
  const found = await readWorld(join(folder, name))
  if (found === null || 'unusable' in found) throw new Error('nothing is saved')
  return found.world
}

/** Leaves something of every feature behind, finished and unfinished. */
const touchEverything = async (rig: Rig): Promise<Client> => {
  const { control } = rig
  const org = 'Acme'
  const client = await clientOf(control)
  const salesforce = await connect(rig, org)
  await deploy(salesforce, fieldZip('Lead.Kept__c', TEXT))
  await control.act('permissions/grant-field', {
    org,
    field: 'Lead.Kept__c',
    profile: 'System Administrator',
  })
  const [lead] = await bodyOf<{ id: string }[]>(
    await client.post('/composite/sobjects', {
      allOrNone: false,
      records: [
        { attributes: { type: 'Lead' }, LastName: 'Binned', Company: 'Kept', Kept__c: 'x' },
      ],
    }),
  )
  await control.act('records/delete', { org, object: 'Lead', ids: [lead?.id ?? ''] })
  const bulk = bulkClient(client)
  await bulk.ingest({ object: 'Lead', operation: 'insert' }, 'LastName,Company\nBulk,Kept\n')
  await control.act('bulk/hold', { org, at: 'queued' })
  const waiting = await bulk.create({ object: 'Lead', operation: 'insert' })
  await bulk.upload(waiting.id, 'LastName,Company\nQueued,Kept\n')
  await bulk.setState('ingest', waiting.id, 'UploadComplete')
  await bulk.request('POST', 'query', { operation: 'query', query: 'SELECT Id FROM Lead' })
  await control.act('deploys/pace', { org, pendingMs: 3_600_000 })
  await salesforce.metadata.deploy(fieldZip('Lead.Waiting__c', TEXT), OPTIONS)
  await control.act('records/pace', { org, saveMs: 1, lockWaitMs: 50 })
  await control.act('records/fail-locks', { org, object: 'Task', rate: 0.5, times: 3 })
  await control.createOrg({ name: 'Third', edition: 'Developer' })
  await control.act('orgs/move', { org: 'Third', keepOld: true })
  await control.addFault({ org, path: '/never', kind: { type: 'status', status: 503 } })
  const nango = createNangoControl(rig.nangoUrl)
  await nango.createConnection({
    provider_config_key: 'salesforce',
    connection_id: 'kept',
    raw: { access_token: client.token, instance_url: client.instanceUrl },
  })
  await nango.addFault({ path: '/never', times: 1, status: 500 })
  return client
}

const INGEST_JOB: IngestJob = {
  id: '750000000000001AAA',
  object: 'Lead',
  operation: 'insert',
  columnDelimiter: 'COMMA',
  lineEnding: 'LF',
  state: 'Open',
  apiVersion: 66,
  createdById: '',
  createdDate: new Date(),
  systemModstamp: new Date(),
  processed: 0,
  failed: 0,
  retries: 0,
  totalMs: 0,
  activeMs: 0,
  settled: Promise.resolve(),
  upload: null,
  header: '',
  results: { successful: [], failed: [], unprocessed: [] },
}

const READS = [
  '/sobjects',
  '/sobjects/Lead/describe',
  '/jobs/ingest',
  '/jobs/query',
  '/query?q=SELECT+Id,LastName,CreatedDate+FROM+Lead',
  '/queryAll?q=SELECT+Id,IsDeleted+FROM+Lead',
  '/query?q=SELECT+Id,Name+FROM+PermissionSet',
  '/tooling/query?q=SELECT+Id,DeveloperName+FROM+CustomField',
  '/query?q=SELECT+Id,Status+FROM+DeployRequest',
]

const answersOf = (client: Client): Promise<unknown[]> =>
  Promise.all(READS.map(async (path) => bodyOf<unknown>(await client.get(path))))

describe('a saved world', () => {
  it('equals itself after a restart, and goes on with what was unfinished', async () => {
    const first = await startKept('all')
    const client = await touchEverything(first)
    const answers = await answersOf(client)
    await first.close()
    const before = await savedIn('all')
    const again = await startKept('all')
    await again.close()
    expect(await savedIn('all')).toEqual(before)

    const last = await startKept('all')
    try {
      expect({ ...last, orgs: last.orgs.slice(0, 2) }).toMatchObject({
        controlUrl: first.controlUrl,
        loginUrl: first.loginUrl,
        testLoginUrl: first.testLoginUrl,
        nangoUrl: first.nangoUrl,
        orgs: first.orgs,
      })
      expect(await answersOf(client)).toEqual(answers)
      const connections = await createNangoControl(last.nangoUrl).connections()
      expect(connections.map(({ connection_id }) => connection_id)).toEqual(['kept'])

      await last.control.act('bulk/hold', { org: 'Acme', at: null })
      await last.control.act('deploys/pace', { org: 'Acme' })
      const saved = await vi.waitFor(async () => {
        const { records } = await bodyOf<{ records: unknown[] }>(
          await client.get("/query?q=SELECT+Id+FROM+Lead+WHERE+LastName='Queued'"),
        )
        expect(records).toHaveLength(1)
        return records
      }, PATIENCE)
      expect(saved).toHaveLength(1)
      await vi.waitFor(async () => {
        const [, waiting] = await last.control.act('deploys/list', { org: 'Acme' })
        expect(waiting).toMatchObject({ status: 'Succeeded' })
      }, PATIENCE)
    } finally {
      await last.close()
    }
  })

  it('is plain data, and names every module that keeps state about an org', async () => {
    const { org, save, insert } = createRig()
    const rows = [{ Id: await insert('Lead', { LastName: 'Binned', Company: 'Kept' }) }]
    await save({ operation: 'delete', object: 'Lead', rows })
    const zip = fieldZip('Lead.Waiting__c', TEXT)
    deploysOf(org).submit(zip, readOptions({ rollbackOnError: true }), '')
    const upload = Upload.from([Buffer.from('LastName,Company\n')])
    bulkOf(org).addIngest({ ...INGEST_JOB, upload })
    expect(instancesIn(savedOrg(org))).toEqual([])

    /** What these keep is built again, or ends with the process; see world.ts. */
    const rebuilt = [
      'automation/record-flows.ts',
      'org/child-relationships.ts',
      'records/plan.ts',
      'salesforce/describe.ts',
      'salesforce/host.ts',
      'salesforce/metadata/retrieve-jobs.ts',
      'salesforce/query/cursors.ts',
    ]
    const keepers = readSources(join(import.meta.dirname, '..'))
      .filter(({ path, text }) => /= keptByOrg\(/.test(text) && !path.endsWith('.test.ts'))
      .map(({ path }) => path)
    expect(keepers.filter((path) => !rebuilt.includes(path))).toHaveLength(
      Object.keys(LASTING).length,
    )
    expect(rebuilt.filter((path) => !keepers.includes(path))).toEqual([])
  })

  it('takes new orgs and new ports for moved ones, also if it once had ports from a given one on', async () => {
    const file = join(folder, 'ports')
    const start = async (port: number) => {
      const simulator = await startSimulator({ port, keep: { file, notice: () => undefined } })
      return { simulator, control: createControl(simulator.controlUrl) }
    }
    const first = await start(await lastingPort())
    await first.control.createOrg({ name: 'Second' })
    await first.simulator.close()
    const again = await start(Number(new URL(first.simulator.controlUrl).port))
    try {
      await again.control.createOrg({ name: 'Third' })
      await again.control.act('orgs/move', { org: 'Second' })
      const orgs = await again.control.orgs()
      expect(new Set(orgs.map(({ instanceUrl }) => instanceUrl)).size).toBe(4)
      // Those of connections begin there on Linux: while the simulator is away, one of them could take it.
      const [, , second, third] = orgs.map(({ instanceUrl }) => Number(new URL(instanceUrl).port))
      expect(Math.max(second ?? NaN, third ?? NaN)).toBeLessThan(32_768)
    } finally {
      await again.simulator.close()
    }
  })

  it('survives SIGKILL', async () => {
    const file = join(folder, 'killed')
    const program = async () => {
      const child = spawn(process.execPath, [MAIN, '--keep', file], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
      return { child, control: createControl((JSON.parse(line) as { address: string }).address) }
    }
    const first = await program()
    try {
      await first.control.createOrg({ name: 'Newcomer' })
      // V8 writes such a name as it is.
      await vi.waitFor(
        async () => expect((await readFile(file)).includes('Newcomer')).toBe(true),
        PATIENCE,
      )
    } finally {
      const ended = once(first.child, 'exit')
      first.child.kill('SIGKILL')
      await ended
    }
    const second = await program()
    try {
      const orgs = await second.control.orgs()
      expect(orgs.map(({ name }) => name)).toEqual(['Acme', 'Acme Sandbox', 'Newcomer'])
    } finally {
      const ended = once(second.child, 'exit')
      second.child.kill('SIGTERM')
      await ended
    }
  })

  it.each([
    ['an older format', (bytes: Buffer) => replaced(bytes, /format \d+/, 'format 0'), /format 0/],
    ['half of a file', (bytes: Buffer) => bytes.subarray(0, bytes.length / 2), /damaged/],
    ['a different file', () => Buffer.from('{}\n'), /not a saved world/],
  ])('says that it does not read %s, and starts anew', async (name, spoil, reason) => {
    const rig = await startKept(name)
    await rig.control.createOrg({ name: 'Forgotten' })
    await rig.close()
    const file = join(folder, name)
    await writeFile(file, spoil(await readFile(file)))
    const notices: string[] = []
    const fresh = await startKept(name, notices)
    try {
      expect(notices).toEqual([expect.stringMatching(reason)])
      expect(fresh.orgs.map((org) => org.name)).toEqual(['Acme', 'Acme Sandbox'])
    } finally {
      await fresh.close()
    }
  })
})

const replaced = (bytes: Buffer, what: RegExp, by: string): Buffer =>
  Buffer.from(bytes.toString('latin1').replace(what, by), 'latin1')

const PLAIN = new Set<unknown>(
  [{}, [], new Map(), new Set(), new Date(), Buffer.of(), new Uint8Array(), new Uint32Array()].map(
    (one): unknown => Object.getPrototypeOf(one),
  ),
)

/** Paths of values that are neither plain nor of a type that V8 writes and reads. */
const instancesIn = (root: unknown): string[] => {
  const found: string[] = []
  const seen = new Set<unknown>()
  const walk = (value: unknown, path: string): void => {
    if (typeof value === 'function') found.push(path)
    if (typeof value !== 'object' || value === null || seen.has(value)) return
    seen.add(value)
    if (!PLAIN.has(Object.getPrototypeOf(value))) found.push(path)
    if (ArrayBuffer.isView(value)) return
    const entries =
      value instanceof Map || value instanceof Set ? [...value.entries()] : Object.entries(value)
    for (const [key, part] of entries) walk(part, `${path}.${String(key)}`)
  }
  walk(root, 'world')
  return found
}
