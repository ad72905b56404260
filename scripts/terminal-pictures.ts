// `node scripts/terminal-pictures.ts FOLDER`: the main job with sfx on a terminal, as pictures in light and dark.
// The real server on a PostgreSQL from npm, the simulator, a pseudo-terminal by `script`, Chromium for the
// pictures; CHROMIUM names it. Builds the packages first.

import { execFileSync, spawn } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseConfig } from '../server/src/config.ts'
import { startEmbedded } from '../server/src/db/embedded.ts'
import { createEngine } from '../server/src/engine.ts'
import { createLogger } from '../server/src/logger.ts'
import { createControl } from '../simulator/src/control/client.ts'
import { startSimulator } from '../simulator/src/index.ts'
import { environmentFor } from './simulated-environment.ts'
import { Screen } from './terminal-screen.ts'

const ROOT = join(import.meta.dirname, '..')
const COLUMNS = 110
const CLIENT = 'Acme Staffing'
const PASSWORD = 'correct horse battery staple'

const PLAN = `objects:
  - api_name: Lead
    fields:
      - { api_name: Agency_Key__c, label: Agency Key, type: Text, length: 64, unique: true, external_id: true }
  - api_name: Job_Posting__c
    label: Job Posting
    plural_label: Job Postings
    name_field: { label: Posting No., type: AutoNumber, display_format: 'JP-{00000}' }
    fields:
      - { api_name: Title__c, label: Title, type: Text, length: 120 }
`
const RED_PLAN = `objects:
  - api_name: Lead
    fields:
      - { api_name: Agency__c, label: Agency, type: Lookup, reference_to: Nowhere__c, relationship_name: Leads }
`
const MAPPING = `canonical_object: lead
sfdc_object: Lead
external_id_field: Agency_Key__c
fields:
  key: Agency_Key__c
  name: { sfdc_field: LastName, required: true }
  company: { sfdc_field: Company, required: true }
  email: Email
`
const leads = (): string =>
  [
    'key,name,company,email',
    ...Array.from(
      { length: 500 },
      (_, n) =>
        `lead-${n},Person ${n},Acme,${n % 200 === 42 ? 'no address' : `p${n}@acme.example`}`,
    ),
  ].join('\n')

const STYLE = `body { margin: 0; padding: 16px 20px; }
pre { margin: 0; font: 13px/1.45 'DejaVu Sans Mono', monospace; white-space: pre; }
.bold { font-weight: bold }
.light { background: #ffffff; color: #1f2328 } .dark { background: #0d1117; color: #e6edf3 }
.light .red { color: #cf222e } .light .green { color: #116329 } .light .yellow { color: #7d4e00 }
.light .dim { color: #656d76 }
.dark .red { color: #ff7b72 } .dark .green { color: #56d364 } .dark .yellow { color: #e3b341 }
.dark .dim { color: #8b949e }`

const main = async (folder: string): Promise<void> => {
  mkdirSync(folder, { recursive: true })
  execFileSync('npm', ['run', '-s', 'build'], { cwd: ROOT, stdio: 'inherit' })
  const dir = mkdtempSync(join(tmpdir(), 'terminal-pictures-'))
  chmodSync(dir, 0o755) // as root, PostgreSQL runs under another user
  await using cleanup = new AsyncDisposableStack()
  cleanup.defer(() => rmSync(dir, { recursive: true, force: true }))
  const files = join(dir, 'files')
  mkdirSync(files)
  const contents = {
    'plan.yaml': PLAN,
    'red.yaml': RED_PLAN,
    'lead.yaml': MAPPING,
    'leads.csv': leads(),
  }
  for (const [name, text] of Object.entries(contents)) writeFileSync(join(files, name), text)

  const database = await startEmbedded(dir, { durable: false })
  cleanup.defer(() => database.stop())
  const simulator = await startSimulator({ latency: { callMs: 60, describeMs: 40, saveMs: 2 } })
  cleanup.defer(() => simulator.close())
  const environment = environmentFor(simulator)
  const config = parseConfig({ ...environment, HOST: '127.0.0.1', PORT: '0', LOG_LEVEL: 'error' })
  const engine = await createEngine(config, database.url, createLogger(config.logLevel))
  cleanup.defer(() => engine[Symbol.asyncDispose]())
  const url = await engine.listen()
  const control = createControl(simulator.controlUrl)

  const bin = join(dir, 'bin')
  mkdirSync(bin)
  const sfx = join(ROOT, 'packages/cli/bin/sfx.js')
  writeFileSync(join(bin, 'sfx'), `#!/bin/sh\nexec '${process.execPath}' '${sfx}' "$@"\n`)
  chmodSync(join(bin, 'sfx'), 0o755)
  const env = {
    ...{
      PATH: `${bin}:${process.env.PATH ?? ''}`,
      HOME: dir,
      TERM: 'xterm-256color',
      BROWSER: 'true',
    },
    ...{
      SFX_CONFIG: join(dir, 'sfx.json'),
      SFX_BOOTSTRAP_SECRET: environment.SUPER_ADMIN_JWT_SECRET,
    },
  }
  const screen = new Screen(COLUMNS)
  /** The screen at each moment when a bar stood on it. */
  const bars: string[] = []

  /** Runs a command as somebody at a terminal: `answers` are typed when their question is there. */
  const type = (
    command: string,
    answers: Readonly<Record<string, string | ((said: string) => void)>> = {},
  ): Promise<string> => {
    console.log(command)
    screen.write(`\u001b[2m$\u001b[22m \u001b[1m${command}\u001b[22m\r\n`)
    const shell = `stty cols ${COLUMNS} rows 40; ${command}`
    const child = spawn('script', ['-qec', shell, '/dev/null'], { cwd: files, env })
    let said = ''
    const open = new Map(Object.entries(answers))
    child.stdout.on('data', (piece: Buffer) => {
      const text = piece.toString()
      said += text
      screen.write(text)
      if (/[█░]/.test(text)) bars.push(screen.html())
      for (const [question, answer] of open) {
        if (!said.includes(question)) continue
        open.delete(question)
        if (typeof answer === 'string') child.stdin.write(`${answer}\r`)
        else answer(said)
      }
    })
    return new Promise((ended) =>
      child.on('close', () => {
        screen.write('\r\n')
        ended(said)
      }),
    )
  }

  const allow = (said: string): void => {
    const connectLink = /(http\S+)/.exec(said)?.[1] ?? ''
    control.authorize({ connectLink, org: 'Acme' }).catch(console.error)
  }
  const named = { "Type the client's name": CLIENT }
  await type(`sfx admin init ${url} --org Agency --email ada@agency.example`, {
    'New password': PASSWORD,
  })
  await type(`sfx clients create "${CLIENT}"`)
  await type(`sfx connect "${CLIENT}"`, { 'Waiting until': allow })
  await type(`sfx pull "${CLIENT}"`)
  await type(`sfx check red.yaml --client "${CLIENT}"`)
  await type(`sfx check plan.yaml --client "${CLIENT}"`)
  const deployed = await type(`sfx deploy start plan.yaml --client "${CLIENT}"`, named)
  await type(`sfx pull "${CLIENT}"`)
  await type(`sfx mappings set lead.yaml --client "${CLIENT}"`)
  await type(`sfx push leads.csv --client "${CLIENT}" --object lead`, named)
  await type('cut -c1-100 leads.failed.csv')
  await type(`sfx workflows list "${CLIENT}" --object Lead`)
  await type('sfx deploy list')
  const id = /sfx deploy rollback (\S+)/.exec(deployed)?.[1] ?? ''
  await type(`sfx deploy rollback ${id}`, named)
  await type(`sfx deploy rollback ${id} --allow-data-loss`, named)

  const moments = [0.2, 0.5, 0.8].map((share) => bars[Math.floor(bars.length * share)] ?? '')
  const pages = { transcript: screen.html(), progress: moments.map(lastLines).join('\n\n') }
  for (const [name, html] of Object.entries(pages)) {
    for (const theme of ['light', 'dark']) {
      const page = join(dir, `${name}.html`)
      writeFileSync(
        page,
        `<!doctype html><meta charset="utf-8"><style>${STYLE}</style><body class="${theme}"><pre>${html}</pre>`,
      )
      const height = 32 + Math.ceil(html.split('\n').length * 18.85)
      execFileSync(
        process.env.CHROMIUM ?? 'chromium',
        [
          ...['--headless', '--no-sandbox', '--disable-gpu', '--hide-scrollbars'],
          ...[
            `--window-size=${COLUMNS * 8 + 40},${height}`,
            `--user-data-dir=${join(dir, 'profile')}`,
          ],
          ...[`--screenshot=${join(folder, `${name}-${theme}.png`)}`, `file://${page}`],
        ],
        { stdio: 'ignore' },
      )
    }
  }
}

const lastLines = (html: string): string => html.split('\n').slice(-4).join('\n')

const [, , folder] = process.argv
if (folder === undefined) {
  console.error('Name a folder for the pictures: node scripts/terminal-pictures.ts FOLDER')
  process.exitCode = 2
} else await main(resolve(folder))
