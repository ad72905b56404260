// The server's settings against a running simulator, with secrets for this machine only.

import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Simulator } from '../simulator/src/index.ts'

const DATA = join(import.meta.dirname, '../.data')

/** Created once and kept, so that sessions and the bootstrap secret survive a restart. */
const remembered = (name: string): string => {
  const file = join(DATA, name)
  if (existsSync(file)) return readFileSync(file, 'utf8').trim()
  mkdirSync(DATA, { recursive: true })
  const secret = randomBytes(32).toString('base64url')
  writeFileSync(file, secret, { mode: 0o600 })
  return secret
}

export const environmentFor = (simulator: Simulator) => ({
  JWT_SECRET: remembered('jwt.secret'),
  SUPER_ADMIN_JWT_SECRET: remembered('super-admin.secret'),
  NANGO_SECRET_KEY: simulator.nangoSecretKey,
  NANGO_BASE_URL: simulator.nangoUrl,
  NANGO_WEBHOOK_SIGNING_KEY: simulator.nangoWebhookSigningKey,
  // The simulated Salesforce orgs and login hosts are on free ports of this machine.
  SFDC_INSTANCE_HOST_ALLOWLIST: '127.0.0.1',
})
