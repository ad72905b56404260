// What Salesforce says about a deploy, in one shape. Its own shapes differ by API, version and moment:
// one element or an array, booleans and numbers as texts, `details: ""`, members that are missing.

import { clip } from '../text.ts'
import { componentName } from './component-name.ts'
import { classifyError, type Failure, malformed, SalesforceError } from './failure.ts'
import { asText, isObject, type JsonObject } from './json.ts'
import { bareVersion } from './metadata.ts'
import { leaf, listObjects } from './xml.ts'

export type DeployStatus =
  | 'Pending'
  | 'InProgress'
  | 'Finalizing'
  | 'FinalizingFailed'
  | 'Succeeded'
  | 'SucceededPartial'
  | 'Failed'
  | 'Canceling'
  | 'Canceled'

/** How much of the package is in the Salesforce org; `unknown` also while the deploy runs. */
export type Applied = 'all' | 'some' | 'nothing' | 'unknown'

export interface ComponentResult {
  /** Metadata type; '' for a manifest. */
  type: string
  fullName: string
  fileName: string | null
  /** Salesforce's id of the component, if it returns one. */
  id: string | null
  outcome: 'created' | 'changed' | 'unchanged' | 'deleted' | 'failed'
  /** Salesforce's words; a component that succeeded may carry a warning. */
  problem: string | null
  problemType: 'Error' | 'Warning' | null
  line: number | null
  column: number | null
  /** Failed for a temporary cause, such as another setup change that was running. */
  passing: boolean
}

export interface DeployTestResult {
  run: number
  failed: number
  failures: { className: string; methodName: string; message: string; stackTrace: string | null }[]
  coverageWarnings: { name: string | null; message: string }[]
}

export interface DeployDetails {
  /**
   * Without the manifests, which every deploy also reports as components, unless they have a problem.
   */
  components: ComponentResult[]
  tests: DeployTestResult | null
}

export interface DeployResult {
  id: string
  status: DeployStatus
  /** Nothing more will happen. */
  done: boolean
  success: boolean
  applied: Applied
  /**
   * The deploy as a whole or one of its components failed for a temporary cause (usually the setup lock
   * ALREADY_IN_PROCESS), and nothing was applied: sending it again may succeed. One is enough, since
   * whatever refers to a component that was locked out fails with it, in other words.
   */
  passing: boolean
  checkOnly: boolean
  /** Why the deploy as a whole failed; null if only components did. */
  failure: Failure | null
  /** What Salesforce is doing, in its words. */
  stateDetail: string | null
  components: { total: number; deployed: number; errors: number }
  tests: { total: number; completed: number; errors: number }
  /** ISO 8601, as Salesforce wrote them. */
  createdDate: string | null
  startDate: string | null
  completedDate: string | null
  createdById: string | null
  createdByName: string | null
  canceledById: string | null
  canceledByName: string | null
  /** Null if they were not requested, or Salesforce left them empty. */
  details: DeployDetails | null
}

const FINAL: ReadonlySet<DeployStatus> = new Set<DeployStatus>([
  'Succeeded',
  'SucceededPartial',
  'Failed',
  'FinalizingFailed',
  'Canceled',
])
const RUNNING: ReadonlySet<string> = new Set<DeployStatus>([
  'Pending',
  'InProgress',
  'Finalizing',
  'Canceling',
])

const isStatus = (text: string): text is DeployStatus =>
  RUNNING.has(text) || (FINAL as ReadonlySet<string>).has(text)

const flag = (value: unknown): boolean | null =>
  value === true || value === 'true' ? true : value === false || value === 'false' ? false : null

const count = (value: unknown): number | null => {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  return typeof number === 'number' && Number.isFinite(number) ? number : null
}

/** For an unknown or missing status, `done` and `success` still show what it means. */
const readStatus = (
  value: unknown,
  done: boolean | null,
  success: boolean | null,
): DeployStatus => {
  // Salesforce: the Apex enum Metadata.DeployStatus spells FinalizingDeploy and FinalizingDeployFailed.
  const text = (asText(value) ?? '').replace(/\s/g, '').replace('FinalizingDeploy', 'Finalizing')
  if (isStatus(text)) return text
  if (done === true) return success === true ? 'Succeeded' : 'Failed'
  return 'InProgress'
}

/** Whether a deploy with this status has ended. An unknown one has not. */
export const isFinalStatus = (status: string): boolean => FINAL.has(readStatus(status, null, null))

/** The other side decides how much it says; what we store and return is bounded. In UTF-16 units. */
const WORDS_MAX = 4_000

const words = (value: unknown): string | null => {
  const text = leaf(value)
  return text === null ? null : clip(text, WORDS_MAX)
}

const readComponent = (item: JsonObject, listedAsSuccess: boolean): ComponentResult => {
  const failed = !(flag(item.success) ?? listedAsSuccess)
  const problem = words(item.problem)
  const { problemType } = item
  return {
    type: leaf(item.componentType) ?? '',
    fullName: componentName(leaf(item.componentType) ?? '', words(item.fullName) ?? ''),
    fileName: words(item.fileName),
    id: leaf(item.id),
    outcome: failed
      ? 'failed'
      : flag(item.deleted) === true
        ? 'deleted'
        : flag(item.created) === true
          ? 'created'
          : flag(item.changed) === true
            ? 'changed'
            : 'unchanged',
    problem,
    problemType: problemType === 'Error' || problemType === 'Warning' ? problemType : null,
    line: count(item.lineNumber),
    column: count(item.columnNumber),
    passing: failed && problem !== null && classifyError({ message: problem }).passing,
  }
}

const readTests = (value: unknown): DeployTestResult | null => {
  if (!isObject(value)) return null
  return {
    run: count(value.numTestsRun) ?? count(value.numRun) ?? 0,
    failed: count(value.numFailures) ?? 0,
    failures: listObjects(value.failures).map((failure) => ({
      className: leaf(failure.name) ?? '',
      methodName: leaf(failure.methodName) ?? '',
      message: words(failure.message) ?? '',
      stackTrace: words(failure.stackTrace),
    })),
    coverageWarnings: [
      ...listObjects(value.codeCoverageWarnings),
      ...listObjects(value.flowCoverageWarnings),
    ].map((warning) => ({
      name: leaf(warning.name) ?? leaf(warning.flowName),
      message: words(warning.message) ?? '',
    })),
  }
}

const readDetails = (value: unknown): DeployDetails | null => {
  if (!isObject(value)) return null
  return {
    components: [
      ...listObjects(value.componentSuccesses).map((item) => readComponent(item, true)),
      ...listObjects(value.componentFailures).map((item) => readComponent(item, false)),
    ].filter(
      ({ type, outcome, problem }) => type !== '' || outcome === 'failed' || problem !== null,
    ),
    // Salesforce: the REST pages of the guide also write `runTestResults`.
    tests: readTests(value.runTestResult ?? value.runTestResults),
  }
}

const howMuch = (
  status: DeployStatus,
  {
    checkOnly,
    rollbackOnError,
    version,
  }: {
    checkOnly: boolean
    rollbackOnError: boolean
    version: number
  },
): Applied => {
  if (!FINAL.has(status)) return 'unknown'
  if (checkOnly) return 'nothing'
  if (status === 'Succeeded') return 'all'
  if (status === 'SucceededPartial') return 'some'
  if (status === 'Failed') return rollbackOnError ? 'nothing' : 'unknown'
  // Salesforce: Metadata API guide, cancelDeploy: before version 65.0 a cancelled deploy may still have
  // been committed.
  if (status === 'Canceled') return version >= 65 ? 'nothing' : 'unknown'
  return 'unknown'
}

/**
 * One shape for results of either API. `apiVersion` (`v66.0`) is the one of the request. Throws
 * SalesforceError `malformed` for anything that is not a deploy result.
 */
export const readDeployResult = (body: unknown, apiVersion: string): DeployResult => {
  const outer = isObject(body) ? body : {}
  const result = isObject(outer.deployResult) ? outer.deployResult : outer
  const id = leaf(result.id) ?? leaf(outer.id)
  if (id === null || (result.status === undefined && result.done === undefined)) {
    throw new SalesforceError(malformed('The answer is not a deploy result.'))
  }
  const status = readStatus(result.status, flag(result.done), flag(result.success))
  // A status can be final a moment before `done` says so, and then details may still be missing.
  const done = flag(result.done) ?? FINAL.has(status)
  const success = done && (flag(result.success) ?? status === 'Succeeded')
  const checkOnly = flag(result.checkOnly) ?? false
  const details = readDetails(result.details)
  const errorStatusCode = leaf(result.errorStatusCode)
  const errorMessage = leaf(result.errorMessage)
  const failure =
    success || (errorStatusCode === null && errorMessage === null)
      ? null
      : classifyError({ errorStatusCode, errorMessage })
  const applied = done
    ? howMuch(status, {
        checkOnly,
        // Every deploy of ours is sent with it, so a missing member cannot mean the opposite.
        rollbackOnError: flag(result.rollbackOnError) ?? true,
        version: Number(bareVersion(apiVersion)),
      })
    : 'unknown'
  const failed = details?.components.filter(({ outcome }) => outcome === 'failed') ?? []
  return {
    id,
    status,
    done,
    success,
    applied,
    passing:
      done &&
      !success &&
      applied === 'nothing' &&
      (failure?.passing ?? failed.some(({ passing }) => passing)),
    checkOnly,
    failure,
    stateDetail: words(result.stateDetail),
    components: {
      total: count(result.numberComponentsTotal) ?? 0,
      deployed: count(result.numberComponentsDeployed) ?? 0,
      errors: count(result.numberComponentErrors) ?? 0,
    },
    tests: {
      total: count(result.numberTestsTotal) ?? 0,
      completed: count(result.numberTestsCompleted) ?? 0,
      errors: count(result.numberTestErrors) ?? 0,
    },
    createdDate: leaf(result.createdDate),
    startDate: leaf(result.startDate),
    completedDate: leaf(result.completedDate),
    createdById: leaf(result.createdBy),
    createdByName: leaf(result.createdByName),
    canceledById: leaf(result.canceledBy),
    canceledByName: leaf(result.canceledByName),
    details,
  }
}
