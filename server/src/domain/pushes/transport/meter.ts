import { type SalesforceOrg } from '../../../salesforce/gateway.ts'

/** Returns the calls that were made since it was last called. */
export const meterCalls = (
  org: Pick<SalesforceOrg, 'calls'>,
  onCalls: (calls: number) => void,
): { tell: () => void } => {
  let told = org.calls
  return {
    tell: () => {
      const fresh = org.calls - told
      told = org.calls
      if (fresh > 0) onCalls(fresh)
    },
  }
}
