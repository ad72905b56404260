// What the tests of this folder use: the real gateway against a simulated Salesforce org that keeps
// records, and a journal in memory that outlives the process that a test kills.

import { createControl } from '../../../../../../simulator/src/control/client.ts'
import { startSimulator } from '../../../../../../simulator/src/index.ts'
import { abortBulkJob } from '../../../../salesforce/bulk.ts'
import { EngineError } from '../../../../errors.ts'
import { createSalesforce, type SalesforceOrg } from '../../../../salesforce/gateway.ts'
import { createHostPolicy } from '../../../../salesforce/hosts.ts'
import { type JsonObject, type JsonValue } from '../../../../salesforce/json.ts'
import { budgetOf } from '../../../../salesforce/testing/budget.ts'
import { type SalesforceRequest } from '../../../../salesforce/wire.ts'
import { Secret } from '../../../../secret.ts'
import { type PushKind, type ReadyRow, type RowError, type RowResult } from '../../model.ts'
import { createExplain } from '../../prepare/explain.ts'
import { createBulkTransport } from '../bulk.ts'
import { createCollectionsTransport } from '../collections.ts'
import { textOf } from '../look-up.ts'
import { type Shipment, type Transport } from '../transport.ts'

export const OBJECT = 'Placement__c'
export const KEY = 'External_Key__c'

export const upsertOf = (index: number, key: string, fields: JsonObject): ReadyRow => ({
  index,
  key,
  object: OBJECT,
  operation: 'upsert',
  matchField: KEY,
  matchValue: key,
  fields,
  lockKeys: [],
})

export const updateOf = (
  index: number,
  match: { field: string; value: JsonValue },
  fields: JsonObject,
  object = OBJECT,
): ReadyRow => ({
  index,
  key: textOf(match.value),
  object,
  operation: 'update',
  matchField: match.field,
  matchValue: match.value,
  fields,
  lockKeys: [],
})

/** `count` new placements. */
export const placements = (count: number, prefix = 'k'): ReadyRow[] =>
  Array.from({ length: count }, (_, n) =>
    upsertOf(n, `${prefix}${n}`, { Notes__c: `note ${n}`, Salary__c: n }),
  )

/** Thrown where a test kills the process. */
export class Killed extends Error {
  override name = 'Killed'
}

export interface Sent {
  kind?: PushKind
  options?: Partial<Shipment['options']>
  stopped?: () => RowError | null
  /** Called before each call to Salesforce; what it throws kills the process before the call. */
  before?: (request: SalesforceRequest) => unknown
  /**
   * Called after Salesforce has done each call, before its answer is seen; may also kill the process.
   */
  after?: (request: SalesforceRequest) => unknown
  /** The state that the last run left. */
  state?: unknown
}

export interface Run {
  results: RowResult[]
  state: unknown
  calls: number
  error: unknown
}

export const createRig = async () => {
  const simulator = await startSimulator()
  const control = createControl(simulator.controlUrl)
  const [sfdcOrg] = simulator.orgs
  if (sfdcOrg === undefined) throw new Error('the simulator has no org')
  const { name } = sfdcOrg
  const waits: number[] = []
  const spent = { budget: false }
  const salesforce = createSalesforce({
    hosts: createHostPolicy([new URL(sfdcOrg.instanceUrl).host]),
    wait: async (ms, signal) => {
      waits.push(ms)
      await new Promise((resolve) => setImmediate(resolve))
      signal?.throwIfAborted()
    },
  })

  const orgFor = async (): Promise<SalesforceOrg> => {
    const { token } = await control.openSession(name)
    const session = { accessToken: new Secret(token), instanceUrl: sfdcOrg.instanceUrl }
    return salesforce.org({
      sfdcOrgId: sfdcOrg.id,
      apiVersion: 'v66.0',
      sessions: { current: async () => session, renew: async () => session },
      budget: budgetOf(() => {
        if (!spent.budget) return
        throw new EngineError('api_budget_exhausted', 'The budget is spent.')
      }),
      priority: 'work',
    })
  }

  /** A handle whose calls the test watches. A killed process makes no further call. */
  const watched = (org: SalesforceOrg, { before, after }: Sent, dead: AbortController) => {
    const around =
      <T>(call: (request: SalesforceRequest) => Promise<T>) =>
      async (request: SalesforceRequest): Promise<T> => {
        dead.signal.throwIfAborted()
        const act = async (hook: Sent['before']): Promise<void> => {
          try {
            await hook?.(request)
          } catch (error) {
            dead.abort(error)
            throw error
          }
        }
        await act(before)
        const answer = await call(request)
        await act(after)
        return answer
      }
    return Object.freeze({
      ...org,
      get calls() {
        return org.calls
      },
      request: around((request) => org.request(request)),
      requestText: around((request) => org.requestText(request)),
      stream: around((request) => org.stream(request)),
    })
  }

  const send = async (
    transport: Transport,
    rows: readonly ReadyRow[],
    sent: Sent = {},
  ): Promise<Run> => {
    const dead = new AbortController()
    const run: Run = { results: [], state: sent.state ?? null, calls: 0, error: null }
    const save = async (state: unknown): Promise<void> => {
      dead.signal.throwIfAborted()
      // As a database would store it.
      run.state = JSON.parse(JSON.stringify(state)) as unknown
    }
    const shipment: Shipment = {
      kind: sent.kind ?? 'records',
      options: {
        all_or_none: false,
        assignment_rules: false,
        allow_duplicates: false,
        ...sent.options,
      },
      rows: async function* () {
        for (let from = 0; from < rows.length; from += 200) yield rows.slice(from, from + 200)
      },
      rowCount: rows.length,
      state: run.state,
      save,
      intend: async (state) => {
        const reason = sent.stopped?.() ?? null
        if (reason === null) await save(state)
        return reason
      },
      stopped: async () => sent.stopped?.() ?? null,
      explain: createExplain([]),
      onCalls: (calls) => {
        run.calls += calls
      },
      signal: dead.signal,
    }
    try {
      const org = watched(await orgFor(), sent, dead)
      for await (const some of transport.send(org, shipment)) run.results.push(...some)
    } catch (error) {
      run.error = error
    }
    run.results.sort((a, b) => a.index - b.index)
    return run
  }

  return {
    control,
    name,
    waits,
    spent,
    collections: (rows: readonly ReadyRow[], sent?: Sent) =>
      send(createCollectionsTransport(), rows, sent),
    bulk: (rows: readonly ReadyRow[], sent?: Sent) => send(createBulkTransport(), rows, sent),
    /**
     * Records as they are stored; for placements, those with a key, so none that the org was created
     * with.
     */
    records: async (object = OBJECT, where: Record<string, unknown> = {}) => {
      const all = (await control.act('records/list', {
        org: name,
        object,
        where,
        deletedToo: false,
        limit: 1_000_000,
      })) as JsonObject[]
      return all.filter((record) => object !== OBJECT || typeof record[KEY] === 'string')
    },
    insert: async (object: string, rows: JsonObject[]): Promise<string[]> => {
      const saved = (await control.act('records/insert', {
        org: name,
        object,
        rows,
      })) as { id?: string }[]
      return saved.map(({ id }) => {
        if (id === undefined) throw new Error(`not inserted: ${JSON.stringify(saved)}`)
        return id
      })
    },
    /** A placement that was created long ago. */
    oldPlacement: async (key: string, fields: JsonObject = {}): Promise<string> => {
      const [seeded] = (await control.act('records/list', {
        org: name,
        object: OBJECT,
        where: {},
        deletedToo: false,
        limit: 1,
      })) as JsonObject[]
      const id = String(seeded?.Id)
      await control.act('records/update', {
        org: name,
        object: OBJECT,
        rows: [{ Id: id, [KEY]: key, ...fields }],
      })
      return id
    },
    /** As an administrator would do in Setup. */
    abortJob: async (id: string): Promise<void> => {
      await abortBulkJob(await orgFor(), id)
    },
    update: (object: string, rows: JsonObject[]) =>
      control.act('records/update', { org: name, object, rows }),
    /** How often Salesforce got this query. */
    asked: async (method: string, path: string): Promise<number> =>
      ((await control.act('journal', { org: name, method, path })) as unknown[]).length,
    fault: (rule: JsonObject) =>
      control.addFault({ org: name, ...rule } as Parameters<typeof control.addFault>[0]),
    reset: async (): Promise<void> => {
      await control.reset()
      waits.length = 0
      spent.budget = false
    },
    close: async (): Promise<void> => {
      await salesforce.close()
      await simulator.close()
    },
  }
}

export type Rig = Awaited<ReturnType<typeof createRig>>

/** The outcome of each row, in short. */
export const brief = (results: readonly RowResult[]) =>
  results.map(({ action, attempts, resent, errors }) =>
    [
      action,
      attempts,
      ...(resent === true ? ['resent'] : []),
      ...errors.map(({ code }) => code),
    ].join(' '),
  )

/** How many rows had each outcome. */
export const tally = (results: readonly RowResult[]): Record<string, number> => {
  const counts: Record<string, number> = {}
  for (const text of brief(results)) counts[text] = (counts[text] ?? 0) + 1
  return counts
}
