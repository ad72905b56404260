// `node scripts/console-pictures.ts`: docs/console.md and the pictures in it, in light and dark, of the console
// over the worlds that the two demos leave. Run it after a change of a screen. CHROMIUM names a browser other
// than the one on the PATH.

import { spawn } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type Browser, chromium, type Page } from 'playwright-core'
import { SfdcEngine } from '../packages/client/src/index.ts'
import { chromiumPath } from '../test/src/chromium.ts'

const ROOT = join(import.meta.dirname, '..')
const FOLDER = join(ROOT, 'docs/console')
const SIZE = { width: 1280, height: 800 }

interface Shot {
  name: string
  title: string
  /** What a newcomer sees in it. */
  text: string
  /** Below `/console`. */
  path: string
  /** What is pressed before the picture is taken. */
  act?: (page: Page) => Promise<void>
}

interface World {
  url: string
  link: string
  engine: SfdcEngine
}

/** Starts a demo and resolves once it says that it is still running. */
const startWorld = async (script: string): Promise<World & { stop(): Promise<void> }> => {
  const child = spawn(process.execPath, [join(ROOT, 'scripts', script)], {
    env: { ...process.env, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  let said = ''
  const isReady = new Promise<void>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      said += `${line}\n`
      if (line.startsWith('Press Ctrl-C')) resolve()
    })
    child.once('exit', (code) => reject(new Error(`${script} ended with ${code}:\n${said}`)))
  })
  await isReady
  const [link = ''] = /http\S+#session=\S+/.exec(said) ?? []
  const [, token = ''] = /SFX_TOKEN=(\S+)/.exec(said) ?? []
  const { origin: url } = new URL(link)
  return {
    url,
    link,
    engine: new SfdcEngine({ baseUrl: url, token }),
    stop: async () => {
      child.kill('SIGINT')
      await ended
    },
  }
}

/** One client: what demo.ts did with Acme. */
const ofOneClient = async ({ engine }: World): Promise<Shot[]> => {
  const firstOf = async <T>(list: AsyncIterable<T>, fits: (one: T) => boolean): Promise<T> => {
    for await (const one of list) if (fits(one)) return one
    throw new Error('the demo left nothing like that')
  }
  const { id: client_id } = await firstOf(engine.clients.list(), ({ name }) => name === 'Acme')
  const report = await firstOf(
    engine.conflicts.list({ client_id }),
    ({ severity }) => severity === 'red',
  )
  const deployment = await firstOf(
    engine.deploy.list({ client_id, kind: 'custom_objects' }),
    ({ status }) => status === 'rolled_back',
  )
  const push = await firstOf(
    engine.push.list({ client_id }),
    ({ status, dry_run }) => status === 'partial' && !dry_run,
  )
  const of = `/clients/${client_id}`
  return [
    {
      name: 'client',
      title: 'A client',
      text: 'Its connection with what may be wrong about it, its snapshots, and what was deployed. Client and environment stay in sight on every page.',
      path: of,
    },
    {
      name: 'schema',
      title: 'Schema explorer',
      text: 'Objects and fields of any snapshot, with search.',
      path: `${of}/schema?object=Lead`,
    },
    {
      name: 'diff',
      title: 'Difference of two snapshots',
      text: 'What an admin changed since.',
      path: `${of}/diff?from=1&to=3`,
    },
    {
      name: 'plan',
      title: 'A plan and its verdict',
      text: 'What would happen, component by component, before anything does. Red cannot be deployed.',
      path: `${of}/plan?report=${report.id}`,
    },
    {
      name: 'deployment',
      title: 'A deployment',
      text: 'Its stages, its components, and its rollback, compared with what was there before.',
      path: `${of}/deployments/${deployment.id}`,
    },
    {
      name: 'push',
      title: 'A push',
      text: 'Failed rows by error, each with its reason and what to do.',
      path: `${of}/pushes/${push.id}`,
    },
    {
      name: 'mappings',
      title: 'Mappings',
      text: 'From your own model to the fields of this Salesforce org, checked against its newest snapshot.',
      path: `${of}/mappings`,
    },
    {
      name: 'automations',
      title: 'Automations',
      text: 'Of each object, in the order in which Salesforce runs them.',
      path: `${of}/automations?object=Lead`,
    },
  ]
}

/** Twelve clients: what demo-fleet.ts rolled out. */
const ofTheFleet = async ({ engine }: World): Promise<Shot[]> => {
  const rollouts = []
  for await (const one of engine.fleet.rolloutsList()) rollouts.push(one)
  const [rollout] = rollouts
  if (rollout === undefined) throw new Error('the demo left no rollout')
  return [
    {
      name: 'board',
      title: 'Health board',
      text: 'All clients, the worst first.',
      path: '/',
    },
    {
      name: 'blueprints',
      title: 'Blueprints',
      text: 'What all clients, or those with certain tags, should have.',
      path: '/fleet/blueprints',
    },
    {
      name: 'rollout',
      title: 'A rollout',
      text: 'One change for many clients, in waves: a canary first, then the others; each with its verdict and its state.',
      path: `/fleet/rollouts/${rollout.id}`,
    },
    {
      name: 'search',
      title: 'Search',
      text: 'One question to the newest snapshots of all clients.',
      path: '/fleet/search?kind=field&object=Lead&name=Tier',
    },
    {
      name: 'audit',
      title: 'Audit',
      text: 'Who did what, when, and with which credential.',
      path: '/audit',
    },
  ]
}

const take = async (browser: Browser, { url, link }: World, shots: Shot[]): Promise<void> => {
  for (const scheme of ['light', 'dark'] as const) {
    const context = await browser.newContext({
      viewport: SIZE,
      colorScheme: scheme,
      reducedMotion: 'reduce',
    })
    const page = await context.newPage()
    await page.goto(link)
    await page.locator('h1').first().waitFor()
    for (const { name, path, act } of shots) {
      await page.goto(`${url}/console${path}`)
      await page.locator('h1').first().waitFor()
      await page.waitForLoadState('networkidle')
      await act?.(page)
      await page.screenshot({ path: join(FOLDER, `${name}-${scheme}.png`) })
    }
    await context.close()
  }
}

const pageOf = (shots: readonly Shot[]): string =>
  [
    '# The console',
    '',
    'For the people of an agency who do not program, at `/console` of the server. `npm run demo` and `npm run demo:fleet`',
    'end with a link that opens it, signed in. These pictures are of the worlds that they leave; `node',
    'scripts/console-pictures.ts` takes them anew.',
    '',
    ...shots.flatMap(({ name, title, text }) => [
      `## ${title}`,
      '',
      text,
      '',
      '<picture>',
      `  <source media="(prefers-color-scheme: dark)" srcset="console/${name}-dark.png">`,
      `  <img alt="${title}" src="console/${name}-light.png" width="960">`,
      '</picture>',
      '',
    ]),
  ].join('\n')

const executablePath = chromiumPath()
if (executablePath === null) throw new Error('No Chromium on the PATH; name one in CHROMIUM.')
rmSync(FOLDER, { recursive: true, force: true })
mkdirSync(FOLDER)
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
const all: Shot[] = []
for (const [script, shotsOf] of [
  ['demo-fleet.ts', ofTheFleet],
  ['demo.ts', ofOneClient],
] as const) {
  const world = await startWorld(script)
  try {
    const shots = await shotsOf(world)
    await take(browser, world, shots)
    all.push(...shots)
  } finally {
    await world.stop()
  }
}
await browser.close()
writeFileSync(join(ROOT, 'docs/console.md'), pageOf(all))
