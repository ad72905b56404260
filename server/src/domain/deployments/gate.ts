// The conflict report that a caller names with a deploy: whether it lets this plan through.

import { type Tenant } from '../../db/database.ts'
import { EngineError, notFound } from '../../errors.ts'
import { type SalesforceOrg } from '../../salesforce/gateway.ts'
import { type Plan } from '../plan/schema.ts'
import { diffDescribes } from '../topology/diff.ts'
import { type CompleteSnapshot } from '../topology/topology.ts'
import { readDescribes } from './images.ts'

export interface JudgedReport {
  clientId: string
  planHash: string
  status: 'running' | 'complete' | 'failed'
  severity: 'green' | 'yellow' | 'red' | null
  /** The snapshot that was judged. */
  snapshotVersion: number | null
}

/** Where reports come from; null: there is none of that id for this tenant. */
export interface ConflictReports {
  find(tenant: Tenant, reportId: string): Promise<JudgedReport | null>
}

export interface GateInput {
  clientId: string
  reportId: string
  planHash: string
  plan: Plan
  acceptYellow: boolean
}

const unfit = (code: string, message: string): EngineError =>
  new EngineError('invalid_plan', message, {
    errors: [{ path: 'conflict_report_id', code, message }],
  })

/**
 * Throws not_found, invalid_plan (a report of something else, or unfinished), conflicts_found, and
 * topology_drifted where a touched object is no longer what the report judged.
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
    throw unfit('report_of_another_client', 'The conflict report is of another client.')
  }
  if (report.planHash !== input.planHash) {
    throw unfit('report_of_another_plan', 'The conflict report was made for another plan.')
  }
  if (report.status !== 'complete' || report.severity === null) {
    throw unfit('report_not_complete', 'The conflict report is not complete. Wait for it.')
  }
  if (report.severity === 'red') {
    throw new EngineError('conflicts_found', 'The report found what will fail or destroy data.')
  }
  if (report.severity === 'yellow' && !input.acceptYellow) {
    throw new EngineError(
      'conflicts_found',
      'The report found what needs attention. Send accept: ["yellow"] if you mean it.',
    )
  }
  if (report.snapshotVersion === null) return
  const snapshot = await snapshotOf(report.snapshotVersion)
  const names = input.plan.objects.map(({ api_name }) => api_name)
  const judged = await snapshot.readObjects(names)
  const org = await openOrg()
  const now = await readDescribes(org, input.plan)
  const options = { acrossOrgs: false, acrossVersions: snapshot.apiVersion !== org.apiVersion }
  const lower = (map: ReadonlyMap<string, Record<string, unknown>>) =>
    new Map([...map].map(([name, describe]) => [name.toLowerCase(), describe]))
  const [before, after] = [lower(judged), lower(now)]
  const drifted = names.filter((name) => {
    const [was, is] = [before.get(name.toLowerCase()), after.get(name.toLowerCase())]
    if (was === undefined || is === undefined) return was !== is
    return diffDescribes(was, is, options) !== null
  })
  if (drifted.length > 0) {
    throw new EngineError(
      'topology_drifted',
      `Changed since the check: ${drifted.join(', ')}. Check again.`,
    )
  }
}
