// All deployments of plans to a client as one: the state before the first, what the last left, and what
// they changed in files that others also write to. A rollback of that one takes all of them out at once.
// What somebody else changed between two of them ends the chain of a component: it goes back to what they
// made of it. Pure: nothing is read or sent here.

import { type JsonObject } from '../../salesforce/json.ts'
import { heldByOthers } from '../metadata/entries.ts'
import { fileDifferences, samePart } from '../metadata/equality.ts'
import { filePath, kindOf } from '../metadata/kinds.ts'
import { withoutAddedTabs } from '../metadata/kinds/app-tabs.ts'
import { isAsLeft } from '../metadata/left-over.ts'
import { type Component, keyOf, ownerOf, sameName } from '../metadata/names.ts'
import { partsIn, withoutParts, withParts } from '../metadata/parts.ts'
import { type FileParts, type MergeChanges } from '../metadata/undoing.ts'
import { type Plan } from '../plan/schema.ts'
import { type Images } from '../deployments/plan/images.ts'
import { type RolledBackDeployment, rolledBackIn } from '../deployments/plan/rolled-back.ts'
import { type Changes, type ComponentRow, type LeftComponent } from '../deployments/rows.ts'
import { type Chain, changedBetween, chainOf, leavesSomething, type Touch } from './chain.ts'
import { describeIn, mergeChanges } from './merge-changes.ts'
import { unionOf } from './union.ts'

/** A deployment of a plan, with what it found and left. */
export interface PlanDeployment {
  id: string
  plan: Plan
  rows: readonly ComponentRow[]
  before: Images
  /** Empty where nobody read how it left things. */
  after: Images
  changes: Changes
  /** Keys of what earlier rollbacks of it took back. */
  undone: ReadonlySet<string>
}

/** What of ours is not part of it, so that it is nobody else's work. */
export interface Beside {
  /** Components of deployments that were rolled back, or that are automations. */
  components: readonly Component[]
  /** Entries that rolled back deployments had put into permission sets and profiles. */
  changes: readonly MergeChanges[]
  /** Deployments whose rollbacks could not take back all. */
  rolledBack: readonly RolledBackDeployment[]
}

export type MergedRow = Pick<
  ComponentRow,
  'type' | 'full_name' | 'path' | 'action' | 'reversibility' | 'reason'
>

export interface MergedPlans {
  plan: Plan
  rows: MergedRow[]
  before: Images
  after: Images
  changes: Changes
  /** What stays of them, and why. */
  left: LeftComponent[]
}

interface PlanTouch extends Touch<JsonObject> {
  at: number
  row: ComponentRow
}

const WORST = ['reversible', 'reversible_with_data_loss', 'irreversible'] as const

/** Files that hold entries of many: compared entry by entry, never as a whole. */
const hasEntries = (type: string): boolean => type === 'PermissionSet' || type === 'Profile'
/** Files to which deployments add, and out of which exactly that is taken. */
const isAddedTo = (type: string): boolean => type === 'Layout' || type === 'CustomApplication'

const textIn = (files: ReadonlyMap<string, string>, path: string): string | null =>
  [...files].find(([name]) => sameName(name) === sameName(path))?.[1] ?? null

class PlanMerge {
  readonly #deployments: readonly (PlanDeployment & { was: FileParts; left: FileParts })[]
  readonly #beside: Beside
  readonly #since: ReturnType<typeof rolledBackIn>
  readonly #left: LeftComponent[] = []
  readonly #chains = new Map<string, { component: Component; chain: Chain<PlanTouch> }>()

  constructor(deployments: readonly PlanDeployment[], beside: Beside) {
    this.#beside = beside
    this.#since = rolledBackIn(beside.rolledBack)
    this.#deployments = deployments.map((one) => ({
      ...one,
      was: partsIn(one.before.files),
      left: partsIn(one.after.files),
    }))
    for (const [key, { component, touches }] of this.#touches()) {
      const chain = chainOf<JsonObject, PlanTouch>(touches, this.#comparing(component))
      if (chain === null) continue
      this.#chains.set(key, { component, chain })
      if (leavesSomething(chain, samePart)) this.#left.push(changedBetween(component))
    }
  }

  /** What each deployment did with each component, in their order. */
  #touches(): Map<string, { component: Component; touches: PlanTouch[] }> {
    const found = new Map<string, { component: Component; touches: PlanTouch[] }>()
    for (const [at, { rows, was, left, after, undone }] of this.#deployments.entries()) {
      for (const row of rows) {
        const component = { type: row.type, fullName: row.full_name }
        const key = keyOf(component)
        if (row.action === 'unchanged' || undone.has(key)) continue
        const entry = found.get(key) ?? { component, touches: [] }
        entry.touches.push({
          at,
          row,
          was: was.part(component),
          left: left.part(component),
          isKnown: after.files.size > 0,
        })
        found.set(key, entry)
      }
    }
    return found
  }

  /** Whether nobody else did anything to a component from one deployment to the next. */
  #comparing(component: Component): (a: JsonObject | null, b: JsonObject | null) => boolean {
    // What others put into such a file is kept entry by entry.
    const { type } = component
    if (hasEntries(type) || isAddedTo(type)) return (a, b) => (a === null) === (b === null)
    const since = this.#since(component)
    return (left, found) => isAsLeft(left, found, since)
  }

  // ---------------------------------------------------------------------------------- rows, plan

  rows(): MergedRow[] {
    return [...this.#chains.values()].map(({ component, chain: { own } }) => {
      const rows = own.map(({ row }) => row)
      const worst = rows.toSorted(
        (a, b) => WORST.indexOf(b.reversibility) - WORST.indexOf(a.reversibility),
      )[0]
      return {
        type: component.type,
        full_name: component.fullName,
        path: own[0].row.path,
        action: own[0].was === null ? ('created' as const) : ('updated' as const),
        reversibility: worst?.reversibility ?? 'reversible',
        reason: worst?.reason ?? null,
      }
    })
  }

  // ---------------------------------------------------------------------------------- files

  /** Objects whose files the deployments read, with each reading in its order. */
  #readings(path: string): { at: number; before: string | null; after: string | null }[] {
    return this.#deployments.flatMap(({ before, after }, at) => {
      const texts = { before: textIn(before.files, path), after: textIn(after.files, path) }
      return texts.before === null && texts.after === null ? [] : [{ at, ...texts }]
    })
  }

  /** Everything of ours that is a part of an object. */
  #partsOn(object: string): Component[] {
    const all = [
      ...this.#deployments.flatMap(({ rows }) =>
        rows.map(({ type, full_name: fullName }) => ({ type, fullName })),
      ),
      ...this.#beside.components,
    ]
    return all.filter(
      ({ type, fullName }) =>
        type !== 'CustomObject' &&
        'list' in (kindOf(type) ?? {}) &&
        sameName(ownerOf(fullName)) === sameName(object),
    )
  }

  /** Whether somebody else changed the file of an object between two deployments. */
  #isObjectStrange(object: string): boolean {
    const readings = this.#readings(filePath('CustomObject', object) ?? '')
    const ours = this.#partsOn(object)
    const path = filePath('CustomObject', object) ?? ''
    const others = (text: string): string =>
      withoutParts(new Map([[path, text]]), ours).get(path) ?? text
    return readings.some(({ before }, index) => {
      const earlier = readings[index - 1]?.after ?? null
      if (index === 0 || earlier === null || before === null) return index > 0 && earlier !== before
      return fileDifferences('CustomObject', others(earlier), others(before)).length > 0
    })
  }

  /** Whether the permission set holds what somebody else put into it between two deployments. */
  #isSetStrange(name: string): boolean {
    const readings = this.#readings(filePath('PermissionSet', name) ?? '')
    const noted = [...this.#deployments.map(({ changes }) => changes), ...this.#beside.changes]
    const ours = new Set(
      noted
        .flatMap(({ permissionSets }) =>
          Object.entries(permissionSets).flatMap(([set, changes]) =>
            sameName(set) === sameName(name) ? changes : [],
          ),
        )
        .map(({ list, key }) => `${list}:${sameName(key)}`),
    )
    const held = (text: string): string =>
      heldByOthers(text, 'PermissionSet', (list, key) => ours.has(`${list}:${sameName(key)}`))
    return readings.some(({ before }, index) => {
      const earlier = readings[index - 1]?.after ?? null
      if (earlier === null || before === null) return false
      return held(earlier) !== held(before)
    })
  }

  images(): { before: Images; after: Images } {
    const [before, after] = [new Map<string, string>(), new Map<string, string>()]
    const parts = { before: [] as PartAs[], after: [] as PartAs[] }
    const hidden = new Set<string>()
    const bases = new Map<string, { first: number; last: number }>()
    for (const { component, chain } of this.#chains.values()) {
      const { type, fullName } = component
      const kind = kindOf(type)
      if (kind === null) continue
      const isPart = 'list' in kind || kind.within !== undefined
      if (isPart) {
        parts.before.push({ component, element: chain.own[0].was })
        parts.after.push({ component, element: chain.last.left })
        continue
      }
      const path = filePath(type, fullName) ?? ''
      if (type === 'CustomObject') {
        bases.set(sameName(path), { first: chain.own[0].at, last: chain.last.at })
        if (chain.own[0].was === null && this.#isObjectStrange(fullName)) hidden.add(sameName(path))
        continue
      }
      const start = textIn(this.#deployments[chain.own[0].at]?.before.files ?? new Map(), path)
      const end = textIn(this.#deployments[chain.last.at]?.after.files ?? new Map(), path)
      if (end !== null) after.set(path, end)
      if (start !== null) {
        before.set(
          path,
          type === 'CustomApplication' && end !== null ? this.#appBefore(path, end, chain) : start,
        )
      } else if (type === 'PermissionSet' && this.#isSetStrange(fullName))
        hidden.add(sameName(path))
    }
    this.#addShared(bases, before, after)
    const untouched = this.#untouchedParts()
    const result = {
      before: withParts(before, parts.before),
      after: withParts(withoutParts(after, untouched), parts.after),
    }
    for (const path of [...result.after.keys()]) {
      if (hidden.has(sameName(path))) result.after.delete(path)
    }
    return {
      before: { files: result.before, describes: this.#describes('before') },
      after: { files: result.after, describes: this.#describes('after') },
    }
  }

  /** As it would be had nothing of ours been added. */
  #appBefore(path: string, end: string, { own }: Chain<PlanTouch>): string {
    return withoutAddedTabs(
      end,
      own.flatMap(({ at }) => {
        const { before, after } = this.#deployments[at] ?? { before: null, after: null }
        const texts = {
          before: textIn(before?.files ?? new Map(), path),
          after: textIn(after?.files ?? new Map(), path),
        }
        return texts.before === null || texts.after === null
          ? []
          : [{ before: texts.before, after: texts.after }]
      }),
    )
  }

  /** The files of objects, and those that hold many components: their parts are put into them. */
  #addShared(
    bases: ReadonlyMap<string, { first: number; last: number }>,
    before: Map<string, string>,
    after: Map<string, string>,
  ): void {
    const paths = new Map<string, string>()
    for (const { before: one, after: other } of this.#deployments) {
      for (const path of [...one.files.keys(), ...other.files.keys()]) {
        if (isSharedFile(path)) paths.set(sameName(path), path)
      }
    }
    for (const [key, path] of paths) {
      const readings = this.#readings(path)
      const base = bases.get(key)
      // Where its own settings were changed, they are those of that deployment.
      const was =
        base === undefined
          ? readings[0]?.before
          : textIn(this.#deployments[base.first]?.before.files ?? new Map(), path)
      const isMade = base !== undefined && was == null
      const left =
        base === undefined || isMade
          ? readings.at(-1)?.after
          : textIn(this.#deployments[base.last]?.after.files ?? new Map(), path)
      if (was != null) before.set(path, was)
      if (left != null) after.set(path, left)
    }
  }

  /** Parts of ours that no chain holds: taken back before, or automations. */
  #untouchedParts(): Component[] {
    const all = [
      ...this.#beside.components,
      ...this.#deployments.flatMap(({ rows, undone }) =>
        rows
          .map(({ type, full_name: fullName }) => ({ type, fullName }))
          .filter((component) => undone.has(keyOf(component))),
      ),
    ]
    return all.filter(
      (component) =>
        'list' in (kindOf(component.type) ?? {}) && !this.#chains.has(keyOf(component)),
    )
  }

  #describes(moment: 'before' | 'after'): Map<string, JsonObject> {
    const found = new Map<string, JsonObject>()
    const seen = new Set<string>()
    const ordered = moment === 'before' ? this.#deployments : this.#deployments.toReversed()
    for (const deployment of ordered) {
      for (const { api_name } of deployment.plan.objects) {
        const key = sameName(api_name)
        if (seen.has(key)) continue
        seen.add(key)
        const describe = describeIn(deployment[moment], api_name)
        if (describe !== undefined) found.set(api_name, describe)
      }
    }
    return found
  }

  left(): LeftComponent[] {
    return this.#left
  }
}

interface PartAs {
  component: Component
  element: JsonObject | null
}

/** The file of an object, or one that holds all components of a kind. */
const isSharedFile = (path: string): boolean => path.endsWith('.object') || path.endsWith('.labels')

/** The deployments, oldest first, as one. */
export const mergePlans = (deployments: readonly PlanDeployment[], beside: Beside): MergedPlans => {
  const merge = new PlanMerge(deployments, beside)
  const { before, after } = merge.images()
  const { changes, left } = mergeChanges(deployments)
  return {
    plan: unionOf(deployments.map(({ plan }) => plan)),
    rows: merge.rows(),
    before,
    after,
    changes,
    left: [...merge.left(), ...left],
  }
}
