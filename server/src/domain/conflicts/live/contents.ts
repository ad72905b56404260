// Contents of components that no describe and no query shows: read by name, many names per call.

import { componentName } from '../../../salesforce/component-name.ts'
import { type SalesforceOrg } from '../../../salesforce/gateway.ts'
import { type JsonObject } from '../../../salesforce/json.ts'
import { readMetadata } from '../../../salesforce/metadata.ts'
import { leaf } from '../../../salesforce/xml.ts'
import { type LiveFacts } from '../facts.ts'
import { gather } from './gather.ts'
import { plainName } from './look-ups.ts'
import { orUntold } from './queries.ts'

export const createContents = (org: SalesforceOrg): LiveFacts['contentOf'] => {
  const contentsOf = (type: string) =>
    gather(async (names: readonly string[]) => {
      const nameOf = (fullName: string): string => plainName(componentName(type, fullName))
      const records = (await orUntold(() => readMetadata(org, type, names))) ?? []
      const found = new Map(
        records.map(({ fullName, ...content }): [string, JsonObject] => [
          nameOf(leaf(fullName) ?? ''),
          content,
        ]),
      )
      return new Map(names.map((name) => [name, found.get(nameOf(name)) ?? null]))
    })
  const byType = new Map<string, ReturnType<typeof contentsOf>>()
  return (type, fullName) => {
    const read = byType.get(type) ?? contentsOf(type)
    byType.set(type, read)
    return read(fullName)
  }
}
