// The client library as its users have it: packed, installed into an empty folder, and used from there.

import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { rolldown } from 'rolldown'
import { Webhook } from 'standardwebhooks'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as client from '../../packages/client/src/index.ts'
import { installInto, npm, packInto, run } from './packed.ts'
import { sharedRig } from './shared-rig.ts'

const ROOT = join(import.meta.dirname, '../..')
const PACKAGE = join(ROOT, 'packages/client')
const EXAMPLE = join(PACKAGE, 'examples/main-job.ts')
/** The library with everything in it, minified and gzipped. */
const BYTES_MAX = 12_000

let folder: string
let tarball: string

beforeAll(async () => {
  const packing = await mkdtemp(join(tmpdir(), 'client-package-'))
  folder = join(packing, 'empty')
  ;[tarball = ''] = await packInto(packing, 'client')
  await installInto(folder, [tarball])
})
afterAll(() => rm(dirname(folder), { recursive: true, force: true }))

/** What a bundler makes of a program. */
const bundled = async (program: string): Promise<string> => {
  const input = join(folder, 'program.js')
  writeFileSync(input, program)
  const build = await rolldown({ input, platform: 'browser', cwd: folder })
  const { output } = await build.generate({ format: 'esm', minify: true })
  await build.close()
  return output.map((file) => ('code' in file ? file.code : '')).join('')
}

describe('the package', () => {
  it('can be published, has no dependency, and holds neither sources nor tests', async () => {
    const said = await npm(folder, 'publish', tarball, '--dry-run', '--fetch-retries=0')
    const faults = said.split('\n').filter((line) => / (warn|error) /i.test(line))
    expect(faults.filter((line) => !line.includes('requires you to be logged in'))).toEqual([])
    expect(said).toContain('README.md')
    expect(said).toContain('CHANGELOG.md')
    expect(said).toContain('LICENSE')
    expect(said).not.toMatch(/\.test\.|src\/|examples\//)
    const installed = JSON.parse(
      readFileSync(join(folder, 'node_modules/@sfdc-engine-x/client/package.json'), 'utf8'),
    ) as object
    expect(installed).not.toHaveProperty('dependencies')
  })

  it(`has at most ${BYTES_MAX} bytes, and who only verifies webhooks takes a tenth of it`, async () => {
    const all = await bundled(
      "import { SfdcEngine, webhooks } from '@sfdc-engine-x/client'\nconsole.log(SfdcEngine, webhooks)",
    )
    expect(gzipSync(all).byteLength).toBeLessThanOrEqual(BYTES_MAX)
    const one = await bundled(
      "import { webhooks } from '@sfdc-engine-x/client'\nconsole.log(webhooks.verify)",
    )
    expect(gzipSync(one).byteLength).toBeLessThanOrEqual(BYTES_MAX / 10)
    expect(one).not.toContain('/api/')
  })

  it('does the main job in at most 60 lines, which compile with its types', async () => {
    const source = readFileSync(EXAMPLE, 'utf8')
    expect(source.trimEnd().split('\n').length).toBeLessThanOrEqual(60)
    copyFileSync(EXAMPLE, join(folder, 'main-job.ts'))
    writeFileSync(
      join(folder, 'tsconfig.json'),
      JSON.stringify({
        compilerOptions: {
          ...{ module: 'nodenext', target: 'es2023', lib: ['es2023', 'dom', 'dom.asynciterable'] },
          ...{ strict: true, noEmit: true, skipLibCheck: false },
          ...{ types: ['node'], typeRoots: [join(ROOT, 'node_modules/@types')] },
        },
        files: ['main-job.ts'],
      }),
    )
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc')
    await run(process.execPath, [tsc, '--project', folder]).catch((error: unknown) => {
      throw new Error((error as { stdout: string }).stdout)
    })

    const rig = await sharedRig()
    const org = await rig.org()
    const { name } = await rig.salesforceOrg()
    const working = run(process.execPath, ['main-job.ts'], {
      cwd: folder,
      env: { PATH: dirname(process.execPath), SFX_URL: rig.urls[0], SFX_TOKEN: org.token },
    })
    let said = ''
    const asked = new Promise<string>((resolve, reject) => {
      working.child.stdout?.on('data', (piece: Buffer) => {
        said += piece.toString()
        const [, link] = /opens (\S+)\n/.exec(said) ?? []
        if (link !== undefined) resolve(link)
      })
      working.catch(reject)
    })
    await rig.simulator.control.authorize({ connectLink: await asked, org: name })
    const { stdout } = await working
    expect(stdout).toContain('497 of 500 leads are in Salesforce\n')
    expect(stdout.match(/^ {2}lead-(42|242|442): .+ → .+$/gm)).toHaveLength(3)
    expect(stdout).toMatch(/Rolled back: complete; as before: true\n$/)
  })
})

describe('a webhook', () => {
  const secret = `whsec_${Buffer.from('a secret of 32 bytes, for webhooks').toString('base64')}`
  const other = `whsec_${Buffer.from('another one, while it is rotated..').toString('base64')}`
  const body = JSON.stringify({
    type: 'push.finished',
    timestamp: '2026-11-29T05:00:00Z',
    data: { push_id: 'p-1', name: 'Größe' },
  })
  /** Signed by the library of the standard. */
  const signed = (at = new Date(), by = secret) => ({
    'webhook-id': 'evt_1',
    'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
    'webhook-signature': new Webhook(by).sign('evt_1', at, body),
  })
  const { verify, WebhookVerificationError } = client.webhooks
  const refused = async (...given: Parameters<typeof verify>) =>
    verify(...given).then(
      () => 'accepted',
      (error: unknown) =>
        error instanceof WebhookVerificationError ? error.reason : String(error),
    )

  it('is accepted as the standard signs it, with any of the secrets and kinds of headers', async () => {
    const event = await verify(body, signed(), secret)
    expect(event).toMatchObject({ id: 'evt_1', type: 'push.finished', data: { name: 'Größe' } })
    await verify(new TextEncoder().encode(body), new Headers(signed()), [other, secret])
    const both = `v1a,x ${signed(undefined, other)['webhook-signature']} ${signed()['webhook-signature']}`
    await verify(body, { ...signed(), 'webhook-signature': both }, secret)
  })

  it('is refused if it is forged, changed, old, from the future or not whole', async () => {
    const minutes = (count: number) => new Date(Date.now() + count * 60_000)
    expect(await refused(body, signed(), other)).toBe('wrong_signature')
    expect(await refused(`${body} `, signed(), secret)).toBe('wrong_signature')
    expect(await refused(body, { ...signed(), 'webhook-id': 'evt_2' }, secret)).toBe(
      'wrong_signature',
    )
    expect(await refused(body, signed(minutes(-6)), secret)).toBe('too_old')
    expect(await refused(body, signed(minutes(6)), secret)).toBe('too_new')
    expect(await refused(body, { ...signed(), 'webhook-timestamp': 'now' }, secret)).toBe('too_old')
    expect(await refused(body, { ...signed(), 'webhook-signature': '' }, secret)).toBe(
      'missing_header',
    )
    expect(await refused(body, signed(), 'whsec_§')).toContain('TypeError')
  })
})
