// `npm run demo:fleet`: one change to twelve clients, through the public API, against the simulator: a red at
// the canary, what a search says about it, a new version, waves, a client in which it fails, and all of it
// rolled back as one. Each step is printed in plain words with the `sfx` command that does the same by hand.
// `-- --exit` ends after the last one.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startDemo, step, type DemoSite } from './demo-site.ts'

const exits = process.argv.includes('--exit')
const CLIENTS = 12
/** How many clients are connected and captured at once. */
const AT_ONCE = 4
/** Has a formula under the name that the first version wants. */
const CLASHES = 'Client 1'
/** Has deleted an object of the name that the second version wants: no check sees that. */
const BLOCKED = 'Client 7'

interface Rollout {
  id: string
  state: string
  pause_reason: string | null
  revision: number
  is_final: boolean
  counts: Record<string, number>
}

interface Matrix {
  severities: { green: number; yellow: number; red: number }
  findings: { code: string; severity: string; clients: number; frees: number }[]
}

interface Target {
  client_name: string
  state: string
  error: { message: string } | null
  rollback: { removed: number; proof: { complete: boolean } | null } | null
}

/** What every client of the agency should have. */
const content = (tier: string) => ({
  plan: {
    objects: [
      {
        api_name: 'Placement_Goal__c',
        label: 'Placement Goal',
        plural_label: 'Placement Goals',
        name_field: { label: 'Goal', type: 'Text' },
        fields: [
          { api_name: 'Target__c', label: 'Target', type: 'Number', precision: 8, scale: 0 },
        ],
      },
      {
        api_name: 'Lead',
        fields: [
          {
            api_name: tier,
            label: { param: 'tier_label' },
            type: 'Picklist',
            values: ['Gold', 'Silver'],
          },
        ],
      },
    ],
    permissions: { permission_set: 'Agency_Standard' },
  },
  parameters: [{ name: 'tier_label', type: 'text', required: false, default: 'Tier' }],
})

/** The canary is the client that comes first. */
const STRATEGY = {
  waves: [
    { name: 'canary', count: 1 },
    { name: 'rest', gate: 'manual', failure_tolerance: 1 },
  ],
}

const told = ({ state, pause_reason, counts }: Rollout): string =>
  `${state}${pause_reason === null ? '' : ` (${pause_reason})`}: ` +
  Object.entries(counts)
    .map(([name, count]) => `${count} ${name.replaceAll('_', ' ')}`)
    .join(', ')

/** Creates the clients with a Salesforce org each, connected and captured. */
const addClients = async ({ call, control }: DemoSite): Promise<string[]> => {
  const names = Array.from({ length: CLIENTS }, (_, n) => `Client ${n + 1}`)
  await control.act('orgs/create-many', { names, edition: 'Enterprise' })
  await control.act('schema/add-field', {
    org: CLASHES,
    object: 'Lead',
    field: { name: 'Tier__c', type: 'string', calculated: true, calculatedFormula: 'Company' },
  })
  const ids = new Map<string, string>()
  const left = [...names]
  const walk = async (): Promise<void> => {
    for (let name = left.shift(); name !== undefined; name = left.shift()) {
      const { id: client_id } = await call<{ id: string }>('/api/clients/create', {
        name,
        tags: { plan: 'premium' },
      })
      const link = { client_id }
      const { connect_link } = await call<{ connect_link: string }>('/api/connections/create', link)
      await control.authorize({ connectLink: connect_link, org: name })
      await call('/api/connections/callback', link)
      await call('/api/topology/pull', { client_id, wait_seconds: 55 })
      ids.set(name, client_id)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, walk))
  return names.map((name) => ids.get(name) ?? '')
}

/** Calls, and waits until the rollout has ended or needs somebody. */
const follow = async (
  { call }: DemoSite,
  verb: string,
  rollout_id: string,
  body: object = {},
): Promise<Rollout> => {
  let rollout = await call<Rollout>(`/api/fleet/rollouts/${verb}`, {
    rollout_id,
    wait_seconds: 55,
    ...body,
  })
  while (!rollout.is_final) {
    await new Promise((resolve) => setTimeout(resolve, 200))
    rollout = await call<Rollout>('/api/fleet/rollouts/get', { rollout_id })
  }
  return rollout
}

const createVersion = (site: DemoSite, blueprint_id: string, version: number, tier: string) =>
  step(
    `Version ${version} of the blueprint`,
    () =>
      site.call<{ version: number; content_hash: string }>('/api/blueprints/versions/create', {
        blueprint_id,
        expected_latest: version - 1,
        ...content(tier),
      }),
    ({ content_hash }) => `Lead.${tier} and an object; content ${content_hash.slice(0, 12)}`,
    `sfx api /api/blueprints/versions/create -d @version-${version}.json`,
  )

const createRollout = async (site: DemoSite, blueprint_id: string): Promise<Rollout> => {
  const { id } = await step(
    'A rollout to all of them',
    () =>
      site.call<Rollout>('/api/fleet/rollouts/create', {
        blueprint_id,
        targets: { tags: { plan: 'premium' } },
        strategy: STRATEGY,
      }),
    told,
    `sfx rollout create waves.json --blueprint ${blueprint_id} --tag plan=premium`,
  )
  return step(
    'Check every target',
    () => follow(site, 'check', id),
    told,
    `sfx rollout check ${id}`,
  )
}

const tellMatrix = async (site: DemoSite, rollout_id: string): Promise<void> => {
  const { findings } = await step(
    'What was found, by clients',
    () => site.call<Matrix>('/api/fleet/rollouts/matrix', { rollout_id }),
    ({ severities: { green, yellow, red } }) => `${green} green, ${yellow} yellow, ${red} red`,
    `sfx rollout matrix ${rollout_id}`,
  )
  for (const { code, severity, clients, frees } of findings) {
    const alone = frees === clients ? 'nothing else' : 'more than that'
    console.log(`    ${severity} ${code}: ${clients} of the clients, with ${alone}`)
  }
}

const rollOut = async (site: DemoSite, { id, revision }: Rollout): Promise<void> => {
  await deleteAnObject(site)
  await step(
    'Start: the canary alone',
    () => follow(site, 'start', id, { revision }),
    told,
    `sfx rollout start ${id} --yes`,
  )
  await step(
    'Approve the rest',
    () => follow(site, 'approve', id),
    told,
    `sfx rollout approve ${id} --yes`,
  )
  const { items } = await site.call<{ items: Target[] }>('/api/fleet/rollouts/targets', {
    rollout_id: id,
    state: 'failed',
  })
  for (const { client_name, error } of items) {
    console.log(`    ${client_name}: ${error?.message ?? ''}`)
  }
  await step(
    'Roll all of it back',
    () => follow(site, 'rollback', id),
    told,
    `sfx rollout rollback ${id} --yes`,
  )
  const { items: all } = await site.call<{ items: Target[] }>('/api/fleet/rollouts/targets', {
    rollout_id: id,
  })
  const proven = all.filter(({ rollback }) => rollback?.proof?.complete === true)
  console.log(`    read back afterwards: ${proven.length} clients are as before`)
}

/** Somebody creates and deletes an object in a client's Salesforce org. */
const deleteAnObject = async ({ control }: DemoSite): Promise<void> => {
  await step(
    'Meanwhile, at a client',
    async () => {
      const object = 'Placement_Goal__c'
      await control.act('schema/add-object', { org: BLOCKED, name: object })
      await control.act('schema/remove-object', { org: BLOCKED, object })
    },
    () => `${BLOCKED} deletes an object: its name is taken for 15 days, and no check sees that`,
  )
}

const run = async (): Promise<void> => {
  await using cleanup = new AsyncDisposableStack()
  const site = await startDemo(cleanup, { exits, organization: 'Revenue Activation' })
  const { call, folder, url, token } = site
  await step(
    `${CLIENTS} clients, connected, captured`,
    () => addClients(site),
    (ids) => `${ids.length} Salesforce orgs`,
    "sfx clients create 'Client 1' && sfx connect 'Client 1' && sfx pull 'Client 1'",
  )
  const blueprint = await step(
    'A blueprint for all of them',
    () =>
      call<{ id: string; slug: string }>('/api/blueprints/create', {
        slug: 'agency-standard',
        name: 'Agency standard',
      }),
    ({ slug }) => slug,
    `sfx api /api/blueprints/create -d '{"slug":"agency-standard","name":"Agency standard"}'`,
  )
  const { id } = blueprint
  for (const [version, tier] of [
    ['1', 'Tier__c'],
    ['2', 'Agency_Tier__c'],
  ] as const) {
    const body = { blueprint_id: id, expected_latest: Number(version) - 1, ...content(tier) }
    writeFileSync(join(folder, `version-${version}.json`), `${JSON.stringify(body, null, 2)}\n`)
  }
  writeFileSync(join(folder, 'waves.json'), `${JSON.stringify({ strategy: STRATEGY }, null, 2)}\n`)
  await createVersion(site, id, 1, 'Tier__c')
  const first = await createRollout(site, id)
  await tellMatrix(site, first.id)
  await step(
    'Who has a Tier__c?',
    () =>
      call<{ totals: { clients_with_hits: number; searched: number } }>('/api/fleet/search', {
        kind: 'field',
        object: 'Lead',
        name: 'Tier__c',
      }),
    ({ totals }) =>
      `${totals.clients_with_hits} of ${totals.searched} clients, by a search in their snapshots; no Salesforce call`,
    `sfx api /api/fleet/search -d '{"kind":"field","object":"Lead","name":"Tier__c"}'`,
  )
  console.log()
  await createVersion(site, id, 2, 'Agency_Tier__c')
  const second = await createRollout(site, id)
  await tellMatrix(site, second.id)
  await rollOut(site, second)

  if (exits) {
    console.log('\nDone.')
    return
  }
  console.log(`
Still running. Try it:
  Console         ${site.consoleLink}
  API reference   ${url}/docs
  Simulator       ${site.simulator.controlUrl}
  By hand         cd ${folder} && export SFX_URL=${url} SFX_TOKEN=${token}

Press Ctrl-C to stop.`)
  await new Promise<void>((resolve) => {
    process.once('SIGINT', resolve)
    process.once('SIGTERM', resolve)
  })
}

await run()
