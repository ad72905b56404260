// How a package that was sent to Salesforce can end, in one place for deploys and rollbacks of plans and
// of workflows. Each says what it does for an outcome; which outcome is reached is decided here.

import { type Tx } from '../../../db/database.ts'
import { type WorkWarning, type Progress, type WorkFault } from '../../../db/tables/work.ts'
import { workWaitSeconds } from '../../../retry.ts'
import { type ComponentResult, type DeployResult } from '../../../salesforce/deploy-result.ts'
import { SalesforceError } from '../../../salesforce/failure.ts'
import { clip } from '../../../text.ts'
import { keyOf } from '../../metadata/names.ts'
import { standingStill } from '../../work/faults.ts'
import {
  type ComponentProblem,
  type ComponentRow,
  type DeploymentRow,
  isShown,
  rollbackOf,
  type RollbackOptions,
  type RollbackResult,
  type RunRow,
} from '../rows.ts'
import { type Context, isCheckOnly, type State } from './context.ts'
import { type DeploymentChanges, type Journal } from './journal.ts'
import { submit, watch } from './send.ts'

type Next = 'next' | 'stop'

export interface Endings {
  /** What a deployment shows once Salesforce has taken the package. */
  taken: (deployId: string) => DeploymentChanges
  /** Everything was applied. */
  applied: (result: DeployResult) => Promise<Next>
  /** A package that was only checked is valid. */
  validated?: (result: DeployResult) => Promise<Next>
  /**
   * Salesforce does not say how it ended, or several deploys could be this one: the current state shows.
   */
  unclear: (why: Unclear) => Promise<Next>
  /**
   * Nothing of it was applied, and it will not be sent again. `result` is null if Salesforce did not
   * accept it. `next`: the run goes on with a different package.
   */
  failed: (fault: WorkFault, result: DeployResult | null) => Promise<Next | void>
  /** Why Salesforce refused it, in the words of this kind of work. */
  reasonOf: (result: DeployResult) => WorkFault
}

/** `ids`: the deploys that could be this one; empty where Salesforce does not say how it ended. */
export interface Unclear {
  ids: readonly string[]
}

const MESSAGE_MAX = 1_000

/** How often it is sent at most while Salesforce's setup lock keeps refusing it. */
const SENDS_MAX = 12

/** Sends the package of the run, or finds out what became of it. */
export const sendPackage = async (
  context: Context,
  { run, deployment }: State,
  endings: Endings,
): Promise<Next> => {
  const { org, journal, spent, userId, signal, deps } = context
  const checkOnly = isCheckOnly({ run, deployment })
  const graceMs = deps.adoptGraceMs
  const options = { org, journal, run, userId, checkOnly, signal, graceMs }
  const submitted = await submit(options)
  switch (submitted.kind) {
    case 'sent':
      await journal.step(
        { stage: 'wait', sfdc_deploy_id: submitted.id },
        endings.taken(submitted.id),
        spent(),
      )
      return 'next'
    case 'refused':
      await endings.failed(submitted.fault, null)
      return 'stop'
    case 'cancelled':
      await endings.failed({ code: 'cancelled', message: 'Cancelled before it was sent.' }, null)
      return 'stop'
    case 'look_again': {
      const message = 'The response to the deploy request was lost; searching for the deploy.'
      await stand(context, run, { code: 'outcome_unknown', message }, submitted.afterSeconds)
      return 'stop'
    }
    case 'ambiguous':
      return endings.unclear({ ids: submitted.ids })
  }
}

/** Waits for the end of what was sent, and sends it again if a temporary cause kept it out. */
export const awaitPackage = async (
  context: Context,
  { run, deployment }: State,
  endings: Endings,
): Promise<Next> => {
  const { org, journal, signal } = context
  let result: DeployResult
  try {
    result = await watch({ org, journal, id: run.sfdc_deploy_id ?? '', signal })
  } catch (error) {
    // Salesforce: results of deploys are kept for a limited time; after that, the state of the
    // Salesforce org decides.
    if (!(error instanceof SalesforceError && error.failure.kind === 'not_found')) throw error
    return endings.unclear({ ids: [] })
  }
  if (result.success && isCheckOnly({ run, deployment })) {
    return (endings.validated ?? endings.applied)(result)
  }
  if (result.applied === 'all') return endings.applied(result)
  if (result.applied !== 'nothing') return endings.unclear({ ids: [] })
  if (result.passing && run.sends < SENDS_MAX && run.cancel_requested_at === null) {
    // Certainly nothing was applied, and the cause is temporary: the same package once more.
    const fault = endings.reasonOf(result)
    await journal.step({ stage: 'submit', sfdc_deploy_id: null, intended_at: null })
    await stand(context, run, fault, workWaitSeconds(run.sends))
    return 'stop'
  }
  const cancelled: WorkFault = {
    code: 'cancelled',
    message: 'Cancelled at Salesforce; nothing was changed.',
  }
  const fault = result.status === 'Canceled' ? cancelled : endings.reasonOf(result)
  return (await endings.failed(fault, result)) ?? 'stop'
}

/** Pauses for so many seconds, with the reason. */
export const stand = async (
  { journal, spent }: Pick<Context, 'journal' | 'spent'>,
  run: RunRow,
  fault: WorkFault,
  afterSeconds: number,
): Promise<void> => {
  const shown = standingStill(fault, { previous: run.error, afterSeconds, now: new Date() })
  await journal.hold(shown, afterSeconds, spent())
}

/** Ends a deploy as failed; `applied` says what is known to be in the Salesforce org. */
export const endDeploy = (
  journal: Journal,
  fault: WorkFault,
  calls: number,
  applied: 'nothing' | 'unknown' = 'nothing',
  also?: (tx: Tx) => Promise<void>,
): Promise<void> =>
  journal.end({ error: fault }, { status: 'failed', error: fault, applied }, calls, also)

/** What was deployed shows at once when read back; the second look is for a reading that lags. */
const LOOKS_FOR_MISSING = 2

/**
 * Ends a deploy of which something is missing. Salesforce reported it as applied, so the rest may be
 * there and can be rolled back. `save` stores what was read.
 */
export const endMissing = async (
  context: Pick<Context, 'journal' | 'spent'>,
  run: RunRow,
  missing: readonly Pick<ComponentRow, 'type' | 'full_name'>[],
  save: (tx: Tx) => Promise<void>,
): Promise<'stop'> => {
  const names = missing.map(({ type, full_name }) => `${type} ${full_name}`).join(', ')
  const message = clip(`Not in the Salesforce org after the deploy: ${names}.`, MESSAGE_MAX)
  const fault: WorkFault = { code: 'component_missing', message }
  if (run.attempts + 1 < LOOKS_FOR_MISSING) {
    await stand(context, run, fault, workWaitSeconds(run.attempts))
    return 'stop'
  }
  await endDeploy(context.journal, fault, context.spent(), 'unknown', save)
  return 'stop'
}

/**
 * Ends a rollback as failed. The deployment stays what it was; only this attempt to roll it back failed.
 * `result` is Salesforce's result for the package, if it accepted one: it says why components remain.
 */
export const endRollback = async (
  { journal, spent }: Pick<Context, 'journal' | 'spent'>,
  deployment: DeploymentRow,
  fault: WorkFault,
  result: DeployResult | null = null,
  also?: (tx: Tx) => Promise<void>,
): Promise<void> => {
  const { total } = deployment.progress
  const rollback: RollbackResult = {
    ...withoutEffect(rollbackOf(deployment), result),
    status: 'failed',
    proof: null,
    error: fault,
  }
  await journal.end(
    { error: fault, result: rollback },
    { rollback, progress: { stage: 'done', done: total, total } },
    spent(),
    also,
  )
}

/** Whether something of the rollback was sent, or perhaps was. */
export const mayHaveChanged = ({ stage, intended_at, options }: RunRow): boolean =>
  !(options as RollbackOptions).dry_run &&
  (intended_at !== null || (stage !== 'read' && stage !== 'submit'))

/** Ends a rollback whose end nobody sees: an off-boarding remembers what it may have done. */
export const endUnseen = (
  context: Pick<Context, 'journal' | 'spent'>,
  { run, deployment }: State,
  fault: WorkFault,
  also?: (tx: Tx) => Promise<void>,
): Promise<void> => {
  const planned = rollbackOf(deployment)
  const { removed, restored } = planned
  const remembers: boolean = !isShown(deployment) && mayHaveChanged(run)
  const told = remembers
    ? { ...deployment, rollback: { ...planned, unseen: { removed, restored } } }
    : deployment
  return endRollback(context, told, fault, null, also)
}

/**
 * Ends a dry run with Salesforce's own verdict on the package; null if there was nothing to check. What
 * it refuses would not be rolled back, nor would the rest.
 */
export const endDryRun = async (
  { journal, spent }: Pick<Context, 'journal' | 'spent'>,
  planned: RollbackResult,
  progress: Progress,
  verdict: DeployResult | null,
): Promise<'stop'> => {
  const refused = verdict !== null && !verdict.success
  const rollback: RollbackResult = {
    ...(refused ? withoutEffect(planned, verdict) : planned),
    status: 'dry_run',
    error: refused ? refusalOf(verdict) : null,
  }
  await journal.end({ error: null, result: rollback }, { rollback, progress }, spent())
  return 'stop'
}

/** A rollback that Salesforce refuses changes nothing: all that was to be rolled back remains. */
const withoutEffect = (planned: RollbackResult, result: DeployResult | null): RollbackResult => {
  if (result === null) return { ...planned, removed: [], restored: [] }
  const problems = new Map(failedIn(result).map((one) => [keyOf(one), one.problem]))
  const others =
    problems.size === 0
      ? 'The rollback was not applied.'
      : 'Salesforce refused other components, and a rollback is applied as a whole.'
  const reasonOf = (type: string, fullName: string): string =>
    problems.get(keyOf({ type, fullName })) ?? others
  return {
    ...planned,
    removed: [],
    restored: [],
    remaining: [
      ...planned.remaining,
      ...[...planned.removed, ...planned.restored].map(({ type, full_name }) => ({
        ...{ type, full_name },
        reason: reasonOf(type, full_name),
      })),
    ],
  }
}

/** The sentence for work whose outcome cannot be found out. */
export const unclearFault = ({ ids }: Unclear): WorkFault => ({
  code: 'outcome_unknown',
  message:
    ids.length === 0
      ? 'Salesforce does not say how this deploy ended.'
      : `The response to the deploy request was lost, and several deploys in Salesforce could be it: ${ids.join(', ')}.`,
})

/** The warnings with one more, without repeating it. */
export const warn = (warnings: readonly WorkWarning[], fault: WorkWarning): WorkWarning[] => [
  ...warnings.filter(({ code, message }) => code !== fault.code || message !== fault.message),
  fault,
]

export type SavedComponent = Omit<ComponentRow, 'org_id' | 'client_id' | 'deployment_id'>

/**
 * A success counts for the components that Salesforce names; the others are read to find out whether
 * they exist. A validation has nothing to read.
 */
const isIn = (component: ComponentResult | undefined, result: DeployResult): boolean =>
  result.success && (component !== undefined || result.checkOnly)

/** What Salesforce said about each component, merged into the rows. */
export const judged = (rows: readonly ComponentRow[], result: DeployResult): SavedComponent[] => {
  const said = new Map(
    (result.details?.components ?? []).map((component) => [keyOf(component), component]),
  )
  return rows.map((row) => {
    const component = said.get(keyOf({ type: row.type, fullName: row.full_name }))
    // All or nothing: if one component failed, the others were not applied either.
    const success = component?.outcome === 'failed' ? false : isIn(component, result) || row.success
    return { ...row, success, problem: problemOf(component, result) ?? row.problem }
  })
}

const problemOf = (
  component: ComponentResult | undefined,
  result: DeployResult,
): ComponentProblem | null => {
  if (component === undefined || component.problem === null) return null
  const failed = component.outcome === 'failed'
  return {
    message: component.problem,
    severity: failed ? 'error' : 'warning',
    file: component.fileName,
    line: component.line,
    column: component.column,
    code: failed ? (result.failure?.code ?? null) : null,
  }
}

/** Problems that belong to no component of the deployment (a manifest, a test, the deploy as a whole). */
export const strayProblems = (rows: readonly ComponentRow[], result: DeployResult): string[] => {
  const known = new Set(rows.map((row) => keyOf({ type: row.type, fullName: row.full_name })))
  return [
    ...(result.details?.components ?? [])
      .filter((component) => component.problem !== null && !known.has(keyOf(component)))
      .map(({ type, fullName, problem }) => `${type} ${fullName}: ${problem}`.trim()),
    ...(result.details?.tests?.failures ?? []).map(
      ({ className, methodName, message }) => `Apex test ${className}.${methodName}: ${message}`,
    ),
  ]
}

export const failedIn = (result: DeployResult): readonly ComponentResult[] =>
  (result.details?.components ?? []).filter(({ outcome }) => outcome === 'failed')

/** Salesforce's own code is a part of the message: codes of faults are ours. */
const refusedAsWhole = ({ code, message }: { code: string; message: string }): WorkFault => ({
  code: 'refused_by_salesforce',
  message: `${code}: ${message}`,
})

/** Why a deploy failed, by its first failed component. */
export const whyFailed = (rows: readonly ComponentRow[], result: DeployResult): WorkFault => {
  if (result.failure !== null) return refusedAsWhole(result.failure)
  const failed = failedIn(result)
  const [first] = failed
  const more = failed.length > 1 ? ` (and ${failed.length - 1} more)` : ''
  const message =
    first === undefined
      ? (strayProblems(rows, result)[0] ?? `Salesforce says ${result.status}.`)
      : `${first.type} ${first.fullName}: ${first.problem ?? ''}${more}`
  return { code: 'components_failed', message: clip(message, MESSAGE_MAX) }
}

/** Why a rollback failed, with every component that Salesforce refused to roll back. */
export const refusalOf = (result: DeployResult): WorkFault => {
  const errors = failedIn(result).map(({ type, fullName, problem }) => ({
    path: `${type}:${fullName}`,
    code: 'refused_by_salesforce',
    message: problem ?? '',
  }))
  const words = errors.map(({ path, message }) => `${path}: ${message}`).join('; ')
  if (result.failure !== null) {
    const whole = refusedAsWhole(result.failure)
    return { ...whole, message: clip(`${whole.message} ${words}`.trim(), MESSAGE_MAX), errors }
  }
  const message = words === '' ? `Salesforce says ${result.status}.` : words
  return { code: 'components_failed', message: clip(message, MESSAGE_MAX), errors }
}
