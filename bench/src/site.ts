// Simulator and server as processes of their own, and a client connected to the Salesforce org "Acme".

import { join } from 'node:path'
import { createControl, type Control } from '../../simulator/src/control/client.ts'
import { startBench, type Bench } from './bench.ts'
import { startProgram, type Program } from './processes.ts'

export interface Site extends AsyncDisposable {
  bench: Bench
  simulator: Program
  control: Control
  clientId: string
}

/**
 * `simulatorArguments` as on the simulator's command line; the Salesforce org is of Unlimited Edition.
 * `environment` is the server's.
 */
export const startSite = async (
  simulatorArguments: readonly string[],
  environment: Record<string, string> = {},
): Promise<Site> => {
  const file = join(import.meta.dirname, '../../simulator/src/main.ts')
  const simulator = await startProgram([file, ...simulatorArguments, '--edition', 'Unlimited'], {})
  const nango = simulator.announced as { nango: string; nangoSecretKey: string }
  const bench = await startBench({
    NANGO_BASE_URL: nango.nango,
    NANGO_SECRET_KEY: nango.nangoSecretKey,
    SFDC_INSTANCE_HOST_ALLOWLIST: '127.0.0.1',
    LOG_LEVEL: 'info',
    ...environment,
  })
  const client_id = bench.tenant.clientId
  const { connect_link } = await bench.call<{ connect_link: string }>('/api/connections/create', {
    client_id,
  })
  const control = createControl(simulator.url)
  await control.authorize({ connectLink: connect_link, org: 'Acme' })
  await bench.call('/api/connections/callback', { client_id })
  return {
    bench,
    simulator,
    control,
    clientId: client_id,
    [Symbol.asyncDispose]: async () => {
      await bench[Symbol.asyncDispose]()
      await simulator[Symbol.asyncDispose]()
    },
  }
}
