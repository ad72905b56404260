// `npm run dev`: the simulator and the server side by side, the server restarted when its code changes, and
// the console built again when its code changes (reload the page).
// Nothing to configure: secrets are created once and kept in .data/, beside the database and the simulated
// world, so that a restart finds everything as it was. .env and the environment take precedence. Reachable from this machine only, unless HOST says otherwise: the super-admin secret is
// printed, and the Salesforce orgs are simulated.

import { spawn } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { buildConsole, watchConsole } from './console.ts'
import { startSimulator } from '../simulator/src/index.ts'
import { environmentFor } from './simulated-environment.ts'

const ROOT = join(import.meta.dirname, '..')
const ENV_FILE = join(ROOT, '.env')
if (existsSync(ENV_FILE)) process.loadEnvFile(ENV_FILE)
const set = Object.fromEntries(Object.entries(process.env).filter(([, value]) => value !== ''))

const WORLD = set.SIMULATOR_WORLD ?? join(ROOT, '.data/simulator.world')
mkdirSync(dirname(WORLD), { recursive: true })
const simulator = await startSimulator({
  seed: 'small',
  keep: { file: WORLD, notice: console.error },
}).catch((error: unknown) => {
  if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
  console.error(
    `${(error as Error).message}. The simulated Salesforce orgs of ${WORLD} answer there. ` +
      `End what uses the port (a different "npm run dev"?), or delete the file to start with new ones.`,
  )
  process.exit(1)
})
const environment = {
  HOST: '127.0.0.1',
  LOG_LEVEL: 'debug',
  // A webhook receiver of the person who tries it is on this machine; nobody else can reach the server.
  ...(set.HOST === undefined ? { WEBHOOK_ALLOW_LOOPBACK: 'true' } : {}),
  ...environmentFor(simulator),
  ...set,
}

console.log(`simulator   ${simulator.controlUrl}  (orgs, users, faults)`)
console.log(`Nango       ${simulator.nangoUrl}`)
console.log(`super-admin ${environment.SUPER_ADMIN_JWT_SECRET}`)

// Before the server listens there is a console.
await buildConsole()
const { PORT = '8080' } = set
// A free port is in the line "listening".
if (PORT !== '0') {
  const at = `http://${environment.HOST}:${PORT}`
  console.log(`console     ${at}/console`)
  console.log(`reference   ${at}/docs`)
}
const stopBuilding = watchConsole()
const server = spawn(
  process.execPath,
  ['--watch', join(ROOT, 'server/src/start.js'), '--from-sources'],
  { stdio: 'inherit', env: environment },
)
const stop = () => {
  server.kill('SIGTERM')
  stopBuilding()
}
process.once('SIGINT', stop)
process.once('SIGTERM', stop)
server.once('exit', (code) => {
  process.exitCode = code ?? 0
  stopBuilding()
  void simulator.close()
})
