// A package on its way: sent once, found again if the response was lost, and watched to its end. The
// same for a deploy and for a rollback, which is also a deploy.

import { type Members, buildDeployPackage } from '../../../salesforce/deploy-package.ts'
import { type DeployResult } from '../../../salesforce/deploy-result.ts'
import {
  awaitDeploy,
  cancelDeploy,
  findDeployRequests,
  getDeploy,
  getSalesforceTime,
  startDeploy,
} from '../../../salesforce/deploy.ts'
import { isUnknownFate, SalesforceError } from '../../../salesforce/failure.ts'
import { type SalesforceOrg } from '../../../salesforce/gateway.ts'
import { type WorkFault } from '../../../db/tables/work.ts'
import { EngineError } from '../../../errors.ts'
import { CAUSES, causeOf, toldOf } from '../../work/faults.ts'
import { type Claim, claimOf } from './claim.ts'
import { type Journal } from './journal.ts'
import { type RunRow } from '../rows.ts'

/** What is sent, as plain JSON: kept with the run, so that it is the same after a crash. */
export interface StoredPackage {
  files: Record<string, string>
  members: Record<string, readonly string[]>
  deleteAfter: Record<string, readonly string[]>
}

export const storePackage = (contents: {
  files: ReadonlyMap<string, string>
  members: Members
  deleteAfter?: Members
}): StoredPackage => ({
  files: Object.fromEntries(contents.files),
  members: Object.fromEntries(contents.members),
  deleteAfter: Object.fromEntries(contents.deleteAfter ?? []),
})

/** Throws EngineError `payload_too_large` over Salesforce's limits. */
export const packageOf = (stored: StoredPackage, apiVersion: string) =>
  buildDeployPackage(
    {
      files: new Map(Object.entries(stored.files)),
      members: new Map(Object.entries(stored.members)),
      deleteAfter: new Map(Object.entries(stored.deleteAfter)),
    },
    apiVersion,
  )

export type Submitted =
  | { kind: 'sent'; id: string }
  | { kind: 'cancelled' }
  /** Salesforce refuses it, however often it is sent. */
  | { kind: 'refused'; fault: WorkFault }
  /**
   * No deploy is known to be ours yet; a request may be on its way, or a deploy has not yet shown its
   * components.
   */
  | { kind: 'look_again'; afterSeconds: number }
  /** Several deploys could be ours. */
  | { kind: 'ambiguous'; ids: string[] }

interface SubmitOptions {
  org: SalesforceOrg
  journal: Journal
  run: RunRow
  userId: string
  checkOnly: boolean
  signal: AbortSignal
  /** A request whose response was lost appears at Salesforce within this time, or never. */
  graceMs: number
}

const LOOK_SECONDS = 5

/**
 * Sends the run's package, or finds out what became of it. The intent is stored before sending. An error
 * means: certainly not accepted (the intent is cleared), or unknown (the intent stays, and the next call
 * looks).
 */
export const submit = async (options: SubmitOptions): Promise<Submitted> => {
  const { run } = options
  if (run.sfdc_deploy_id !== null) return { kind: 'sent', id: run.sfdc_deploy_id }
  const found = run.intended_at === null ? null : await lookFor(options, run.intended_at)
  return found ?? send(options)
}

/** The deploy of a request whose response was lost; null if it certainly never reached Salesforce. */
const lookFor = async (
  { org, journal, run, userId, checkOnly, graceMs }: SubmitOptions,
  since: Date,
): Promise<Submitted | null> => {
  const seen = await findDeployRequests(org, {
    since,
    userId: run.sfdc_user_id ?? userId,
    checkOnly,
  })
  // Salesforce returns only whole seconds: the deploy of a run that has just ended may be among them.
  const taken = await journal.deploysOfOthers(seen.map(({ id }) => id))
  const claims = new Map<string, Claim>()
  for (const { id } of seen) {
    if (!taken.has(id)) claims.set(id, await readClaim(org, id, run.package as StoredPackage))
  }
  const ours = [...claims].filter(([, claim]) => claim === 'ours').map(([id]) => id)
  const [only] = ours
  if (ours.length > 1) return { kind: 'ambiguous', ids: ours }
  if (only !== undefined) return { kind: 'sent', id: only }
  if ([...claims.values()].includes('unclear')) {
    return { kind: 'look_again', afterSeconds: LOOK_SECONDS }
  }
  const waited = (await journal.sinceSentMs()) ?? graceMs
  if (waited >= graceMs) return null
  return { kind: 'look_again', afterSeconds: Math.min(LOOK_SECONDS, (graceMs - waited) / 1000) }
}

const readClaim = async (org: SalesforceOrg, id: string, stored: StoredPackage): Promise<Claim> => {
  const result = await getDeploy(org, id, { details: true }).catch((error: unknown) => {
    if (error instanceof SalesforceError && error.failure.kind === 'not_found') return null
    throw error
  })
  return result === null ? 'unclear' : claimOf(stored, result)
}

/** Whether no repetition can send this package, and nothing of it is in the Salesforce org. */
const isRefusedForGood = (error: unknown): boolean =>
  CAUSES[causeOf(error)].outcome === 'end' && !isUnknownFate(error)

const send = async (options: SubmitOptions): Promise<Submitted> => {
  const { org, journal, run, userId, checkOnly, signal } = options
  try {
    const zip = packageOf(run.package as StoredPackage, org.apiVersion)
    const now = await getSalesforceTime(org)
    if (!(await journal.intend(now, userId))) return { kind: 'cancelled' }
    try {
      return { kind: 'sent', id: await startDeploy(org, zip, { checkOnly }) }
    } catch (error) {
      const refused = error instanceof EngineError && !isUnknownFate(error) && !signal.aborted
      if (refused) await journal.step({ intended_at: null })
      throw error
    }
  } catch (error) {
    if (signal.aborted || !isRefusedForGood(error)) throw error
    return { kind: 'refused', fault: toldOf(error) }
  }
}

export interface WatchOptions {
  org: SalesforceOrg
  journal: Journal
  id: string
  signal: AbortSignal
}

/**
 * Waits for the end of a deploy and shows how far it is; asks Salesforce to cancel where the caller
 * wants that. Errors are those of `awaitDeploy`: the deploy goes on.
 */
export const watch = async ({ org, journal, id, signal }: WatchOptions): Promise<DeployResult> => {
  let cancelAsked = false
  return awaitDeploy(org, id, {
    signal,
    onProgress: async (seen) => {
      const { run } = await journal.load()
      if (run.error !== null) await journal.resumed()
      const { total, deployed, errors } = seen.components
      await journal.step(
        {},
        { progress: { stage: 'wait', done: Math.min(total, deployed + errors), total } },
      )
      if (seen.done || run.cancel_requested_at === null || cancelAsked) return
      cancelAsked = true
      // Salesforce refuses while it is finalizing: then it simply ends.
      await cancelDeploy(org, id).catch((error: unknown) => {
        if (!(error instanceof EngineError)) throw error
      })
    },
  })
}
