// What an off-boarding has done so far, out of what its two rollbacks say, and what attempts before it did: one that
// ends half way has to tell it, and hands it on to the certificate of the next.

import { type Reader, type Tx } from '../../db/database.ts'
import { type WorkFault } from '../../db/tables/work.ts'
import {
  deploymentById,
  type Doings,
  type LeftComponent,
  type NamedComponent,
  rollbackOf,
  type RollbackOptions,
  type RollbackResult,
} from '../deployments/rows.ts'
import { keyOf } from '../metadata/names.ts'
import { workflowNameOf } from '../workflows/transition.ts'
import { proofOf, staysOf } from './account.ts'
import { certified, deployIdsOf } from './certificate.ts'
import { type Handled, type History, historyOf } from './history.ts'
import { mergePlans } from './merge-plans.ts'
import { mergeWorkflows } from './merge-workflows.ts'
import {
  CANCELLABLE,
  type Carried,
  carriedTo,
  type Certified,
  type OffboardingResult,
  type OffboardingRow,
  offboardingById,
  resultOf,
  scopeOf,
} from './rows.ts'
import { settle } from './settle.ts'

type Found = Record<keyof Doings, Certified[]>

type Half = 'automations_id' | 'components_id'
const HALVES: readonly Half[] = ['automations_id', 'components_id']

/** The one rollback of all that goes in a half. */
export interface Combined {
  half: Half
  id: string
  result: RollbackResult
  options: RollbackOptions
}

export const runOf = (reader: Reader, row: OffboardingRow, deploymentId: string) =>
  reader
    .selectFrom('deployment_runs')
    .selectAll()
    .where('org_id', '=', row.org_id)
    .where('deployment_id', '=', deploymentId)
    .executeTakeFirst()

export const historyFor = (reader: Reader, row: OffboardingRow): Promise<History> =>
  historyOf(reader, scopeOf(row), scopeOf(row).clientId, row.sfdc_org_id)

/** How the rollback of a half stands; null: there is nothing of the kind. */
export const combinedOf = async (
  reader: Reader,
  row: OffboardingRow,
  half: Half,
): Promise<Combined | null> => {
  const id = row[half]
  if (id === null) return null
  const found = await deploymentById(reader, scopeOf(row), id)
  const run = await runOf(reader, row, id)
  if (found === undefined || run === undefined) return null
  return { half, id, result: rollbackOf(found), options: run.options as RollbackOptions }
}

const callsOf = async (reader: Reader, row: OffboardingRow): Promise<number> => {
  let calls = 0
  for (const half of HALVES) {
    const id = row[half]
    if (id !== null) calls += (await runOf(reader, row, id))?.salesforce_api_calls ?? 0
  }
  return calls
}

interface Done {
  result: OffboardingResult
  calls: number
  /** Stores with each deployment what became of it. */
  settle: (tx: Tx) => Promise<void>
}

/** What was done, after the end of both halves. */
export const doneBy = async (reader: Reader, row: OffboardingRow): Promise<Done> => {
  const halves = await allOf(reader, row)
  const all = await historyFor(reader, row)
  const left = leftIn(all)
  const earlier = row.is_preview ? null : await carriedTo(reader, row)
  const stays = staysOf(left, halves)
  const found = foundIn(earlier, halves, stays)
  const result = withDone(row, halves, withFound(earlier, found))
  const stay = keysOf(stays)
  const goes = (one: NamedComponent) => !stay.has(keyIn(one)) || isIn(halves, one)
  return {
    result: {
      ...result,
      removed: result.removed.filter(goes),
      restored: result.restored.filter(goes),
      stays,
    },
    calls: await callsOf(reader, row),
    settle: (tx) => settle(tx, all.handled, found, resultsOf(halves), left),
  }
}

/**
 * Writes down what one that fails has done, unless that is written already, and what the next one has to know. Returns
 * how its fault reads then.
 */
export const settleHalf = async (
  tx: Tx,
  stale: OffboardingRow,
  fault: WorkFault | null,
): Promise<{ result: OffboardingResult; calls: number; fault: WorkFault | null }> => {
  const row = (await offboardingById(tx, scopeOf(stale), stale.id)) ?? stale
  const earlier = await carriedTo(tx, row)
  const isOpen = CANCELLABLE.has(row.stage)
  const both = await allOf(tx, row)
  const halves = both.filter(hasEnded)
  let result = isOpen ? withDone(row, halves, earlier) : resultOf(row)
  if (isOpen && halves.length > 0) {
    const all = await historyFor(tx, row)
    const left = leftIn(all)
    const found = foundIn(earlier, halves, staysOf(left, halves))
    result = withDone(row, halves, withFound(earlier, found))
    const ended = new Set(halves.map(({ half }) => half))
    const handled = all.handled.filter((one) => ended.has(halfOf(one)))
    await settle(tx, handled, found, resultsOf(halves), left)
  }
  const carried: Carried = {
    removed: await certified(tx, row, result.removed, earlier),
    restored: await certified(tx, row, result.restored, earlier),
    proof: result.proof,
    sfdc_deploy_ids: [
      ...(earlier?.sfdc_deploy_ids ?? []),
      ...(await deployIdsOf(
        tx,
        row,
        both.filter((one) => hasEnded(one) || one.result.unseen !== undefined).map(({ id }) => id),
      )),
    ],
    unseen: isOpen ? await unseenIn(tx, row, both, earlier) : NOTHING_UNSEEN,
  }
  return {
    result: { ...result, carried },
    calls: isOpen ? await callsOf(tx, row) : 0,
    fault: fault !== null && halves.some(hasDone) ? halfDone(fault) : fault,
  }
}

/** What one that still runs has done: after a cancel it stays so. */
export const doneSoFar = async (
  reader: Reader,
  row: OffboardingRow,
): Promise<Pick<OffboardingResult, 'removed' | 'restored'>> => {
  const { removed, restored } = withDone(
    row,
    (await allOf(reader, row)).filter(hasEnded),
    await carriedTo(reader, row),
  )
  return { removed, restored }
}

const halfDone = (fault: WorkFault): WorkFault => ({
  ...fault,
  message: `${fault.code === 'cancelled' ? 'The off-boarding was cancelled.' : fault.message} What is listed in removed and restored had been done by then, and was not undone.`,
})

const allOf = async (reader: Reader, row: OffboardingRow): Promise<Combined[]> => {
  const found: Combined[] = []
  for (const half of HALVES) {
    const one = await combinedOf(reader, row, half)
    if (one !== null) found.push(one)
  }
  return found
}

const leftIn = ({ left, workflows, plans, beside }: History): LeftComponent[] => [
  ...left,
  ...mergeWorkflows(workflows).left,
  ...mergePlans(plans, beside).left,
]

const halfOf = ({ row }: Handled): Half =>
  row.kind === 'custom_objects' ? 'components_id' : 'automations_id'

const resultsOf = (halves: readonly Combined[]): RollbackResult[] =>
  halves.map(({ result }) => result)

const keyIn = ({ type, full_name: fullName }: NamedComponent): string => keyOf({ type, fullName })
const keysOf = (some: readonly NamedComponent[]): Set<string> => new Set(some.map(keyIn))

const isIn = (halves: readonly Combined[], one: NamedComponent): boolean =>
  resultsOf(halves).some(({ removed, restored }) =>
    keysOf([...removed, ...restored]).has(keyIn(one)),
  )

const NOTHING_UNSEEN = { removed: [], restored: [] }

/**
 * What an earlier attempt may have done, where a rollback of this one has looked and it does not stay: then it is done,
 * and nobody but that attempt was to do it.
 */
const foundIn = (
  earlier: Carried | null,
  halves: readonly Combined[],
  stays: readonly NamedComponent[],
): Found => {
  const stay = keysOf(stays)
  const found = (some: readonly Certified[] = []) =>
    some.filter((one) => isOfOne(halves, one) && !stay.has(keyIn(one)) && !isIn(halves, one))
  return { removed: found(earlier?.unseen?.removed), restored: found(earlier?.unseen?.restored) }
}

const withFound = (earlier: Carried | null, found: Found): Carried | null =>
  earlier && {
    ...earlier,
    removed: [...earlier.removed, ...found.removed],
    restored: [...earlier.restored, ...found.restored],
  }

/** What the next one has to find out: what this one lost from sight, and what it did not get to look for. */
const unseenIn = async (
  tx: Tx,
  row: OffboardingRow,
  both: readonly Combined[],
  earlier: Carried | null,
): Promise<NonNullable<Carried['unseen']>> => {
  const ended = both.filter(hasEnded)
  const of = async (which: keyof Doings): Promise<Certified[]> => {
    const before = (earlier?.unseen?.[which] ?? []).filter((one) => !isOfOne(ended, one))
    const own = both.flatMap(({ result }) => result.unseen?.[which] ?? [])
    const keys = keysOf(own)
    return [
      ...(await certified(tx, row, own, earlier)),
      ...before.filter((one) => !keys.has(keyIn(one))),
    ]
  }
  return { removed: await of('removed'), restored: await of('restored') }
}

const isOfOne = (halves: readonly Combined[], { type, full_name: fullName }: NamedComponent) => {
  const its = workflowNameOf({ type, fullName }) === null ? 'components_id' : 'automations_id'
  return halves.some(({ half }) => half === its)
}

const hasEnded = ({ result: { status } }: Combined): boolean =>
  status === 'complete' || status === 'partial'

const hasDone = ({ result: { removed, restored } }: Combined): boolean =>
  removed.length + restored.length > 0

/** With what these rollbacks did, and what earlier attempts did that these say nothing of. */
const withDone = (
  row: OffboardingRow,
  halves: readonly Combined[],
  earlier: Carried | null,
): OffboardingResult => {
  const own = resultsOf(halves)
  const before = (some: readonly NamedComponent[] = []): NamedComponent[] =>
    some.filter((one) => !isIn(halves, one)).map(({ type, full_name }) => ({ type, full_name }))
  const proofs = [...(earlier === null ? [] : [earlier]), ...own]
  return {
    ...resultOf(row),
    removed: [...own.flatMap(({ removed }) => removed), ...before(earlier?.removed)],
    restored: [...own.flatMap(({ restored }) => restored), ...before(earlier?.restored)],
    proof: row.is_preview ? null : proofOf(proofs),
  }
}
