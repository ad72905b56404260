// A plan becomes one package of files for the Metadata API, merged with what is there: only what
// differs is sent, and nothing that the plan does not speak of is lost.

import { EngineError, type MemberError } from '../../errors.ts'
import { type Members } from '../../salesforce/deploy-package.ts'
import { type XmlValue } from '../../salesforce/xml.ts'
import { type AccessChange, mergePermissionSet, mergeProfile } from './access.ts'
import { compileObject } from './compile-object.ts'
import { componentsOf, filePath, type PlanComponent } from './components.ts'
import { sameElement } from '../metadata/object-file.ts'
import {
  type LayoutChange,
  layoutShows,
  mergeLayout,
  missingRequired,
  newLayout,
} from './layouts.ts'
import { membersOf } from './manifest.ts'
import { layoutFullName, metadataName, objectKind, sameName } from '../metadata/names.ts'
import { definesObject, type Plan, type PlanLayout, type PlanObject } from './schema.ts'
import { readRoot, writeFile } from '../metadata/xml-tree.ts'

/** Metadata files by their path in a package, as a retrieve gave them (`objects/Lead.object`). */
export type CurrentFiles = ReadonlyMap<string, string>

export interface CompileContext {
  /**
   * The files of `componentsToRead(plan)`, read at the API version that the package is deployed at;
   * one that is absent is not in the Salesforce org.
   */
  current: CurrentFiles
}

/** What merging changed in files that hold other people's content too, by full name; plain JSON. */
export interface MergeChanges {
  permissionSets: Record<string, AccessChange[]>
  profiles: Record<string, AccessChange[]>
  layouts: Record<string, LayoutChange>
}

export interface MetadataPackage {
  /** By their path; with `members` the contents for `buildDeployPackage`. Empty where all is in place. */
  files: ReadonlyMap<string, string>
  members: Members
  /** What the package sends. */
  components: PlanComponent[]
  /** What the plan names and is in place already, so that it is not sent. */
  unchanged: PlanComponent[]
  changes: MergeChanges
}

interface Output {
  files: Map<string, string>
  unchanged: Set<string>
  changes: MergeChanges
}

/** One way to look a file up, whatever the case in which the plan wrote the name. */
const fileFinder = (current: CurrentFiles): ((path: string | null) => string | null) => {
  const byName = new Map([...current].map(([path, text]) => [sameName(path), text]))
  return (path) => (path === null ? null : (byName.get(sameName(path)) ?? null))
}

const refuse = (error: MemberError): EngineError =>
  new EngineError('invalid_plan', error.message, { errors: [error] })

const keyOf = ({ type, fullName }: { type: string; fullName: string }): string =>
  sameName(`${type}:${fullName}`)

/**
 * The package for a checked plan. Throws EngineError `invalid_plan` where the plan builds on
 * something that is not there: an object it only adds to, a layout, the field `after`, a profile or
 * permission set it names.
 */
export const compilePlan = (plan: Plan, { current }: CompileContext): MetadataPackage => {
  const find = fileFinder(current)
  const output: Output = {
    files: new Map(),
    unchanged: new Set(),
    changes: { permissionSets: {}, profiles: {}, layouts: {} },
  }
  compileObjects(plan, find, output)
  compileAccess(plan, find, output)
  compileLayouts(plan, find, output)
  compileTabs(plan, find, output)

  const all = componentsOf(plan)
  const components = all.filter((component) => !output.unchanged.has(keyOf(component)))
  const unchanged = all.filter((component) => output.unchanged.has(keyOf(component)))
  return {
    files: output.files,
    members: membersOf(components),
    components,
    unchanged,
    changes: output.changes,
  }
}

type Find = (path: string | null) => string | null

const compileObjects = (plan: Plan, find: Find, output: Output): void => {
  for (const [index, object] of plan.objects.entries()) {
    const name = object.api_name
    const path = filePath('CustomObject', name)
    const text = find(path)
    if (text === null && !definesObject(object) && objectKind(name) !== 'standard') {
      throw refuse({
        path: `objects.${index}.api_name`,
        code: 'object_not_found',
        message: `The Salesforce org has no object ${name}. Give its label, plural_label and name_field to make it.`,
      })
    }
    const compiled = compileObject(object, text)
    for (const component of compiled.unchanged) output.unchanged.add(keyOf(component))
    if (compiled.text !== null && path !== null) output.files.set(path, compiled.text)
  }
}

const compileAccess = (plan: Plan, find: Find, output: Output): void => {
  const { permission_set: main, permission_sets: others, profiles } = plan.permissions
  const names = [...(main === null ? [] : [main]), ...others]
  for (const name of names) {
    const path = filePath('PermissionSet', name)
    const current = find(path)
    const position = others.indexOf(name)
    if (current === null && name !== main) {
      throw refuse({
        path: `permissions.permission_sets.${position}`,
        code: 'permission_set_not_found',
        message: `The Salesforce org has no permission set ${name}. Name one that is there, or make it permission_set.`,
      })
    }
    const { text, changes } = mergePermissionSet(plan, name, current)
    if (changes.length === 0 && current !== null) {
      output.unchanged.add(keyOf({ type: 'PermissionSet', fullName: name }))
      continue
    }
    output.changes.permissionSets[name] = changes
    if (path !== null) output.files.set(path, text)
  }
  for (const [index, name] of profiles.entries()) {
    const fullName = metadataName(name)
    const path = filePath('Profile', fullName)
    const current = find(path)
    if (current === null) {
      throw refuse({
        path: `permissions.profiles.${index}`,
        code: 'profile_not_found',
        message: `The Salesforce org has no profile ${name}. Name it as the Metadata API does, for example Admin.`,
      })
    }
    const { text, changes } = mergeProfile(plan, current)
    if (changes.length === 0) {
      output.unchanged.add(keyOf({ type: 'Profile', fullName }))
      continue
    }
    output.changes.profiles[fullName] = changes
    if (path !== null) output.files.set(path, text)
  }
}

const objectOf = (plan: Plan, name: string): PlanObject | undefined =>
  plan.objects.find(({ api_name }) => sameName(api_name) === sameName(name))

const fullNameOf = (layout: PlanLayout): string => layoutFullName(layout.object, layout.layout)

const compileLayouts = (plan: Plan, find: Find, output: Output): void => {
  /** Layouts that several members of the plan add to are merged one after the other. */
  const merged = new Map<string, { fullName: string; text: string; change: LayoutChange }>()
  for (const [index, layout] of plan.layouts.entries()) {
    const object = objectOf(plan, layout.object)
    if (object === undefined) continue
    const started = merged.get(sameName(fullNameOf(layout)))
    const fullName = started?.fullName ?? fullNameOf(layout)
    const path = filePath('Layout', fullName)
    const current = started?.text ?? find(path)
    const isNewObject = find(filePath('CustomObject', object.api_name)) === null
    if (current === null && !(isNewObject && definesObject(object))) {
      throw refuse({
        path: `layouts.${index}.layout`,
        code: 'layout_not_found',
        message: `${layout.object} has no layout ${layout.layout}. Name one that is there.`,
      })
    }
    let text = current ?? newLayout(object)
    if (layout.after !== undefined && !layoutShows(text, layout.after)) {
      throw refuse({
        path: `layouts.${index}.after`,
        code: 'field_not_on_layout',
        message: `Layout ${layout.layout} of ${layout.object} does not show ${layout.after}. Name a field that it shows.`,
      })
    }
    const change = started?.change ?? { created: current === null, fields: [], sections: [] }
    const wished = new Set(
      plan.layouts
        .filter((other) => sameName(fullNameOf(other)) === sameName(fullName))
        .flatMap(({ fields }) => fields.map(sameName)),
    )
    const required = missingRequired(text, object).filter((field) => !wished.has(sameName(field)))
    const result = mergeLayout(text, object, {
      section: layout.section,
      fields: [...layout.fields, ...required],
      after: layout.after,
    })
    text = result.text
    change.fields.push(...result.change.fields)
    change.sections.push(...result.change.sections)
    merged.set(sameName(fullName), { fullName, text, change })
  }
  for (const { fullName, text, change } of merged.values()) {
    const path = filePath('Layout', fullName)
    if (path !== null && (change.created || change.fields.length > 0)) {
      output.files.set(path, text)
      output.changes.layouts[fullName] = change
    } else output.unchanged.add(keyOf({ type: 'Layout', fullName }))
  }
}

// Salesforce: a tab needs one of its hundred styles; whoever minds chooses another there.
const TAB_MOTIF = 'Custom53: Bell'

const compileTabs = (plan: Plan, find: Find, output: Output): void => {
  const wanted: XmlValue = { customObject: true, motif: TAB_MOTIF }
  for (const tab of plan.tabs) {
    const path = filePath('CustomTab', tab)
    const current = find(path)
    // A tab that is there keeps its style.
    if (current !== null && sameElement(readRoot(current, 'CustomTab').customObject, true)) {
      output.unchanged.add(keyOf({ type: 'CustomTab', fullName: tab }))
    } else if (path !== null) {
      output.files.set(path, writeFile('CustomTab', wanted))
    }
  }
}
