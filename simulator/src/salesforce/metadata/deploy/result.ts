// DeployResult in both APIs. Salesforce: Metadata API guide, "DeployResult".

import { salesforceDateTime } from '../../../org/ids.ts'
import type { Org } from '../../../org/model.ts'
import type { MetadataNode } from '../../../org/metadata-xml.ts'
import type { DeployMessage } from './apply.ts'
import { countOf, deploysOf, isDone, type DeployJob } from './jobs.ts'

type Plain = string | number | boolean | Date | null

const userName = (org: Org, id: string): string => {
  const user = org.users.get(id)
  return user ? `${user.firstName} ${user.lastName}`.trim() : ''
}

function members(org: Org, job: DeployJob): Record<string, Plain> {
  const { options } = job
  const progress = deploysOf(org).progress(job)
  return {
    canceledBy: job.canceledById ?? null,
    canceledByName: job.canceledById ? userName(org, job.canceledById) : null,
    checkOnly: options.checkOnly,
    completedDate: job.completedDate ?? null,
    createdBy: job.createdById,
    createdByName: userName(org, job.createdById),
    createdDate: job.createdDate,
    done: isDone(job),
    errorMessage: job.errorMessage ?? null,
    errorStatusCode: job.errorStatusCode ?? null,
    id: job.id,
    ignoreWarnings: options.ignoreWarnings,
    lastModifiedDate: job.lastModifiedDate,
    numberComponentErrors: countOf(job, false),
    numberComponentsDeployed: progress?.deployed ?? 0,
    numberComponentsTotal: job.componentsTotal,
    numberFiles: job.fileCount,
    // There is no Apex to test here: no level runs tests.
    numberTestErrors: 0,
    numberTestsCompleted: 0,
    numberTestsTotal: 0,
    rollbackOnError: options.rollbackOnError,
    runTestsEnabled: options.testLevel !== null && options.testLevel !== 'NoTestRun',
    startDate: job.startDate ?? null,
    stateDetail: progress?.stateDetail ?? null,
    status: job.status,
    success: job.status === 'Succeeded' || job.status === 'SucceededPartial',
    zipSize: job.zipSize,
  }
}

const MESSAGE_MEMBERS = [
  'changed',
  'columnNumber',
  'componentType',
  'created',
  'createdDate',
  'deleted',
  'fileName',
  'fullName',
  'id',
  'lineNumber',
  'problem',
  'problemType',
  'success',
] as const satisfies (keyof DeployMessage)[]

const messageMembers = (message: DeployMessage): [string, Plain][] =>
  MESSAGE_MEMBERS.map((member) => [member, message[member] ?? null])

const NO_TESTS = { numFailures: 0, numTestsRun: 0, totalTime: 0 }

const parts = (job: DeployJob) => ({
  failures: job.messages.filter(({ success }) => !success),
  successes: job.messages.filter(({ success }) => success),
})

/** As JSON: unknown members are null. */
export function restResult(org: Org, job: DeployJob, includeDetails: boolean): object {
  const json = (entries: [string, Plain][]) =>
    Object.fromEntries(
      entries.map(([name, value]) => [
        name,
        value instanceof Date ? salesforceDateTime(value) : value,
      ]),
    )
  const { failures, successes } = parts(job)
  const details = {
    allComponentMessages: [],
    componentFailures: failures.map((message) => json(messageMembers(message))),
    componentSuccesses: successes.map((message) => json(messageMembers(message))),
    retrieveResult: null,
    runTestResult: {
      ...NO_TESTS,
      codeCoverage: [],
      codeCoverageWarnings: [],
      failures: [],
      flowCoverage: [],
      flowCoverageWarnings: [],
      successes: [],
    },
  }
  return { ...json(Object.entries(members(org, job))), details: includeDetails ? details : null }
}

/** As XML: unknown members are left out. */
export function soapResult(org: Org, job: DeployJob, includeDetails: boolean): MetadataNode {
  const xml = (entries: [string, Plain][]): MetadataNode =>
    Object.fromEntries(
      entries
        // A manifest's componentType is present but empty.
        .map(([name, value]) => [name, value instanceof Date ? value.toISOString() : value])
        .filter(([, value]) => value !== null),
    ) as MetadataNode
  const { failures, successes } = parts(job)
  const details: MetadataNode = {
    componentFailures: failures.map((message) => xml(messageMembers(message))),
    componentSuccesses: successes.map((message) => xml(messageMembers(message))),
    runTestResult: NO_TESTS,
  }
  const { checkOnly, ...rest } = xml(Object.entries(members(org, job)))
  return { checkOnly, ...(includeDetails ? { details } : {}), ...rest }
}
