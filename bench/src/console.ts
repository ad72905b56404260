// The console in a real Chromium on a slow machine: how soon the board with 500 clients stands, how soon it
// answers a key, and what its first page weighs. Left out where there is no Chromium.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import pg from 'pg'
import { type BrowserContext, chromium } from 'playwright-core'
import { buildConsole } from '../../scripts/console.ts'
import { newId } from '../../server/src/db/ids.ts'
import { chromiumPath } from '../../test/src/chromium.ts'
import { entryFiles } from '../../test/src/console-entry.ts'
import { startBareBoard } from './bare-board.ts'
import { type BarePage, openBarePage } from './bare-page.ts'
import { PASSWORD, startBench, type Bench } from './bench.ts'
import { median } from './load.ts'
import { row, type Row } from './row.ts'

const CLIENTS = 500
const SLOWED = 4
const RUNS = 5
const PAINT_MS = 1_000
const INTERACTION_MS = 100
const ENTRY_BYTES = 120_000
const VIEWPORT = { width: 1280, height: 800 }
const DIST = join(import.meta.dirname, '../../packages/console/dist')

export const benchConsole = async (): Promise<Row[]> => {
  await buildConsole()
  const rows = [await entryRow()]
  const executablePath = chromiumPath()
  if (executablePath === null) {
    const against = 'left out: no Chromium on this machine'
    return [...rows, row('console: the board', { figure: '–', against, ratio: 0 }, 'told')]
  }
  await using bench = await startBench({ LOG_LEVEL: 'info' })
  await fill(bench)
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
  try {
    const context = await browser.newContext({ viewport: VIEWPORT })
    const elsewhere: string[] = []
    context.on('request', (request) => {
      if (new URL(request.url()).origin !== bench.server.url) elsewhere.push(request.url())
    })
    await signIn(context, bench)
    await using bare = await startBareBoard()
    const times = { board: [] as number[], bare: [] as number[] }
    for (let run = 0; run < RUNS; run++) {
      times.board.push(await firstRows(context, bench.server.url))
      times.bare.push(await firstRows(context, bare.url))
    }
    const keys = {
      board: await interactions(context, bench.server.url),
      bare: await interactions(context, bare.url),
    }
    return [...rows, ...boardRows(times, keys, elsewhere)]
  } finally {
    await browser.close()
  }
}

const entryRow = async (): Promise<Row> => {
  const files = await entryFiles((path) => readFileSync(join(DIST, path), 'utf8'))
  const bytes = [...files.values()]
    .map((text) => gzipSync(text, { level: 9 }).length)
    .reduce((sum, one) => sum + one, 0)
  const figure = `${(bytes / 1000).toFixed(1)} kB in ${files.size} files`
  const against = `${ENTRY_BYTES / 1000} kB`
  return row(
    'console: the entry, gzipped',
    { figure, against, ratio: bytes / ENTRY_BYTES },
    { atMost: 1 },
  )
}

/** Of the board, and of a page that does nothing but what it must: see bare-board.ts. */
interface Pair {
  board: number[]
  bare: number[]
}

const boardRows = (times: Pair, keys: Pair, elsewhere: string[]): Row[] => {
  const what = `console: board of ${CLIENTS} clients, CPU slowed ${SLOWED} times`
  const againstBare = (board: number, bare: number) => ({
    figure: `${Math.round(board)} ms`,
    against: `${Math.round(bare)} ms`,
    ratio: board / bare,
  })
  const paint = median(times.board)
  const slowest = Math.max(...keys.board)
  return [
    row(
      `${what}: its first rows`,
      {
        figure: `${Math.round(paint)} ms (${Math.round(Math.min(...times.board))}–${Math.round(Math.max(...times.board))})`,
        against: `${PAINT_MS} ms`,
        ratio: paint / PAINT_MS,
      },
      { atMost: 1 },
    ),
    row(
      `${what}: its first rows, against bare HTML`,
      againstBare(paint, median(times.bare)),
      'told',
    ),
    row(
      `${what}: the slowest of ${keys.board.length} keys and clicks`,
      {
        figure: `${Math.round(slowest)} ms (median ${Math.round(median(keys.board))})`,
        against: `${INTERACTION_MS} ms`,
        ratio: slowest / INTERACTION_MS,
      },
      { atMost: 1 },
    ),
    row(
      `${what}: the slowest, against bare HTML`,
      againstBare(slowest, Math.max(...keys.bare)),
      'told',
    ),
    row(
      'console: requests to anywhere else',
      { figure: String(elsewhere.length), against: 'none', ratio: elsewhere.length },
      { atMost: 0 },
    ),
  ]
}

/** Clients as an agency has them: tags, most of them connected, some in trouble. */
const fill = async ({ call, databaseUrl, tenant }: Bench): Promise<void> => {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  const { rows } = await client.query<{ org_id: string }>(
    'select org_id from clients where id = $1',
    [tenant.clientId],
  )
  for (let no = 1; no < CLIENTS; no++) {
    const { id } = await call<{ id: string }>('/api/clients/create', {
      name: `Client ${no} of the Agency`,
      domain: `client-${no}.example`,
      tags: { tier: ['gold', 'silver', 'bronze'][no % 3], region: ['emea', 'amer'][no % 2] },
    })
    await client.query(
      `insert into crm_connections (id, org_id, client_id, status, environment, provider_config_key,
         nango_connection_id, sfdc_org_id, api_version, connected_at)
       values ($1, $2, $3, $4, $5, 'salesforce', $6, $7, 'v66.0', now())`,
      [
        newId(),
        rows[0]?.org_id,
        id,
        no % 20 === 0 ? 'expired' : 'connected',
        no % 4 === 0 ? 'sandbox' : 'production',
        newId(),
        `00D${String(no).padStart(15, '0')}`,
      ],
    )
  }
  await client.end()
}

const signIn = async (context: BrowserContext, { server, tenant }: Bench): Promise<void> => {
  const answer = await fetch(`${server.url}/api/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: tenant.email, password: PASSWORD }),
  })
  const { access_token } = (await answer.json()) as { access_token: string }
  const page = await context.newPage()
  await page.goto(`${server.url}/console/#session=${access_token}`)
  await page.locator(ROW).first().waitFor()
  await page.close()
}

const ROW = '[role=grid] .table-row'
const NAME = '.toolbar input'
const KEYS = ['ArrowDown', 'ArrowDown', 'PageDown', 'PageDown', 'End', 'Home', 'ArrowDown'] as const

/** Scripts of the page: they run in the browser, whose types are not those of Node. */
/** Only where the document changes: a look in each frame would be a part of what is measured. */
const MARK_ROWS = `
  new MutationObserver((_, observer) => {
    if (document.querySelector('${ROW}') === null) return
    observer.disconnect()
    requestAnimationFrame(() => requestAnimationFrame(() => performance.mark('rows')))
  }).observe(document, { childList: true, subtree: true })
`
const TIME_INTERACTIONS = `
  globalThis.seen = new Map()
  new PerformanceObserver((list) => {
    for (const { interactionId, duration } of list.getEntries())
      if (interactionId > 0) seen.set(interactionId, Math.max(duration, seen.get(interactionId) ?? 0))
  }).observe({ type: 'event', buffered: true, durationThreshold: 16 })
`
/** A page with a cold cache. */
const slowPage = (context: BrowserContext, url: string, script: string): Promise<BarePage> =>
  context.cookies(url).then((cookies) => {
    const browser = context.browser()
    if (browser === null) throw new Error('the context has no browser')
    return openBarePage(browser, { cookies, slowed: SLOWED, script, ...VIEWPORT })
  })

/** From the beginning of the navigation to the frame after the first row, with a cold cache. */
const firstRows = async (context: BrowserContext, url: string): Promise<number> => {
  await using page = await slowPage(context, url, MARK_ROWS)
  await page.goto(`${url}/console/`)
  return await page.numberOf(`performance.getEntriesByName('rows')[0]?.startTime`)
}

/** How long each key or click took until the frame that shows its effect, as Chromium's Event Timing says. */
const interactions = async (context: BrowserContext, url: string): Promise<number[]> => {
  await using page = await slowPage(context, url, TIME_INTERACTIONS)
  await page.goto(`${url}/console/`)
  await page.numberOf(`document.querySelector('${ROW}') === null ? null : 1`)
  await page.valueOf(`document.querySelector('[role=grid]').focus()`)
  for (const key of KEYS) await page.press(key)
  await page.click(NAME)
  await page.type('Client 1')
  await page.numberOf('seen.size >= 10 ? 1 : null') // they are told later
  return (await page.valueOf('[...seen.values()]')) as number[]
}
