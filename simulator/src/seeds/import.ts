// An org from a folder of describe JSON as Salesforce returns it: each file is a describe result, or a
// describeGlobal result. The describes are returned as they are in the files.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Org, type SObject } from '../org/model.ts'
import { describeField, makeObject, stamps, type FieldSpec } from '../org/schema.ts'

type Json = Record<string, unknown>

const isDescribe = (value: unknown): value is Json & { name: string; fields: FieldSpec[] } =>
  typeof value === 'object' &&
  value !== null &&
  typeof (value as Json).name === 'string' &&
  Array.isArray((value as Json).fields)

const isGlobal = (value: unknown): value is { sobjects: (Json & { name: string })[] } =>
  typeof value === 'object' && value !== null && Array.isArray((value as Json).sobjects)

/** Throws with the file's name if a file is neither, and if the folder has no describe at all. */
export const seedImport = (org: Org, folder: string): void => {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.json'),
  )
  let described = 0
  for (const file of files.toSorted()) {
    let value: unknown
    try {
      value = JSON.parse(readFileSync(join(folder, file), 'utf8'))
    } catch (error) {
      throw new Error(`${file} is not JSON`, { cause: error })
    }
    // A describe may come wrapped, as command line tools print it: { status, result }.
    const inner = (value as { result?: unknown }).result ?? value
    if (isGlobal(inner)) {
      for (const entry of inner.sobjects)
        if (!org.objects.has(entry.name.toLowerCase())) fromEntry(org, entry).imported = null
    } else if (isDescribe(inner)) {
      fromDescribe(org, inner)
      described++
    } else {
      throw new Error(
        `${file} is neither a describe nor a describeGlobal result (no "fields", no "sobjects").`,
      )
    }
  }
  if (described === 0) throw new Error(`${folder} holds no describe result.`)
}

const NOT_PART_OF_AN_ENTRY = new Set([
  'fields',
  'childRelationships',
  'recordTypeInfos',
  'urls',
  'actionOverrides',
  'namedLayoutInfos',
  'supportedScopes',
  'name',
  'compactLayoutable',
  'searchLayoutable',
  'lookupLayoutable',
  'listviewable',
  'networkScopeFieldName',
  'sobjectDescribeOption',
  'defaultImplementation',
  'extendedBy',
  'extendsInterfaces',
  'implementedBy',
  'implementsInterfaces',
])

const entryOf = (describe: Json): Json =>
  Object.fromEntries(Object.entries(describe).filter(([key]) => !NOT_PART_OF_AN_ENTRY.has(key)))

const fromEntry = (org: Org, entry: Json & { name: string }): SObject =>
  makeObject(org, {
    name: entry.name,
    ...(typeof entry.label === 'string' ? { label: entry.label } : {}),
    describe: entryOf(entry),
    namespace: /^([A-Za-z]\w*?)__\w+__\w+$/.exec(entry.name)?.[1] ?? null,
    fields: [],
  })

const fromDescribe = (org: Org, describe: Json & { name: string; fields: FieldSpec[] }): void => {
  const object = fromEntry(org, describe)
  object.imported = describe
  for (const spec of describe.fields) {
    object.fields.set(spec.name.toLowerCase(), {
      id: org.ids.make('00N'),
      describe: describeField(spec),
      // The exporting user saw it; here everybody does.
      secured: false,
      description: null,
      ...stamps(org),
    })
  }
}
