// `npm run dev`: the simulator and the server side by side, the server restarted when its code
// changes. Nothing to set: secrets are made once and kept in .data/.

import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { startSimulator } from '../simulator/src/index.ts'
import { environmentFor } from './simulated-environment.ts'

const ROOT = join(import.meta.dirname, '..')
const simulator = await startSimulator({ seed: 'small' })
const environment = { ...environmentFor(simulator), LOG_LEVEL: 'debug', ...process.env }

console.log(`simulator   ${simulator.controlUrl}  (orgs, users, faults)`)
console.log(`Nango       ${simulator.nangoUrl}`)
console.log(`super-admin ${environment.SUPER_ADMIN_JWT_SECRET}`)

const server = spawn(process.execPath, ['--watch', join(ROOT, 'server/src/main.ts')], {
  stdio: 'inherit',
  env: environment,
})
const stop = () => {
  server.kill('SIGTERM')
}
process.once('SIGINT', stop)
process.once('SIGTERM', stop)
server.once('exit', (code) => {
  process.exitCode = code ?? 0
  void simulator.close()
})
