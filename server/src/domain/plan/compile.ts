// A plan becomes one package of files for the Metadata API, merged with what exists: only what differs
// is sent, and nothing that the plan does not mention is lost.

import { type Members } from '../../salesforce/deploy-package.ts'
import { type Holder, type WantedEntry } from '../metadata/entries.ts'
import { COMPONENT_KINDS, FILE_KINDS, filePath, PART_KINDS } from '../metadata/kinds.ts'
import { type Compiling, type PlanComponent } from '../metadata/kinds/kind.ts'
import { type MastersOf, mastersIn, withMasters } from '../metadata/masters.ts'
import { keyOf, sameName } from '../metadata/names.ts'
import { type MergeChanges } from '../metadata/undoing.ts'
import { componentsOf } from './components.ts'
import { membersOf } from './manifest.ts'
import { type Plan } from './schema.ts'

/** Metadata files by their path in a package, as a retrieve returned them (`objects/Lead.object`). */
export type CurrentFiles = ReadonlyMap<string, string>

export interface CompileContext {
  /**
   * The files of `componentsToRead(plan)` and of the objects above those of the plan, read at the API
   * version that the package is deployed at; one that is absent does not exist in the Salesforce org.
   */
  current: CurrentFiles
}

export interface MetadataPackage {
  /**
   * By their path; with `members` the contents for `buildDeployPackage`. Empty if everything is in
   * place.
   */
  files: ReadonlyMap<string, string>
  members: Members
  /** What the package sends. */
  components: PlanComponent[]
  /** What the plan names but is already in place, so that it is not sent. */
  unchanged: PlanComponent[]
  changes: MergeChanges
}

/**
 * Entries that the plan wants in permission sets or profiles, with those that they depend on; the first
 * that wants an entry decides it.
 */
export const wantedAccess = (plan: Plan, holder: Holder, mastersOf: MastersOf): WantedEntry[] => {
  const entries = new Map<string, WantedEntry>()
  for (const entry of COMPONENT_KINDS.flatMap(({ access }) => access?.wanted(plan, holder) ?? [])) {
    const key = `${entry.list}:${sameName(entry.key)}`
    if (!entries.has(key)) entries.set(key, entry)
  }
  return withMasters([...entries.values()], mastersOf)
}

/**
 * The package for a checked plan. Throws EngineError `invalid_plan` if the plan builds on something that
 * does not exist: an object it only adds to, a layout, the field `after`, a profile or permission set it
 * names.
 */
export const compilePlan = (plan: Plan, { current }: CompileContext): MetadataPackage => {
  const byName = new Map([...current].map(([path, text]) => [sameName(path), text]))
  // In whatever case the plan wrote the name.
  const find = (type: string, fullName: string): string | null =>
    byName.get(sameName(filePath(type, fullName) ?? '')) ?? null
  const mastersOf = mastersIn(plan, (object) => find('CustomObject', object))
  const context: Compiling = {
    plan,
    current: find,
    access: (holder) => wantedAccess(plan, holder, mastersOf),
    parts: PART_KINDS,
  }
  const files = new Map<string, string>()
  const inPlace = new Set<string>()
  const changes: MergeChanges = { permissionSets: {}, profiles: {}, layouts: {} }
  for (const { type, compile } of FILE_KINDS) {
    for (const { fullName, text, unchanged, noted } of compile(context)) {
      for (const component of unchanged) inPlace.add(keyOf(component))
      if (text !== null) files.set(filePath(type, fullName) ?? '', text)
      Object.assign(changes.permissionSets, noted?.permissionSets)
      Object.assign(changes.profiles, noted?.profiles)
      Object.assign(changes.layouts, noted?.layouts)
    }
  }
  const all = componentsOf(plan)
  const components = all.filter((component) => !inPlace.has(keyOf(component)))
  return {
    files,
    members: membersOf(components),
    components,
    unchanged: all.filter((component) => inPlace.has(keyOf(component))),
    changes,
  }
}
