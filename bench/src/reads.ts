// Authenticated reads against the same two statements without the engine, and during logins.

import { join } from 'node:path'
import { type Bench } from './bench.ts'
import { load, median } from './load.ts'
import { startProgram } from './processes.ts'
import { row, type Row } from './row.ts'

const ROUNDS = 3
const SECONDS = 3
const CONNECTIONS = 16

export const benchReads = async (bench: Bench): Promise<Row[]> => {
  const { server, tenant } = bench
  await using bare = await startProgram([join(import.meta.dirname, 'bare-server.ts')], {
    DATABASE_URL: bench.databaseUrl,
  })
  const request = {
    path: '/api/clients/get',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${tenant.token}` },
    body: JSON.stringify({ client_id: tenant.clientId }),
  }
  const options = { connections: CONNECTIONS, seconds: SECONDS }
  const ours: number[] = []
  const theirs: number[] = []
  const alone: number[] = []
  const beside: number[] = []
  for (let i = 0; i < ROUNDS; i++) {
    // Alternating, so that other load on the machine affects both.
    const engine = await load(server.url, request, options)
    const plain = await load(bare.url, request, options)
    if (engine.failures + plain.failures > 0) throw new Error('a read failed under load')
    ours.push(engine.perSecond)
    theirs.push(plain.perSecond)
  }
  for (let i = 0; i < ROUNDS; i++) {
    alone.push((await load(server.url, request, { connections: 4, seconds: SECONDS })).p99Ms)
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
    beside.push((await load(server.url, request, { connections: 4, seconds: SECONDS })).p99Ms)
    stop.abort()
    await loggingIn
    if (logins === 0) throw new Error('no login ran beside the reads')
  }
  const figure = (value: number) => `${Math.round(value)}/s`
  const ms = (value: number) => `${value.toFixed(1)} ms`
  return [
    row(
      'authenticated clients/get, under RLS',
      {
        figure: figure(median(ours)),
        against: `bare Fastify + pg ${figure(median(theirs))}`,
        ratio: median(ours) / median(theirs),
      },
      { atLeast: 0.6 },
    ),
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
