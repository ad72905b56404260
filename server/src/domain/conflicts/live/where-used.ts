// Who mentions a custom field. Salesforce: Tooling API guide, MetadataComponentDependency (beta).

import { soql } from '../../../salesforce/escape.ts'
import { asText, isObject } from '../../../salesforce/json.ts'
import { developerName, sameName } from '../../metadata/names.ts'
import { type LiveFacts, type Usage } from '../facts.ts'
import { chunksOf, gather } from './gather.ts'
import { type Queries } from './queries.ts'

/** Fields in one query: few enough that their uses stay under the 2,000 rows that a query may return. */
const FIELDS_A_QUERY = 25

/** Ids come with 15 or 18 characters; the first 15 name the component. */
const idKey = (id: unknown): string => (asText(id) ?? '').slice(0, 15)

const split = (fullName: string): { object: string; field: string } => {
  const dot = fullName.indexOf('.')
  return { object: fullName.slice(0, dot), field: fullName.slice(dot + 1) }
}

export const createWhereUsed = ({ tooling }: Queries): LiveFacts['whereUsed'] => {
  /** Ids of custom fields by full name, in lower case; null if not known. */
  const idsOf = async (fullNames: readonly string[]): Promise<Map<string, string> | null> => {
    const parts = fullNames.map(split)
    const objects = [...new Set(parts.map(({ object }) => object))]
    const names = [...new Set(parts.map(({ field }) => developerName(field)))]
    const rows = await tooling(
      soql`SELECT Id, DeveloperName, EntityDefinition.QualifiedApiName FROM CustomField WHERE NamespacePrefix = null AND EntityDefinition.QualifiedApiName IN ${objects} AND DeveloperName IN ${names}`,
    )
    if (rows === null) return null
    return new Map(
      rows.records.map((row) => {
        const entity = isObject(row.EntityDefinition) ? row.EntityDefinition : {}
        const name = `${String(entity.QualifiedApiName)}.${String(row.DeveloperName)}__c`
        return [sameName(name), asText(row.Id) ?? '']
      }),
    )
  }

  const usagesOf = async (ids: readonly string[]): Promise<Map<string, Usage[]> | null> => {
    if (ids.length === 0) return new Map()
    const rows = await tooling(
      soql`SELECT MetadataComponentType, MetadataComponentName, RefMetadataComponentId FROM MetadataComponentDependency WHERE RefMetadataComponentId IN ${ids}`,
    )
    if (rows === null) return null
    const usages = new Map<string, Usage[]>()
    for (const row of rows.records) {
      const key = idKey(row.RefMetadataComponentId)
      const usage = {
        type: String(row.MetadataComponentType),
        name: String(row.MetadataComponentName),
      }
      const known = usages.get(key) ?? []
      // A flow is listed once per version.
      if (!known.some(({ type, name }) => type === usage.type && name === usage.name)) {
        usages.set(key, [...known, usage])
      }
    }
    return usages
  }

  const ask = gather(async (fullNames: readonly string[]) => {
    const answers = new Map<string, readonly Usage[] | null>()
    await Promise.all(
      chunksOf(fullNames, FIELDS_A_QUERY).map(async (chunk) => {
        const ids = await idsOf(chunk)
        const usages = ids === null ? null : await usagesOf([...new Set(ids.values())])
        for (const name of chunk) {
          answers.set(name, usages && (usages.get(idKey(ids?.get(sameName(name)))) ?? []))
        }
      }),
    )
    return answers
  })

  return async (type, fullName) => {
    // Salesforce names what is used by its id; standard fields have none.
    if (type !== 'CustomField' || !/__c$/i.test(fullName)) return null
    return ask(fullName)
  }
}
