// The conflict report that a caller names with a deploy: whether it lets this plan through.

import { type Tenant } from '../../db/database.ts'
import { EngineError, type MemberError, notFound } from '../../errors.ts'
import { type SalesforceOrg } from '../../salesforce/gateway.ts'
import { diffDescribes } from '../topology/diff.ts'
import { type CompleteSnapshot } from '../topology/topology.ts'
import { createContents } from '../conflicts/live/contents.ts'
import { comparedIn, readStanding } from '../conflicts/standing.ts'
import { keyOf } from '../metadata/names.ts'
import { type Plan } from '../plan/schema.ts'
import { fingerprintKey, type Fingerprints, readFingerprints } from '../workflows/fingerprints.ts'
import { type WorkflowName } from '../workflows/state.ts'
import { type PlannedWorkflow } from '../workflows/workflow.ts'
import { readDescribes } from './plan/images.ts'

export interface JudgedFinding {
  severity: 'green' | 'yellow' | 'red'
  code: string
  message: string
  path: string
}

export interface JudgedReport {
  clientId: string
  planHash: string
  /** What was checked, as it was parsed: a plan, or workflows. */
  checked: { plan: Plan } | { workflows: PlannedWorkflow[] }
  status: 'running' | 'complete' | 'failed'
  severity: 'green' | 'yellow' | 'red' | null
  /** The Salesforce org that was checked, and its snapshot. */
  sfdcOrgId: string | null
  snapshotVersion: number | null
  /** The state of the components or automations that it checked; null if it was not stored. */
  judged: Fingerprints | null
  /** What it found. */
  findings: readonly JudgedFinding[]
}

/** Where reports come from; null: this tenant has no report with that id. */
export interface ConflictReports {
  find(tenant: Tenant, reportId: string): Promise<JudgedReport | null>
}

/** What a deploy touches beside objects and fields. */
export interface Touched {
  /** Names by the keys of their fingerprints. */
  names: ReadonlyMap<string, string>
  /** How they stand now. */
  read: (org: SalesforceOrg) => Promise<Fingerprints>
}

/** The components of a plan whose content counts. */
export const componentsTouched = (plan: Plan): Touched => {
  const components = comparedIn(plan)
  return {
    names: new Map(components.map((one) => [keyOf(one), one.fullName])),
    read: (org) => readStanding(components, { contentOf: createContents(org) }),
  }
}

export const automationsTouched = (workflows: readonly WorkflowName[]): Touched => ({
  names: new Map(workflows.map((one) => [fingerprintKey(one), one.api_name])),
  read: (org) => readFingerprints(org, workflows),
})

export interface GateInput {
  clientId: string
  reportId: string
  planHash: string
  /** The connected user whose describes the report is based on. */
  objects: readonly string[]
  touched: Touched
  /** Where they are to be deployed. */
  sfdcOrgId: string | null
  acceptYellow: boolean
}

const unfit = (code: string, message: string): EngineError =>
  new EngineError('invalid_plan', message, {
    errors: [{ path: 'conflict_report_id', code, message }],
  })

export const reportOfAnotherPlan = (): EngineError =>
  unfit('report_of_another_plan', 'The conflict report was made for a different plan.')

const ERRORS_MAX = 100

/** The findings of one severity, by the path in the body of the deploy. */
const errorsOf = (report: JudgedReport, severity: JudgedFinding['severity']): MemberError[] =>
  report.findings
    .filter((finding) => finding.severity === severity)
    .slice(0, ERRORS_MAX)
    .map(({ path, code, message }) => ({
      path: path.startsWith('workflows') ? path : ['plan', path].filter(Boolean).join('.'),
      code,
      message,
    }))

/**
 * Throws not_found, invalid_plan (a report of something else, or unfinished), conflicts_found, and
 * topology_drifted if something that is touched has changed since the report.
 */
export const checkReport = async (
  tenant: Tenant,
  input: GateInput,
  reports: ConflictReports,
  snapshotOf: (version: number) => Promise<CompleteSnapshot>,
  openOrg: () => Promise<SalesforceOrg>,
): Promise<void> => {
  const report = await reports.find(tenant, input.reportId)
  if (report === null) throw notFound('conflict report')
  if (report.clientId !== input.clientId) {
    throw unfit('report_of_another_client', 'The conflict report belongs to a different client.')
  }
  if (report.planHash !== input.planHash) {
    throw reportOfAnotherPlan()
  }
  if (report.status !== 'complete' || report.severity === null) {
    throw unfit(
      'report_not_complete',
      report.status === 'failed'
        ? 'The conflict check failed. Check again.'
        : 'The conflict report is not complete. Wait until it is.',
    )
  }
  if (report.severity === 'red') {
    throw new EngineError(
      'conflicts_found',
      'The report has red findings: the deploy would fail or destroy data.',
      {
        errors: errorsOf(report, 'red'),
      },
    )
  }
  if (report.severity === 'yellow' && !input.acceptYellow) {
    throw new EngineError(
      'conflicts_found',
      'The report has yellow findings. Send accept: ["yellow"] to deploy anyway.',
      { errors: errorsOf(report, 'yellow') },
    )
  }
  if (report.sfdcOrgId !== input.sfdcOrgId) {
    throw new EngineError(
      'topology_drifted',
      'The report is about a different Salesforce org than the client is connected to now. Check again with refresh: true.',
    )
  }
  if (report.snapshotVersion === null) return
  const snapshot = await snapshotOf(report.snapshotVersion)
  const names = [...input.objects]
  const seen = await snapshot.readObjects(names)
  const org = await openOrg()
  const now = await readDescribes(org, names)
  const options = { acrossOrgs: false, acrossVersions: snapshot.apiVersion !== org.apiVersion }
  const lower = (map: ReadonlyMap<string, Record<string, unknown>>) =>
    new Map([...map].map(([name, describe]) => [name.toLowerCase(), describe]))
  const [before, after] = [lower(seen), lower(now)]
  const unseen = names.filter(
    (name) => before.has(name.toLowerCase()) && !after.has(name.toLowerCase()),
  )
  const drifted = names.filter((name) => {
    const [was, is] = [before.get(name.toLowerCase()), after.get(name.toLowerCase())]
    if (was === undefined || is === undefined) return was === undefined && is !== undefined
    return diffDescribes(was, is, options) !== null
  })
  const { judged } = report
  if (judged !== null) {
    const standing = await input.touched.read(org)
    for (const [key, name] of input.touched.names) {
      if (standing[key] !== judged[key]) drifted.push(name)
    }
  }
  if (drifted.length + unseen.length > 0) {
    const parts = [
      drifted.length === 0 ? '' : `Changed since the check: ${drifted.join(', ')}.`,
      // Salesforce: for a user who may not see an object, it does not exist.
      unseen.length === 0
        ? ''
        : `The connected user no longer sees ${unseen.join(', ')}: deleted since, or the user lost access.`,
      'Check again with refresh: true.',
    ]
    throw new EngineError('topology_drifted', parts.filter((part) => part !== '').join(' '))
  }
}
