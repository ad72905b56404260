// The client library in the other runtimes that its README names, where they are installed: Bun and Deno (in the
// PATH, or named by BUN and DENO) and Chromium (CHROMIUM). Node is what all other suites use.

import { execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { copyFileSync, existsSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, request as httpRequest } from 'node:http'
import { type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { rolldown } from 'rolldown'
import { Webhook } from 'standardwebhooks'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { installInto, packInto, run } from './packed.ts'
import { makePushRig } from './push-support.ts'
import { sharedRig } from './shared-rig.ts'
import { startProxy, type UnreliableProxy } from './unreliable-proxy.ts'

/** More than the library sends as JSON. */
const ROWS = 3_000

const found = (name: string): string | null => {
  const named = process.env[name.toUpperCase()]
  if (named !== undefined) return existsSync(named) ? named : null
  try {
    return execFileSync('which', [name], { encoding: 'utf8' }).trim()
  } catch {
    return null
  }
}
const RUNTIMES = { bun: found('bun'), deno: found('deno'), chromium: found('chromium') } as const
for (const [name, path] of Object.entries(RUNTIMES)) {
  if (path === null)
    process.stderr.write(`NOT TESTED: the client library in ${name}, which is not installed here\n`)
}

let folder: string
let proxy: UnreliableProxy
let setting: Record<string, unknown>

beforeAll(async () => {
  const packing = await mkdtemp(join(tmpdir(), 'client-runtimes-'))
  folder = join(packing, 'empty')
  await installInto(folder, await packInto(packing, 'client'))
  copyFileSync(join(import.meta.dirname, 'client-runtimes-program.ts'), join(folder, 'program.ts'))
  writeFileSync(
    join(folder, 'main.ts'),
    "import { runProgram } from './program.ts'\nconsole.log(JSON.stringify(await runProgram(JSON.parse(process.argv[2]))))\n",
  )
  const rig = await sharedRig()
  const org = await rig.org()
  const { client } = await makePushRig(rig, org, (await rig.salesforceOrg()).name)
  await org.client()
  proxy = await startProxy(rig.urls[0])
  const secret = `whsec_${randomBytes(32).toString('base64')}`
  const text = JSON.stringify({ id: 'e-1', type: 'push.finished', data: {} })
  const at = new Date()
  setting = {
    ...{ baseUrl: proxy.url, token: org.token, client_id: client.id, rows: ROWS, secret },
    message: {
      text,
      headers: {
        'webhook-id': 'e-1',
        'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
        'webhook-signature': new Webhook(secret).sign('e-1', at, text),
      },
    },
  }
})
afterAll(async () => {
  await proxy?.close()
  await rm(dirname(folder), { recursive: true, force: true })
})

const EXPECTED = {
  ...{ clients: 2, total: ROWS, succeeded: ROWS, results: ROWS },
  ...{ aborted: true, event: 'push.finished' },
}

/** The answer to the upload is lost once: it is sent again, and is one push all the same. */
const expectOneUpload = async (perform: () => Promise<unknown>, retries = 1): Promise<void> => {
  const before = proxy.passed.length
  proxy.expect('/api/push/records', 'lose answer')
  expect(await perform()).toEqual({ ...EXPECTED, retries })
  const keys = proxy.passed
    .slice(before)
    .flatMap(({ path, key }) => (path === '/api/push/records' ? [key] : []))
  expect([keys.length, new Set(keys).size]).toEqual([2, 1])
}

/** A page of the program's own origin, with the server behind it: no other origin takes part. */
const inChromium = async (path: string): Promise<unknown> => {
  writeFileSync(
    join(folder, 'page.ts'),
    `import { runProgram } from './program.ts'
const setting = { ...(await (await fetch('/setting')).json()), baseUrl: location.origin }
const outcome = await runProgram(setting).catch((error) => ({ thrown: String(error.stack ?? error) }))
await fetch('/outcome', { method: 'POST', body: JSON.stringify(outcome) })`,
  )
  const build = await rolldown({ input: join(folder, 'page.ts'), platform: 'browser', cwd: folder })
  const { output } = await build.generate({ format: 'esm' })
  await build.close()
  const script = output.map((file) => ('code' in file ? file.code : '')).join('')
  const { promise, resolve, reject } = Promise.withResolvers<unknown>()
  const origin = createServer((request, response) => {
    const send = (type: string, text: string) => response.setHeader('content-type', type).end(text)
    const { url = '/', method, headers } = request
    if (url === '/') return send('text/html', '<script type="module" src="/script.js"></script>')
    if (url === '/script.js') return send('text/javascript', script)
    if (url === '/setting') return send('application/json', JSON.stringify(setting))
    if (url === '/outcome') {
      let text = ''
      request.on('data', (piece: Buffer) => (text += piece.toString()))
      request.on('end', () => resolve(JSON.parse(text)))
      return response.end()
    }
    if (!url.startsWith('/api/')) return response.writeHead(404).end()
    const upstream = httpRequest(new URL(url, proxy.url), { method, headers })
    upstream.on('error', () => request.socket.destroy())
    upstream.on('response', (answer) => {
      answer.on('error', () => request.socket.destroy())
      response.writeHead(answer.statusCode ?? 500, answer.headers)
      answer.pipe(response)
    })
    response.on('close', () => upstream.destroy())
    return request.pipe(upstream)
  })
  await new Promise<void>((listening) => origin.listen(0, '127.0.0.1', listening))
  const profile = join(folder, 'profile')
  const browser = spawn(
    path,
    [
      ...['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run'],
      `--user-data-dir=${profile}`,
      `http://127.0.0.1:${(origin.address() as AddressInfo).port}/`,
    ],
    { stdio: 'ignore' },
  )
  const gone = new Promise((ended) => browser.once('exit', ended))
  void gone.then(() => reject(new Error('the browser ended by itself')))
  try {
    return await promise
  } finally {
    browser.kill()
    await gone
    await new Promise((closed) => {
      origin.close(closed)
      origin.closeAllConnections()
    })
  }
}

describe('the packed library', () => {
  it.skipIf(RUNTIMES.bun === null)(
    'does all of it in Bun',
    async () => {
      await expectOneUpload(async () => {
        const { stdout } = await run(RUNTIMES.bun ?? '', ['main.ts', JSON.stringify(setting)], {
          cwd: folder,
        })
        return JSON.parse(stdout) as unknown
      })
    },
    60_000,
  )

  it.skipIf(RUNTIMES.deno === null)(
    'does all of it in Deno',
    async () => {
      const allowed = ['run', '--no-config', '--allow-net', '--node-modules-dir=manual']
      await expectOneUpload(async () => {
        const { stdout } = await run(
          RUNTIMES.deno ?? '',
          [...allowed, 'main.ts', JSON.stringify(setting)],
          { cwd: folder, env: { ...process.env, DENO_DIR: join(folder, 'deno') } },
        )
        return JSON.parse(stdout) as unknown
      })
    },
    60_000,
  )

  it.skipIf(RUNTIMES.chromium === null)(
    'does all of it in a page in Chromium',
    async () => {
      // The browser itself repeats what it sent on a connection that had served before; the key is the same.
      await expectOneUpload(() => inChromium(RUNTIMES.chromium ?? ''), 0)
    },
    60_000,
  )
})
