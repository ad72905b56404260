// `node simulator/src/main.ts`: the simulator as a program.

import { parseArgs } from 'node:util'
import { startSimulator } from './index.ts'
import { type Seed } from './seeds/seed.ts'

const HELP = `Salesforce and Nango on local ports.

  --seed small            the default: standard objects, some custom ones, a managed package, automations
  --seed large            with --objects N and --fields M (M counts the fields of all objects)
  --import FOLDER         describe JSON as Salesforce returns it, one result per file
  --port P                of the control and inspector page; login hosts, Nango and the Salesforce
                          orgs take the ports after it (default: any free ones)
  --call-ms N             time that every call takes
  --describe-ms N         additional time of every describe
  --public-login URL      https address at which others reach the login host: identities begin with it
  --public-test-login URL the same for the login host of sandboxes
  --keep FILE             saves the world there and begins with what is saved there, at the same ports
  --edition E             Developer, Professional, Enterprise (default) or Unlimited
`

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: 'small' },
    objects: { type: 'string', default: '1000' },
    fields: { type: 'string', default: '20000' },
    import: { type: 'string' },
    port: { type: 'string', default: '0' },
    'call-ms': { type: 'string', default: '0' },
    'describe-ms': { type: 'string', default: '0' },
    keep: { type: 'string' },
    'public-login': { type: 'string' },
    'public-test-login': { type: 'string' },
    edition: { type: 'string', default: 'Enterprise' },
    help: { type: 'boolean', default: false },
  },
})

const EDITIONS = ['Developer', 'Professional', 'Enterprise', 'Unlimited'] as const
const edition = EDITIONS.find((name) => name === values.edition)

const seedOf = (): Seed | null => {
  if (values.import !== undefined) return { importFolder: values.import }
  if (values.seed === 'large')
    return { objects: Number(values.objects), fields: Number(values.fields) }
  return values.seed === 'small' ? 'small' : null
}

const seed = seedOf()
if (values.help || seed === null || edition === undefined) {
  console.log(HELP)
  process.exitCode = values.help ? 0 : 2
} else {
  const simulator = await startSimulator({
    seed,
    port: Number(values.port),
    orgs: [
      { name: 'Acme', edition },
      { name: 'Acme Sandbox', edition, isSandbox: true, seed: 'small' },
    ],
    publicUrls: {
      ...(values['public-login'] !== undefined && { login: values['public-login'] }),
      ...(values['public-test-login'] !== undefined && { testLogin: values['public-test-login'] }),
    },
    ...(values.keep !== undefined && { keep: { file: values.keep, notice: console.error } }),
    latency: { callMs: Number(values['call-ms']), describeMs: Number(values['describe-ms']) },
  })
  console.log(
    JSON.stringify({
      address: simulator.controlUrl,
      login: simulator.loginUrl,
      testLogin: simulator.testLoginUrl,
      nango: simulator.nangoUrl,
      nangoSecretKey: simulator.nangoSecretKey,
      nangoWebhookSigningKey: simulator.nangoWebhookSigningKey,
      orgs: simulator.orgs,
    }),
  )
  const stop = () => void simulator.close()
  process.once('SIGTERM', stop)
  process.once('SIGINT', stop)
}
