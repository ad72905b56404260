// What a pull no longer sees although the previous snapshot has it: gone from the Salesforce org, or
// only hidden from the connected user. A describe cannot distinguish the two, the Tooling API can.

import { composite } from '../../salesforce/composite.ts'
import { type Soql, soql } from '../../salesforce/escape.ts'
import { concernsWholeOrg, SalesforceError } from '../../salesforce/failure.ts'
import { type SalesforceOrg } from '../../salesforce/gateway.ts'
import { asText, isObject, type JsonObject } from '../../salesforce/json.ts'
import { listObjects } from '../../salesforce/xml.ts'
import { type Rights, SEES_SETUP } from '../connections/rights.ts'
import { sameName } from '../metadata/names.ts'
import { objectHash, openPairs } from './compare.ts'
import { type Manifest, type ObjectEntry } from './manifest.ts'
import { type Contents } from './contents.ts'

export type Hidden = Pick<Manifest, 'hiddenObjects' | 'hiddenFields'>

interface Task {
  org: SalesforceOrg
  rights: Rights
  scope: 'all' | string[]
  before: Manifest
  after: Manifest
  contents: Contents
}

const fieldKey = (object: string, field: string): string => `${object}.${field}`

/** The object of `Object.Field`, or of `Object` itself. */
const objectOf = (key: string): string => key.split('.', 1)[0] ?? key

const isField = (key: string): boolean => key.includes('.')

/** Names of an IN list: a query stays far below the 16 KB that a URL may have. */
const OBJECTS_A_QUERY = 100
/** Salesforce: FieldDefinition returns 2,000 rows at most; this many objects and names fit in. */
const FIELDS_A_QUERY = 40
/** Salesforce: of the sub-requests of a composite at most five may be queries. */
const QUERIES_A_CALL = 5
/** The most calls that a pull makes for this; what it did not ask for stays unknown. */
const CALLS_MAX = 25

const fieldsIn = (describe: JsonObject): string[] =>
  (Array.isArray(describe.fields) ? describe.fields : []).flatMap((field) =>
    isObject(field) ? (asText(field.name) ?? []) : [],
  )

/**
 * Objects and fields of the previous snapshot that this one lacks, and that may still exist. Only a user
 * who sees Setup can find out what exists beyond their access, so for other users everything that is
 * missing counts as hidden. Throws only for faults that concern the Salesforce org as a whole.
 */
export const findHidden = async (task: Task): Promise<Hidden> => {
  const last = lastKnown(task.before)
  const vanished = await vanishedOf(task, last)
  const gone = await knownGone(task, vanished)
  const objects = vanished.filter((key) => !isField(key))
  const hidden = new Set(objects.filter((name) => !gone.has(name)).map(sameName))
  return {
    hiddenObjects: new Map(
      [...last].filter(
        ([name]) => hidden.has(sameName(name)) || (gone.has(name) && isCompanion(name, hidden)),
      ),
    ),
    hiddenFields: [
      ...vanished.filter((key) => isField(key) && !gone.has(key)),
      ...task.before.hiddenFields.filter((key) => isOutOfSight(task, key, hidden)),
    ].sort(),
  }
}

/** Nothing new is known about a field of an object that this pull did not read, or does not see. */
const isOutOfSight = (
  { scope, after }: Task,
  key: string,
  hidden: ReadonlySet<string>,
): boolean => {
  const object = objectOf(key)
  return after.objects.has(object)
    ? !isAsked(scope, object)
    : hidden.has(sameName(object)) || after.unreadable.includes(object)
}

const isAsked = (scope: Task['scope'], object: string): boolean =>
  scope === 'all' || scope.some((name) => sameName(name) === sameName(object))

/** Each object as it was when last seen. */
const lastKnown = ({ objects, hiddenObjects }: Manifest): Map<string, ObjectEntry> =>
  new Map([...hiddenObjects, ...objects])

/**
 * Salesforce: whoever sees an object also sees its history, sharing and feed, which the Tooling API may
 * not list.
 */
const isCompanion = (name: string, hidden: ReadonlySet<string>): boolean => {
  const [, stem] = /^(.+)(?:History|Share|Feed|ChangeEvent|Tag)$/.exec(name) ?? []
  return stem !== undefined && hidden.has(sameName(stem.endsWith('__') ? `${stem}c` : stem))
}

/**
 * What the previous snapshot has, visible or hidden, and this one lacks: objects, and `Object.Field`.
 */
const vanishedOf = async (
  { scope, before, after, contents }: Task,
  last: ReadonlyMap<string, ObjectEntry>,
): Promise<string[]> => {
  const unreadable = new Set(after.unreadable)
  const keys = [...last.keys()].filter((name) => !after.objects.has(name) && !unreadable.has(name))
  const hidden = new Set(before.hiddenFields.filter((key) => after.objects.has(objectOf(key))))
  const differing = [...after.objects].flatMap(([name, { hash }]) => {
    const other = last.get(name)
    return other === undefined || other.hash === hash ? [] : [name]
  })
  const sides = [
    { manifest: { ...before, objects: new Map(last) }, contents },
    { manifest: after, contents },
  ] as const
  for await (const pair of openPairs(...sides, differing, objectHash)) {
    const present = new Set(fieldsIn(pair.after))
    for (const field of fieldsIn(pair.before)) {
      if (!present.has(field)) keys.push(fieldKey(pair.name, field))
    }
    for (const field of present) hidden.delete(fieldKey(pair.name, field))
  }
  const asked = [...hidden].filter((key) => isAsked(scope, objectOf(key)))
  return [...new Set([...keys, ...asked])].sort()
}

interface Asked {
  keys: string[]
  query: Soql
  keyOf: (row: JsonObject) => string
}

const entityOf = ({ EntityDefinition: entity }: JsonObject): string =>
  isObject(entity) ? String(entity.QualifiedApiName) : ''

const chunks = <T>(items: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, i) =>
    items.slice(i * size, (i + 1) * size),
  )

const questionsAbout = (keys: readonly string[]): Asked[] => {
  const objects = keys.filter((key) => !isField(key))
  const fields = keys.filter(isField)
  return [
    ...chunks(objects, OBJECTS_A_QUERY).map((names) => ({
      keys: names,
      query: soql`SELECT QualifiedApiName FROM EntityDefinition WHERE QualifiedApiName IN ${names}`,
      keyOf: (row: JsonObject) => String(row.QualifiedApiName),
    })),
    ...chunks(fields, FIELDS_A_QUERY).map((part) => {
      const owners = [...new Set(part.map(objectOf))]
      const names = [...new Set(part.map((key) => key.slice(objectOf(key).length + 1)))]
      return {
        keys: part,
        query: soql`SELECT QualifiedApiName, EntityDefinition.QualifiedApiName FROM FieldDefinition WHERE EntityDefinition.QualifiedApiName IN ${owners} AND QualifiedApiName IN ${names}`,
        keyOf: (row: JsonObject) => fieldKey(entityOf(row), String(row.QualifiedApiName)),
      }
    }),
  ]
}

/**
 * Those of `keys` that the Tooling API, when asked, does not know. If it does not answer, nothing counts
 * as gone.
 */
const knownGone = async (
  { org, rights: { permissions } }: Task,
  keys: readonly string[],
): Promise<Set<string>> => {
  const gone = new Set<string>()
  if (permissions === null || !SEES_SETUP.some((name) => permissions.has(name))) return gone
  for (const call of chunks(questionsAbout(keys), QUERIES_A_CALL).slice(0, CALLS_MAX)) {
    const answers = await askTogether(
      org,
      call.map(({ query }) => query),
    )
    for (const [index, { keys: asked, keyOf }] of call.entries()) {
      const rows = answers[index] ?? null
      if (rows === null) continue
      const found = new Set(rows.map((row) => sameName(keyOf(row))))
      for (const key of asked) if (!found.has(sameName(key))) gone.add(key)
    }
  }
  return gone
}

/** The rows of each query; null for one without a complete answer. */
const askTogether = async (
  org: SalesforceOrg,
  queries: readonly Soql[],
): Promise<(JsonObject[] | null)[]> => {
  try {
    const answers = await composite(
      org,
      queries.map(({ text }) => ({
        method: 'GET',
        url: `/tooling/query?q=${encodeURIComponent(text)}`,
      })),
      { effect: 'read', tooling: true },
    )
    return answers.map(({ body, failure }) => {
      if (failure !== null && concernsWholeOrg(failure)) throw new SalesforceError(failure)
      return isObject(body) && body.done === true ? listObjects(body.records) : null
    })
  } catch (error) {
    if (!(error instanceof SalesforceError) || concernsWholeOrg(error.failure)) throw error
    return queries.map(() => null)
  }
}
