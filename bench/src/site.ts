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
  /** Connects the Salesforce org to a new client, from which nothing is stored yet; returns its id. */
  moveToNewClient(): Promise<string>
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
  const control = createControl(simulator.url)
  const connect = async (client_id: string): Promise<void> => {
    const { connect_link } = await bench.call<{ connect_link: string }>('/api/connections/create', {
      client_id,
    })
    await control.authorize({ connectLink: connect_link, org: 'Acme' })
    await bench.call('/api/connections/callback', { client_id })
  }
  let connected = bench.tenant.clientId
  await connect(connected)
  return {
    bench,
    simulator,
    control,
    clientId: bench.tenant.clientId,
    moveToNewClient: async () => {
      await bench.call('/api/connections/revoke', { client_id: connected })
      const name = `After ${connected}`
      connected = (await bench.call<{ id: string }>('/api/clients/create', { name })).id
      await connect(connected)
      return connected
    },
    [Symbol.asyncDispose]: async () => {
      await bench[Symbol.asyncDispose]()
      await simulator[Symbol.asyncDispose]()
    },
  }
}
