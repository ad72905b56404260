// The console's files: what a browser gets, and with which rules.

import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { registerConsole } from './console.ts'
import { logRequests } from './request-log.ts'

const PAGE = '<!doctype html><title>console</title>'
const SCRIPT = 'export const a = 1\n'.repeat(100)

let dist: string
let app: FastifyInstance

beforeAll(async () => {
  dist = await mkdtemp(join(tmpdir(), 'console-'))
  await mkdir(join(dist, 'assets'))
  await writeFile(join(dist, 'index.html'), PAGE)
  await writeFile(join(dist, 'secret.txt'), 'not an asset')
  await writeFile(join(dist, 'assets/index-abc.js'), SCRIPT)
  app = Fastify()
  registerConsole(app, dist)
})
afterAll(async () => {
  await app.close()
  await rm(dist, { recursive: true })
})

const get = (url: string, headers: Record<string, string> = {}, from = app) =>
  from.inject({ method: 'GET', url, headers })

describe('the console', () => {
  it('answers every page with the same document, which nobody stores or frames', async () => {
    for (const path of ['/console/', '/console/clients/x/schema?object=Lead']) {
      const answer = await get(path)
      expect([answer.statusCode, answer.body]).toEqual([200, PAGE])
      expect(answer.headers['cache-control']).toBe('no-store')
    }
    expect((await get('/console')).headers.location).toBe('/console/')
  })

  it('has a policy that allows nothing inline and nothing from elsewhere', async () => {
    const policy = String((await get('/console/')).headers['content-security-policy'])
    expect(policy).not.toContain('unsafe')
    for (const directive of [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "connect-src 'self'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ]) {
      expect(policy.split('; ')).toContain(directive)
    }
  })

  it('lets files with hashed names be kept for good, and sends them compressed', async () => {
    const plain = await get('/console/assets/index-abc.js')
    expect(plain.body).toBe(SCRIPT)
    expect(plain.headers['content-type']).toMatch(/^text\/javascript/)
    expect(plain.headers['cache-control']).toContain('immutable')
    const zipped = await get('/console/assets/index-abc.js', { 'accept-encoding': 'gzip, br' })
    expect(zipped.headers['content-encoding']).toBe('gzip')
    expect(gunzipSync(zipped.rawPayload).toString()).toBe(SCRIPT)
  })

  it.each(['../secret.txt', '..%2Fsecret.txt', '%2e%2e/secret.txt', '', 'none.js'])(
    'has no asset %j',
    async (name) => {
      const answer = await get(`/console/assets/${name}`)
      expect(answer.body).not.toContain('not an asset')
      expect([200, 404]).toContain(answer.statusCode)
      if (answer.statusCode === 200) expect(answer.body).toBe(PAGE)
    },
  )

  it('says in a sentence how to build it where it is not built', async () => {
    await using bare = Fastify()
    registerConsole(bare, join(dist, 'nowhere'))
    const answer = await get('/console/', {}, bare)
    expect(answer.statusCode).toBe(404)
    expect(answer.body).toContain('npm run build')
  })
})

describe('the log', () => {
  it('has the files of a page at debug, and the page, and a file that is missing, at info', async () => {
    const lines: { level: number; status?: number }[] = []
    const write = (line: string) => lines.push(JSON.parse(line) as (typeof lines)[number])
    const loggerInstance: FastifyBaseLogger = pino({ level: 'debug' }, { write })
    const logController = new LogController({ disableRequestLogging: true })
    const logged = Fastify({ loggerInstance, logController })
    logRequests(
      logged,
      () => null,
      () => undefined,
    )
    registerConsole(logged, dist)
    const address = await logged.listen({ port: 0, host: '127.0.0.1' })
    for (const path of ['', 'assets/index-abc.js', 'assets/none.js']) {
      await (await fetch(`${address}/console/${path}`)).text()
    }
    await logged.close()
    const asked = lines.filter(({ status }) => status !== undefined)
    expect(asked.map(({ level, status }) => [level, status])).toEqual([
      [30, 200],
      [20, 200],
      [30, 404],
    ])
  })
})
