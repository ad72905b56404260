// The site of the push benches, and pushes as a real caller makes them: accepted, awaited, results read.

import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { residentMb } from './processes.ts'
import { chunked, lines, PARENTS, type Placement, placements } from './push-contest.ts'
import { upsertByJsforce } from './push-rivals.ts'
import { startSite, type Site } from './site.ts'

const LOOK_MS = 100

export interface Push {
  id: string
  status: string
  total: number
  succeeded: number
  salesforce_api_calls: number
  started_at: string | null
  completed_at: string | null
}

export interface PushSite extends Site {
  /** The server's, before it did any work for a push. */
  idleMb: number
}

const FIELDS = [
  { canonical_field: 'key', sfdc_field: 'External_Key__c' },
  { canonical_field: 'salary', sfdc_field: 'Salary__c' },
  { canonical_field: 'start', sfdc_field: 'Start_Date__c' },
  { canonical_field: 'stage', sfdc_field: 'Stage__c' },
  { canonical_field: 'notes', sfdc_field: 'Notes__c' },
  { canonical_field: 'remote', sfdc_field: 'Is_Remote__c' },
]

/** The mapping of placements; by default without their parents. */
export const createMapping = async (
  { bench }: Site,
  client_id: string,
  fields: readonly object[] = FIELDS,
): Promise<void> => {
  await bench.call('/api/mappings/create', {
    client_id,
    canonical_object: 'placement',
    sfdc_object: 'Placement__c',
    external_id_field: 'External_Key__c',
    fields,
  })
}

/** A site with a mapping of placements, after a warm-up. */
export const startPushSite = async (
  callMs: number,
  environment: Record<string, string> = {},
): Promise<PushSite> => {
  const site = await startSite(['--seed', 'small', '--call-ms', String(callMs)], environment)
  const idleMb = residentMb(site.bench.server.pid)
  const { bench, control, clientId: client_id } = site
  const keyField = {
    name: 'Key__c',
    type: 'string',
    length: 64,
    externalId: true,
    unique: true,
    idLookup: true,
  }
  await control.act('schema/add-field', { org: 'Acme', object: 'Account', field: keyField })
  await control.act('records/fill', {
    org: 'Acme',
    object: 'Account',
    count: PARENTS,
    template: { Name: 'Company {n}', Key__c: 'company-{n}' },
  })
  // Far more than all contenders use, so that no allowance is nearly used up.
  await control.act('usage/set', { org: 'Acme', calls: 0, maxCalls: 1_000_000 })
  await bench.call('/api/topology/pull', { client_id, wait_seconds: 55 })
  await createMapping(site, client_id, [
    ...FIELDS,
    { canonical_field: 'company', sfdc_field: 'Company__r.Key__c' },
  ])
  await pushByEngine(site, placements('warm', 400))
  await upsertByJsforce(site, placements('warm-jsforce', 400), 1)
  return { ...site, idleMb }
}

/** As often as needed, until it is complete. */
export const finished = async ({ bench }: Site, first: Push): Promise<Push> => {
  let push = first
  while (push.status === 'queued' || push.status === 'in_progress') {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
    push = await bench.call<Push>('/api/push/get', { push_id: push.id })
  }
  if (push.status !== 'succeeded') throw new Error(`the push ended: ${JSON.stringify(push)}`)
  return push
}

/** Reads all results, as a real caller would. */
const readResults = async ({ bench }: Site, { id, total }: Push): Promise<void> => {
  const answer = await fetch(`${bench.server.url}/api/push/results`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${bench.tenant.token}`,
      accept: 'application/x-ndjson',
      'content-type': 'application/json',
    },
    body: JSON.stringify({ push_id: id }),
  })
  if (!answer.ok || answer.body === null) throw new Error(`push/results: ${answer.status}`)
  let next = 0
  for await (const line of createInterface({ input: Readable.fromWeb(answer.body) })) {
    const { index, success } = JSON.parse(line) as { index: number; success: boolean }
    if (index !== next || !success) throw new Error(`result ${next} is ${line}`)
    next += 1
  }
  if (next !== total) throw new Error(`${next} results of ${total} rows`)
}

export const pushByEngine = async (
  site: Site,
  records: Placement[],
  client_id = site.clientId,
): Promise<Push> => {
  const first = await site.bench.call<Push>('/api/push/records', {
    client_id,
    object: 'placement',
    records,
    options: { transport: 'collections' },
    wait_seconds: 55,
  })
  const push = await finished(site, first)
  await readResults(site, push)
  return push
}

export const pushLinesByEngine = async (
  site: Site,
  prefix: string,
  count: number,
): Promise<void> => {
  const { bench, clientId } = site
  const answer = await fetch(`${bench.server.url}/api/push/records`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${bench.tenant.token}`,
      'content-type': 'application/x-ndjson',
    },
    body: Readable.toWeb(Readable.from(chunked(lines(clientId, prefix, count)))),
    duplex: 'half',
  })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`push/records: ${answer.status} ${text}`)
  await readResults(site, await finished(site, JSON.parse(text) as Push))
}
