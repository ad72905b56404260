// The guides as a newcomer uses them: every program in them runs against a real server, and prints what the
// reader is promised. (The webhook receiver is tried by webhooks.test.ts.)

import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { type TestClient, type TestOrg } from './rig.ts'
import { sharedRig, type SharedRig } from './shared-rig.ts'

const GUIDES = join(import.meta.dirname, '../../docs/guides')

let rig: SharedRig
let org: TestOrg
let client: TestClient
let fresh: string

const guide = (name: string): string => readFileSync(join(GUIDES, `${name}.md`), 'utf8')
const programsIn = (name: string): string[] =>
  [...guide(name).matchAll(/```js\n([\s\S]*?)```/g)].map(([, code = '']) => code)

/** What the programs of a guide print, one after the other, with the function of the quick start. */
const run = async (
  name: string,
  onLine?: (line: string) => void,
  of: TestClient = client,
): Promise<string[]> => {
  const [api = '', ...first] = programsIn('quick-start')
  const programs = name === 'quick-start' ? first : programsIn(name)
  expect(programs.length).toBeGreaterThan(0)
  const child = spawn(
    process.execPath,
    ['--input-type=module', '-e', [api, ...programs].join('\n')],
    {
      env: {
        PATH: process.env.PATH,
        URL: rig.urls[0],
        TOKEN: org.token,
        CLIENT_ID: of.id,
        EMAIL: org.email,
        PASSWORD: org.password,
      },
    },
  )
  const lines: string[] = []
  let faults = ''
  child.stderr.on('data', (chunk: Buffer) => (faults += chunk.toString()))
  child.stdout.on('data', (chunk: Buffer) => {
    for (const line of chunk.toString().split('\n').filter(Boolean)) {
      lines.push(line)
      onLine?.(line)
    }
  })
  const code = await new Promise((resolve) => child.once('close', resolve))
  expect(code, `${name}: ${faults}`).toBe(0)
  return lines
}

beforeAll(async () => {
  rig = await sharedRig()
  org = await rig.org()
  client = await org.client()
  fresh = (await rig.salesforceOrg()).name
  await client.connect((await rig.salesforceOrg()).name)
  await client.pull()
})

describe('the guide', () => {
  it('quick-start connects a client and reads its schema', async () => {
    const lines = await run('quick-start', (line) => {
      const link = /^Open (.+)$/.exec(line)?.[1]
      if (link === undefined) return
      void rig.simulator.control.authorize({ connectLink: link, org: fresh })
    })
    expect(lines.slice(1)).toEqual([
      'connected to a production org',
      'Version 1, complete',
      'Lead has a field LastName',
    ])
  })

  it('long-operations follows a pull to its end', async () => {
    const lines = await run('long-operations')
    expect(lines.slice(-2)).toEqual([
      'It ended: complete',
      'The newest work is a snapshot: succeeded',
    ])
  })

  it('idempotency creates one client', async () => {
    expect(await run('idempotency')).toEqual(['One client', '409 idempotency_key_reused'])
  })

  it('errors shows which member is wrong', async () => {
    expect(await run('errors')).toEqual(['400 invalid_plan', 'plan.objects.0.fields.0.type'])
  })

  it('fleet-search-and-health finds a field, compares it, and says how clients are', async () => {
    const lines = await run('fleet-search-and-health')
    expect(lines[0]).toMatch(/ Company( |$)/)
    expect(lines.find((line) => line.includes('group(s)'))).toMatch(
      /^\d clients in \d group\(s\), \d agree$/,
    )
    expect(lines.at(-1)).toMatch(/ (critical|warning|notice|none)( |$)/)
  })

  it('pushes writes what is right and names what is wrong', async () => {
    const lines = await run('pushes')
    expect(lines.slice(0, 2)).toEqual([
      'Of 3 rows, 1 cannot be sent',
      'partial: 2 written, 1 failed',
    ])
    expect(lines[2]).toMatch(/^Row 2 \(p-3\): \w+ in name$/)
  })

  it('deploying-safely leaves the Salesforce org as it was', async () => {
    const lines = await run('deploying-safely')
    expect(lines[0]).toMatch(/^(green|yellow): \d+ findings$/)
    expect(lines.at(-3)).toMatch(/^deployed: .*Lead\.Guide_Score__c/)
    expect(lines.at(-2)).toMatch(/^Would remove \d+ components$/)
    expect(lines.at(-1)).toBe('complete, proven: true')
  })

  it('fleet binds a client to a blueprint, and finds it not applied yet', async () => {
    expect((await run('fleet')).slice(0, 5)).toEqual([
      expect.stringMatching(/^1 gold client: /),
      'version 1 declares tier_label',
      '1 client bound',
      '0 in sync, 1 drifted',
      'Lead.Guide_Tier__c not_applied',
    ])
  })

  it('rollouts takes a change to a client and back, and shows that it holds in between', async () => {
    const lines = await run('rollouts')
    expect(lines[0]).toBe('draft: 1 client in 1 wave')
    expect(lines[1]).toBe('1 can go, 0 cannot')
    expect(lines.slice(-4)).toEqual([
      'succeeded: 1 deployed',
      '1 in sync, 0 drifted',
      expect.stringMatching(/^Would remove [1-9]\d*$/),
      'rolled_back, proven: true',
    ])
  })

  it('approvals lets an agent deploy what a person has seen', async () => {
    const lines = await run('approvals')
    expect(lines[0]).toMatch(/^Deploys \d+ components? of a plan, checked by report …$/)
    expect(lines.at(-1)).toBe('deployed')
  })

  // The last one: the client is not connected any longer.
  it('leaving takes out what was deployed and gives a certificate', async () => {
    const lines = await run('leaving')
    expect(lines[0]).toMatch(/^Would remove [1-9]\d*, restore \d+$/)
    expect(lines.slice(-2)).toEqual([
      expect.stringMatching(/^(complete|partial), proven: true, revoked$/),
      'The certificate is as it was written: true',
    ])
    const untouched = await org.client()
    await untouched.connect((await rig.salesforceOrg()).name)
    expect((await run('leaving', undefined, untouched))[1]).toBe(
      'complete, proven: nothing was removed, revoked',
    )
  })
})

describe('the documentation of a server', () => {
  const get = async (path: string) => {
    const response = await fetch(rig.urls[0] + path)
    const { status, headers } = response
    return { status, headers, type: headers.get('content-type'), text: await response.text() }
  }

  it('shows each guide as a page and as Markdown, and every link between them leads somewhere', async () => {
    const names = readdirSync(GUIDES).map((file) => file.replace('.md', ''))
    const index = (await get('/docs/guides')).text
    for (const name of names) {
      expect(index).toContain(`href="/docs/guides/${name}"`)
      const page = await get(`/docs/guides/${name}`)
      expect([page.status, page.type]).toEqual([200, 'text/html; charset=utf-8'])
      expect(page.headers.get('content-security-policy')).toContain("default-src 'none'")
      const links = [...page.text.matchAll(/href="(\/[^"]*)"/g)].map(([, link = '']) => link)
      for (const link of new Set(links)) expect((await get(link)).status, link).toBe(200)
      expect((await get(`/docs/guides/${name}.md`)).text).toBe(guide(name))
    }
    expect((await get('/docs/guides/..%2f..%2fpackage')).status).toBe(404)
  })

  it('tells agents what to read first, all of which is there', async () => {
    const { text, type } = await get('/llms.txt')
    expect(type).toBe('text/plain; charset=utf-8')
    const links = [...text.matchAll(/\]\((\/[^)]+)\)/g)]
    expect(links.length).toBeGreaterThan(8)
    for (const [, link = ''] of links) expect((await get(link)).status, link).toBe(200)
  })

  it('is the same in YAML as in JSON', async () => {
    const { parse } = await import('yaml')
    const yaml = await get('/openapi.yaml')
    expect(yaml.type).toBe('application/yaml; charset=utf-8')
    const json: unknown = JSON.parse((await get('/openapi.json')).text)
    expect(parse(yaml.text)).toEqual(json)
  })
})
