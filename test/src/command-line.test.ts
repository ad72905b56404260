// The command line as its users have it: packed, installed, and run as a process of its own against real
// servers; what it says, its exit codes, and what it leaves behind.

import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { installInto, packInto, run } from './packed.ts'
import { PASSWORD, type TestOrg } from './rig.ts'
import { sharedRig, type SharedRig } from './shared-rig.ts'
import { SUPER_ADMIN_SECRET } from './server-process.ts'
import { startProxy } from './unreliable-proxy.ts'
import { until } from './until.ts'

/** Emails are unique over the whole system, and the shared one may have served an earlier run. */
const FIRST = `first-${randomBytes(4).toString('hex')}@agency.example`

let folder: string
let rig: SharedRig
let org: TestOrg
let salesforceOrg: string

interface Ended {
  code: number | null
  out: string
  err: string
}

interface Page {
  items: unknown[]
}

interface Running {
  ended: Promise<Ended>
  /** What it has said so far on standard error. */
  said(): string
  /** … and on standard output. */
  printed(): string
  interrupt(): void
}

const begin = (argv: string[], { input = '', env = {} }: RunOptions = {}): Running => {
  const child = spawn(process.execPath, [join(folder, 'node_modules/.bin/sfx'), ...argv], {
    cwd: folder,
    env: { PATH: process.env.PATH, SFX_CONFIG: join(folder, 'config/sfx.json'), ...env },
  })
  let out = ''
  let err = ''
  child.stdout.on('data', (piece: Buffer) => (out += piece.toString()))
  child.stderr.on('data', (piece: Buffer) => (err += piece.toString()))
  child.stdin.on('error', () => undefined)
  child.stdin.end(input)
  return {
    ended: new Promise((resolve) => child.on('close', (code) => resolve({ code, out, err }))),
    said: () => err,
    printed: () => out,
    interrupt: () => void child.kill('SIGINT'),
  }
}

interface RunOptions {
  input?: string
  env?: Record<string, string>
}

const sfx = (argv: string[], options?: RunOptions): Promise<Ended> => begin(argv, options).ended

/** Its one JSON value; it has to end with this code. */
const json = async <T>(argv: string[], code = 0): Promise<T> => {
  const ended = await sfx([...argv, '--json'])
  expect([ended.code, ended.err], ended.out).toEqual([code, expect.anything()])
  return JSON.parse(ended.out) as T
}

const PLAN = `
objects:
  - api_name: Lead
    fields:
      - { api_name: Agency_Key__c, label: Agency Key, type: Text, length: 64, unique: true, external_id: true }
  - api_name: Job_Posting__c
    label: Job Posting
    plural_label: Job Postings
    name_field: { label: Posting No., type: AutoNumber, display_format: 'JP-{00000}' }
    fields:
      - { api_name: Title__c, label: Title, type: Text, length: 120 }
`
const SMALL_PLAN = `
objects:
  - { api_name: Account, fields: [{ api_name: Asked_For__c, label: Asked For, type: Checkbox }] }
`
const RED_PLAN = `
objects:
  - api_name: Lead
    fields:
      - { api_name: Agency__c, label: Agency, type: Lookup, reference_to: Nowhere__c, relationship_name: Leads }
`
const MAPPING = `
canonical_object: lead
sfdc_object: Lead
external_id_field: Agency_Key__c
fields:
  key: Agency_Key__c
  name: { sfdc_field: LastName, required: true }
  company: { sfdc_field: Company, required: true }
  email: Email
`
const leads = (count: number, isBad: (n: number) => boolean): string =>
  [
    'key,name,company,email',
    ...Array.from(
      { length: count },
      (_, n) => `lead-${n},"Person, ${n}",Acme,${isBad(n) ? 'no address' : `p${n}@acme.example`}`,
    ),
  ].join('\n')

beforeAll(async () => {
  const packing = await mkdtemp(join(tmpdir(), 'command-line-'))
  folder = join(packing, 'empty')
  const tarballs = await packInto(packing, 'client', 'cli')
  await installInto(folder, tarballs, ['commander', 'csv-parse', 'yaml'])
  rig = await sharedRig()
  org = await rig.org()
  salesforceOrg = (await rig.salesforceOrg()).name
  await writeFile(join(folder, 'plan.yaml'), PLAN)
  await writeFile(join(folder, 'red.yaml'), RED_PLAN)
  await writeFile(join(folder, 'lead.yaml'), MAPPING)
  await writeFile(
    join(folder, 'leads.csv'),
    leads(500, (n) => n % 200 === 42),
  )
}, 120_000)
afterAll(() => rm(dirname(folder), { recursive: true, force: true }))

describe('before a login', () => {
  it('says what to do, with an exit code for each kind of mistake', async () => {
    expect(await sfx(['pull', 'acme'])).toMatchObject({
      code: 4,
      err: expect.stringContaining('Run: sfx login URL') as string,
    })
    expect((await sfx(['pul', 'acme'])).err).toContain('Did you mean pull?')
    expect((await sfx(['push', 'leads.csv', '--object', 'lead'])).err).toContain('--client')
    expect((await sfx(['deploy', 'start', 'plan.yaml'])).code, 'no default client').toBe(2)
    const env = { SFX_URL: rig.urls[0], SFX_TOKEN: 'sfx_of_nobody' }
    const refused = await sfx(['whoami'], { env })
    expect(refused.code).toBe(4)
    expect(refused.err + refused.out).not.toContain('sfx_of_nobody')
    expect(
      (await sfx(['whoami'], { env: { ...env, SFX_URL: 'http://engine.example' } })).err,
    ).toContain('https://')
  })
})

describe('the main job', () => {
  let client: string
  let deployment: string
  let commands = 0
  const counted = (argv: string[], options?: RunOptions) => {
    commands += 1
    return sfx(argv, options)
  }

  it('on a new server begins with an organization and a login', async () => {
    const begun = await sfx(
      ['admin', 'init', rig.urls[0], '--org', 'My Agency', '--email', FIRST],
      { input: PASSWORD, env: { SFX_BOOTSTRAP_SECRET: SUPER_ADMIN_SECRET } },
    )
    expect([begun.code, begun.out]).toEqual([0, expect.stringContaining(`as ${FIRST}`)])
    expect((await sfx(['logout'])).code).toBe(0)
  })

  it('takes ten commands, from the login to the deployed plan', async () => {
    const login = await counted(['login', rig.urls[0], '--email', org.email], { input: PASSWORD })
    expect([login.code, login.err]).toEqual([0, ''])
    expect(login.out).toContain(`as ${org.email} (org_admin)`)
    const created = await counted(['clients', 'create', 'Acme Staffing'])
    client = /[0-9a-f-]{36}/.exec(created.out)?.[0] ?? ''

    commands += 1
    const connecting = begin(['connect', 'acme staffing'])
    const link = await until(
      'the link is printed',
      () => /^ {2}(http\S+)$/m.exec(connecting.said())?.[1],
    )
    await rig.simulator.control.authorize({ connectLink: link, org: salesforceOrg })
    expect((await connecting.ended).out).toContain('Acme Staffing is connected: http')

    const pulled = await counted(['pull', 'Acme Staffing'])
    expect(pulled.out).toMatch(
      /^Version 1: \d+ objects, \d+ fields, \d+ automations; the first one/,
    )
    const checked = await counted(['check', 'plan.yaml', '-c', client])
    expect([checked.code, checked.out]).toEqual([0, expect.stringMatching(/^green: \d+ green/)])
    const red = await sfx(['check', 'red.yaml', '-c', client])
    expect([red.code, red.err]).toEqual([3, expect.stringContaining('The check is red')])
    expect(red.out).toContain('Nowhere__c')

    const held = await sfx(['deploy', 'start', 'plan.yaml', '-c', client])
    expect([held.code, held.err]).toEqual([2, expect.stringContaining('add --yes')])
    const begun = await counted(['deploy', 'start', 'plan.yaml', '-c', client, '--yes'])
    expect(begun.out).toContain('created   CustomObject Job_Posting__c')
    expect(begun.err).toContain('production org of Acme Staffing')
    deployment = /sfx deploy rollback (\S+)/.exec(begun.err)?.[1] ?? ''
    await counted(['pull', client])
    const diff = await sfx(['diff', client])
    expect(diff.out).toContain('\n+ Job_Posting__c\n')
    expect(diff.out).toContain('+ Lead.Agency_Key__c')
  })

  it('pushes a file, and the failed rows can be corrected and pushed again', async () => {
    expect(await counted(['mappings', 'set', 'lead.yaml', '-c', client])).toMatchObject({
      code: 0,
      out: 'lead → Lead, version 1\n',
    })
    const push = ['push', 'leads.csv', '-c', client, '-o', 'lead', '--yes']
    const pushed = await counted(push)
    expect([pushed.code, pushed.out], pushed.err).toEqual([
      6,
      expect.stringContaining('497 of 500 rows succeeded, 3 failed'),
    ])
    const failed = await readFile(join(folder, 'leads.failed.csv'), 'utf8')
    const [head, ...rows] = failed.trimEnd().split('\n')
    expect(head).toBe('key,name,company,email,_error,_remedy')
    expect(rows.map((row) => row.split(',')[0])).toEqual(['lead-42', 'lead-242', 'lead-442'])
    expect(rows[0]).toContain('"Person, 42"')

    await writeFile(
      join(folder, 'leads.failed.csv'),
      failed.replaceAll(',no address,', ',right@acme.example,'),
    )
    const again = await json<{ status: string; created_count: number }>([
      ...['push', 'leads.failed.csv', '-c', client, '-o', 'lead', '--yes'],
    ])
    expect(again).toMatchObject({ status: 'succeeded', created_count: 3, failed_rows_file: null })
  })

  it('stops waiting at Ctrl-C or in time, and goes on with the printed command', async () => {
    const { control } = rig.simulator
    const slowly = { org: salesforceOrg, times: 1_000, kind: { type: 'slow', ms: 3_000 } } as const
    const commandIn = (said: string) => /^ {2}sfx (.+)$/m.exec(said)?.[1]?.split(' ') ?? []

    await control.addFault(slowly)
    const waiting = await sfx(['pull', client, '--full', '--wait', '0'])
    await control.clearFaults(salesforceOrg)
    expect([waiting.code, waiting.err]).toEqual([8, expect.stringContaining('sfx wait snapshot ')])
    const resumed = await sfx(commandIn(waiting.err))
    expect([resumed.code, resumed.out]).toEqual([0, 'The snapshot has ended: complete\n'])

    await control.addFault(slowly)
    const pulling = begin(['pull', client, '--full'])
    await until('it waits', () => pulling.said() !== '')
    pulling.interrupt()
    const stopped = await pulling.ended
    await control.clearFaults(salesforceOrg)
    expect([stopped.code, stopped.err]).toEqual([
      8,
      expect.stringContaining('nothing was cancelled'),
    ])
    expect((await sfx(commandIn(stopped.err))).code).toBe(0)
  })

  it('interrupted while rows are sent, prints the command that sends them once in any case', async () => {
    const proxy = await startProxy(rig.urls[0])
    try {
      await writeFile(
        join(folder, 'few leads.csv'),
        leads(20, () => false),
      )
      const env = { SFX_URL: proxy.url, SFX_TOKEN: org.token }
      const pushes = async () =>
        (JSON.parse((await sfx(['api', '/api/push/list', '-d', '{}'], { env })).out) as Page).items
      const before = (await pushes()).length
      // The server has the rows, and nobody was told.
      proxy.expect('/api/push/records', 'lose answer', 'stall')
      const pushing = begin(['push', 'few leads.csv', '-c', client, '-o', 'lead', '--yes'], { env })
      await until(
        'it tries again',
        () => proxy.passed.filter(({ path }) => path === '/api/push/records').length === 2,
      )
      pushing.interrupt()
      const { code, err } = await pushing.ended
      expect([code, err]).toEqual([1, expect.stringContaining('To send them, once in any case')])
      const [, key = ''] = /^ {2}sfx push 'few leads.csv' .* --key (\S+)$/m.exec(err) ?? []
      const again = ['push', 'few leads.csv', '-c', client, '-o', 'lead', '--yes', '--key', key]
      expect((await sfx(again, { env })).out).toContain('20 of 20 rows succeeded')
      expect((await pushes()).length).toBe(before + 1)
    } finally {
      await proxy.close()
    }
  })

  it('hands editors the schema of a plan, and shells the commands', async () => {
    const schema = await json<object>(['schema'])
    const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(schema)
    expect([validate(parse(PLAN)), validate.errors]).toEqual([true, null])
    expect(validate({ objects: [{ api_name: 'Lead', feilds: [] }] })).toBe(false)
    await writeFile(
      join(folder, 'complete.bash'),
      `${(await sfx(['completion', 'bash'])).out}
for line in 'sfx de' 'sfx deploy roll' 'sfx pull --fu'; do
  read -ra COMP_WORDS <<<"$line"; COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); COMPREPLY=(); _sfx
  echo "\${COMPREPLY[*]}"
done`,
    )
    const { stdout } = await run('bash', [join(folder, 'complete.bash')])
    expect(stdout).toBe('deploy\nrollback\n--full\n')
  })

  it('tells events as they come', async () => {
    const tailing = begin(['events', 'tail', '--client', client])
    await until('it listens', () => tailing.said().includes('Waiting for events'))
    expect((await sfx(['pull', client])).code).toBe(0)
    await until('the pull is told', () => tailing.printed().includes('topology.pulled'))
    tailing.interrupt()
    expect((await tailing.ended).code).toBe(0)
  })

  it('with a credential that has to ask, prints the command that goes on once it was granted', async () => {
    const created = await org.api.post<{ token: string }>('/api/tokens/create', {
      ...{ name: 'agent', approval: 'required' },
      expires_at: new Date(Date.now() + 3_600_000).toISOString(),
    })
    const env = { SFX_URL: rig.urls[0], SFX_TOKEN: created.body.token }
    await writeFile(join(folder, 'small.yaml'), SMALL_PLAN)
    await sfx(['pull', client])
    const asked = await sfx(['deploy', 'start', 'small.yaml', '-c', client, '--yes'], { env })
    expect(asked.code).toBe(4)
    const words = /^ {2}sfx (.+)$/m.exec(asked.err)?.[1]?.split(' ') ?? []
    const { api } = await org.user('org_admin')
    await api.post('/api/approvals/grant', { approval_id: words.at(-1) })
    const deployed = await sfx(words, { env })
    expect([deployed.code, deployed.out]).toEqual([0, expect.stringContaining(': deployed')])
  })

  it('takes all of it back, in at most twelve commands', async () => {
    const refused = await sfx(['deploy', 'rollback', deployment, '--yes'])
    expect([refused.code, refused.err]).toEqual([1, expect.stringContaining('data_would_be_lost')])
    const undone = await counted(['deploy', 'rollback', deployment, '--allow-data-loss', '--yes'])
    expect([undone.code, undone.out]).toEqual([0, expect.stringContaining('as before')])
    expect(commands).toBeLessThanOrEqual(12)
  })

  it('keeps its secrets to itself, and forgets them', async () => {
    const path = join(folder, 'config/sfx.json')
    expect(((await stat(path)).mode & 0o777).toString(8)).toBe('600')
    const profiles = await json<{ profile: string; url: string }[]>(['profiles'])
    expect(profiles).toMatchObject([{ url: rig.urls[0], current: true, who: org.email }])
    expect(JSON.stringify(profiles)).not.toContain('token')
    await json(['api', '/api/clients/list', '-d', '{"limit":1}'])
    expect((await sfx(['logout'])).code).toBe(0)
    expect(await readFile(path, 'utf8')).not.toContain('ey')
    expect((await sfx(['clients', 'list'])).code).toBe(4)
  })
})
