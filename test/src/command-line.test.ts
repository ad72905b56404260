// The command line as its users have it: packed, installed, and run against real servers; what it says, its
// exit codes, and what it leaves behind. The main job and what depends on the process (signals, pipes, an exit
// code of each kind) run as processes of their own (`begin`, `alone`), the rest in one (`sfx`).

import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import openapi from '../../docs/openapi.json' with { type: 'json' }
import { type Ended, type InstalledSfx, installedSfx, type RunOptions } from './installed-sfx.ts'
import { installInto, packInto, run } from './packed.ts'
import { PASSWORD, type TestOrg } from './rig.ts'
import { sharedRig, type SharedRig } from './shared-rig.ts'
import { SUPER_ADMIN_SECRET } from './server-process.ts'
import { startProxy } from './unreliable-proxy.ts'
import { lastingPort } from '../../simulator/src/saved/ports.ts'
import { until } from './until.ts'

/** Emails are unique over the whole system, and the shared one may have served an earlier run. */
const FIRST = `first-${randomBytes(4).toString('hex')}@agency.example`

/** What is undone at the end, also if the set-up failed. */
const cleanup = new AsyncDisposableStack()
let folder: string
let installed: InstalledSfx
let rig: SharedRig
let org: TestOrg
let salesforceOrg: string

interface Page {
  items: unknown[]
}

/** As a process of its own. */
const begin: InstalledSfx['begin'] = (...command) => installed.begin(...command)
/** … to its end. */
const alone = (...command: Parameters<InstalledSfx['begin']>): Promise<Ended> =>
  begin(...command).ended
/** In the process for all. */
const sfx: InstalledSfx['run'] = (...command) => installed.run(...command)

/** What each command prints with --json: a resource of the API, a list of one, or what is the command line's own. */
const PRINTS: Readonly<Record<string, string | readonly [string] | object>> = {
  login: 'AuthMeResponse',
  'admin init': 'AuthMeResponse',
  whoami: 'AuthMeResponse',
  logout: { required: ['profile', 'session_ended'] },
  profiles: { items: { required: ['profile', 'url', 'who', 'expires_at', 'current'] } },
  'clients list': ['Client'],
  'clients create': 'Client',
  'clients get': 'ClientDetail',
  'clients tag': 'Client',
  retry: 'PushWithResults',
  connect: 'Connection',
  // Of one client, or of all.
  health: {
    anyOf: ['ConnectionsGetResponse', 'FleetHealth'].map((name) => ({
      $ref: `openapi.json#/components/schemas/${name}`,
    })),
  },
  search: 'SearchResult',
  compare: 'FleetComparison',
  'reconsent create': 'CreatedReconsentCampaign',
  'reconsent status': 'ReconsentCampaignWithClients',
  pull: 'Snapshot',
  diff: 'TopologyDiff',
  wait: 'Deployment',
  check: 'ConflictReport',
  'deploy start': 'Deployment',
  'deploy check': 'Deployment',
  'deploy list': ['DeploymentSummary'],
  'deploy report': 'Deployment',
  'deploy resume': 'Deployment',
  'deploy cancel': 'Deployment',
  'deploy rollback': 'Deployment',
  'workflows list': ['Automation'],
  'workflows deploy': 'Deployment',
  'workflows activate': 'Deployment',
  'workflows deactivate': 'Deployment',
  'workflows remove': 'Deployment',
  offboard: 'Offboarding',
  'admin purge': 'OrganizationPurge',
  'rollout create': 'Rollout',
  'rollout check': 'Rollout',
  'rollout start': 'Rollout',
  'rollout approve': 'Rollout',
  'rollout resume': 'Rollout',
  'rollout retry': 'Rollout',
  'rollout rollback': 'Rollout',
  'rollout pause': 'Rollout',
  'rollout stop': 'Rollout',
  'rollout skip': 'Rollout',
  'rollout list': ['RolloutSummary'],
  'rollout get': 'Rollout',
  'rollout wait': 'Rollout',
  'rollout matrix': 'RolloutMatrix',
  'rollout targets': ['RolloutTarget'],
  'approvals list': ['Approval'],
  'approvals get': 'Approval',
  'approvals grant': 'Approval',
  'approvals refuse': 'Approval',
  'mappings list': ['Mapping'],
  'mappings set': 'CheckedMapping',
  'mappings edit': 'CheckedMapping',
  'mappings validate': 'MappingsValidateResponse',
  'mappings suggest': 'MappingSuggestion',
  push: 'Push',
  'blueprints list': ['Blueprint'],
  'blueprints create': 'Blueprint',
  'blueprints publish': 'BlueprintVersion',
  'blueprints get': 'BlueprintVersion',
  'blueprints diff': 'BlueprintVersionDiff',
  'blueprints bind': 'BlueprintBindings',
  'blueprints unbind': 'RemovedBindings',
  'blueprints bindings': ['BlueprintBinding'],
  drift: ['DriftResult'],
  'events tail': 'Event',
  api: 'ClientPage',
  audit: ['AuditRow'],
  schema: { required: ['$schema', '$ref', '$defs'] },
}

const schemas = new Ajv2020({ strict: false, validateFormats: false })
schemas.addSchema(openapi, 'openapi.json')
/** The commands whose JSON was seen. */
const printed = new Set<string>()

/** Throws unless this is what the command promises to print with --json. */
const expectJson = (argv: readonly string[], text: string): unknown => {
  const [first = '', second = ''] = argv
  const command = [`${first} ${second}`, first].find((name) => name in PRINTS) ?? ''
  const shape = PRINTS[command] ?? {}
  const named = (name: string) => ({ $ref: `openapi.json#/components/schemas/${name}` })
  const validate = schemas.compile(
    typeof shape === 'string'
      ? named(shape)
      : Array.isArray(shape)
        ? { type: 'array', minItems: 1, items: named(String(shape[0])) }
        : shape,
  )
  const value = JSON.parse(text) as unknown
  expect([validate(value), validate.errors], `sfx ${argv.join(' ')}: ${text}`).toEqual([true, null])
  printed.add(command)
  return value
}

/** Its one JSON value, which is what it promises; it has to end with this code. */
const json = async <T>(argv: string[], code = 0, options: RunOptions = {}): Promise<T> => {
  const ended = await sfx([...argv, '--json'], options)
  expect([ended.code, ended.err], ended.out).toEqual([code, expect.anything()])
  return expectJson(argv, ended.out) as T
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
const FLAG = { label: 'Flag', type: 'Checkbox' }
const WORKFLOWS = `
workflows:
  - type: validation_rule
    api_name: Lead.Asks_For_Company
    definition: { form: validation, condition: 'ISBLANK(Company)', message: Say the company. }
    activate: true
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
  cleanup.defer(() => rm(packing, { recursive: true, force: true }))
  folder = join(packing, 'empty')
  const tarballs = await packInto(packing, 'client', 'cli')
  await installInto(folder, tarballs, ['commander', 'csv-parse', 'yaml'])
  installed = cleanup.use(installedSfx(folder))
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
})
// A test that fails in the middle leaves commands that still run, and a Salesforce org that is still slow.
afterEach(async () => {
  await installed.killUnfinished()
  await rig.simulator.control.clearFaults(salesforceOrg)
})
afterAll(() => cleanup.disposeAsync())

describe('before a login', () => {
  it('says what to do, with an exit code for each kind of mistake', async () => {
    expect(await alone(['pull', 'acme'])).toMatchObject({
      code: 4,
      err: expect.stringContaining('Run: sfx login URL') as string,
    })
    expect((await alone(['pul', 'acme'])).err).toContain('Did you mean pull?')
    expect((await sfx(['deploy', 'strat', 'plan.yaml'])).err).toContain('Did you mean start?')
    expect((await sfx(['push', 'leads.csv', '--object', 'lead'])).err).toContain('--client')
    expect((await sfx(['deploy', 'start', 'plan.yaml'])).code, 'no default client').toBe(2)
    const env = { SFX_URL: rig.urls[0], SFX_TOKEN: 'sfx_of_nobody' }
    const refused = await alone(['whoami'], { env })
    expect(refused.code).toBe(4)
    expect(refused.err + refused.out).not.toContain('sfx_of_nobody')
    expect(
      (await sfx(['whoami'], { env: { ...env, SFX_URL: 'http://engine.example' } })).err,
    ).toContain('https://')
    const nowhere = await sfx(['login', 'engine.example', '--email', 'a@b.example'], { input: 'x' })
    expect([nowhere.code, nowhere.err]).toEqual([
      2,
      'The URL of the server is not a URL: engine.example\n',
    ])
  })

  it('gives up soon on a server that does not exist, and names it', async () => {
    const url = `http://127.0.0.1:${await lastingPort()}`
    const begun = performance.now()
    const absent = await alone(['whoami'], { env: { SFX_URL: url, SFX_TOKEN: 'sfx_of_nobody' } })
    // A start of sfx takes a second or more while other suites run; four retries took six.
    expect(performance.now() - begun).toBeLessThan(5_000)
    expect([absent.code, absent.err]).toEqual([
      1,
      expect.stringContaining(`No server answers at ${url}`),
    ])
    expect(absent.err.match(/Trying again/g) ?? []).toHaveLength(1)
  })
})

describe('the main job', () => {
  let client: string
  let deployment: string
  let commands = 0
  const counted = (argv: string[], options?: RunOptions) => {
    commands += 1
    return alone(argv, options)
  }

  it('on a new server begins with an organization and a login', async () => {
    const name = `Agency of ${FIRST}`
    const env = { SFX_BOOTSTRAP_SECRET: SUPER_ADMIN_SECRET }
    const init = ['admin', 'init', rig.urls[0], '--org', name, '--email', FIRST]
    const refused = await alone(init, { input: 'short', env })
    expect([refused.code, refused.err]).toEqual([2, expect.stringContaining('12 characters')])
    const begun = await json<object>(init, 0, { input: PASSWORD, env })
    expect(begun).toMatchObject({ email: FIRST, role: 'org_admin', url: rig.urls[0] })
    const orgs = await sfx(['api', '/api/super-admin/orgs/list', '-d', '{"limit":200}'], {
      env: { SFX_URL: rig.urls[0], SFX_TOKEN: SUPER_ADMIN_SECRET },
    })
    expect(
      (JSON.parse(orgs.out) as { items: { name: string }[] }).items.filter(
        (one) => one.name === name,
      ),
      'the second attempt makes no second organization',
    ).toHaveLength(1)
    await json(['logout'])
  })

  it('takes ten commands, from the login to the deployed plan', async () => {
    const login = await counted(['login', rig.urls[0], '--email', org.email], { input: PASSWORD })
    expect([login.code, login.err]).toEqual([0, ''])
    expect(login.out).toContain(`as ${org.email} (org_admin)`)
    const created = await counted(['clients', 'create', 'Acme Staffing'])
    client = /[0-9a-f-]{36}/.exec(created.out)?.[0] ?? ''

    commands += 1
    const connecting = begin(['connect', 'acme staffing', '--json'])
    const link = await until(
      'the link is printed',
      () => /^ {2}(http\S+)$/m.exec(connecting.said())?.[1],
    )
    await rig.simulator.control.authorize({ connectLink: link, org: salesforceOrg })
    expect(expectJson(['connect'], (await connecting.ended).out)).toMatchObject({
      status: 'connected',
    })

    const pulled = await counted(['pull', 'Acme Staffing'])
    expect(pulled.out).toMatch(
      /^Version 1: \d+ objects, \d+ fields, \d+ automations; the first one/,
    )
    const checked = await counted(['check', 'plan.yaml', '-c', client])
    expect([checked.code, checked.out]).toEqual([0, expect.stringMatching(/^green: \d+ green/)])
    const red = await alone(['check', 'red.yaml', '-c', client])
    expect([red.code, red.err]).toEqual([3, expect.stringContaining('The check is red')])
    expect(red.out).toContain('Nowhere__c')
    const report = /report (\S+)\)/.exec(red.err)?.[1] ?? ''
    const awaited = await sfx(['wait', 'report', report, '--client', client])
    expect([awaited.code, awaited.out], 'waited for later, the verdict is the same').toEqual([
      3,
      red.out,
    ])

    const held = await sfx(['deploy', 'start', 'plan.yaml', '-c', client])
    expect([held.code, held.err]).toEqual([2, expect.stringContaining('add --yes')])
    const begun = await counted(['deploy', 'start', 'plan.yaml', '-c', client, '--yes'])
    expect(begun.out).toContain('created   CustomObject Job_Posting__c')
    expect(begun.err).toContain('production org of Acme Staffing')
    deployment = /sfx deploy rollback (\S+)/.exec(begun.err)?.[1] ?? ''
    await counted(['pull', client])
    await json(['diff', client])
    const diff = await sfx(['diff', client])
    expect(diff.out).toContain('\n+ Job_Posting__c\n')
    expect(diff.out).toContain('+ Lead.Agency_Key__c')
  })

  it('pushes a file, and the failed rows can be corrected and pushed again', async () => {
    expect(await counted(['mappings', 'set', 'lead.yaml', '-c', client])).toMatchObject({
      code: 0,
      out: 'lead → Lead, version 1\n',
    })
    const missing = await sfx(['push', 'nowhere.csv', '-c', client, '-o', 'lead', '--yes'])
    expect([missing.code, missing.err]).toEqual([2, 'There is no file nowhere.csv\n'])
    await writeFile(join(folder, 'foreign.csv'), 'E-Mail,Nachname\na@acme.example,Person\n')
    const foreign = await sfx(['push', 'foreign.csv', '-c', client, '-o', 'lead', '--yes'])
    expect([foreign.code, foreign.out, foreign.err]).toEqual([
      2,
      '',
      expect.stringMatching(/foreign\.csv: .*E-Mail, Nachname.*key, name, company, email/s),
    ])
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

  it('pushes standard input, and puts rows that repeat a key where nobody pushes them again unseen', async () => {
    const rows =
      'key,name,company,email\ntwice,Written,Acme,w@acme.example\ntwice,Repeated,Acme,r@acme.example\n'
    const push = ['push', '-', '-c', client, '-o', 'lead', '--yes']
    const pushed = await sfx([...push, '--json'], { input: rows })
    expect(pushed.code, pushed.err).toBe(6)
    expect(JSON.parse(pushed.out)).toMatchObject({
      ...{ succeeded: 1, failed: 1 },
      ...{ failed_rows_file: null, repeated_rows_file: 'rows.repeated.csv' },
    })
    const repeated = await readFile(join(folder, 'rows.repeated.csv'), 'utf8')
    const { id } = JSON.parse(pushed.out) as { id: string }
    expect((await sfx(['wait', 'push', id])).code).toBe(6)
    const again = await json<{ failed: number }>(['retry', id, '--yes'], 1)
    expect(again.failed, 'it is refused again').toBe(1)
    expect(repeated).toContain('twice,Repeated,Acme,r@acme.example,DUPLICATE_KEY_IN_INPUT: ')
    const latin = Buffer.from(rows.replace('Written', 'Müller'), 'latin1')
    await writeFile(join(folder, 'latin.csv'), latin)
    const refused = await sfx(['push', 'latin.csv', '-c', client, '-o', 'lead', '--yes'])
    expect([refused.code, refused.out, refused.err]).toEqual([
      ...[2, ''],
      expect.stringContaining('latin.csv: line 2 is not in UTF-8'),
    ])
  })

  it('stops waiting at Ctrl-C or in time, and goes on with the printed command', async () => {
    const { control } = rig.simulator
    const slowly = { org: salesforceOrg, times: 1_000, kind: { type: 'slow', ms: 3_000 } } as const
    const commandIn = (said: string) => /^ {2}sfx (.+)$/m.exec(said)?.[1]?.split(' ') ?? []

    await control.addFault(slowly)
    const waiting = await alone(['pull', client, '--full', '--wait', '0'])
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
      `${(await alone(['completion', 'bash'])).out}
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
    const asJson = begin(['events', 'tail', '--json'])
    await until('it listens', () => tailing.said().includes('Waiting for events'))
    // The other says nothing when it begins: pulled again until it has heard.
    await until('the pull is told', async () => {
      await json(['pull', client])
      return [tailing, asJson].every((one) => one.printed().includes('topology.pulled'))
    })
    tailing.interrupt()
    asJson.interrupt()
    expect((await tailing.ended).code).toBe(0)
    for (const line of (await asJson.ended).out.trimEnd().split('\n')) {
      expectJson(['events', 'tail'], line)
    }
  })

  it('with a credential that has to ask, prints the command that goes on once it was granted', async () => {
    const created = await org.api.post<{ token: string }>('/api/tokens/create', {
      ...{ name: 'agent', approval: 'required' },
      scopes: ['topology.read', 'deploy.write', 'push.write'],
      expires_at: new Date(Date.now() + 3_600_000).toISOString(),
    })
    const env = { SFX_URL: rig.urls[0], SFX_TOKEN: created.body.token }
    await writeFile(join(folder, 'small.yaml'), SMALL_PLAN)
    await sfx(['pull', client])
    const deploying = ['deploy', 'start', 'small.yaml', '-c', client, '--yes']
    const asked = await alone(deploying, { env })
    expect(asked.code).toBe(4)
    /** The commands that the message tells: that of the person, and that which goes on. */
    const toldBy = ({ err }: Ended) => {
      const [grant = [], again = []] = [...err.matchAll(/^ {2}sfx (.+)$/gm)].map(([, line = '']) =>
        line.split(' '),
      )
      expect(grant.slice(0, 2)).toEqual(['approvals', 'grant'])
      return { approval: grant[2] ?? '', again }
    }
    const { approval, again: words } = toldBy(asked)

    const waiting = await json<{ id: string }[]>(['approvals', 'list', '-c', client])
    expect(waiting.map(({ id }) => id)).toEqual([approval])
    const unread = await sfx(['approvals', 'grant', approval])
    expect([unread.code, unread.err]).toEqual([2, expect.stringContaining('Asked_For__c')])
    expect((await sfx(['approvals', 'grant', approval, '--yes'], { env })).code).toBe(4)
    expect(await json(['approvals', 'get', approval])).toMatchObject({ state: 'pending' })
    expect(await json(['approvals', 'grant', approval, '--yes'])).toMatchObject({
      state: 'granted',
    })
    const deployed = await json<{ id: string; status: string }>(words, 0, { env })
    expect(deployed.status).toBe('deployed')

    const undoing = ['deploy', 'rollback', deployed.id, '--yes']
    const { approval: refused, again } = toldBy(await sfx(undoing, { env }))
    expect(await json(['approvals', 'refuse', refused])).toMatchObject({ state: 'refused' })
    expect((await sfx(again, { env })).code).not.toBe(0)
    expect(await json(['deploy', 'report', deployed.id])).toMatchObject({ status: 'deployed' })

    await writeFile(
      join(folder, 'asked.csv'),
      leads(3, () => false),
    )
    const pushing = ['push', 'asked.csv', '-c', client, '-o', 'lead', '--yes']
    const push = toldBy(await sfx(pushing, { env }))
    await json(['approvals', 'grant', push.approval, '--yes'])
    const pushed = await sfx(push.again, { env })
    expect([pushed.code, pushed.out]).toEqual([0, expect.stringContaining('3 of 3 rows')])
  })

  it('binds clients to a blueprint, and says by its exit code that one differs', async () => {
    await json(['blueprints', 'create', 'Tiers', '--slug', 'cli-tiers'])
    await writeFile(
      join(folder, 'tiers.yaml'),
      `plan:
  objects:
    - api_name: Lead
      fields:
        - { api_name: Cli_Tier__c, label: { param: label }, type: Checkbox }
parameters:
  - { name: label, type: text }
`,
    )
    await json(['blueprints', 'publish', 'cli-tiers', 'tiers.yaml', '--expected-latest', '0'])
    await json(['blueprints', 'publish', 'cli-tiers', 'tiers.yaml', '--notes', 'The same'])
    await json(['blueprints', 'get', 'cli-tiers', '--version-number', '1'])
    await json(['blueprints', 'list'])
    const bind = ['blueprints', 'bind', 'cli-tiers', '-c', client]
    expect((await sfx(bind)).err).toContain('The parameter label has no value.')
    await json([...bind, '--param', 'label=Level'])
    await json(['blueprints', 'bindings', 'cli-tiers'])
    await json(['blueprints', 'diff', 'cli-tiers', '1'])
    await json(['drift', 'cli-tiers'], 5)
    const told = await alone(['drift', 'cli-tiers', '-c', client])
    expect([told.code, told.out]).toEqual([5, expect.stringContaining('Lead.Cli_Tier__c')])
    expect(told.out).toContain('0 in sync, 1 drifted, 0 unknown')
    const unbind = ['blueprints', 'unbind', 'cli-tiers']
    const unsaid = await sfx(unbind)
    expect([unsaid.code, unsaid.err]).toEqual([2, expect.stringContaining('--client')])
    await json([...unbind, '-c', client])
    expect((await sfx(['blueprints', 'bindings', 'cli-tiers'])).out).not.toContain(client)
  })

  it('edits a mapping as git edits a message, and never loses the text', async () => {
    await writeFile(
      join(folder, 'editor.mjs'),
      `import { readFileSync, writeFileSync } from 'node:fs'
const [, , from, to, path] = process.argv
writeFileSync(path, readFileSync(path, 'utf8').replace(from, to))`,
    )
    const replacing = (from: string, to: string) => ({
      env: { EDITOR: `'${process.execPath}' editor.mjs '${from}' '${to}'` },
    })
    const editing = ['mappings', 'edit', client, 'lead']
    const edited = await json<{ version: number; fields: object[] }>(
      editing,
      0,
      replacing('email: Email', 'email: Email\n  phone: Phone'),
    )
    expect(edited.version).toBe(2)
    expect(edited.fields).toHaveLength(5)
    expect((await sfx(editing, replacing('what is not there', ''))).out).toBe(
      'Nothing was changed.\n',
    )

    const wrong = await sfx(editing, replacing('phone: Phone', 'phone: Fone'))
    expect([wrong.code, wrong.err]).toEqual([2, expect.stringContaining('Fone')])
    const [, path = ''] = /^ {2}sfx mappings set (\S+) /m.exec(wrong.err) ?? []
    const text = await readFile(path, 'utf8')
    expect(text).toContain('phone: Fone')
    expect((await json<{ version: number }[]>(['mappings', 'list', client]))[0]?.version).toBe(2)
    await writeFile(path, text.replace('Fone', 'MobilePhone'))
    const stored = await json<{ version: number }>(['mappings', 'set', path, '-c', client])
    expect(stored.version).toBe(3)
    await rm(dirname(path), { recursive: true })
  })

  it('deploys, switches and removes workflows, each of which can be taken back', async () => {
    await writeFile(join(folder, 'rule.yaml'), WORKFLOWS)
    const rule = ['validation_rule', 'Lead.Asks_For_Company', '-c', client, '--yes']
    expect((await sfx(['workflows', 'deploy', 'small.yaml', '-c', client])).code).toBe(2)
    const deploying = ['workflows', 'deploy', 'rule.yaml', '-c', client, '--yes', '--accept-yellow']
    const deployed = await json<{ id: string; status: string }>(deploying)
    expect(deployed.status).toBe('deployed')
    const isActive = async () => {
      await json(['pull', client])
      const all = await json<{ api_name: string; active: boolean }[]>([
        ...['workflows', 'list', client, '--object', 'Lead'],
      ])
      return all.find(({ api_name }) => api_name === 'Lead.Asks_For_Company')?.active
    }
    await json(['workflows', 'deactivate', ...rule])
    expect(await isActive()).toBe(false)
    await json(['workflows', 'activate', ...rule])
    const removed = await json<{ id: string }>(['workflows', 'remove', ...rule])
    await json(['deploy', 'rollback', removed.id, '--yes'])
    expect(await isActive()).toBe(true)
    await json(['wait', 'deployment', deployed.id, '--client', client])
    await json(['deploy', 'resume', deployed.id])
  })

  it('takes all of it back, in at most twelve commands', async () => {
    const refused = await sfx(['deploy', 'rollback', deployment, '--yes'])
    expect([refused.code, refused.err]).toEqual([1, expect.stringContaining('data_would_be_lost')])
    expect(refused.err, 'the option, not the member of the API').toContain('--allow-data-loss')
    expect(refused.err).not.toContain('allow_data_loss')
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

  it('brings a plan to clients in waves, says by its exit code what it waits for, and takes it back', async () => {
    const env = { SFX_URL: rig.urls[0], SFX_TOKEN: org.token }
    const rollout = (argv: string[], code = 0) =>
      json<{ id: string; state: string }>(['rollout', ...argv], code, { env })
    await writeFile(
      join(folder, 'lead.yaml'),
      SMALL_PLAN.replace('Asked_For__c', 'By_Rollout__c').replace('Asked For', 'By Rollout'),
    )
    await json(['pull', client], 0, { env }) // what was deployed before would be told as a drift
    const unasked = await sfx(['rollout', 'create', 'lead.yaml'], { env })
    expect([unasked.code, unasked.err]).toEqual([2, expect.stringContaining('--client, --tag')])
    const empty = await sfx(['rollout', 'create', '--all'], { env })
    expect([empty.code, empty.err]).toEqual([2, expect.stringContaining('--blueprint')])
    const { id } = await rollout(['create', 'lead.yaml', '-c', client])
    expect((await rollout(['check', id])).state).toBe('ready')
    const { revision } = await json<{ revision: number }>(['rollout', 'matrix', id], 0, { env })
    expect((await sfx(['rollout', 'matrix', id], { env })).out).toContain(`revision ${revision}`)
    // Whoever has read an older matrix starts nothing.
    const before = ['rollout', 'start', id, '--yes', '--revision', String(revision - 1)]
    expect((await sfx(before, { env })).err).toContain('revision')
    const unsure = await sfx(['rollout', 'start', id], { env })
    expect([unsure.code, unsure.err]).toEqual([2, expect.stringContaining('--yes')])
    expect((await rollout(['start', id, '--yes'])).state).toBe('succeeded')
    expect((await sfx(['rollout', 'get', id], { env })).out).toMatch(/canary +closed +1 +1/)
    await rollout(['get', id])
    await rollout(['targets', id, '--state', 'deployed'])
    await rollout(['rollback', id, '--dry-run'])
    expect((await rollout(['rollback', id, '--yes'])).state).toBe('rolled_back')

    const hours = (offset: number) =>
      `${String((new Date().getUTCHours() + offset) % 24).padStart(2, '0')}:00`
    const gated = {
      plan: {
        objects: [
          { api_name: 'Account', fields: [{ ...FLAG, api_name: 'Gated__c', label: 'Gated' }] },
        ],
      },
      strategy: {
        waves: [{ gate: 'manual' }],
        window: { from: hours(3), to: hours(5), zone: 'UTC' }, // closed now
      },
    }
    await writeFile(join(folder, 'gated.json'), JSON.stringify(gated))
    const other = await rollout(['create', 'gated.json', '-c', client])
    await rollout(['check', other.id])
    await rollout(['start', other.id, '--yes'], 8)
    const shown = await json<{ revision: number }>(['rollout', 'get', other.id], 0, { env })
    const withRevision = (verb: string, revision: number) =>
      [verb, other.id, '--yes', '--wait', '0', '--revision', String(revision)] as const
    const late = await sfx(['rollout', ...withRevision('approve', shown.revision - 1)], { env })
    expect(late.err).toContain(`at revision ${shown.revision}`)
    await rollout([...withRevision('approve', shown.revision)], 8)
    await rollout(['pause', other.id])
    const later = await sfx(['rollout', ...withRevision('resume', shown.revision - 1)], { env })
    expect(later.err).toContain(`at revision ${shown.revision}`)
    await rollout(['resume', other.id, '--yes', '--wait', '0'], 8)
    await rollout(['stop', other.id])
    await rollout(['wait', other.id], 6)
    const { revision: seen } = await json<{ revision: number }>(['rollout', 'get', other.id], 0, {
      env,
    })
    const again = ['retry', other.id, '--id', client, '--revision', String(seen)]
    await rollout([...again, '--yes', '--wait', '0'], 8)
    await rollout(['stop', other.id])
    const { id: third } = await rollout(['create', 'gated.json', '-c', client])
    await rollout(['skip', third, client, '--reason', 'Not yet.'])
    await rollout(['list'])
  })

  it('prints, with --json, the resource of the API: every command', async () => {
    const env = { SFX_URL: rig.urls[0], SFX_TOKEN: org.token }
    const withToken = async (...argv: string[]) => void (await json(argv, 0, { env }))
    await Promise.all([
      withToken('whoami'),
      withToken('clients', 'list'),
      withToken('clients', 'get', client),
      withToken('clients', 'create', 'Another'),
      withToken('clients', 'tag', client, 'tier=gold'),
      withToken('health', client),
      withToken('health', '--risk', 'critical'),
      withToken('search', 'field', '--object', 'lead', '--name', 'Company'),
      withToken('compare', 'Lead', 'Company'),
    ])
    expect((await sfx(['clients', 'tag', client, '--remove', 'tier'], { env })).out).toMatch(
      /no tags/,
    )
    expect((await sfx(['health', 'Another'], { env })).out).not.toContain('as nobody')
    const lost = await sfx(['api', '/api/clients/lis', '-d', '{}'], { env })
    expect(lost.err).toContain('There is no endpoint POST /api/clients/lis')
    const audit = await sfx(['audit'], { env })
    expect(audit.out).toMatch(/^AT +WHO .*\n.* \S+@\S+ /)
    const named = await sfx(['pull', 'Another'], { env })
    const twin = await json<{ id: string }>(['clients', 'create', 'another'], 0, { env })
    const ambiguous = await sfx(['pull', 'Another'], { env })
    const { items } = JSON.parse(
      (await sfx(['api', '/api/clients/list', '-d', '{"query":"another"}'], { env })).out,
    ) as { items: { id: string }[] }
    expect([named.code, ambiguous.code, items.length]).toEqual([1, 2, 2])
    for (const { id } of [twin, ...items]) expect(ambiguous.err).toContain(id)
    const campaign = ['reconsent', 'create', 'App rules', '--reason', 'app_rules', '-c', client]
    const { id: campaignId } = await json<{ id: string }>(campaign, 0, { env })
    await json(['reconsent', 'status', campaignId], 8, { env })
    await Promise.all([
      withToken('deploy', 'list', '-c', client),
      // Its fields were rolled back.
      json(['mappings', 'validate', client, 'lead'], 3, { env }),
      withToken('mappings', 'suggest', client, 'lead', 'city', '--sfdc-object', 'Lead'),
      withToken('audit', '-c', client),
      withToken('check', 'small.yaml', '-c', client),
      withToken('deploy', 'check', 'small.yaml', '-c', client, '--no-check'),
    ])
    // A production org is named, and confirmed.
    const unasked = await sfx(['offboard', client], { env })
    expect([unasked.code, unasked.err]).toEqual([2, expect.stringContaining('production org')])
    await withToken('offboard', client, '--preview')
    const left = await rig.org()
    const by = { org_id: left.id, is_active: false }
    const { body } = await rig.superAdmin.post<{ slug: string }>('/api/super-admin/orgs/update', by)
    const purge = ['admin', 'purge', rig.urls[0], '--org', left.id, '--confirm', body.slug]
    await json(purge, 0, { env: { SFX_BOOTSTRAP_SECRET: SUPER_ADMIN_SECRET } })
    const slow = { org: salesforceOrg, times: 1_000, kind: { type: 'slow', ms: 1_000 } } as const
    await rig.simulator.control.addFault(slow)
    const deploying = ['deploy', 'check', 'small.yaml', '-c', client, '--no-check', '--wait', '0']
    const { id } = await json<{ id: string }>(deploying, 8, { env })
    await withToken('deploy', 'cancel', id)
    await rig.simulator.control.clearFaults(salesforceOrg)
    await json(['login', rig.urls[0], '--with-token'], 0, { input: org.token })

    const words = (await sfx(['completion', 'bash'])).out.matchAll(/^ {4}'sfx ([^']+)'\)/gm)
    const names = Array.from(words, ([, name = '']) => name)
    const commands = names.filter((name) => !names.some((other) => other.startsWith(`${name} `)))
    expect(new Set([...printed, 'completion'])).toEqual(new Set(commands))
  })
})
