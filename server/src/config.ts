// Environment → checked, frozen configuration. The only reader of environment variables in the
// server; every mistake is reported at once, none with the value of a secret.

import * as z from 'zod'
import { Secret, type Secrets } from './secret.ts'

const text = z.string().trim().min(1)
const int = (min: number, max: number, fallback: number) =>
  z.coerce.number().int().min(min).max(max).default(fallback)

const list = z
  .string()
  .default('')
  .transform((value) =>
    value
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== ''),
  )

const isPostgresUrl = (value: string): boolean =>
  /^postgres(ql)?:\/\//.test(value) && URL.canParse(value)

/** Comma-separated during a rotation, the new secret first. */
const signingSecrets = list
  .refine((parts) => parts.length > 0, 'is required')
  .refine(
    (parts) => parts.every((part) => part.length >= 32),
    'needs at least 32 characters (a comma separates a new secret from the one it replaces)',
  )
  .transform(([current = '', ...former]): Secrets => [
    new Secret(current),
    ...former.map((part) => new Secret(part)),
  ])

const postgresUrl = text
  .refine(
    isPostgresUrl,
    'must be a URL like postgres://user:password@host:5432/database, with special characters of ' +
      'user and password percent-encoded',
  )
  .transform((v) => new Secret(v))

const environment = z.object({
  NODE_ENV: text.optional(),
  RAILWAY_ENVIRONMENT_NAME: text.optional(),
  DATABASE_URL: postgresUrl.optional(),
  TENANT_DATABASE_URL: postgresUrl.optional(),
  DATABASE_CONNECTIONS: int(2, 200, 20),
  JWT_SECRET: signingSecrets,
  SUPER_ADMIN_JWT_SECRET: signingSecrets,
  IDEMPOTENCY_SECRET: signingSecrets.optional(),
  ENCRYPTION_SECRET: signingSecrets.optional(),
  NANGO_SECRET_KEY: text.transform((v) => new Secret(v)),
  NANGO_BASE_URL: z.url({ protocol: /^https?$/ }).default('https://api.nango.dev'),
  NANGO_PROVIDER_CONFIG_KEY: text.default('salesforce'),
  NANGO_SANDBOX_PROVIDER_CONFIG_KEY: text.default('salesforce-sandbox'),
  NANGO_WEBHOOK_SIGNING_KEY: list.transform((keys) => keys.map((key) => new Secret(key))),
  SFDC_API_VERSION: z
    .string()
    .regex(/^v\d{2}\.0$/, 'must look like v66.0')
    .default('v66.0'),
  SFDC_INSTANCE_HOST_ALLOWLIST: list,
  SFDC_API_RESERVE_PERCENT: int(0, 90, 10),
  PORT: int(0, 65_535, 8080),
  HOST: text.default('0.0.0.0'),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
  PUSH_RESULT_RETENTION_DAYS: int(1, 3650, 30),
  SNAPSHOT_RETENTION_DAYS: int(0, 36_500, 365),
  SNAPSHOT_RETENTION_COUNT: int(1, 100_000, 30),
  CONFLICT_REPORT_RETENTION_DAYS: int(0, 36_500, 365),
  DEPLOYMENT_RETENTION_DAYS: int(0, 36_500, 0),
  CLOSED_DEPLOYMENT_RETENTION_DAYS: int(0, 36_500, 90),
  AUDIT_RETENTION_DAYS: int(0, 36_500, 0),
  PUSH_MAX_ROWS: int(1, 100_000_000, 5_000_000),
  JWT_TTL_SECONDS: int(60, 2_592_000, 43_200),
  METRICS_TOKEN: text
    .min(16, 'needs at least 16 characters')
    .transform((v) => new Secret(v))
    .optional(),
  CORS_ORIGINS: list,
  RATE_LIMIT_PER_MINUTE: int(0, 10_000_000, 1200),
  TRUST_PROXY: z
    .string()
    .regex(
      /^(false|\d+|[0-9a-fA-F.:/, ]+)$/,
      'must be the number of proxies in front (usually 1), their addresses, or false; true would let ' +
        'any caller invent an address and guess passwords without limit',
    )
    .transform((v): false | number | string =>
      v === 'false' ? false : /^\d+$/.test(v) ? Number(v) : v,
    )
    .optional(),
  OTEL_EXPORTER_OTLP_ENDPOINT: z.url().optional(),
  PASSWORD_HASH_COST: int(4, 15, 12),
  PUSH_LEASE_SECONDS: int(3, 300, 15),
  JOB_SUPERVISION_SECONDS: int(1, 60, 5),
  WORK_PAUSED: z
    .enum(['true', 'false'])
    .default('false')
    .transform((v) => v === 'true'),
  WEBHOOK_TIMEOUT_SECONDS: int(1, 30, 10),
  WEBHOOK_ALLOW_LOOPBACK: z
    .enum(['true', 'false'])
    .default('false')
    .transform((v) => v === 'true'),
  WORK_WAIT_SCALE: z.coerce.number().min(0.001).max(1).default(1),
})

/** Variables that platforms and shells set; nobody has to write them down. */
const SET_BY_PLATFORMS: readonly string[] = ['NODE_ENV', 'RAILWAY_ENVIRONMENT_NAME']

/** Names of the variables that an operator sets; a test keeps `.env.example` equal to this list. */
export const CONFIG_VARIABLES = Object.keys(environment.shape).filter(
  (name) => !SET_BY_PLATFORMS.includes(name),
)

/**
 * Variables for the person who sets up the Salesforce integration in Nango. The server itself reads none
 * of them; `.env.example` lists them so that all are in one place.
 */
export const NANGO_SETUP_VARIABLES = ['SFDC_CLIENT_ID', 'SFDC_CLIENT_SECRET', 'SFDC_REDIRECT_URI']

export class ConfigError extends Error {
  override name = 'ConfigError'
}

const shape = (env: z.infer<typeof environment>) => ({
  database: {
    url: env.DATABASE_URL,
    tenantUrl: env.TENANT_DATABASE_URL,
    maxConnections: env.DATABASE_CONNECTIONS,
  },
  http: {
    port: env.PORT,
    host: env.HOST,
    corsOrigins: env.CORS_ORIGINS,
    rateLimitPerMinute: env.RATE_LIMIT_PER_MINUTE,
    // Railway's edge is one proxy in front of every service.
    trustProxy: env.TRUST_PROXY ?? (env.RAILWAY_ENVIRONMENT_NAME === undefined ? false : 1),
    metricsToken: env.METRICS_TOKEN,
  },
  auth: {
    jwtSecrets: env.JWT_SECRET,
    superAdminSecrets: env.SUPER_ADMIN_JWT_SECRET,
    idempotencySecrets: env.IDEMPOTENCY_SECRET ?? env.JWT_SECRET,
    jwtTtlSeconds: env.JWT_TTL_SECONDS,
    passwordHashCost: env.PASSWORD_HASH_COST,
  },
  nango: {
    secretKey: env.NANGO_SECRET_KEY,
    baseUrl: env.NANGO_BASE_URL.replace(/\/+$/, ''),
    providerConfigKey: {
      production: env.NANGO_PROVIDER_CONFIG_KEY,
      sandbox: env.NANGO_SANDBOX_PROVIDER_CONFIG_KEY,
    },
    webhookSigningKeys: env.NANGO_WEBHOOK_SIGNING_KEY,
  },
  salesforce: {
    apiVersion: env.SFDC_API_VERSION,
    hostAllowlist: env.SFDC_INSTANCE_HOST_ALLOWLIST,
    apiReservePercent: env.SFDC_API_RESERVE_PERCENT,
  },
  push: {
    resultRetentionDays: env.PUSH_RESULT_RETENTION_DAYS,
    maxRows: env.PUSH_MAX_ROWS,
    leaseSeconds: env.PUSH_LEASE_SECONDS,
  },
  retention: {
    snapshotDays: env.SNAPSHOT_RETENTION_DAYS,
    snapshotCount: env.SNAPSHOT_RETENTION_COUNT,
    reportDays: env.CONFLICT_REPORT_RETENTION_DAYS,
    deploymentDays: env.DEPLOYMENT_RETENTION_DAYS,
    closedDeploymentDays: env.CLOSED_DEPLOYMENT_RETENTION_DAYS,
    auditDays: env.AUDIT_RETENTION_DAYS,
  },
  webhooks: {
    timeoutMs: env.WEBHOOK_TIMEOUT_SECONDS * 1_000,
    allowLoopback: env.WEBHOOK_ALLOW_LOOPBACK,
    // Before it was set, JWT_SECRET encrypted.
    encryptionSecrets: [...(env.ENCRYPTION_SECRET ?? []), ...env.JWT_SECRET] as unknown as Secrets,
  },
  jobs: { superviseSeconds: env.JOB_SUPERVISION_SECONDS, isPaused: env.WORK_PAUSED },
  logLevel: env.LOG_LEVEL,
  otlpEndpoint: env.OTEL_EXPORTER_OTLP_ENDPOINT,
  waitScale: env.WORK_WAIT_SCALE,
})

export type Config = Readonly<ReturnType<typeof shape>>

const freeze = <T extends object>(value: T): T => {
  for (const member of Object.values(value) as unknown[]) {
    if (typeof member === 'object' && member !== null && !(member instanceof Secret)) freeze(member)
  }
  return Object.freeze(value)
}

/**
 * Checks the environment and returns the frozen configuration.
 * Throws {@link ConfigError} whose message names every variable at fault, never a value.
 */
export const parseConfig = (env: Record<string, string | undefined>): Config => {
  // An empty variable counts as not set: that is how compose files and shells leave one out.
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value?.trim() !== ''))
  const parsed = environment.safeParse(given)
  const problems = parsed.success
    ? crossChecks(parsed.data)
    : parsed.error.issues.map((issue) => {
        const name = issue.path.join('.')
        return `${name}: ${given[name] === undefined ? 'is required' : issue.message}`
      })
  if (!parsed.success || problems.length > 0) {
    throw new ConfigError(
      `The environment is not usable:\n${problems.map((p) => `  - ${p}`).join('\n')}\nSee .env.example.`,
    )
  }
  return freeze(shape(parsed.data))
}

/** OWASP's least for bcrypt. */
const SAFE_HASH_COST = 10

const crossChecks = (env: z.infer<typeof environment>): string[] => {
  const problems: string[] = []
  if (env.NODE_ENV === 'production' && env.DATABASE_URL === undefined) {
    problems.push(
      'DATABASE_URL: is required with NODE_ENV=production; the embedded database is only for trials',
    )
  }
  if (env.PASSWORD_HASH_COST < SAFE_HASH_COST && env.NODE_ENV !== 'test') {
    problems.push(
      `PASSWORD_HASH_COST: must be at least ${SAFE_HASH_COST}; less is for tests (NODE_ENV=test) only`,
    )
  }
  if (env.TENANT_DATABASE_URL !== undefined && env.DATABASE_URL === undefined) {
    problems.push('TENANT_DATABASE_URL: needs DATABASE_URL, the login that owns the tables')
  }
  const purposes = [
    ['JWT_SECRET', env.JWT_SECRET],
    ['SUPER_ADMIN_JWT_SECRET', env.SUPER_ADMIN_JWT_SECRET],
    ['IDEMPOTENCY_SECRET', env.IDEMPOTENCY_SECRET ?? []],
    ['ENCRYPTION_SECRET', env.ENCRYPTION_SECRET ?? []],
  ] as const
  const others = [
    ...purposes,
    ['NANGO_SECRET_KEY', [env.NANGO_SECRET_KEY]],
    ['NANGO_WEBHOOK_SIGNING_KEY', env.NANGO_WEBHOOK_SIGNING_KEY],
  ] as const
  for (const [at, [name, secrets]] of purposes.entries()) {
    for (const [other, itsSecrets] of others.slice(at + 1)) {
      if (secrets.some((secret) => itsSecrets.some((one) => one.equals(secret)))) {
        problems.push(`${name}: must differ from ${other}`)
      }
    }
  }
  for (const entry of env.SFDC_INSTANCE_HOST_ALLOWLIST) {
    if (!/^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+)(:\d{1,5})?$/.test(entry)) {
      problems.push(`SFDC_INSTANCE_HOST_ALLOWLIST: "${entry}" is not host or host:port`)
    }
  }
  if (env.CORS_ORIGINS.includes('*')) {
    problems.push('CORS_ORIGINS: name the origins; * would let any page act with a stolen token')
  }
  return problems
}
