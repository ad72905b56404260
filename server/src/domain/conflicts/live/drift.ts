// Whether an object is still what the snapshot says: described again, 25 per call.

import { asDescribeOf, describedBy } from '../../../salesforce/activities.ts'
import { describeMany, type DescribeResult } from '../../../salesforce/describes.ts'
import { SalesforceError } from '../../../salesforce/failure.ts'
import { type SalesforceOrg } from '../../../salesforce/gateway.ts'
import { sameName } from '../../metadata/names.ts'
import { diffDescribes } from '../../topology/diff.ts'
import { type LiveFacts } from '../facts.ts'
import { gather } from './gather.ts'
import { isUntold } from './queries.ts'
import { type JudgedSnapshot } from './judged-snapshot.ts'

export const createDrift = (
  org: SalesforceOrg,
  { describeOf, apiVersion }: JudgedSnapshot,
): LiveFacts['changedSinceSnapshot'] => {
  const options = { acrossOrgs: false, acrossVersions: apiVersion !== org.apiVersion }

  const changed = (
    result: DescribeResult | undefined,
    name: string,
  ): boolean | 'not_visible' | null => {
    const before = describeOf(name)
    if (result === undefined || result.result === 'not_modified') return null
    if (result.result === 'ok') {
      const now = asDescribeOf(name, result.body)
      return before === null || diffDescribes(before, now, options) !== null
    }
    // Salesforce: deleted, or now hidden from the connected user; a describe does not say which.
    if (result.failure.kind === 'not_found') return before !== null && 'not_visible'
    if (isUntold(result.failure)) return null
    throw new SalesforceError(result.failure)
  }

  return gather(async (names: readonly string[]) => {
    const results = new Map<string, DescribeResult>()
    for await (const described of describeMany(org, new Set(names.map(describedBy)))) {
      results.set(sameName(described.name), described)
    }
    return new Map(
      names.map((name) => [name, changed(results.get(sameName(describedBy(name))), name)]),
    )
  })
}
