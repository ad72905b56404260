// Salesforce's own time. Dates of records follow its clock, so the time of a sending must follow it too;
// asking before every call would double the calls.

import { getSalesforceTime } from '../../../salesforce/deploy.ts'
import { type SalesforceOrg } from '../../../salesforce/gateway.ts'

export interface SalesforceClock {
  /**
   * A whole second that Salesforce's clock has certainly reached and not passed by more than two. Costs
   * one call per hour for each Salesforce org.
   */
  now(org: SalesforceOrg): Promise<Date>
}

/** How long the two clocks are assumed to agree; they drift by milliseconds per hour. */
const GOOD_FOR_MS = 3_600_000
const ORGS_MAX = 1_000

/** Never set back or forward, unlike the time of day. */
const steadyMs = (): number => performance.timeOrigin + performance.now()

export const createClock = (): SalesforceClock => {
  const offsets = new Map<string, { ms: number; measuredAt: number }>()

  const measure = async (org: SalesforceOrg): Promise<number> => {
    const time = await getSalesforceTime(org)
    // The answer was written before it came: the difference errs towards the past.
    const measuredAt = steadyMs()
    const ms = time.getTime() - measuredAt
    offsets.delete(org.sfdcOrgId)
    offsets.set(org.sfdcOrgId, { ms, measuredAt })
    const [oldest] = offsets.keys()
    if (offsets.size > ORGS_MAX && oldest !== undefined) offsets.delete(oldest)
    return ms
  }

  return {
    now: async (org) => {
      const known = offsets.get(org.sfdcOrgId)
      const isGood = known !== undefined && steadyMs() - known.measuredAt < GOOD_FOR_MS
      const ms = isGood ? known.ms : await measure(org)
      return new Date(Math.floor((steadyMs() + ms) / 1000) * 1000)
    },
  }
}
