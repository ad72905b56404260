// Whether things that a plan names exist: asked by name, many names per query.

import { componentName } from '../../../salesforce/component-name.ts'
import { soql, soqlName } from '../../../salesforce/escape.ts'
import { type SalesforceOrg } from '../../../salesforce/gateway.ts'
import { asText } from '../../../salesforce/json.ts'
import { type FileProperties, listMetadata } from '../../../salesforce/metadata.ts'
import { COMPONENT_KINDS } from '../../metadata/kinds.ts'
import { type NamedRecords } from '../../metadata/named-records.ts'
import { sameName } from '../../metadata/names.ts'
import { type LiveFacts, type LookedUp } from '../facts.ts'
import { chunksOf, gather } from './gather.ts'
import { orUntold, type Queries } from './queries.ts'

/** Names in one IN list: stays far under the 100,000 characters that a query may have. */
const NAMES_A_QUERY = 200

const ABSENT: LookedUp = { exists: false, managed: false }

/** Looks many names up at once; if Salesforce does not answer, each of them is null. */
const byName = <Answer>(
  ask: (names: string[]) => Promise<ReadonlyMap<string, Answer> | null>,
  absent: Answer,
): ((name: string) => Promise<Answer | null>) =>
  gather(async (names: readonly string[]) => {
    const answers = new Map<string, Answer | null>()
    await Promise.all(
      chunksOf(names, NAMES_A_QUERY).map(async (chunk) => {
        const found = await ask(chunk)
        for (const name of chunk) {
          answers.set(name, found === null ? null : (found.get(sameName(name)) ?? absent))
        }
      }),
    )
    return answers
  })

/** `Set` of `ns__Set`: queries name a packaged component without its namespace. */
const bareName = (name: string): string => name.replace(/^[A-Za-z][A-Za-z0-9]{0,14}__(?=.)/, '')

const qualified = (name: unknown, namespace: unknown): string =>
  sameName(asText(namespace) === null ? String(name) : `${String(namespace)}__${String(name)}`)

/** Types that are looked up in Salesforce's own list of components, by their full names. */
const LISTED: ReadonlySet<string> = new Set([
  ...COMPONENT_KINDS.map(({ type }) => type),
  'BusinessProcess',
  'CustomPermission',
  'QuickAction',
  'WebLink',
])

/** Full names come percent-encoded (`Lead-Lead %28Sales%29 Layout`); some callers decode them. */
export const plainName = (name: string): string => {
  try {
    return sameName(decodeURIComponent(name))
  } catch {
    return sameName(name)
  }
}

export const createLookUps = (
  org: SalesforceOrg,
  { rest, tooling }: Queries,
): Pick<LiveFacts, 'componentCount' | 'lookUp' | 'recordExists'> => {
  // Whether or not the connected user may see it: Tooling knows every object.
  const objects = byName<LookedUp>(async (names) => {
    const rows = await tooling(
      soql`SELECT QualifiedApiName, NamespacePrefix, IsCustomizable FROM EntityDefinition WHERE QualifiedApiName IN ${names}`,
    )
    if (rows === null) return null
    return new Map(
      rows.records.map((row) => [
        sameName(asText(row.QualifiedApiName) ?? ''),
        {
          exists: true,
          managed: asText(row.NamespacePrefix) !== null,
          customizable: row.IsCustomizable !== false,
        },
      ]),
    )
  }, ABSENT)

  const permissionSets = byName(async (names) => {
    const bare = [...new Set(names.flatMap((name) => [name, bareName(name)]))]
    // Salesforce: every profile owns a hidden permission set; those are not meant.
    const rows = await rest(
      soql`SELECT Name, NamespacePrefix FROM PermissionSet WHERE Name IN ${bare} AND IsOwnedByProfile = false`,
    )
    if (rows === null) return null
    return new Map(
      rows.records.map((row): [string, LookedUp] => [
        qualified(row.Name, row.NamespacePrefix),
        { exists: true, managed: asText(row.NamespacePrefix) !== null },
      ]),
    )
  }, ABSENT)

  /** The components of each type; a type that Salesforce does not list is null. */
  const listed = gather(async (types: readonly string[]) => {
    const list = (names: readonly string[]): Promise<FileProperties[] | null> =>
      orUntold(() =>
        listMetadata(
          org,
          names.map((type) => ({ type })),
        ),
      )
    const answers = new Map<string, ReadonlyMap<string, LookedUp> | null>()
    const all = await list(types)
    for (const type of types) {
      const found = all ?? (types.length > 1 ? await list([type]) : null)
      const own = found?.filter((component) => component.type === type)
      answers.set(
        type,
        own === undefined
          ? null
          : new Map(
              own.map(({ fullName, namespacePrefix }) => [
                plainName(fullName),
                { exists: true, managed: namespacePrefix !== null },
              ]),
            ),
      )
    }
    return answers
  })
  const lists = new Map<string, ReturnType<typeof listed>>()
  const listOf = (type: string): ReturnType<typeof listed> => {
    const known = lists.get(type)
    if (known !== undefined) return known
    const asked = listed(type)
    lists.set(type, asked)
    return asked
  }

  const recordsNamed = ({ object, nameField, where }: NamedRecords) =>
    byName(async (names) => {
      const field = soqlName(nameField)
      const asked = soql`SELECT ${field} FROM ${soqlName(object)} WHERE ${field} IN ${names}`
      const rows = await rest(where === null ? asked : soql`${asked} AND ${where}`)
      return rows && new Map(rows.records.map((row) => [sameName(String(row[nameField])), true]))
    }, false)
  const records = new Map<NamedRecords, ReturnType<typeof recordsNamed>>()

  return {
    lookUp: async (type, fullName) => {
      if (type === 'CustomObject') return objects(fullName)
      if (type === 'PermissionSet') return permissionSets(fullName)
      if (!LISTED.has(type)) return null
      const list = await listOf(type)
      return list && (list.get(plainName(componentName(type, fullName))) ?? ABSENT)
    },
    componentCount: async (type) => {
      const list = await listOf(type)
      return list && [...list.values()].filter(({ managed }) => !managed).length
    },
    recordExists: (named, name) => {
      const known = records.get(named) ?? recordsNamed(named)
      records.set(named, known)
      return known(name)
    },
  }
}
