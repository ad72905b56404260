// Record-triggered flows: which of them a change of a record starts, in which order. One run of one of
// them is in interview.ts.

import { findObject } from '../org/changes.ts'
import { keptByOrg } from '../org/kept.ts'
import { type Flow, type Org } from '../org/model.ts'
import { type NestedSave, type RowEvent } from '../records/automation.ts'
import { type Transaction } from '../records/locks.ts'
import { recordStateOf } from '../records/state.ts'
import { inTriggerOrder, startingFlow, type FlowPlan, type FlowTiming } from './flow-plan.ts'
import { Interview } from './interview.ts'

const NONE: readonly FlowPlan[] = []

/** The org's active record-triggered flows, compiled again when one of them changes. */
export class FlowCatalogue {
  /** Active versions' metadata in the order of the flows, used to notice changes. */
  #seen: unknown[] = []
  readonly #plans = new Map<string, FlowPlan[]>()
  /** Flows and records that are being processed in a transaction. */
  readonly #running = new WeakMap<Transaction, Set<string>>()

  /** Active flows on this object, in the order in which they run; API name in any letter case. */
  on(org: Org, object: string): readonly FlowPlan[] {
    if (!this.#isCurrent(org)) this.#compile(org)
    return this.#plans.get(object.toLowerCase()) ?? NONE
  }

  running(transaction: Transaction): Set<string> {
    const found = this.#running.get(transaction)
    if (found !== undefined) return found
    const made = new Set<string>()
    this.#running.set(transaction, made)
    return made
  }

  #isCurrent(org: Org): boolean {
    if (this.#seen.length !== org.flows.size) return false
    let n = 0
    for (const flow of org.flows.values()) {
      if (this.#seen[n++] !== activeVersionOf(flow)?.metadata) return false
    }
    return true
  }

  #compile(org: Org): void {
    this.#plans.clear()
    const flows = [...org.flows.values()]
    this.#seen = flows.map((flow) => activeVersionOf(flow)?.metadata)
    const starting = flows.flatMap((flow) => {
      const version = activeVersionOf(flow)
      return version === undefined ? [] : (startingFlow(flow, version) ?? [])
    })
    for (const { object, plan } of starting.sort(inTriggerOrder)) {
      const key = object.toLowerCase()
      const plans = this.#plans.get(key)
      if (plans === undefined) this.#plans.set(key, [plan])
      else plans.push(plan)
    }
  }
}

const activeVersionOf = ({ activeVersion, versions }: Flow) =>
  activeVersion === null ? undefined : versions.find(({ number }) => number === activeVersion)

function plansOn(org: Org, object: string, timing: FlowTiming): readonly FlowPlan[] {
  return catalogueOf(org)
    .on(org, object)
    .filter((plan) => plan.timing === timing)
}

const catalogueOf = keptByOrg(() => new FlowCatalogue())

/** Makes saves in this org start its record-triggered flows. */
export const runFlowsIn = (org: Org): void => {
  recordStateOf(org).automation = { concerns, beforeSave, afterSave, beforeDelete }
}

/** Whether rows of this object start any flow. */
export function concerns(org: Org, object: string): boolean {
  return catalogueOf(org).on(org, object).length > 0
}

/**
 * Runs the before-save flows, which change `row.after` in place. Throws a `RowProblem` with
 * CANNOT_EXECUTE_FLOW_TRIGGER for one that fails, or that the simulator cannot run.
 */
export function beforeSave(org: Org, row: RowEvent): void {
  const object = findObject(org, row.object)
  if (object === undefined) return
  for (const plan of plansOn(org, row.object, 'RecordBeforeSave')) {
    const interview = new Interview(plan, { org, object, event: row, record: row.after })
    if (interview.starts()) interview.runBeforeSave()
  }
}

/** Runs the after-save flows, with the record as those before them left it. Throws as `beforeSave`. */
export async function afterSave(org: Org, save: NestedSave, row: RowEvent): Promise<void> {
  await runNesting(org, save, row, 'RecordAfterSave')
}

/** Runs the flows that a deletion starts, before it. Throws as `beforeSave`. */
export async function beforeDelete(org: Org, save: NestedSave, row: RowEvent): Promise<void> {
  await runNesting(org, save, row, 'RecordBeforeDelete')
}

async function runNesting(
  org: Org,
  save: NestedSave,
  row: RowEvent,
  timing: FlowTiming,
): Promise<void> {
  const object = findObject(org, row.object)
  if (object === undefined) return
  const { store } = recordStateOf(org)
  const running = catalogueOf(org).running(row.transaction)
  for (const plan of plansOn(org, row.object, timing)) {
    const now = store.row(object, row.after.Id)
    if (now === undefined || now['IsDeleted'] === true) return
    // Salesforce: a flow's own change of its record does not start it again (Architect's Guide to
    // Record-Triggered Automation, on recursion control).
    const key = `${plan.versionId}:${row.after.Id}`
    if (running.has(key)) continue
    const interview = new Interview(plan, { org, object, event: row, record: { ...now } })
    if (!interview.starts()) continue
    running.add(key)
    try {
      await interview.run(save)
    } finally {
      running.delete(key)
    }
  }
}
