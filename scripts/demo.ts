// `npm run demo`: the main job through the public API, on a real PostgreSQL, against the simulator.
// Every step is printed in plain words with its time, and below it the command of `sfx` that does the same
// by hand. `-- --exit` ends after the last one.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { jobPosting, LEAD_MAPPING, leads, RED_PLAN, WORKFLOWS } from './demo-plans.ts'
import { startDemo, step } from './demo-site.ts'
import { leaveWorld } from './demo-world.ts'

const exits = process.argv.includes('--exit')
const LEADS = 2_000
const ROOT = join(import.meta.dirname, '..')

interface Snapshot {
  version: number
  objects_count: number
  fields_count: number
  automations_count: number
  stats: { salesforce_api_calls: number; not_modified: number; bytes: number }
}

interface Report {
  id: string
  severity: string
  counts: { green: number; yellow: number; red: number }
  findings: { severity: string; code: string; message: string; remedy: string | null }[]
}

interface Deployment {
  id: string
  status: string
  components: { type: string; full_name: string; action: string }[]
  warnings: { message: string }[]
  error: { message: string } | null
  rollback: {
    status: string
    removed: { full_name: string }[]
    proof: { complete: boolean; compared: number } | null
  } | null
}

interface Push {
  status: string
  total: number
  succeeded: number
  failed: number
  created_count: number
  updated_count: number
  salesforce_api_calls: number
  transport: string
  automations: { type: string; api_name: string }[] | null
  results?: {
    index: number
    id: string | null
    success: boolean
    errors: { code: string; fields: string[]; remedy: string }[]
  }[]
}

const told = (push: Push): string =>
  `${push.status}: ${push.succeeded} of ${push.total} rows succeeded, ${push.failed} failed; ` +
  `${push.created_count} created, ${push.updated_count} updated; ${push.salesforce_api_calls} Salesforce calls`

/** What the commands read, beside the database: gone when the demo ends. */
const writeFiles = (folder: string): void => {
  const files = {
    'job-posting.json': jobPosting(),
    'red.json': RED_PLAN,
    'workflows.json': { workflows: WORKFLOWS },
    'lead.json': {
      ...{ canonical_object: 'lead', sfdc_object: 'Lead', external_id_field: 'Agency_Key__c' },
      fields: LEAD_MAPPING,
    },
  }
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(folder, name), `${JSON.stringify(content, null, 2)}\n`)
  }
  const lines = (rows: readonly object[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join('')
  writeFileSync(join(folder, 'leads.ndjson'), lines(leads(LEADS)))
  for (const key of ['plain', 'assigned']) {
    writeFileSync(join(folder, `${key}.ndjson`), lines(leads(1).map((row) => ({ ...row, key }))))
  }
}

const captured = (snapshot: Snapshot): string =>
  `version ${snapshot.version}: ${snapshot.objects_count} objects, ${snapshot.fields_count} fields, ` +
  `${snapshot.automations_count} automations; ${snapshot.stats.salesforce_api_calls} Salesforce calls, ` +
  `${Math.ceil(snapshot.stats.bytes / 1024)} KiB stored`

const judged = ({ severity, counts }: Report): string =>
  `${severity}: ${counts.green} green, ${counts.yellow} yellow, ${counts.red} red`

/** The findings that are not green, with what to do. */
const tellFindings = ({ findings }: Report): void => {
  for (const { severity, code, message, remedy } of findings) {
    if (severity !== 'green') console.log(`    ${severity} ${code}: ${message} → ${remedy ?? ''}`)
  }
}

const run = async (): Promise<void> => {
  await using cleanup = new AsyncDisposableStack()
  const site = await startDemo(cleanup, { exits, organization: 'Revenue Activation' })
  const { folder, url, token, consoleLink, call, control, simulator } = site
  writeFiles(folder)
  const client = await step(
    'A client',
    () =>
      call<{ id: string; name: string }>('/api/clients/create', {
        name: 'Acme',
        domain: 'acme.example',
      }),
    ({ name }) => name,
    'sfx clients create Acme --domain acme.example',
  )
  const client_id = client.id

  const attempt = await step(
    'Request its authorization',
    () => call<{ connect_link: string }>('/api/connections/create', { client_id }),
    () => 'a link for the client, valid for 30 minutes',
    'sfx connect Acme # opens the link, and waits for the next two',
  )
  await step(
    'The client approves',
    () => control.authorize({ connectLink: attempt.connect_link, org: 'Acme' }),
    ({ ok }) => (ok ? 'in a browser, at Salesforce (here a script did it)' : 'refused'),
  )
  await step(
    'Confirm the connection',
    () =>
      call<{ status: string; sfdc_org_id: string }>('/api/connections/callback', {
        client_id,
      }),
    ({ status, sfdc_org_id }) => `${status} to Salesforce org ${sfdc_org_id}`,
  )
  await step(
    'Check the connection',
    () =>
      call<{
        health: {
          ok: boolean
          faults: { message: string; remedy: string }[]
          api_usage: { remaining: number }
        }
      }>('/api/connections/get', { client_id, check: true }),
    ({ health }) =>
      health.ok
        ? `healthy; ${health.api_usage.remaining} Salesforce calls left today`
        : health.faults.map(({ message, remedy }) => `${message} ${remedy}`).join(' '),
    'sfx health Acme',
  )
  const pull = () => call<Snapshot>('/api/topology/pull', { client_id, wait_seconds: 55 })
  await step('Capture the whole schema', pull, captured, 'sfx pull Acme')
  await step('Capture it again, nothing changed', pull, captured, 'sfx pull Acme')
  await step(
    'Someone edits a field in Salesforce',
    () =>
      control.act('schema/alter-field', {
        org: 'Acme',
        object: 'Lead',
        name: 'Segment__c',
        changes: { label: 'Market Segment', restrictedPicklist: true },
      }),
    () => 'Lead.Segment__c: a different label, and restricted values',
  )
  const third = await step('Capture again', pull, captured, 'sfx pull Acme')
  const diff = await step(
    'What changed since version 1?',
    () =>
      call<{
        objects: {
          api_name: string
          fields: {
            api_name: string
            attributes: { name: string; before: unknown; after: unknown }[]
          }[]
        }[]
      }>('/api/topology/diff', { client_id, from_version: 1, to_version: third.version }),
    ({ objects }) => `${objects.length} object${objects.length === 1 ? '' : 's'}`,
    `sfx diff Acme 1 ${third.version}`,
  )
  for (const object of diff.objects) {
    for (const field of object.fields) {
      for (const { name, before, after } of field.attributes) {
        console.log(
          `    ${object.api_name}.${field.api_name}  ${name}: ${JSON.stringify(before)} → ${JSON.stringify(after)}`,
        )
      }
    }
  }

  const check = (plan: unknown) =>
    call<Report>('/api/conflicts/check', { client_id, plan, wait_seconds: 55 })
  const deploy = (plan: unknown, more: object = {}) =>
    call<Deployment>('/api/deploy/custom-objects', {
      client_id,
      plan,
      wait_seconds: 55,
      ...more,
    })
  console.log()
  const plan = jobPosting()
  const yellow = await step(
    'Check a plan',
    () => check(plan),
    judged,
    'sfx check job-posting.json -c Acme',
  )
  tellFindings(yellow)
  const red = await step(
    'Check a plan that must fail',
    () => check(RED_PLAN),
    judged,
    'sfx check red.json -c Acme',
  )
  tellFindings(red)
  const deployed = await step(
    'Deploy the Job Posting object',
    () => deploy(plan, { conflict_report_id: yellow.id, accept: ['yellow'] }),
    ({ status, components }) =>
      `${status}: ${components.filter(({ action }) => action === 'created').length} components created, every field read back`,
    `sfx deploy start job-posting.json -c Acme --report ${yellow.id} --accept-yellow`,
  )
  if (deployed.status !== 'deployed') throw new Error(JSON.stringify(deployed.error))
  await step(
    'Deploy the same plan again',
    () => deploy(plan),
    ({ components }) =>
      components.every(({ action }) => action === 'unchanged')
        ? 'all unchanged; nothing was sent'
        : 'something changed',
    'sfx deploy start job-posting.json -c Acme --no-check',
  )
  await step('Capture again', pull, captured, 'sfx pull Acme')
  await step(
    'Map the agency\'s "lead" to it',
    () =>
      call<{ version: number }>('/api/mappings/create', {
        client_id,
        canonical_object: 'lead',
        sfdc_object: 'Lead',
        external_id_field: 'Agency_Key__c',
        fields: LEAD_MAPPING,
      }),
    ({ version }) => `version ${version}, validated against the snapshot`,
    'sfx mappings set lead.json -c Acme',
  )
  const push = (records: object[], options: object = {}) =>
    call<Push>('/api/push/records', {
      client_id,
      object: 'lead',
      records,
      options,
      wait_seconds: 55,
    })
  const rows = leads(LEADS)
  const dry = await step(
    'Dry run of a push of 2,000 leads',
    () => push(rows, { dry_run: true }),
    told,
    'sfx push leads.ndjson -c Acme -o lead --dry-run',
  )
  console.log(
    `    would trigger: ${dry.automations?.map(({ type, api_name }) => `${type} ${api_name}`).join(', ') ?? 'nothing'}`,
  )
  const pushed = await step(
    'Push them',
    () => push(rows),
    told,
    'sfx push leads.ndjson -c Acme -o lead',
  )
  for (const { index, errors } of pushed.results?.filter(({ success }) => !success) ?? []) {
    for (const { code, fields, remedy } of errors) {
      console.log(`    row ${index}: ${code} in ${fields.join(', ')} → ${remedy}`)
    }
  }
  await step(
    'Push the same rows again',
    () => push(rows),
    told,
    'sfx push leads.ndjson -c Acme -o lead',
  )

  console.log()
  const automated = await step(
    'Deploy a flow and an assignment rule',
    () =>
      call<Deployment>('/api/workflows/deploy', {
        client_id,
        workflows: WORKFLOWS,
        wait_seconds: 55,
      }),
    ({ status, components }) =>
      `${status}: ${components.map(({ full_name, action }) => `${full_name} ${action}`).join(', ')}`,
    'sfx workflows deploy workflows.json -c Acme --no-check',
  )
  const owners = async (key: string, options: object) => {
    const [row] = leads(1)
    const { results } = await push([{ ...row, key }], options)
    const [lead] = await control.act('records/list', {
      org: 'Acme',
      object: 'Lead',
      where: { Id: results?.[0]?.id ?? '' },
    })
    return { rating: lead?.Rating, assigned: lead?.OwnerId !== lead?.CreatedById }
  }
  const acted = ({ rating, assigned }: { rating: unknown; assigned: boolean }): string =>
    `the flow rated it ${String(rating)}; ${assigned ? 'the assignment rule reassigned it' : 'the connected user owns it'}`
  await step(
    'Push a lead',
    () => owners('plain', {}),
    acted,
    'sfx push plain.ndjson -c Acme -o lead',
  )
  await step(
    'Push a lead with assignment rules',
    () => owners('assigned', { assignment_rules: true }),
    acted,
    'sfx push assigned.ndjson -c Acme -o lead --assignment-rules',
  )
  const removed = await step(
    'Remove the flow',
    () =>
      call<Deployment>('/api/workflows/remove', {
        client_id,
        workflows: [{ type: 'flow', api_name: 'Rate_Agency_Leads' }],
        wait_seconds: 55,
      }),
    ({ status, components }) => `${status}: all its versions ${components[0]?.action ?? ''}`,
    'sfx workflows remove flow Rate_Agency_Leads -c Acme',
  )
  const rollBack = (deployment_id: string) =>
    call<Deployment>('/api/deploy/rollback', {
      deployment_id,
      allow_data_loss: true,
      wait_seconds: 55,
    })
  const undoneBy = ({ status, rollback }: Deployment): string =>
    `${status}; read back afterwards: ${rollback?.proof?.complete === true ? 'as before' : 'NOT as before'}`
  await step(
    'Roll back the removal',
    () => rollBack(removed.id),
    undoneBy,
    `sfx deploy rollback ${removed.id}`,
  )
  await step(
    'Roll back flow and rule',
    () => rollBack(automated.id),
    undoneBy,
    `sfx deploy rollback ${automated.id}`,
  )
  console.log()
  const rolledBack = await step(
    'Roll back the deployment',
    () => rollBack(deployed.id),
    ({ status, rollback }) => `${status}: ${rollback?.removed.length ?? 0} components removed`,
    `sfx deploy rollback ${deployed.id} --allow-data-loss`,
  )
  const { rollback: undone } = rolledBack
  console.log(
    `    read back afterwards: ${undone?.proof?.compared ?? 0} components compared, ${undone?.proof?.complete === true ? 'all as before' : 'NOT as before'}`,
  )
  const clean = await step('Capture again', pull, captured, 'sfx pull Acme')
  await step(
    'Compare with the snapshot before',
    () =>
      call<{ objects: unknown[]; automations: unknown[] }>('/api/topology/diff', {
        client_id,
        from_version: third.version,
        to_version: clean.version,
      }),
    ({ objects, automations }) =>
      objects.length + automations.length === 0
        ? `no difference: version ${clean.version} equals version ${third.version}`
        : 'SOMETHING DIFFERS',
    `sfx diff Acme ${third.version} ${clean.version}`,
  )

  if (exits) {
    console.log('\nDone.')
    return
  }
  await leaveWorld(site, client_id)
  await control.createOrg({ name: 'Globex', edition: 'Enterprise' })
  console.log(`
Still running. Try it:
  Console         ${consoleLink}
  API reference   ${url}/docs
  Simulator       ${simulator.controlUrl}
  API token       ${token}
  Client          ${client_id}

By hand, in another terminal, with a Salesforce org in which nothing was done yet (the objects that were
rolled back in Acme's keep their names while they are in its recycle bin):
  (cd ${ROOT} && npm run -s build) && alias sfx="node ${ROOT}/packages/cli/dist/main.js"
  export SFX_URL=${url} SFX_TOKEN=${token}
  cd ${folder}
  sfx clients create Globex
  sfx connect Globex # open the link, choose Globex, allow
  sfx pull Globex
  sfx deploy start job-posting.json -c Globex --accept-yellow
  sfx pull Globex && sfx mappings set lead.json -c Globex
  sfx push leads.ndjson -c Globex -o lead

Press Ctrl-C to stop.`)
  await new Promise<void>((resolve) => {
    process.once('SIGINT', resolve)
    process.once('SIGTERM', resolve)
  })
}

await run()
