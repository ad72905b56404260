// What uses a component that Salesforce does not delete while it is used.

import { soql, soqlName } from '../../../salesforce/escape.ts'
import { SalesforceError } from '../../../salesforce/failure.ts'
import { type SalesforceOrg } from '../../../salesforce/gateway.ts'
import { asText, isObject, type JsonObject } from '../../../salesforce/json.ts'
import { readMetadata } from '../../../salesforce/metadata.ts'
import { query } from '../../../salesforce/rest.ts'
import { toolingQuery } from '../../../salesforce/tooling.ts'
import { kindOf } from '../../metadata/kinds.ts'
import { type FileKind } from '../../metadata/kinds/kind.ts'
import { type Component, keyOf } from '../../metadata/names.ts'
import { partsIn } from '../../metadata/parts.ts'
import { type Reading } from './images.ts'

/** By the key of what is used. */
export type Users = ReadonlyMap<string, readonly Component[]>

const fileKindOf = ({ type }: Component): FileKind | null => {
  const kind = kindOf(type)
  return kind !== null && 'folder' in kind ? kind : null
}

/**
 * Who uses the components, for kinds that are kept while in use. `properties` give their ids. What
 * Salesforce does not return is missing: then it refuses the deletion itself.
 */
export const readUsers = async (
  org: SalesforceOrg,
  components: readonly Component[],
  { files, properties }: Pick<Reading, 'files' | 'properties'>,
): Promise<Users> => {
  const ids = new Map(properties.map((one) => [keyOf(one), one.id]))
  const parts = partsIn(files)
  const users = new Map<string, Component[]>()
  for (const component of components) {
    const [kind, id] = [fileKindOf(component), ids.get(keyOf(component)) ?? null]
    const content = parts.part(component)
    const found = [
      ...(kind?.isKeptWhileUsed === true && id !== null ? await usersOf(org, id) : []),
      ...(kind?.partOf !== undefined && id !== null ? await holdersOf(org, kind.partOf, id) : []),
      ...(kind?.namedIn !== undefined && content !== null
        ? await namersOf(org, kind.namedIn, component, content)
        : []),
    ]
    if (found.length > 0) users.set(keyOf(component), found)
  }
  return users
}

const namersOf = async (
  org: SalesforceOrg,
  { type, files, by }: NonNullable<FileKind['namedIn']>,
  { fullName }: Component,
  content: JsonObject,
): Promise<Component[]> =>
  orNobody(async () => {
    const read = await readMetadata(org, type, files(content))
    return read.flatMap((file) => by(fullName, file))
  })

const holdersOf = async (
  org: SalesforceOrg,
  { type, object, field, nameField }: NonNullable<FileKind['partOf']>,
  id: string,
): Promise<Component[]> =>
  orNobody(async () => {
    const holders: Component[] = []
    const rows = query(
      org,
      soql`SELECT ${soqlName(nameField)} FROM ${soqlName(object)} WHERE ${soqlName(field)} = ${id}`,
    )
    for await (const row of rows) {
      const name = nameField
        .split('.')
        .reduce<unknown>((value, step) => (isObject(value) ? value[step] : null), row)
      holders.push({ type, fullName: asText(name) ?? '' })
    }
    return holders
  })

/** If Salesforce returns nothing: nobody. */
const orNobody = async (ask: () => Promise<Component[]>): Promise<Component[]> => {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof SalesforceError && error.failure.kind === 'other') return []
    throw error
  }
}

const usersOf = (org: SalesforceOrg, id: string): Promise<Component[]> =>
  orNobody(async () => {
    // Salesforce: MetadataComponentDependency (beta) can be filtered by only one id at a time.
    const rows = await rowsOf(
      org,
      soql`SELECT MetadataComponentId, MetadataComponentType, MetadataComponentName FROM MetadataComponentDependency WHERE RefMetadataComponentId = ${id}`,
    )
    const isField = ({ MetadataComponentType: type }: JsonObject): boolean => type === 'CustomField'
    return [
      ...(await fieldsWith(
        org,
        rows.filter(isField).map(({ MetadataComponentId: one }) => String(one)),
      )),
      ...rows
        .filter((row) => !isField(row))
        .map((row) => ({
          type: asText(row.MetadataComponentType) ?? '',
          fullName: asText(row.MetadataComponentName) ?? '',
        })),
    ]
  })

/** Salesforce names a field that uses something without its object and its suffix. */
const fieldsWith = async (org: SalesforceOrg, ids: readonly string[]): Promise<Component[]> => {
  if (ids.length === 0) return []
  const rows = await rowsOf(
    org,
    soql`SELECT DeveloperName, EntityDefinition.QualifiedApiName FROM CustomField WHERE Id IN ${ids}`,
  )
  return rows.map(({ DeveloperName: name, EntityDefinition: entity }) => ({
    type: 'CustomField',
    fullName: `${String(isObject(entity) ? entity.QualifiedApiName : '')}.${String(name)}__c`,
  }))
}

const rowsOf = async (org: SalesforceOrg, text: ReturnType<typeof soql>): Promise<JsonObject[]> => {
  const rows: JsonObject[] = []
  for await (const row of toolingQuery(org, text)) rows.push(row)
  return rows
}
