// What only the Salesforce org itself knows, asked when a rule needs it and in as few calls as
// Salesforce allows. What it does not return is null; if Salesforce cannot be reached, that is an error.

import { totalOf } from '../../../salesforce/activities.ts'
import { type Soql, soql, soqlName } from '../../../salesforce/escape.ts'
import { type SalesforceOrg } from '../../../salesforce/gateway.ts'
import { asText, isObject, type JsonObject } from '../../../salesforce/json.ts'
import { countValues, getLimits } from '../../../salesforce/rest.ts'
import {
  filledMeasure,
  LOOKED_AT_MAX,
  type Measure,
  measureOf,
} from '../../metadata/fields/at-stake.ts'
import { typeOfDescribed } from '../../metadata/fields/field-kinds.ts'
import { shapeOfDescribed } from '../../metadata/fields/shape.ts'
import { PERMISSION_NAMES } from '../../connections/rights.ts'
import { sameName } from '../../metadata/names.ts'
import {
  type Counted,
  type ConnectedUser,
  type DeletedNames,
  type LiveFacts,
  type ObjectLimits,
  type PackageSize,
} from '../facts.ts'
import { entriesOf, fieldIn } from '../subjects.ts'
import { createContents } from './contents.ts'
import { createDrift } from './drift.ts'
import { gather } from './gather.ts'
import { type JudgedSnapshot } from './judged-snapshot.ts'
import { createLookUps } from './look-ups.ts'
import { createQueries, orUntold, type Queries, type Rows } from './queries.ts'
import { createWhereUsed } from './where-used.ts'

interface Options {
  org: SalesforceOrg
  /** The connected user's id. */
  userId: string
  snapshot: JudgedSnapshot
  packageSize: PackageSize | null
  /** Custom objects that we recently deleted there ourselves. */
  deletedByUs?: readonly string[]
}

/** Rows that a GROUP BY may answer: Salesforce has no second page for it. */
const GROUPS_MAX = 2_000

/** Live facts about one Salesforce org, for one check. See `LiveFacts` for what each promises. */
export const createLiveFacts = ({
  org,
  userId,
  snapshot,
  packageSize,
  deletedByUs = [],
}: Options): LiveFacts => {
  const queries = createQueries(org)
  const { rest, all, tooling } = queries

  /** Null for a name that cannot be an object or field. */
  const built = <T>(build: () => T): T | null => {
    try {
      return build()
    } catch (error) {
      if (error instanceof TypeError) return null
      throw error
    }
  }

  /** Null where Salesforce refuses the query, too. */
  const ask = async (query: () => Soql, counted: Counted = 'present'): Promise<Rows | null> => {
    const soql = built(query)
    return soql && (counted === 'present' ? rest : all)(soql)
  }

  /** What queries may do with a field, according to the snapshot; unknown fields are tried. */
  const allows = (object: string, field: string, what: 'filterable' | 'groupable'): boolean =>
    fieldIn(snapshot.describeOf(object), field)?.[what] !== false

  const recordCount = (object: string, counted?: Counted): Promise<number | null> =>
    totalOf(
      object,
      async (name) =>
        (await ask(() => soql`SELECT COUNT() FROM ${soqlName(name)}`, counted))?.totalSize ?? null,
    )

  const measured = (
    object: string,
    field: string,
    measureOf: () => Measure | null,
    counted: Counted = 'present',
  ): Promise<number | null> =>
    totalOf(object, (name) => measuredIn(name, field, measureOf, counted))

  const measuredIn = async (
    object: string,
    field: string,
    measureOf: () => Measure | null,
    counted: Counted,
  ): Promise<number | null> => {
    const from = built(() => soql`SELECT COUNT() FROM ${soqlName(object)}`)
    const measure = built(measureOf)
    if (from === null || measure === null) return null
    const { where, counts } = measure
    if (counts !== null) {
      const values = { object, field, where, counts, max: LOOKED_AT_MAX }
      return orUntold(() => countValues(org, values))
    }
    const among = counted === 'present' ? rest : all
    const rows = await among(where === null ? from : soql`${from} WHERE ${where}`)
    return rows?.totalSize ?? null
  }

  return {
    recordCount,

    filledCount: async (object, field, counted) => {
      const described = fieldIn(snapshot.describeOf(object), field)
      const type = described === null ? null : typeOfDescribed(described)
      // Salesforce: a geolocation can be filtered by its parts, a long text or encrypted field not at
      // all.
      if (type !== 'Location' && !allows(object, field, 'filterable')) return null
      return measured(object, field, () => filledMeasure(field, type), counted)
    },

    rowsAtStake: async (object, field, atStake) => {
      const described = fieldIn(snapshot.describeOf(object), field)
      const from = described === null ? null : shapeOfDescribed(described)
      if (described === null || from === null) return null
      const startsAs = described.defaultValue === true
      const rows = await measured(object, field, () => measureOf(field, from, atStake, startsAs))
      // If the object has no records, what cannot be counted is zero.
      return rows ?? ((await recordCount(object)) === 0 ? 0 : null)
    },

    duplicatesOf: async (object, field, counted) => {
      if (!allows(object, field, 'groupable')) return null
      const rows = await ask(() => {
        const name = soqlName(field)
        return soql`SELECT ${name} FROM ${soqlName(object)} WHERE ${name} != null GROUP BY ${name} HAVING COUNT(Id) > 1 LIMIT ${GROUPS_MAX}`
      }, counted)
      return rows?.records.length ?? null
    },

    valueCounts: async (object, field) => {
      if (!allows(object, field, 'groupable')) return null
      const rows = await ask(() => {
        const name = soqlName(field)
        return soql`SELECT ${name}, COUNT(Id) held FROM ${soqlName(object)} WHERE ${name} != null GROUP BY ${name} LIMIT ${GROUPS_MAX}`
      })
      if (rows === null) return null
      return new Map(
        rows.records.map(({ attributes: _, held, ...value }) => [
          String(Object.values(value)[0]),
          Number(held),
        ]),
      )
    },

    allFields: async (object) => {
      // Salesforce: FieldDefinition answers 2,000 rows at most, so one object at a time.
      const rows = await tooling(
        soql`SELECT QualifiedApiName FROM FieldDefinition WHERE EntityDefinition.QualifiedApiName = ${object}`,
      )
      return rows && rows.records.map((row) => asText(row.QualifiedApiName) ?? '')
    },

    objectLimits: createObjectLimits(queries),

    limits: () =>
      orUntold(async () => ({
        dailyApiRequests: (await getLimits(org)).get('DailyApiRequests') ?? null,
      })),

    connectedUser: () => readConnectedUser(queries, userId),

    organization: async () => {
      const rows = await rest(
        soql`SELECT OrganizationType, IsSandbox, LanguageLocaleKey FROM Organization LIMIT 1`,
      )
      const row = rows?.records[0]
      const edition = asText(row?.OrganizationType)
      const language = asText(row?.LanguageLocaleKey)
      return edition === null ? null : { edition, isSandbox: row?.IsSandbox === true, language }
    },

    packages: async () => {
      const rows = await tooling(
        soql`SELECT SubscriberPackage.Name, SubscriberPackage.NamespacePrefix FROM InstalledSubscriberPackage`,
      )
      return (
        rows &&
        rows.records.map(({ SubscriberPackage: found }) => {
          const named = isObject(found) ? found : {}
          return { name: asText(named.Name) ?? '', namespace: asText(named.NamespacePrefix) }
        })
      )
    },

    whereUsed: createWhereUsed(queries),
    deletedNames: async () => {
      const told = await readDeletedNames(queries, snapshot)
      // What we know ourselves counts even if Salesforce does not answer.
      if (told === null && deletedByUs.length === 0) return null
      return { objects: [...(told?.objects ?? []), ...deletedByUs], fields: told?.fields ?? [] }
    },
    ...createDrift(org, snapshot),
    packageSize: async () => packageSize,
    ...createLookUps(org, queries),
    contentOf: createContents(org),
  }
}

const LIMIT_TYPES: ReadonlySet<string> = new Set([
  'CustomFields',
  'CustomRelationship',
  'RollupSummary',
  'ActiveValidationRules',
] satisfies (keyof ObjectLimits)[])

const createObjectLimits = ({ tooling }: Queries): LiveFacts['objectLimits'] =>
  gather(async (objects: readonly string[]) => {
    const ask = (names: readonly string[]) =>
      tooling(
        soql`SELECT EntityDefinition.QualifiedApiName, Type, Max, Remaining FROM EntityLimit WHERE EntityDefinition.QualifiedApiName IN ${names}`,
      )
    const all = await ask(objects)
    if (all !== null || objects.length === 1) {
      const found = limitsIn(all?.records ?? [])
      return new Map(objects.map((object) => [object, all && (found.get(sameName(object)) ?? {})]))
    }
    // One unknown object may be the reason why Salesforce refused all of them.
    const answers = await Promise.all(
      objects.map(async (object) => {
        const rows = await ask([object])
        return [object, rows && (limitsIn(rows.records).get(sameName(object)) ?? {})] as const
      }),
    )
    return new Map(answers)
  })

/** Limits by object, its name in lower case. */
const limitsIn = (rows: readonly JsonObject[]): Map<string, ObjectLimits> => {
  const found = new Map<string, ObjectLimits>()
  for (const { EntityDefinition: entity, Type: type, Max: max, Remaining: remaining } of rows) {
    const name = sameName(String(isObject(entity) ? entity.QualifiedApiName : ''))
    if (!LIMIT_TYPES.has(String(type))) continue
    if (typeof max !== 'number' || typeof remaining !== 'number') continue
    found.set(name, { ...found.get(name), [String(type)]: { max, remaining } })
  }
  return found
}

const readConnectedUser = async (
  { rest }: Queries,
  userId: string,
): Promise<ConnectedUser | null> => {
  const fields = PERMISSION_NAMES.map((name) => `Permissions${name}`)
  const [users, access] = await Promise.all([
    rest(soql`SELECT Username FROM User WHERE Id = ${userId}`),
    // Salesforce: one row, the permissions of the querying user from all sources together.
    rest(soql`SELECT ${soqlName(...fields)} FROM UserPermissionAccess LIMIT 1`),
  ])
  // Editions without one of these columns refuse that query: then assignment by assignment.
  const granted =
    access?.records ??
    (await Promise.all(
      PERMISSION_NAMES.map(async (name) => {
        const column = `Permissions${name}`
        const rows = await rest(
          soql`SELECT COUNT() FROM PermissionSetAssignment WHERE AssigneeId = ${userId} AND ${soqlName(`PermissionSet.${column}`)} = true`,
        )
        return rows && { [column]: rows.totalSize > 0 }
      }),
    ))
  const known = granted.filter((row) => row !== null)
  // A permission that could not be read is not one that is missing.
  if (known.length < granted.length || known.length === 0) return null
  return {
    username: asText(users?.records[0]?.Username) ?? userId,
    permissions: new Set(
      PERMISSION_NAMES.filter((name) => known.some((row) => row[`Permissions${name}`] === true)),
    ),
  }
}

/**
 * Salesforce Help, "Manage Deleted Custom Fields": `_del` is appended to the name of what was deleted.
 */
const DELETED = /_del\d*$/i

const readDeletedNames = async (
  { tooling }: Queries,
  snapshot: JudgedSnapshot,
): Promise<DeletedNames | null> => {
  const [objects, fields] = await Promise.all([
    tooling(
      soql`SELECT DeveloperName FROM CustomObject WHERE NamespacePrefix = null AND DeveloperName LIKE '%_del%'`,
    ),
    tooling(
      soql`SELECT DeveloperName, EntityDefinition.QualifiedApiName FROM CustomField WHERE NamespacePrefix = null AND DeveloperName LIKE '%_del%'`,
    ),
  ])
  if (objects === null || fields === null) return null
  // A component that is visible under such a name was named so by its creator, and was not deleted.
  const seen = new Set(snapshot.objectNames.map(sameName))
  const isField = (object: string, field: string): boolean =>
    entriesOf(snapshot.describeOf(object), 'fields').some(
      ({ name }) => sameName(String(name)) === sameName(field),
    )
  return {
    objects: objects.records
      .map((row) => asText(row.DeveloperName) ?? '')
      .filter((name) => DELETED.test(name) && !seen.has(sameName(`${name}__c`)))
      .map((name) => `${name.replace(DELETED, '')}__c`),
    fields: fields.records.flatMap((row) => {
      const name = asText(row.DeveloperName) ?? ''
      const entity = isObject(row.EntityDefinition) ? row.EntityDefinition : {}
      const object = asText(entity.QualifiedApiName)
      if (object === null || !DELETED.test(name) || isField(object, `${name}__c`)) return []
      return [`${object}.${name.replace(DELETED, '')}__c`]
    }),
  }
}
