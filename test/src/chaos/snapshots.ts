// Pulls and conflict checks in the storm. A complete snapshot has to say what Salesforce itself says.

import { setTimeout as pass } from 'node:timers/promises'
import { text } from '../deploy-bodies.ts'
import { type Row } from '../push-support.ts'
import { type Caller, type LongResource } from './caller.ts'
import { type Dice } from './dice.ts'
import { canonical } from './salesforce-org.ts'
import { type Storm } from './storm.ts'
import { type StormClient } from './world.ts'

interface Report extends LongResource {
  severity: string | null
  findings: { severity: string }[]
  counts: Record<string, number>
}

interface Snapshot extends LongResource {
  version: number | null
  stats: { unreadable: { object: string }[] }
  objects?: Record<string, Row>
}

export interface SnapshotLane {
  run(): Promise<void>
  /** Compares a new snapshot, and some of those that were taken meanwhile, with the Salesforce org. */
  check(): Promise<void>
}

const PAUSE_MS = { least: 500, most: 5_000 }
const AFTER_REVOKE = new Set(['connection_revoked', 'connection_lost'])
const OLD_ONES = 4
/** What the storm deploys is named like this; it changes these objects. */
const OF_THE_STORM = /(^|\.)Storm_/
const TOUCHED = new Set(['Lead'])

/** A describe without what the lookups of the storm's own objects add to it. */
const settledPart = (describe: Row): string => {
  const { childRelationships = [], ...rest } = describe as { childRelationships?: Row[] }
  const kept = childRelationships.filter(
    ({ childSObject }) => !OF_THE_STORM.test(String(childSObject)),
  )
  return canonical({ ...rest, childRelationships: kept })
}

export const snapshotLaneOf = (
  storm: Storm,
  { client, view, before, isRestless, name: whose }: StormClient,
  caller: Caller,
  dice: Dice,
): SnapshotLane => {
  const client_id = client.id
  const complete: Snapshot[] = []
  let checked = 0

  const pull = async (body: Row): Promise<Snapshot | null> => {
    const work = await caller.begin('pull', '/api/topology/pull', { client_id, ...body })
    if (work === null) return null
    const done = await caller.ended<Snapshot>(work)
    const excused = isRestless && AFTER_REVOKE.has(done.error?.code ?? '')
    if (done.status !== 'complete') {
      if (!excused) storm.violated(`pull ${work.id} of ${whose} ended ${done.status}`, done)
      return null
    }
    // What the storm itself removed between the list and the reading of it is rightly reported.
    const unreadable = done.stats.unreadable.filter(({ object }) => !OF_THE_STORM.test(object))
    if (unreadable.length > 0) {
      storm.violated(`pull ${work.id} of ${whose} could not read all`, unreadable)
    }
    complete.push(done)
    return done
  }

  const checkPlan = async (): Promise<void> => {
    const plan = {
      objects: [{ api_name: 'Lead', fields: [text(`Checked_${checked++}__c`)] }],
      permissions: { permission_set: 'Storm_Checked' },
    }
    const work = await caller.begin('check', '/api/conflicts/check', {
      client_id,
      plan,
      refresh: dice.chance(0.4),
      validate_in_salesforce: dice.chance(0.15),
    })
    if (work === null) return
    const report = await caller.ended<Report>(work)
    if (report.status !== 'complete') {
      const excused = isRestless && AFTER_REVOKE.has(report.error?.code ?? '')
      if (!excused) storm.violated(`check ${work.id} of ${whose} ended ${report.status}`, report)
      return
    }
    if (report.severity === 'red') storm.violated(`a good plan of ${whose} is red`, report)
    const counted = Object.values(report.counts).reduce((sum, count) => sum + count, 0)
    if (counted !== report.findings.length || counted === 0) {
      storm.violated(`check ${work.id} of ${whose} counts its findings wrongly`, report)
    }
  }

  const objectsOf = async (snapshot: Snapshot): Promise<Map<string, Row>> => {
    const { objects = {} } = await caller.read<Snapshot>('/api/topology/get', {
      client_id,
      snapshot_id: snapshot.id,
    })
    return new Map(Object.entries(objects))
  }

  const differences = (
    stored: ReadonlyMap<string, Row>,
    described: ReadonlyMap<string, Row>,
    textOf: (describe: Row) => string,
  ): string[] => [
    ...[...described].flatMap(([name, describe]) => {
      const found = stored.get(name)
      if (found === undefined) return [`${name} is missing`]
      return textOf(found) === textOf(describe) ? [] : [`${name} differs`]
    }),
    ...[...stored.keys()].filter((name) => !described.has(name)).map((name) => `${name} is new`),
  ]

  const without = (all: ReadonlyMap<string, Row>) =>
    new Map([...all].filter(([name]) => !OF_THE_STORM.test(name) && !TOUCHED.has(name)))

  return {
    run: async () => {
      while (!storm.isOver()) {
        const act = dice.pick([
          () => pull({}),
          () => pull({}),
          () => pull({ full: true }),
          () => pull({ objects: ['Lead', 'Account'] }),
          () => checkPlan(),
          () => checkPlan(),
        ])
        await act()
        await pass(dice.between(PAUSE_MS.least, PAUSE_MS.most))
      }
    },
    check: async () => {
      const meanwhile = [...complete]
      const last = await pull({})
      if (last === null) return
      const now = differences(await objectsOf(last), await view.describes(), canonical)
      if (now.length > 0) {
        storm.violated(`the last snapshot of ${whose} is not as Salesforce describes`, now)
      }
      for (let n = 0; n < OLD_ONES && meanwhile.length > 0; n++) {
        const one = dice.pick(meanwhile)
        const then = differences(
          without(await objectsOf(one)),
          without(before.describes),
          settledPart,
        )
        if (then.length > 0) {
          storm.violated(`snapshot ${one.version} of ${whose} is not as Salesforce described`, then)
        }
      }
    },
  }
}
