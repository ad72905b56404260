// What the database knows about the whole installation, for /metrics: the same from every replica, so
// take the maximum over the replicas and never the sum. Read when somebody asks, at most once a
// second, and never waited for long: while the database is away or its pool is used up, an operator
// needs the other numbers most.

import { Gauge, type Registry } from 'prom-client'
import { type QueueDepth } from './jobs/jobs.ts'

/** A row of `engine_lookup.operating_numbers`. */
export interface OperatingNumber {
  series: keyof ReturnType<typeof createGauges>['series']
  label: string | null
  second_label: string | null
  value: number
}

export interface InstallationSource {
  kinds: readonly string[]
  numbers: () => Promise<OperatingNumber[]>
  queues: () => Promise<QueueDepth[]>
}

/** However often it is scraped, the database is asked at most this often. */
const FRESH_MS = 1_000
const PATIENCE_MS = 2_000
const QUEUE_STATES = ['ready', 'delayed', 'active'] as const

export const createInstallationMetrics = (
  registry: Registry,
  { kinds, numbers, queues }: InstallationSource,
) => {
  const { series, queue, oldestReady, up, readSeconds } = createGauges(registry, kinds)
  const clear = () => {
    for (const { gauge, labels } of Object.values(series)) {
      if (labels.length === 0) gauge.remove()
      else gauge.reset()
    }
    queue.reset()
    oldestReady.reset()
  }

  const show = (found: readonly OperatingNumber[], depths: readonly QueueDepth[]): void => {
    clear()
    for (const { gauge, empty } of Object.values(series)) {
      for (const labels of empty) gauge.set(labels, 0)
    }
    for (const { series: name, label, second_label, value } of found) {
      const { gauge, labels } = series[name]
      const given = [label, second_label]
      gauge.set(Object.fromEntries(labels.map((one, at) => [one, given[at] ?? ''])), value)
    }
    for (const kind of kinds) {
      const depth = depths.find((one) => one.kind === kind)
      for (const state of QUEUE_STATES) queue.set({ kind, state }, depth?.[state] ?? 0)
      oldestReady.set({ kind }, depth?.oldest_ready_seconds ?? 0)
    }
  }

  const read = async (): Promise<void> => {
    const startedAt = performance.now()
    const answer = await inTime(Promise.all([numbers(), queues()]))
    up.set(answer === null ? 0 : 1)
    if (answer === null) {
      // Old numbers would look like true ones.
      clear()
      return
    }
    show(...answer)
    readSeconds.set((performance.now() - startedAt) / 1000)
  }

  let readAtMs = Number.NEGATIVE_INFINITY
  let reading: Promise<void> | null = null
  return {
    refresh: async (): Promise<void> => {
      if (performance.now() - readAtMs < FRESH_MS) return
      reading ??= read().finally(() => {
        readAtMs = performance.now()
        reading = null
      })
      await reading
    },
  }
}

/** Null if it failed or took too long. */
const inTime = async <T>(answer: Promise<T>): Promise<T | null> => {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), PATIENCE_MS)
  })
  return Promise.race([answer.catch(() => null), late]).finally(() => clearTimeout(timer))
}

/** Every combination of the values, as labels. */
const combinations = (
  values: Readonly<Record<string, readonly string[]>>,
): Record<string, string>[] =>
  Object.entries(values).reduce<Record<string, string>[]>(
    (sets, [name, ones]) => sets.flatMap((set) => ones.map((one) => ({ ...set, [name]: one }))),
    [{}],
  )

const createGauges = (registry: Registry, kinds: readonly string[]) => {
  const gauge = (name: string, help: string, labelNames: string[] = []) =>
    new Gauge({
      name: `sfdc_engine_${name}`,
      help: `${help}; of the database, so the same from every replica`,
      labelNames,
      registers: [registry],
    })
  /** Of `operating_numbers`. What has no row is shown as 0, so that a panel has no holes. */
  const counted = (
    name: string,
    help: string,
    values: Readonly<Record<string, readonly string[]>>,
  ) => {
    const labels = Object.keys(values)
    return { gauge: gauge(name, help, labels), labels, empty: combinations(values) }
  }
  return {
    series: {
      work: counted(
        'open_work',
        'Accepted work that has not ended, by what it waits for: nothing, time (it passes by itself) or a person',
        { kind: kinds, waits_for: ['nothing', 'time', 'person'] },
      ),
      oldest_work: counted(
        'open_work_oldest_seconds',
        'Age of the oldest work that has not ended',
        {
          kind: kinds,
        },
      ),
      deployments: counted('deployments', 'Deployments of the last 24 hours by their status now', {
        status: ['pending', 'validated', 'deployed', 'failed', 'rolled_back'],
      }),
      push_rows: counted(
        'push_rows',
        'Rows of the pushes accepted in the last hour, without dry runs, by their outcome so far',
        { outcome: ['succeeded', 'failed', 'open'] },
      ),
      connections: counted('connections', 'Connections that were not revoked, by status', {
        status: ['pending', 'connected', 'expired', 'error'],
      }),
      salesforce_orgs: counted(
        'salesforce_orgs',
        'Salesforce orgs called in the last 24 hours, by their API budget: left, reserve (only the reserve is left), used_up',
        { budget: ['left', 'reserve', 'used_up'] },
      ),
      least_budget: {
        gauge: gauge(
          'salesforce_api_budget_left_min_ratio',
          'The smallest share of its daily API calls that a Salesforce org called in the last 24 hours has left; absent if there is none',
        ),
        labels: [],
        empty: [],
      },
    },
    queue: gauge(
      'queue_jobs',
      'Notes in the queue: ready (a replica could take it), delayed, active',
      ['kind', 'state'],
    ),
    oldestReady: gauge(
      'queue_oldest_ready_seconds',
      'How long the oldest ready note has waited for a replica',
      ['kind'],
    ),
    up: new Gauge({
      name: 'sfdc_engine_database_up',
      help: '1 if this process could read the numbers of the database in time; 0: they are absent',
      registers: [registry],
    }),
    readSeconds: new Gauge({
      name: 'sfdc_engine_database_numbers_read_seconds',
      help: 'How long reading the numbers of the database took the last time, of this process',
      registers: [registry],
    }),
  }
}
