// Every kind of durable work with every kind of failure: one table says what happens
// (server/src/domain/work/faults.ts), and each line of it is tried here against a real server. Work
// waits with the reason shown and resumes by itself, or ends at once with the reason.

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createNangoControl } from '../../simulator/src/nango/control/client.ts'
import { type CauseName, CAUSES } from '../../server/src/domain/work/faults.ts'
import { WORK_KINDS, type WorkKind } from '../../server/src/jobs/jobs.ts'
import { type DeploymentBody, text } from './deploy-bodies.ts'
import { makePushRig, placements } from './push-support.ts'
import { type Rig, startRig, type TestClient, type TestOrg } from './rig.ts'
import { until } from './until.ts'

interface Fault {
  code: string
  message: string
  upstream?: { service: string; code: string }
  waiting?: { for: string; since: string; until: string | null; next_try_at: string }
}

/** The state of a piece of work of any kind. */
interface Standing {
  /** Null while it runs. */
  end: string | null
  error: Fault | null
}

/** One kind of work in a Salesforce org of its own, so that all kinds run in parallel. */
interface Kind {
  name: (typeof NAMES)[number]
  work: WorkKind
  wellEnded: string
  /**
   * Rollbacks and work that was sent continue for an inactive client, and are not stopped by the budget.
   */
  isProtected?: boolean
  /** A check reports each fact that Salesforce refuses as not checked, and succeeds. */
  toleratesRefusals?: boolean
  /** Creates what the work needs before anything fails. */
  prepare?: (n: number) => Promise<void>
  start: (n: number) => Promise<string>
  look: (id: string) => Promise<Standing>
}

/** All waiting is fifty times as fast: an outage of ten minutes takes twelve seconds. */
const SCALE = 0.02
const NAMES = [
  'Pull',
  'Check',
  'Refresh',
  'Deploy',
  'Workflow',
  'Rollback',
  'Offboard',
  'Push',
] as const

let rig: Rig
let org: TestOrg
const clients = new Map<string, TestClient>()
const kinds: Kind[] = []

const clientOf = (name: string): TestClient => {
  const client = clients.get(name)
  if (client === undefined) throw new Error(`no client ${name}`)
  return client
}

/** The id of what was accepted to be done later. */
const accepted = async (path: string, body: object): Promise<string> => {
  const answer = await org.api.post<{ id: string }>(path, { wait_seconds: 0, ...body })
  expect([200, 202], answer.text).toContain(answer.status)
  return answer.body.id
}

const planOf = (n: number, name = 'Waited') => ({
  objects: [{ api_name: 'Lead', fields: [text(`${name}_${n}__c`)] }],
})

const standingOf =
  (path: string, key: string, runs: string) =>
  async (id: string): Promise<Standing> => {
    const { body } = await org.api.post<{ status: string; error: Fault | null }>(path, {
      [key]: id,
    })
    return { end: body.status === runs ? null : body.status, error: body.error }
  }

const pullKind = (): Kind => {
  const client_id = clientOf('Pull').id
  return {
    name: 'Pull',
    work: 'topology-pull',
    wellEnded: 'complete',
    start: () => accepted('/api/topology/pull', { client_id }),
    look: async (id) => {
      const { body } = await org.api.post<{
        items: { id: string; status: string; error: Fault }[]
      }>('/api/topology/history', { client_id })
      const snapshot = body.items.find((item) => item.id === id)
      const status = snapshot?.status ?? 'missing'
      return { end: status === 'pulling' ? null : status, error: snapshot?.error ?? null }
    },
  }
}

const checkKind = (name: 'Check' | 'Refresh'): Kind => ({
  name,
  work: 'conflict-check',
  toleratesRefusals: name === 'Check',
  wellEnded: 'complete',
  start: (n) =>
    accepted('/api/conflicts/check', {
      client_id: clientOf(name).id,
      plan: planOf(n),
      refresh: name === 'Refresh',
    }),
  look: standingOf('/api/conflicts/get', 'report_id', 'running'),
})

const deployKind = (): Kind => ({
  name: 'Deploy',
  work: 'deploy',
  wellEnded: 'deployed',
  start: (n) =>
    accepted('/api/deploy/custom-objects', { client_id: clientOf('Deploy').id, plan: planOf(n) }),
  look: standingOf('/api/deploy/status', 'deployment_id', 'pending'),
})

const workflowKind = (): Kind => ({
  name: 'Workflow',
  work: 'deploy',
  wellEnded: 'deployed',
  start: (n) =>
    accepted('/api/workflows/deploy', {
      client_id: clientOf('Workflow').id,
      workflows: [
        {
          type: 'validation_rule',
          api_name: `Account.Waited_${n}`,
          definition: {
            errorConditionFormula: 'ISBLANK(Phone)',
            errorMessage: 'Give a phone number.',
          },
          activate: false,
        },
      ],
    }),
  look: standingOf('/api/deploy/status', 'deployment_id', 'pending'),
})

const rollbackKind = (): Kind => {
  let deployed = ''
  return {
    name: 'Rollback',
    work: 'rollback',
    wellEnded: 'complete',
    isProtected: true,
    prepare: async (n) => {
      const answer = await org.api.post<DeploymentBody>('/api/deploy/custom-objects', {
        client_id: clientOf('Rollback').id,
        plan: planOf(n),
        wait_seconds: 55,
      })
      expect(answer.body.status, answer.text).toBe('deployed')
      deployed = answer.body.id
    },
    start: () => accepted('/api/deploy/rollback', { deployment_id: deployed }),
    look: async (id) => {
      const { body } = await org.api.post<{
        rollback: { status: string; error: Fault | null } | null
      }>('/api/deploy/status', { deployment_id: id })
      const status = body.rollback?.status ?? 'running'
      return { end: status === 'running' ? null : status, error: body.rollback?.error ?? null }
    },
  }
}

/** A preview: the end of a real one would revoke the connection. */
const offboardKind = (): Kind => ({
  name: 'Offboard',
  work: 'offboard',
  wellEnded: 'complete',
  isProtected: true,
  prepare: async (n) => {
    const answer = await org.api.post<DeploymentBody>('/api/deploy/custom-objects', {
      client_id: clientOf('Offboard').id,
      plan: planOf(n),
      wait_seconds: 55,
    })
    expect(answer.body.status, answer.text).toBe('deployed')
  },
  start: () => accepted('/api/fleet/offboard/preview', { client_id: clientOf('Offboard').id }),
  look: standingOf('/api/fleet/offboard/get', 'offboarding_id', 'running'),
})

const pushKind = (): Kind => ({
  name: 'Push',
  work: 'push',
  wellEnded: 'succeeded',
  start: (n) =>
    accepted('/api/push/records', {
      client_id: clientOf('Push').id,
      object: 'placement',
      records: placements(`waited-${n}`, 3),
    }),
  look: async (id) => {
    const { end, error } = await standingOf('/api/push/get', 'push_id', 'in_progress')(id)
    return { end: end === 'queued' ? null : end, error }
  },
})

beforeAll(async () => {
  rig = await startRig({
    simulator: { orgs: NAMES.map((name) => ({ name, edition: 'Unlimited' as const })) },
    environment: { WORK_WAIT_SCALE: String(SCALE) },
  })
  org = await rig.org()
  clients.set('Push', (await makePushRig(rig, org, 'Push')).client)
  await Promise.all(
    NAMES.filter((name) => name !== 'Push').map(async (name) => {
      const client = await org.client(name)
      await client.connect(name)
      await client.pull()
      clients.set(name, client)
    }),
  )
  kinds.push(
    pullKind(),
    checkKind('Check'),
    checkKind('Refresh'),
    deployKind(),
    workflowKind(),
    rollbackKind(),
    offboardKind(),
    pushKind(),
  )
})
afterAll(() => rig[Symbol.asyncDispose]())
/** What one test leaves broken must not affect the next one. */
afterEach(async () => {
  await noFaults()
  await nango().clearFaults()
})

const inEveryOrg = (act: (name: string) => Promise<unknown>) => Promise.all(NAMES.map(act))
const onEveryClient = (sql: string) =>
  rig.database.query(sql, [[...clients.values()].map(({ id }) => id)])
const salesforceAnswers = (status: number, errorCode: string, message: string) => () =>
  inEveryOrg((name) =>
    rig.simulator.control.addFault({
      org: name,
      times: 1_000_000,
      kind: { type: 'status', status, errorCode, message },
    }),
  )
const noFaults = () => rig.simulator.control.clearFaults()
const nango = () => createNangoControl(rig.simulator.nangoUrl)

interface Failure {
  cause: CauseName
  name: string
  /** Causes it. */
  begin: () => Promise<unknown>
  /** Fixes it. */
  heal: () => Promise<unknown>
}

const FAILURES: Failure[] = [
  {
    cause: 'salesforce_away',
    name: 'Salesforce answers 503',
    begin: salesforceAnswers(503, 'SERVER_UNAVAILABLE', 'Server is too busy.'),
    heal: noFaults,
  },
  {
    cause: 'budget_spent',
    name: "Salesforce's daily calls are spent",
    begin: () =>
      inEveryOrg((name) =>
        rig.simulator.control.act('orgs/update', { org: name, used: 100_000, max: 100_000 }),
      ),
    heal: () =>
      inEveryOrg((name) => rig.simulator.control.act('orgs/update', { org: name, used: 0 })),
  },
  {
    cause: 'nango_away',
    name: 'Nango is down when sessions have to be renewed',
    begin: async () => {
      await nango().addFault({ path: '/*', times: 100_000, status: 503 })
      await inEveryOrg((name) => rig.simulator.control.act('sessions/expire', { org: name }))
    },
    heal: () => nango().clearFaults(),
  },
  {
    cause: 'connection_lost',
    name: "the client's API is switched off",
    begin: () =>
      inEveryOrg((name) =>
        rig.simulator.control.act('orgs/update', { org: name, settings: { apiEnabled: false } }),
      ),
    heal: () =>
      inEveryOrg((name) =>
        rig.simulator.control.act('orgs/update', { org: name, settings: { apiEnabled: true } }),
      ),
  },
  {
    cause: 'setup_wrong',
    name: 'the API version is retired',
    begin: salesforceAnswers(410, 'UNSUPPORTED_API_VERSION', 'Version retired.'),
    heal: noFaults,
  },
  {
    cause: 'refused',
    name: 'Salesforce refuses everything',
    begin: salesforceAnswers(403, 'INSUFFICIENT_ACCESS', 'You may not do this.'),
    heal: noFaults,
  },
]

/** Failures that occur while the work waits because of another one. */
const LATER: Failure[] = [
  {
    cause: 'client_inactive',
    name: 'the client is deactivated',
    begin: () => onEveryClient('update clients set is_active = false where id = any($1)'),
    heal: () => onEveryClient('update clients set is_active = true where id = any($1)'),
  },
  {
    cause: 'salesforce_org_changed',
    name: 'the connection leads elsewhere',
    begin: () =>
      onEveryClient(
        `update crm_connections set sfdc_org_id = reverse(sfdc_org_id) where client_id = any($1)`,
      ),
    heal: () =>
      onEveryClient(
        `update crm_connections set sfdc_org_id = reverse(sfdc_org_id) where client_id = any($1)`,
      ),
  },
  {
    cause: 'connection_revoked',
    name: 'the connection is revoked',
    begin: () =>
      onEveryClient(`update crm_connections set status = 'revoked' where client_id = any($1)`),
    heal: () =>
      onEveryClient(`update crm_connections set status = 'connected' where client_id = any($1)`),
  },
]

/** Tested where their fault can be caused: with other work, without a database, by a bug of ours. */
const ELSEWHERE: CauseName[] = ['other_work', 'engine_away', 'gone', 'unforeseen']

let round = 0
/** Five seconds are promised; a machine on which everything else runs too takes longer. */
const SHOWN_MS = 60_000

/** The last started work, by kind. */
const newest = new Map<string, string>()

/** Starts every kind of work as it fails, and hands each to `follow`. */
const everyKind = async (
  { begin }: Pick<Failure, 'begin'>,
  follow: (kind: Kind, id: string) => Promise<void>,
): Promise<void> => {
  round += 1
  const n = round
  await Promise.all(kinds.map(async (kind) => kind.prepare?.(n)))
  await begin()
  await Promise.all(
    kinds.map(async (kind) => {
      const id = await kind.start(n)
      newest.set(kind.name, id)
      await follow(kind, id)
    }),
  )
}

const shown = (kind: Kind, id: string, timeoutMs: number): Promise<Fault> =>
  until(
    `${kind.name} says why it waits`,
    async () => {
      const { error, end } = await kind.look(id)
      if (end !== null) throw new Error(`${kind.name} ended: ${JSON.stringify({ end, error })}`)
      return error?.waiting === undefined ? null : error
    },
    timeoutMs,
  )

const ended = (kind: Kind, id: string): Promise<Standing> =>
  until(
    `${kind.name} ends`,
    async () => {
      const standing = await kind.look(id)
      return standing.end === null ? null : standing
    },
    60_000,
  )

it('knows every cause of the table', () => {
  const tried = [...FAILURES, ...LATER].map(({ cause }) => cause)
  expect([...new Set([...tried, ...ELSEWHERE])].toSorted()).toEqual(Object.keys(CAUSES).toSorted())
})

it('tries every kind of work', () => {
  // A purge calls no Salesforce.
  const others = WORK_KINDS.filter((kind) => kind !== 'purge')
  expect([...new Set(kinds.map(({ work }) => work))].toSorted()).toEqual(others.toSorted())
})

const ends = ({ cause }: Failure): boolean => CAUSES[cause].outcome === 'end'
const waits = (failure: Failure): boolean => !ends(failure)

describe.each(FAILURES.filter(waits))('while $name', ({ cause, begin, heal }) => {
  const { outcome } = CAUSES[cause]

  it('every kind of work waits, says why, since when and until when, and ends well', async () => {
    const begunAt = Date.now()
    await everyKind({ begin }, async (kind, id) => {
      const { code, message, waiting } = await shown(kind, id, SHOWN_MS)
      expect([kind.name, waiting?.for]).toEqual([kind.name, outcome === 'wait' ? 'time' : 'person'])
      if (outcome === 'wait_for_person') expect(code).toBe('connection_lost')
      expect(message).not.toBe('')
      expect(Date.parse(waiting?.since ?? '')).toBeGreaterThanOrEqual(begunAt - 1_000)
      expect(Date.parse(waiting?.until ?? '')).toBeGreaterThan(Date.now())
      if (cause !== 'salesforce_away') return
      // It is tried again and again, and waits since the first time.
      await until(`${kind.name} is tried again`, async () => {
        const { error } = await kind.look(id)
        if (error?.waiting === undefined) return false
        expect([kind.name, error.waiting.since]).toEqual([kind.name, waiting?.since])
        return error.waiting.next_try_at !== waiting?.next_try_at
      })
    })
    if (cause === 'salesforce_away') {
      const outageMs = 600_000 * SCALE
      await until('ten minutes are over', () => Date.now() - begunAt > outageMs, 60_000)
    }
    const { body } = await org.api.post<{ items: { id: string }[] }>('/api/work/list', {
      states: ['paused'],
    })
    const listed = body.items.map(({ id }) => id)
    for (const [name, id] of newest) expect(listed, `${name} is listed as paused`).toContain(id)
    await heal()
    for (const kind of kinds) await goneWell(kind)
  })
})

describe.each(FAILURES.filter(ends))('while $name', ({ begin, heal }) => {
  it('every kind of work ends at once, with the reason', async () => {
    await everyKind({ begin }, async (kind, id) => {
      const { end, error } = await ended(kind, id)
      expect([kind.name, end === kind.wellEnded]).toEqual([
        kind.name,
        kind.toleratesRefusals === true,
      ])
      expect(error?.waiting).toBeUndefined()
    })
    await heal()
  })
})

/** The newest work of this kind ends as expected. */
const goneWell = async (kind: Kind): Promise<void> => {
  const id = newest.get(kind.name) ?? ''
  expect([kind.name, await ended(kind, id)]).toEqual([
    kind.name,
    { end: kind.wellEnded, error: null },
  ])
}

describe.each(LATER)('where $name while it waits', ({ cause, begin, heal }) => {
  it('work ends with that, and what is never held up goes on', async () => {
    await everyKind(
      { begin: salesforceAnswers(503, 'SERVER_UNAVAILABLE', 'Server is too busy.') },
      async (kind, id) => {
        await shown(kind, id, SHOWN_MS)
      },
    )
    await begin()
    const goesOn = (kind: Kind) => cause === 'client_inactive' && kind.isProtected === true
    await Promise.all(
      kinds
        .filter((kind) => !goesOn(kind))
        .map(async (kind) => {
          const { end, error } = await ended(kind, newest.get(kind.name) ?? '')
          expect([kind.name, end]).not.toEqual([kind.name, kind.wellEnded])
          expect([kind.name, error?.code]).toEqual([kind.name, cause])
        }),
    )
    await noFaults()
    for (const kind of kinds.filter(goesOn)) await goneWell(kind)
    await heal()
  })
})
