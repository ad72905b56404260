// Hostile bodies: whatever a caller sends, the event loop is never blocked for long, so that other
// callers are not kept waiting.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { median } from './load.ts'
import { createMapping } from './push-site.ts'
import { row, type Row } from './row.ts'
import { type Site, startSite } from './site.ts'

const BLOCKED_AT_MOST_MS = 50
/** The median counts: the code of a path is compiled by its first bodies, which is not their fault. */
const ROUNDS = 3
const MEBI = 1024 * 1024

interface Hostile {
  title: string
  path: string
  body: string
  isLines?: boolean
}

const many = (count: number, text: string | ((n: number) => string)): string =>
  Array.from({ length: count }, (_, n) => (typeof text === 'string' ? text : text(n))).join(',')

/** Members with names that nothing else has. */
const unknownMembers = (count: number, value = '1'): string =>
  many(count, (n) => `"m${n}":${value}`)

const pushBodies = (client_id: string): Hostile[] => {
  const envelope = `"client_id":"${client_id}","options":{"dry_run":true}`
  const ofPlacements = (title: string, records: string): Hostile => ({
    title,
    path: '/api/push/records',
    body: `{${envelope},"object":"placement","records":${records}}`,
  })
  const asLines = (title: string, text: string): Hostile => ({
    title,
    path: '/api/push/records',
    body: `{${envelope},"object":"placement"}\n${text}`,
    isLines: true,
  })
  const wrongLinks = (title: string, links: string): Hostile => ({
    title,
    path: '/api/push/link',
    body: `{"client_id":"${client_id}","links":[${links}]}`,
  })
  return [
    wrongLinks('links: 500,000 wrong elements', many(500_000, '1')),
    wrongLinks('links: 50,000 wrong elements', many(50_000, '1')),
    wrongLinks('links: 5 million {}', many(5_000_000, '{}')),
    wrongLinks('links: 50,000 {}', many(50_000, '{}')),
    wrongLinks('links: one of 16 MB', `{"object":"${'x'.repeat(15 * MEBI)}"}`),
    {
      title: 'updates: 3,000 with 400 unknown members each',
      path: '/api/push/status-update',
      body: `{${envelope},"object":"placement","updates":[${many(
        3_000,
        `{"match":{"key":"k"},"fields":{${unknownMembers(400)}}}`,
      )}]}`,
    },
    ofPlacements(
      'records: a list after the name again and again',
      `1,"records"${',[]'.repeat(24_000)}${' '.repeat(14 * MEBI)}`,
    ),
    ofPlacements('records: 5 million {}', `[${many(5_000_000, '{}')}]`),
    ofPlacements('records: 50,000 {}', `[${many(50_000, '{}')}]`),
    ofPlacements(
      'records: 700 with 2,400 unknown members each',
      `[${many(700, `{${unknownMembers(2_400)}}`)}]`,
    ),
    ofPlacements(
      'records: 100,000 distinct unknown names',
      `[${many(200, (n) => `{${many(500, (m) => `"r${n}m${m}":1`)}}`)}]`,
    ),
    ofPlacements(
      'records: 20,000 names of 700 characters',
      `[${many(20_000, (n) => `{"${'n'.repeat(690)}${n}":1}`)}]`,
    ),
    ofPlacements('records: a text of 15 MB', `[{"key":"k","notes":"${'x'.repeat(15 * MEBI)}"}]`),
    ofPlacements(
      'records: a text of 7 million escapes',
      `[{"key":"k","notes":"${'\\n'.repeat(7 * MEBI)}"}]`,
    ),
    ofPlacements(
      'records: a text of 2.5 million code points by their numbers',
      `[{"key":"k","notes":"${'\\u00e4'.repeat(2.5 * MEBI)}"}]`,
    ),
    ofPlacements(
      'records: 7 million backslashes in a row',
      `[{"key":"k","notes":"${'\\\\'.repeat(7 * MEBI)}"}]`,
    ),
    ofPlacements(
      'records: a number of 15 million digits',
      `[{"key":"k","salary":${'7'.repeat(15 * MEBI)}}]`,
    ),
    ofPlacements(
      'records: 50,000 numbers of 300 digits',
      `[${many(50_000, `{"key":"k","salary":${'7'.repeat(290)}}`)}]`,
    ),
    ofPlacements(
      'records: exponents of nine digits',
      `[${many(50_000, `{"key":"k","salary":1e-999999999}`)}]`,
    ),
    ofPlacements('records: 15 MB of blanks', `[${' '.repeat(15 * MEBI)}{}]`),
    ofPlacements(
      'records: lists in lists, 64 deep',
      `[${many(30_000, `${'['.repeat(60)}${']'.repeat(60)}`)}]`,
    ),
    asLines('lines: one of 1 MB', `{"key":"k","notes":"${'x'.repeat(MEBI - 100)}"}\n`),
    asLines(
      'lines: 16 with 1 MB of escapes',
      `{"key":"k","notes":"${'\\n'.repeat(MEBI / 2 - 100)}"}\n`.repeat(16),
    ),
    asLines(
      'lines: one with a number of 1 million digits',
      `{"key":"k","salary":${'7'.repeat(MEBI - 100)}}\n`,
    ),
    asLines(
      'lines: 400 with 2,400 unknown members each',
      `{${unknownMembers(2_400)}}\n`.repeat(400),
    ),
    asLines('lines: 200,000 {}', '{}\n'.repeat(200_000)),
    asLines('lines: 16 million blank lines', '\n'.repeat(16 * MEBI)),
  ]
}

const planBodies = (client_id: string): Hostile[] => {
  const ofPlan = (title: string, plan: string): Hostile => ({
    title,
    path: '/api/conflicts/check',
    body: `{"client_id":"${client_id}","wait_seconds":0,"plan":${plan}}`,
  })
  const fields = (count: number, type: string): string =>
    `{"objects":[{"api_name":"Lead","fields":[${many(count, (n) => `{"api_name":"F${n}__c","label":"F",${type}}`)}]}]}`
  return [
    ofPlan('plan: 400,000 unknown members', `{${unknownMembers(400_000)}}`),
    ofPlan('plan: 24,000 unknown members', `{${unknownMembers(24_000)}}`),
    ofPlan(
      'plan: 8 MB of names of 320 characters',
      `{${many(24_000, (n) => `"${'n'.repeat(320)}${n}":1`)}}`,
    ),
    ofPlan('plan: 49,000 wrong objects', `{"objects":[${many(49_000, '1')}]}`),
    ofPlan('plan: 24,000 empty objects', `{"objects":[${many(24_000, '{}')}]}`),
    ofPlan('plan: 9,000 fields of an unknown type', fields(9_000, '"type":"Wonder"')),
    ofPlan('plan: 12,000 checkboxes', fields(12_000, '"type":"Checkbox"')),
    ofPlan(
      'plan: 49,000 values of a picklist',
      fields(1, `"type":"Picklist","values":[${many(49_000, (n) => `"v${n}"`)}]`),
    ),
    ofPlan(
      'plan: a label of 7 MB',
      `{"objects":[{"api_name":"Lead","label":"${'x'.repeat(7 * MEBI)}"}]}`,
    ),
    ofPlan(
      'plan: a formula of 7 MB',
      fields(1, `"type":"Formula","return_type":"Text","formula":"${'('.repeat(7 * MEBI)}"`),
    ),
    ofPlan('plan: nested 100,000 deep', '['.repeat(100_000)),
  ]
}

const smallBodies = (client_id: string): Hostile[] => [
  {
    title: 'clients/create: 70,000 unknown members',
    path: '/api/clients/create',
    body: `{"name":"x",${unknownMembers(70_000)}}`,
  },
  {
    title: 'topology/pull: 49,000 names of objects',
    path: '/api/topology/pull',
    body: `{"client_id":"${client_id}","wait_seconds":0,"objects":[${many(49_000, (n) => `"Leed${n}"`)}]}`,
  },
  {
    title: 'mappings/create: 12,000 wrong fields',
    path: '/api/mappings/create',
    body: `{"client_id":"${client_id}","canonical_object":"wide","sfdc_object":"Lead","fields":[${many(
      12_000,
      (n) => `{"canonical_field":"c${n}","sfdc_field":"Leed${n}"}`,
    )}]}`,
  },
]

/** The longest time that the loop was blocked until the answer was there. Throws on a 5xx. */
const sent = async (
  { bench }: Site,
  { path, body, isLines = false }: Hostile,
  probe: string,
): Promise<number> => {
  writeFileSync(probe, '')
  const answer = await fetch(bench.server.url + path, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${bench.tenant.token}`,
      'content-type': isLines ? 'application/x-ndjson' : 'application/json',
      'content-encoding': 'gzip',
    },
    body: gzipSync(body, { level: 1 }),
  })
  await answer.text()
  if (answer.status >= 500) throw new Error(`${path}: ${answer.status}`)
  const times = readFileSync(probe, 'utf8').trim().split('\n').map(Number)
  return Math.max(...times)
}

export const benchBodies = async (): Promise<Row[]> => {
  const folder = mkdtempSync(join(tmpdir(), 'sfdc-engine-x-loop-'))
  using _removed = { [Symbol.dispose]: () => rmSync(folder, { recursive: true }) }
  const probe = join(folder, 'blocked')
  writeFileSync(probe, '')
  await using site = await startSite(['--seed', 'small', '--call-ms', '1'], {
    NODE_OPTIONS: `--import=${join(import.meta.dirname, 'loop-probe.ts')}`,
    LOOP_PROBE_FILE: probe,
  })
  await site.bench.call('/api/topology/pull', { client_id: site.clientId, wait_seconds: 55 })
  await createMapping(site, site.clientId)
  const bodies = [
    ...pushBodies(site.clientId),
    ...planBodies(site.clientId),
    ...smallBodies(site.clientId),
  ]
  const results: { title: string; blockedMs: number }[] = []
  for (const hostile of bodies) {
    const times: number[] = []
    for (let round = 0; round < ROUNDS; round += 1) times.push(await sent(site, hostile, probe))
    console.log(`  ${hostile.title}: ${times.join(', ')} ms`)
    results.push({ title: hostile.title, blockedMs: median(times) })
  }
  const worst = results.toSorted((a, b) => b.blockedMs - a.blockedMs)[0]
  const worstMs = worst?.blockedMs ?? 0
  return [
    row(
      `the event loop blocked by any of ${results.length} hostile bodies`,
      {
        figure: `${worstMs.toFixed(0)} ms (${worst?.title})`,
        against: `${BLOCKED_AT_MOST_MS} ms`,
        ratio: worstMs / BLOCKED_AT_MOST_MS,
      },
      { atMost: 1 },
    ),
  ]
}
