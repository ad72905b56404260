// A package on its way: sent once, found again when the answer got lost, and watched to its end. The
// same for a deploy and for a rollback, which is a deploy too.

import { type Members, buildDeployPackage } from '../../../salesforce/deploy-package.ts'
import { type DeployResult } from '../../../salesforce/deploy-result.ts'
import {
  awaitDeploy,
  cancelDeploy,
  findDeployRequests,
  getSalesforceTime,
  startDeploy,
} from '../../../salesforce/deploy.ts'
import { isUnknownFate } from '../../../salesforce/failure.ts'
import { type SalesforceOrg } from '../../../salesforce/gateway.ts'
import { EngineError } from '../../../errors.ts'
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
  /** No request of ours is to be seen yet; one may still be on its way. */
  | { kind: 'look_again'; afterSeconds: number }
  /** Several requests could be ours. */
  | { kind: 'ambiguous'; ids: string[] }

interface SubmitOptions {
  org: SalesforceOrg
  journal: Journal
  run: RunRow
  userId: string
  checkOnly: boolean
  signal: AbortSignal
  /** A request whose answer got lost shows up at Salesforce within this time, or never. */
  graceMs: number
}

/**
 * Sends the run's package, or finds out what became of it. The intent is stored before sending. An error
 * means: certainly not taken (the intent is cleared), or unknown (it stands, and the next call looks).
 */
export const submit = async (options: SubmitOptions): Promise<Submitted> => {
  const { org, journal, run, userId, checkOnly, signal, graceMs } = options
  if (run.sfdc_deploy_id !== null) return { kind: 'sent', id: run.sfdc_deploy_id }
  if (run.intended_at !== null) {
    const seen = await findDeployRequests(org, {
      since: run.intended_at,
      userId: run.sfdc_user_id ?? userId,
      checkOnly,
    })
    // Salesforce tells whole seconds only: the deploy of a run that has just ended may be among them.
    const taken = await journal.deploysOfOthers(seen.map(({ id }) => id))
    const found = seen.filter(({ id }) => !taken.has(id))
    const [only] = found
    if (found.length > 1) return { kind: 'ambiguous', ids: found.map(({ id }) => id) }
    if (only !== undefined) return { kind: 'sent', id: only.id }
    const waited = (await journal.sinceSentMs()) ?? graceMs
    if (waited < graceMs) {
      return { kind: 'look_again', afterSeconds: Math.min(5, (graceMs - waited) / 1000) }
    }
  }
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
      // Refused while it is finalizing: then it simply ends.
      await cancelDeploy(org, id).catch((error: unknown) => {
        if (!(error instanceof EngineError)) throw error
      })
    },
  })
}
