// How components that no describe shows stand in files that a pull has read: in place where a deploy would leave
// them unchanged. Pure.

import { type Fault } from '../../../db/tables/work.ts'
import { EngineError } from '../../../errors.ts'
import { type JsonObject } from '../../../salesforce/json.ts'
import { list } from '../../../salesforce/xml.ts'
import { type AccessChange, type Holder, readAccess } from '../../metadata/entries.ts'
import { sameElement } from '../../metadata/equality.ts'
import { type FieldDifference } from '../../metadata/fields/kind.ts'
import { FILE_KINDS, filePath, PART_KINDS } from '../../metadata/kinds.ts'
import { type CompiledFile, type Compiling, type FileKind } from '../../metadata/kinds/kind.ts'
import { mastersIn } from '../../metadata/masters.ts'
import { type Component, keyOf, sameName } from '../../metadata/names.ts'
import { parseObjectFile } from '../../metadata/object-file.ts'
import { partsIn } from '../../metadata/parts.ts'
import { readRoot } from '../../metadata/xml-tree.ts'
import { wantedAccess } from '../../plan/compile.ts'
import { type Plan } from '../../plan/schema.ts'
import { type DriftReading, type LastChange } from './readings.ts'
import { isShownBySnapshot } from './shown.ts'

export type FileStanding =
  | { is: 'same' | 'absent' }
  | { is: 'different'; differences: FieldDifference[] }
  /** All that is wanted, and more access than was given. */
  | { is: 'more'; differences: FieldDifference[] }
  | { is: 'not_known'; why: Fault }

/** What a reading shows of components in files. */
export interface FileFacts {
  /** Null: nothing was read. */
  readAt: Date | null
  changeOf: (component: Component) => LastChange | null
  standingOf: (plan: Plan, component: Component) => FileStanding
}

export const fileFacts = (reading: DriftReading | null, granted: Granted): FileFacts => {
  const standings = new Map<Plan, ReadonlyMap<string, FileStanding>>()
  return {
    readAt: reading?.readAt ?? null,
    changeOf: (component) => reading?.components.get(keyOf(component)) ?? null,
    standingOf: (plan, component) => {
      const key = keyOf(component)
      if (reading === null || !reading.components.has(key))
        return { is: 'not_known', why: NOT_READ }
      if (reading.error !== null) return { is: 'not_known', why: reading.error }
      const known = standings.get(plan) ?? fileStandings(plan, reading.files, granted)
      standings.set(plan, known)
      return known.get(key) ?? { is: 'not_known', why: NOT_READ }
    },
  }
}

const NOT_READ: Fault = {
  code: 'not_read',
  message:
    'The newest pull was before the client was bound to it, and has not read it. Pull the topology, or run with refresh.',
}

/** Of elements that mean something different, the members that do. */
export const memberDifferences = (wanted: JsonObject, found: JsonObject): FieldDifference[] =>
  [...new Set([...Object.keys(wanted), ...Object.keys(found)])]
    .filter((name) => !sameElement({ it: wanted[name] ?? '' }, { it: found[name] ?? '' }))
    .map((name) => ({
      attribute: name,
      planned: wanted[name] ?? null,
      found: found[name] ?? null,
    }))

/** Entries that deployments of ours put into permission sets, by `keyOfEntry`. */
export type Granted = ReadonlyMap<string, Record<string, string>>

export const keyOfEntry = (set: string, list: string, key: string): string =>
  sameName(`${set}:${list}:${key}`)

type Files = ReadonlyMap<string, string>

/** Every component of the plan that is in files, by `keyOf`. */
export const fileStandings = (
  plan: Plan,
  files: Files,
  granted: Granted,
): Map<string, FileStanding> => {
  const byPath = new Map([...files].map(([path, text]) => [sameName(path), text]))
  const current = (type: string, fullName: string): string | null =>
    byPath.get(sameName(filePath(type, fullName) ?? '')) ?? null
  const mastersOf = mastersIn(plan, (object) => current('CustomObject', object))
  const context: Compiling = {
    plan,
    current,
    access: (holder) => wantedAccess(plan, holder, mastersOf),
    parts: PART_KINDS,
  }
  const found = new Map(partStandings(context))
  for (const kind of FILE_KINDS) {
    if (isShownBySnapshot(kind.type)) continue
    for (const [key, standing] of kindStandings(kind, context, files)) found.set(key, standing)
  }
  const main = plan.permissions.permission_set
  if (main !== null) withExtraGrants(main, context, granted, found)
  return found
}

/** Parts of objects, each an element of its object's file. */
function* partStandings({ plan, current }: Compiling): Generator<[string, FileStanding]> {
  const kinds = PART_KINDS.filter(({ type }) => !isShownBySnapshot(type))
  for (const object of plan.objects) {
    const text = current('CustomObject', object.api_name)
    const image = text === null ? null : parseObjectFile(text)
    for (const { type, elements } of kinds) {
      for (const { apiName, element, before } of elements(object, image)) {
        const key = keyOf({ type, fullName: `${object.api_name}.${apiName}` })
        if (before === null) yield [key, { is: 'absent' }]
        else if (sameElement(element, before)) yield [key, { is: 'same' }]
        else yield [key, differing(memberDifferences(element, before))]
      }
    }
  }
}

const differing = (differences: FieldDifference[]): FileStanding => ({
  is: 'different',
  // It differs in what has no name of its own, such as an order.
  differences:
    differences.length > 0
      ? differences
      : [{ attribute: 'definition', planned: null, found: null }],
})

/** Components of one kind with files. */
function* kindStandings(
  kind: FileKind,
  context: Compiling,
  files: Files,
): Generator<[string, FileStanding]> {
  const { type } = kind
  const named = kind.named(context.plan)
  if (named.length === 0) return
  const present = partsIn(files)
  const isAbsent = (fullName: string): boolean => present.part({ type, fullName }) === null
  let compiled: CompiledFile[]
  try {
    compiled = kind.compile(context)
  } catch (error) {
    if (!(error instanceof EngineError) || error.code !== 'invalid_plan') throw error
    // It builds on something that is no longer there; nothing else of its kind was compiled.
    const why = { code: 'not_comparable', message: error.message }
    for (const { fullName } of named) {
      const key = keyOf({ type, fullName })
      yield [key, isAbsent(fullName) ? { is: 'absent' } : { is: 'not_known', why }]
    }
    return
  }
  const inPlace = new Set(compiled.flatMap(({ unchanged }) => unchanged.map(keyOf)))
  for (const { fullName } of named) {
    const component = { type, fullName }
    if (inPlace.has(keyOf(component))) yield [keyOf(component), { is: 'same' }]
    else if (isAbsent(fullName)) yield [keyOf(component), { is: 'absent' }]
    else yield [keyOf(component), differing(differencesIn(component, compiled, files))]
  }
}

/** What a deploy would change in the file of a component. */
const differencesIn = (
  component: Component,
  compiled: readonly CompiledFile[],
  files: Files,
): FieldDifference[] => {
  const { type, fullName } = component
  const own = compiled.find((one) => sameName(one.fullName) === sameName(fullName))
  const holder = type === 'Profile' ? 'profiles' : 'permissionSets'
  const entries = Object.values(own?.noted?.[holder] ?? {}).flat()
  if (entries.length > 0) return entries.map(entryDifference)
  const layout = Object.values(own?.noted?.layouts ?? {})[0]
  if (layout !== undefined && layout.fields.length > 0) {
    return [{ attribute: 'fields', planned: layout.fields, found: null }]
  }
  const path = filePath(type, fullName) ?? ''
  const text = compiled.find((one) => filePath(type, one.fullName) === path)?.text ?? null
  if (text === null) return []
  const planned = partsIn(new Map([[path, text]])).part(component)
  const found = partsIn(files).part(component)
  return planned === null || found === null ? [] : memberDifferences(planned, found)
}

const entryDifference = ({ list, key, before, after }: AccessChange): FieldDifference => ({
  attribute: `${list}.${key}`,
  planned: after,
  found: before,
})

// ------------------------------------------------------------------------------------ extra grants

/** Lists that a plan never writes to: the member that names the subject. */
const RIGHTS = {
  applicationVisibilities: 'application',
  classAccesses: 'apexClass',
  customMetadataTypeAccesses: 'name',
  customPermissions: 'name',
  customSettingAccesses: 'name',
  externalDataSourceAccesses: 'externalDataSource',
  flowAccesses: 'flow',
  pageAccesses: 'apexPage',
  userPermissions: 'name',
} as const

const isGiven = (value: string | undefined): boolean =>
  value === 'true' || value === 'Visible' || value === 'Available'

/**
 * More access in the blueprint's own permission set than the plan and our deployments gave: whoever has the set has
 * it. A deploy does not take it away.
 */
const withExtraGrants = (
  set: string,
  { current, access }: Compiling,
  granted: Granted,
  found: Map<string, FileStanding>,
): void => {
  const key = keyOf({ type: 'PermissionSet', fullName: set })
  const [standing, text] = [found.get(key), current('PermissionSet', set)]
  if (standing === undefined || text === null) return
  const wanted = new Map(
    access('PermissionSet').map((one) => [keyOfEntry(set, one.list, one.key), one.grant ?? {}]),
  )
  const extra = entriesIn(text, 'PermissionSet').flatMap(({ list: name, key: of, entry }) => {
    const at = keyOfEntry(set, name, of)
    const [ours, before] = [wanted.get(at), granted.get(at)]
    const more = Object.entries(entry).filter(
      ([right, value]) =>
        isGiven(value) && !isGiven(String(ours?.[right])) && !isGiven(before?.[right]),
    )
    if (more.length === 0) return []
    return [{ attribute: `${name}.${of}`, planned: null, found: Object.fromEntries(more) }]
  })
  if (extra.length === 0) return
  if (standing.is === 'same') found.set(key, { is: 'more', differences: extra })
  else if (standing.is === 'different') standing.differences.push(...extra)
}

interface Entry {
  list: string
  key: string
  entry: Record<string, string>
}

/** All entries of a permission set, whether or not a plan can write them. */
const entriesIn = (text: string, holder: Holder): Entry[] => {
  const known = Object.entries(readAccess(text, holder)).flatMap(([name, entries]) =>
    entries.map((entry) => {
      const { field, object, recordType, tab } = entry
      return { list: name, key: field ?? object ?? recordType ?? tab ?? '', entry }
    }),
  )
  const root = readRoot(text, holder)
  const others = Object.entries(RIGHTS).flatMap(([name, member]) =>
    (list(root[name]) as Record<string, string>[]).map((entry) => ({
      list: name,
      key: entry[member] ?? '',
      entry,
    })),
  )
  return [...known, ...others]
}
