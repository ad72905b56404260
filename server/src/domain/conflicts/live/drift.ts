// Objects as they are now, and whether they are still what the snapshot says: described again, 25 per call.

import { asDescribeOf, describedBy } from '../../../salesforce/activities.ts'
import { describeMany, type DescribeResult } from '../../../salesforce/describes.ts'
import { SalesforceError } from '../../../salesforce/failure.ts'
import { type SalesforceOrg } from '../../../salesforce/gateway.ts'
import { listObjects } from '../../../salesforce/xml.ts'
import { sameName } from '../../metadata/names.ts'
import { diffDescribes } from '../../topology/diff.ts'
import { type LiveFacts } from '../facts.ts'
import { gather } from './gather.ts'
import { isUntold } from './queries.ts'
import { type JudgedSnapshot } from './judged-snapshot.ts'

export const createDrift = (
  org: SalesforceOrg,
  { describeOf, apiVersion }: JudgedSnapshot,
): Pick<LiveFacts, 'changedSinceSnapshot' | 'visibleFields'> => {
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

  const described = gather(async (names: readonly string[]) => {
    const results = new Map<string, DescribeResult>()
    for await (const one of describeMany(org, new Set(names.map(describedBy)))) {
      results.set(sameName(one.name), one)
    }
    return new Map(names.map((name) => [name, results.get(sameName(describedBy(name)))]))
  })

  return {
    changedSinceSnapshot: async (name) => changed(await described(name), name),
    visibleFields: async (name) => {
      const now = await described(name)
      if (now?.result !== 'ok') return null
      return listObjects(asDescribeOf(name, now.body).fields).map((field) => String(field.name))
    },
  }
}
