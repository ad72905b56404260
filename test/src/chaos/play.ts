// The storm from its beginning to its verdict.

import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createNangoControl } from '../../../simulator/src/nango/control/client.ts'
import { type Caller, callerOf } from './caller.ts'
import { type ChangeLane, changeLaneOf } from './changes.ts'
import { type ConnectionLane, connectionLaneOf } from './connections.ts'
import { diceOf } from './dice.ts'
import { type PushLane, pushLaneOf } from './pushes.ts'
import { type SnapshotLane, snapshotLaneOf } from './snapshots.ts'
import { startStorm, type Storm, type Violation } from './storm.ts'
import { checkAudit, checkLogs, checkNothingLeft, checkRepeats } from './verdict.ts'
import { weatherOf } from './weather.ts'
import { type StormClient, startStormWorld, type World } from './world.ts'

export interface StormReport {
  seed: number
  minutes: number
  violations: readonly Violation[]
  timeline: readonly string[]
  /** Of everything that happened, by name. */
  counts: Record<string, number>
  rows: number
  /** From the end of the storm until all work had ended. */
  recoveredMs: number
  /** Where the timeline and the servers' logs are, if something was violated. */
  folder: string | null
}

/** All work has to end so soon after the last trouble. */
const RECOVERY_MS = 240_000

interface Everything {
  client: StormClient
  caller: Caller
  pushes: PushLane
  changes: ChangeLane
  snapshots: SnapshotLane
  connections: ConnectionLane
}

const lanesOf = (storm: Storm, world: World, client: StormClient, n: number): Everything => {
  const dice = storm.dice.of(n)
  const api = world.replicas.api(client.org.token)
  const caller = callerOf(storm, api, dice.of(0), client.name)
  return {
    client,
    caller,
    pushes: pushLaneOf(storm, world, client, caller, dice.of(1)),
    changes: changeLaneOf(storm, client, caller, dice.of(2)),
    snapshots: snapshotLaneOf(storm, client, caller, dice.of(3)),
    connections: connectionLaneOf(storm, world, client, caller, dice.of(4)),
  }
}

export const playStorm = async (seed: number, minutes: number): Promise<StormReport> => {
  await using world = await startStormWorld()
  const storm = startStorm(seed, diceOf(seed), { minutes, recoveryMs: RECOVERY_MS })
  const all = world.clients.map((client, n) => lanesOf(storm, world, client, n))
  const weather = weatherOf(storm, world, async (client) => {
    await all.find((one) => one.client === client)?.connections.authorize()
  })
  const troubled = weather.run().catch((error: unknown) => {
    storm.violated('the weather broke off', error)
  })
  const work = all.flatMap(({ client, pushes, changes, snapshots, connections }) =>
    Object.entries({ pushes, changes, snapshots, connections }).map(([name, lane]) =>
      storm.must(`${name} of ${client.name}`, () => lane.run()),
    ),
  )
  await troubled
  await makeCalm(world)
  const calmAt = Date.now()
  storm.note('calm')
  await Promise.all(work)
  const recoveredMs = Date.now() - calmAt
  storm.note('all work has ended')
  await judge(storm, world, all)
  return {
    seed,
    minutes,
    violations: storm.violations,
    timeline: storm.timeline,
    counts: Object.fromEntries(storm.counts),
    rows: all.reduce((sum, { pushes }) => sum + pushes.rows(), 0),
    recoveredMs,
    folder: storm.violations.length === 0 ? null : await keepEvidence(storm, world),
  }
}

const keepEvidence = async (storm: Storm, { replicas }: World): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), `chaos-${storm.seed}-`))
  await writeFile(join(folder, 'timeline.txt'), storm.timeline.join('\n'))
  for (const [n, { pid, lines }] of replicas.all().entries()) {
    await writeFile(join(folder, `server-${n}-${pid}.log`), lines.join('\n'))
  }
  return folder
}

const makeCalm = async ({ replicas, simulator }: World): Promise<void> => {
  await simulator.control.clearFaults()
  await createNangoControl(simulator.nangoUrl).clearFaults()
  for (let at = 0; at < replicas.count; at++) await replicas.start(at)
}

const judge = async (storm: Storm, world: World, all: readonly Everything[]): Promise<void> => {
  await storm.must('nothing is left over', () => checkNothingLeft(storm, world))
  for (const { client, caller, pushes, changes, snapshots, connections } of all) {
    const of = `of ${client.name}`
    await storm.must(`pushes ${of}`, () => pushes.check())
    await storm.must(`deployments ${of}`, () => changes.check())
    await storm.must(`snapshots ${of}`, () => snapshots.check())
    await storm.must(`repetitions ${of}`, () =>
      checkRepeats(storm, world, caller, client, storm.dice.of(5_000)),
    )
    await storm.must(`rollbacks ${of}`, async () => {
      await changes.rollBackAll()
      await changes.checkRestored()
    })
    await storm.must(`connection ${of}`, () => connections.check())
  }
  await storm.must('audit', () =>
    checkAudit(
      storm,
      world,
      all.flatMap(({ caller }) => caller.works),
    ),
  )
  await storm.must('nothing is left over at the end', () => checkNothingLeft(storm, world))
  checkLogs(storm, world)
}
