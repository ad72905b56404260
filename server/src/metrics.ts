// Numbers for Prometheus. Labels name routes, kinds and states, never a tenant.

import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import type pg from 'pg'

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

export interface Metrics {
  contentType: string
  render(): Promise<string>
  requestDone(event: { route: string; status: number; seconds: number }): void
  /** A call to another service ended. `status` is null when no answer came. */
  callDone(
    service: 'salesforce' | 'nango',
    event: { kind: string; status: number | null; ms: number },
  ): void
  watchPool(pool: pg.Pool): void
}

export const createMetrics = (): Metrics => {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const requests = new Histogram({
    name: 'http_request_seconds',
    help: 'Time to answer a request',
    labelNames: ['route', 'status'],
    buckets: SECONDS,
    registers: [registry],
  })
  const calls = new Histogram({
    name: 'upstream_call_seconds',
    help: 'Time of a call to Salesforce or Nango',
    labelNames: ['service', 'kind', 'status'],
    buckets: SECONDS,
    registers: [registry],
  })
  const failures = new Counter({
    name: 'upstream_call_failures_total',
    help: 'Calls to Salesforce or Nango that got no answer or one of 5xx',
    labelNames: ['service', 'kind'],
    registers: [registry],
  })
  return {
    contentType: registry.contentType,
    render: () => registry.metrics(),
    requestDone: ({ route, status, seconds }) =>
      requests.observe({ route, status: String(status) }, seconds),
    callDone: (service, { kind, status, ms }) => {
      calls.observe({ service, kind, status: String(status ?? 'none') }, ms / 1000)
      if (status === null || status >= 500) failures.inc({ service, kind })
    },
    watchPool: (pool) => {
      new Gauge({
        name: 'database_connections',
        help: 'Connections of the pool by state',
        labelNames: ['state'],
        registers: [registry],
        collect() {
          this.set({ state: 'idle' }, pool.idleCount)
          this.set({ state: 'busy' }, pool.totalCount - pool.idleCount)
          this.set({ state: 'waiting' }, pool.waitingCount)
        },
      })
    },
  }
}
