// Authenticated reads against the same two statements without the engine, against the same in Python, and
// during logins.

import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { type Bench } from './bench.ts'
import { load, median } from './load.ts'
import { startProgram, type Program } from './processes.ts'
import { row, type Row } from './row.ts'

const ROUNDS = 5
const SECONDS = 2
const CONNECTIONS = [16, 50]
const LIST_LENGTH = 200
/** Debian's own first: its packages are not seen by another Python in the path. */
const PYTHONS = ['/usr/bin/python3', 'python3']

const figure = (value: number) => `${Math.round(value)}/s`
const ms = (value: number) => `${value.toFixed(1)} ms`

interface Contestant {
  url: string
  request: Parameters<typeof load>[1]
}

const readBy = (path: string, token: string, body: unknown): Contestant['request'] => ({
  path,
  headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
  body: JSON.stringify(body),
})

/** The median rate of each, in turns, so that other load on the machine affects all. */
const race = async <Name extends string>(
  contestants: Record<Name, Contestant>,
  connections: number,
): Promise<Record<Name, number>> => {
  const names = Object.keys(contestants) as Name[]
  const rates = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<
    Name,
    number[]
  >
  for (let i = 0; i < ROUNDS; i++) {
    for (const name of i % 2 === 0 ? names : names.toReversed()) {
      const { url, request } = contestants[name]
      const result = await load(url, request, { connections, seconds: SECONDS })
      if (result.failures > 0) throw new Error(`a read of ${name} failed under load`)
      rates[name].push(result.perSecond)
    }
  }
  return Object.fromEntries(names.map((name) => [name, median(rates[name])])) as Record<
    Name,
    number
  >
}

/** Null, with a line that says so, where its packages are not installed. */
const startPythonRival = async (databaseUrl: string): Promise<Program | null> => {
  const python = PYTHONS.find(
    (each) => spawnSync(each, ['-c', 'import fastapi, asyncpg, uvicorn']).status === 0,
  )
  if (python === undefined) {
    console.log('  No Python rival: install python3-fastapi, python3-uvicorn and python3-asyncpg.')
    return null
  }
  const file = join(import.meta.dirname, 'python-rival.py')
  return startProgram([file], { DATABASE_URL: databaseUrl }, python)
}

const benchSingleReads = async ({ server, tenant, databaseUrl }: Bench): Promise<Row[]> => {
  await using bare = await startProgram([join(import.meta.dirname, 'bare-server.ts')], {
    DATABASE_URL: databaseUrl,
  })
  await using python = await startPythonRival(databaseUrl)
  const request = readBy('/api/clients/get', tenant.token, { client_id: tenant.clientId })
  const rows: Row[] = []
  for (const connections of CONNECTIONS) {
    const title = `authenticated clients/get, under RLS, ${connections} connections`
    const contestants = { ours: { url: server.url, request }, bare: { url: bare.url, request } }
    const { ours, bare: theirs } = await race(contestants, connections)
    rows.push(
      row(
        title,
        {
          figure: figure(ours),
          against: `bare Fastify + pg ${figure(theirs)}`,
          ratio: ours / theirs,
        },
        { atLeast: 0.85 },
      ),
    )
    if (python === null) continue
    const { token, client_id } = python.announced as { token: string; client_id: string }
    const rival = { url: python.url, request: readBy('/api/clients/get', token, { client_id }) }
    const rates = await race({ ours: contestants.ours, rival }, connections)
    rows.push(
      row(
        title,
        {
          figure: figure(rates.ours),
          against: `FastAPI + asyncpg ${figure(rates.rival)}`,
          ratio: rates.ours / rates.rival,
        },
        { atLeast: 1.5 },
      ),
    )
  }
  return rows
}

const benchLists = async (bench: Bench): Promise<Row[]> => {
  const { server, tenant } = bench
  for (let i = 0; i < LIST_LENGTH; i++) {
    await bench.call('/api/clients/create', { name: `Client ${i}` })
  }
  const list = (limit: number): Contestant => ({
    url: server.url,
    request: readBy('/api/clients/list', tenant.token, { limit }),
  })
  const { one, many } = await race({ one: list(1), many: list(LIST_LENGTH) }, 1)
  return [
    row(
      `clients/list of ${LIST_LENGTH}`,
      { figure: ms(1000 / many), against: `of one ${ms(1000 / one)}`, ratio: one / many },
      'told',
    ),
  ]
}

const benchReadsBesideLogins = async (bench: Bench): Promise<Row[]> => {
  const { server, tenant } = bench
  const request = readBy('/api/clients/get', tenant.token, { client_id: tenant.clientId })
  const p99 = async () => (await load(server.url, request, { connections: 4, seconds: 3 })).p99Ms
  const alone: number[] = []
  const beside: number[] = []
  for (let i = 0; i < 3; i++) {
    alone.push(await p99())
    let logins = 0
    const stop = new AbortController()
    const loggingIn = Promise.all(
      Array.from({ length: 2 }, async () => {
        while (!stop.signal.aborted) {
          await bench.login()
          logins++
        }
      }),
    )
    beside.push(await p99())
    stop.abort()
    await loggingIn
    if (logins === 0) throw new Error('no login ran beside the reads')
  }
  return [
    row(
      'reads p99 with logins beside them',
      {
        figure: ms(median(beside)),
        against: `reads alone ${ms(median(alone))}`,
        ratio: median(beside) / median(alone),
      },
      { atMost: 2 },
    ),
  ]
}

export const benchReads = async (bench: Bench): Promise<Row[]> => [
  ...(await benchSingleReads(bench)),
  ...(await benchLists(bench)),
  ...(await benchReadsBesideLogins(bench)),
]
