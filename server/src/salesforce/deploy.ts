// File deploys over REST: sent once, watched until they end, cancelled, and found again if the response
// to the deploy request was lost.

import { randomBytes } from 'node:crypto'
import { EngineError } from '../errors.ts'
import { type DeployPackage } from './deploy-package.ts'
import { type DeployResult, isFinalStatus, readDeployResult } from './deploy-result.ts'
import { soql, urlPath } from './escape.ts'
import { malformed, SalesforceError } from './failure.ts'
import { type SalesforceOrg } from './gateway.ts'
import { asText, isObject } from './json.ts'
import { pollUntilDone, type PollOptions } from './polling.ts'
import { query } from './rest.ts'

const DEPLOYS = '/metadata/deployRequest'
/** A package of 39 MB over a slow line; Salesforce answers only when it has all of it. */
const SEND_TIMEOUT_MS = 30 * 60_000

export interface DeployOptions {
  /** Validate in the Salesforce org and change nothing. */
  checkOnly?: boolean
  /** Absent: Salesforce decides by the kind of org and package. */
  testLevel?: 'NoTestRun' | 'RunSpecifiedTests' | 'RunLocalTests' | 'RunAllTestsInOrg'
  /** Class names, for RunSpecifiedTests. */
  runTests?: readonly string[]
  ignoreWarnings?: boolean
  /** Salesforce: refused in production with INVALID_OPERATION. */
  purgeOnDelete?: boolean
}

const deployOptions = (options: DeployOptions) => ({
  allowMissingFiles: false,
  autoUpdatePackage: false,
  checkOnly: options.checkOnly ?? false,
  ignoreWarnings: options.ignoreWarnings ?? false,
  performRetrieve: false,
  purgeOnDelete: options.purgeOnDelete ?? false,
  // Always all or nothing: Salesforce requires it in production and our rollback relies on it.
  rollbackOnError: true,
  singlePackage: true,
  ...(options.testLevel === undefined ? {} : { testLevel: options.testLevel }),
  ...(options.runTests === undefined ? {} : { runTests: options.runTests }),
})

/**
 * Head, zip and tail separately, so that the zip is never copied; `pieces` is iterated once per attempt.
 */
const multipart = (zip: Uint8Array, options: DeployOptions) => {
  const boundary = `deploy-${randomBytes(18).toString('hex')}`
  const pieces = [
    Buffer.from(
      `--${boundary}\r\nContent-Disposition: form-data; name="json"\r\n` +
        'Content-Type: application/json\r\n\r\n' +
        `${JSON.stringify({ deployOptions: deployOptions(options) })}\r\n` +
        `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="deploy.zip"\r\n` +
        'Content-Type: application/zip\r\n\r\n',
    ),
    zip,
    Buffer.from(`\r\n--${boundary}--\r\n`),
  ]
  return {
    type: `multipart/form-data; boundary=${boundary}`,
    length: pieces.reduce((sum, { byteLength }) => sum + byteLength, 0),
    pieces,
  }
}

async function* walk(pieces: readonly Uint8Array[]): AsyncGenerator<Uint8Array, void, undefined> {
  yield* pieces
}

/**
 * Sends a package and returns the id of its deploy; store it before waiting. Repeated only if Salesforce
 * certainly did not accept it. An error for which `isUnknownFate` holds means that the deploy may be
 * running: look with `findDeployRequests` before sending again. The same is true for an abort.
 */
export const startDeploy = async (
  org: SalesforceOrg,
  { zip }: DeployPackage,
  options: DeployOptions = {},
): Promise<string> => {
  if ((options.testLevel === 'RunSpecifiedTests') !== (options.runTests !== undefined)) {
    throw new TypeError('runTests and the test level RunSpecifiedTests belong together')
  }
  const { type, length, pieces } = multipart(zip, options)
  const { status, body } = await org.request({
    method: 'POST',
    path: DEPLOYS,
    kind: 'metadata',
    effect: 'create',
    headers: { 'content-length': String(length) },
    body: { type, content: () => walk(pieces) },
    timeouts: { callMs: SEND_TIMEOUT_MS },
  })
  const id = isObject(body) ? asText(body.id) : null
  if (id === null || id === '') {
    throw new SalesforceError(malformed('The deploy was accepted without an id.', status))
  }
  return id
}

export interface GetDeployOptions {
  /** Components and tests too; a large answer. */
  details?: boolean
  /** Attempts in total; default as for any read. */
  attemptsMax?: number
  signal?: AbortSignal
}

/** The state of a deploy. Never stopped by the budget: Salesforce has accepted the work. */
export const getDeploy = async (
  org: SalesforceOrg,
  id: string,
  { details = false, attemptsMax, signal }: GetDeployOptions = {},
): Promise<DeployResult> => {
  const { body } = await org.request({
    path: urlPath`/metadata/deployRequest/${id}`,
    query: { includeDetails: details },
    kind: 'metadata',
    priority: 'protected',
    ...(attemptsMax === undefined ? {} : { attemptsMax }),
    ...(signal === undefined ? {} : { signal }),
  })
  return readDeployResult(body, org.apiVersion)
}

/**
 * Waits for the end of a deploy, however long Salesforce queues and works, and returns it with its
 * details. A failed deploy is an answer, not an error; errors are those of `pollUntilDone`, and leave
 * the deploy running. `onProgress` gets each poll without details.
 */
export const awaitDeploy = async (
  org: SalesforceOrg,
  id: string,
  options: PollOptions<DeployResult> = {},
): Promise<DeployResult> => {
  const { signal, errorsMax } = options
  const at = signal === undefined ? {} : { signal }
  // The loop itself retries; attempts within a poll would only lengthen its waits.
  await pollUntilDone(org, () => getDeploy(org, id, { ...at, attemptsMax: 1 }), options)
  // Details once, at the end, and with the same retries: they are the purpose of watching the deploy.
  return pollUntilDone(org, () => getDeploy(org, id, { ...at, details: true, attemptsMax: 1 }), {
    ...at,
    ...(errorsMax === undefined ? {} : { errorsMax }),
  })
}

/**
 * Asks Salesforce to cancel and returns the state of the deploy then: usually `Canceling`, so await its
 * end. One that has already ended is returned as it ended. Throws SalesforceError if Salesforce refuses
 * and the deploy continues (from version 65.0 while it is finalizing).
 */
export const cancelDeploy = async (org: SalesforceOrg, id: string): Promise<DeployResult> => {
  try {
    const { body } = await org.request({
      method: 'PATCH',
      path: urlPath`/metadata/deployRequest/${id}`,
      json: { deployResult: { status: 'Canceling' } },
      kind: 'metadata',
      priority: 'protected',
    })
    return readDeployResult(body, org.apiVersion)
  } catch (error) {
    if (!(error instanceof SalesforceError)) throw error
    // Refused, or the answer was lost: only the deploy itself shows whether it is being cancelled.
    const seen = await getDeploy(org, id).catch((lookError: unknown) => {
      if (lookError instanceof EngineError) return null
      throw lookError
    })
    if (seen === null || !(seen.done || seen.status === 'Canceling')) throw error
    return seen
  }
}

export interface DeployRequest {
  id: string
  status: string
  done: boolean
  checkOnly: boolean
  /** When Salesforce accepted the request; ISO 8601. */
  createdDate: string | null
  /** Null while it is queued. */
  startDate: string | null
  completedDate: string | null
}

export interface DeployRequestFilter {
  /** By Salesforce's clock (see `getSalesforceTime`), read before the package was sent. */
  since: Date
  /** The user who sent it, 18 characters. */
  userId: string
  checkOnly: boolean
}

/**
 * The Metadata API deploys of this user since then, oldest first: the one whose response was lost is
 * among them, and so is what the user deploys by other means. Finding none proves little at first: a
 * request whose answer we no longer await may still be on its way. Never stopped by the budget.
 */
export const findDeployRequests = async (
  org: SalesforceOrg,
  { since, userId, checkOnly }: DeployRequestFilter,
): Promise<DeployRequest[]> => {
  // Salesforce: dates of records are whole seconds, so one created right after `since` may be dated
  // before it.
  const from = new Date(Math.floor(since.getTime() / 1000) * 1000)
  // CreatedDate, because StartDate is empty for as long as a deploy is queued.
  const text = soql`SELECT Id, Type, Status, CheckOnly, CreatedDate, StartDate, CompletedDate FROM DeployRequest WHERE CreatedById = ${userId} AND CheckOnly = ${checkOnly} AND CreatedDate >= ${from} ORDER BY CreatedDate`
  const found: DeployRequest[] = []
  for await (const record of query(org, text, { tooling: true, priority: 'protected' })) {
    const id = asText(record.Id)
    // Salesforce: Tooling API, DeployRequest: Type is Api or Changeset.
    if (id === null || asText(record.Type)?.toLowerCase() === 'changeset') continue
    const status = asText(record.Status) ?? ''
    found.push({
      id,
      status,
      done: isFinalStatus(status),
      checkOnly: record.CheckOnly === true,
      createdDate: asText(record.CreatedDate),
      startDate: asText(record.StartDate),
      completedDate: asText(record.CompletedDate),
    })
  }
  return found
}

/** Salesforce's clock, to the second and never ahead of it; our own may differ. */
export const getSalesforceTime = async (org: SalesforceOrg): Promise<Date> => {
  const { headers } = await org.request({ path: '/services/data/', priority: 'protected' })
  const time = new Date(headers.date ?? '')
  if (Number.isNaN(time.getTime())) {
    throw new SalesforceError(malformed('The answer does not contain a time.'))
  }
  return time
}
