// Numbers for Prometheus. Labels name routes, kinds and states, never a tenant. What a replica counts
// itself is here and says "of this process": sums over the replicas are the whole. What the database
// knows is in installation-metrics.ts and the same from every replica.

import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import type pg from 'pg'
import { createInstallationMetrics, type InstallationSource } from './installation-metrics.ts'

/** Every name of ours begins with it. */
export const PREFIX = 'sfdc_engine_'

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]
/** A job may wait for Salesforce for most of an hour. */
const JOB_SECONDS = [0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600]

export interface Metrics {
  contentType: string
  /** Everything as Prometheus reads it. Never waits long for the database. */
  render(): Promise<string>
  requestDone(event: { route: string; status: number; seconds: number }): void
  /** A call to another service ended. `status` is null when no answer came. */
  callDone(
    service: 'salesforce' | 'nango' | 'webhooks',
    event: { kind: string; status: number | null; ms: number },
  ): void
  jobStarted(event: { kind: string; deaths: number }): void
  jobDone(event: { kind: string; outcome: string; seconds: number }): void
  /** Counts the connections of a pool whenever it is asked. */
  watchPool(name: 'owner' | 'tenant', pool: pg.Pool): void
  /** From now on also what the database knows. */
  watchInstallation(source: InstallationSource): void
}

export const createMetrics = (version: string): Metrics => {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  new Gauge({
    name: `${PREFIX}build_info`,
    help: 'Always 1; the labels say which build runs, of this process',
    labelNames: ['version', 'node_version'],
    registers,
  }).set({ version, node_version: process.versions.node }, 1)
  const requests = new Histogram({
    name: `${PREFIX}http_request_duration_seconds`,
    help: 'Time to answer a request, of this process; status 499: the caller hung up',
    labelNames: ['route', 'status'],
    buckets: SECONDS,
    registers,
  })
  const calls = new Histogram({
    name: `${PREFIX}upstream_call_duration_seconds`,
    help: 'Time of a call to Salesforce, Nango or a webhook endpoint, of this process; status none: no answer came',
    labelNames: ['service', 'kind', 'status'],
    buckets: SECONDS,
    registers,
  })
  const failures = new Counter({
    name: `${PREFIX}upstream_call_failures_total`,
    help: 'Calls to Salesforce, Nango or webhook endpoints that got no answer or one of 5xx, of this process',
    labelNames: ['service', 'kind'],
    registers,
  })
  const running = new Gauge({
    name: `${PREFIX}jobs_running`,
    help: 'Jobs that this process works on now',
    labelNames: ['kind'],
    registers,
  })
  const takeovers = new Counter({
    name: `${PREFIX}job_takeovers_total`,
    help: 'Jobs that this process took over from one that died',
    labelNames: ['kind'],
    registers,
  })
  const jobs = new Counter({
    name: `${PREFIX}jobs_total`,
    help: 'Turns of jobs that ended, by their outcome, of this process; docs/operations/metrics.md lists the outcomes',
    labelNames: ['kind', 'outcome'],
    registers,
  })
  const jobSeconds = new Histogram({
    name: `${PREFIX}job_duration_seconds`,
    help: 'Time of a turn of a job, of this process',
    labelNames: ['kind'],
    buckets: JOB_SECONDS,
    registers,
  })
  const pools = createPoolMetrics(registry)
  let installation: { refresh: () => Promise<void> } | undefined
  return {
    contentType: registry.contentType,
    render: async () => {
      await installation?.refresh()
      return registry.metrics()
    },
    requestDone: ({ route, status, seconds }) =>
      requests.observe({ route, status: String(status) }, seconds),
    callDone: (service, { kind, status, ms }) => {
      calls.observe({ service, kind, status: String(status ?? 'none') }, ms / 1000)
      if (status === null || status >= 500) failures.inc({ service, kind })
    },
    jobStarted: ({ kind, deaths }) => {
      running.inc({ kind })
      if (deaths > 0) takeovers.inc({ kind })
    },
    jobDone: ({ kind, outcome, seconds }) => {
      running.dec({ kind })
      jobs.inc({ kind, outcome })
      jobSeconds.observe({ kind }, seconds)
    },
    watchPool: pools.watch,
    watchInstallation: (source) => {
      installation = createInstallationMetrics(registry, source)
    },
  }
}

const createPoolMetrics = (registry: Registry) => {
  const pools = new Map<string, pg.Pool>()
  const gauge = (
    name: string,
    help: string,
    labels: string[],
    set: (to: Gauge, pool: string, of: pg.Pool) => void,
  ) =>
    new Gauge({
      name: `${PREFIX}database_pool_${name}`,
      help: `${help}, of this process`,
      labelNames: ['pool', ...labels],
      registers: [registry],
      collect() {
        for (const [pool, of] of pools) set(this, pool, of)
      },
    })
  gauge('connections', 'Open connections to PostgreSQL', ['state'], (to, pool, of) => {
    to.set({ pool, state: 'idle' }, of.idleCount)
    to.set({ pool, state: 'busy' }, of.totalCount - of.idleCount)
  })
  gauge('waiting', 'Statements that wait for a connection', [], (to, pool, of) => {
    to.set({ pool }, of.waitingCount)
  })
  gauge('max_connections', 'The most connections that the pool opens', [], (to, pool, of) => {
    to.set({ pool }, of.options.max)
  })
  return {
    watch: (name: string, pool: pg.Pool): void => {
      pools.set(name, pool)
    },
  }
}
