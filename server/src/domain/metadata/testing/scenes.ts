// What a rollback finds, for tests: the files of three moments and nothing else special, and what a kind
// decides for one of its components.

import { kindOf } from '../kinds.ts'
import { partsIn } from '../parts.ts'
import { RESTORED } from '../reversibility.ts'
import { type Change, NOTHING, type Scene, type Settled, type Undoing } from '../undoing.ts'

/** Files by path; null: it does not exist. */
export type Moment = Readonly<Record<string, string | null>>

const partsOf = (moment: Moment) =>
  partsIn(
    new Map(
      Object.entries(moment).flatMap(([path, text]) => (text === null ? [] : [[path, text]])),
    ),
  )

/** Before the deployment, as it left them, and as they are now. */
export const sceneAt = (
  [before, after, now]: readonly [Moment, Moment, Moment],
  more: Partial<Scene> = {},
): Scene => ({
  before: partsOf(before),
  after: partsOf(after),
  now: partsOf(now),
  since: () => [],
  named: null,
  goes: new Set(),
  stays: new Set(),
  changes: { permissionSets: {}, profiles: {}, layouts: {} },
  othersWith: () => 0,
  mastersOf: () => [],
  opensBeside: () => [],
  usersOf: () => [],
  heldBy: () => [],
  ...more,
})

/** What happens to one component; nothing of the others stays unless `settled` says so. */
export const undone = (
  change: Omit<Change, 'told'>,
  scene: Scene,
  settled: Partial<Settled> = {},
): Undoing => {
  const kind = kindOf(change.component.type)
  const answer = kind?.undo({ told: RESTORED, ...change }, scene) ?? NOTHING
  if (typeof answer !== 'function') return answer
  return answer({
    isOurs: () => true,
    stays: () => false,
    isRemoved: () => false,
    isTakenBack: () => false,
    kept: [],
    ...settled,
  })
}
