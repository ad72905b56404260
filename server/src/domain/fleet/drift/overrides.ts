// What a client keeps as it is although the blueprint says otherwise: the blueprint's content for that client
// says so too, so that a rollout does not undo what somebody accepted.

import { sameName } from '../../metadata/names.ts'
import { parsePlan } from '../../plan/check.ts'
import { componentsOf } from '../../plan/components.ts'
import { type BlueprintContent } from '../blueprints/places.ts'
import { type Override } from './evaluate.ts'

/** Attributes that a describe shows as a plan writes them: the found value stands in place of the wanted one. */
const WRITABLE: ReadonlySet<string> = new Set([
  ...['label', 'plural_label', 'help_text', 'length', 'precision', 'scale', 'required', 'unique'],
  ...['external_id', 'default', 'default_formula', 'restricted', 'values', 'active'],
  'name_field.label',
])
/** Components whose members a snapshot shows one by one. */
const OF_MEMBERS: ReadonlySet<string> = new Set(['CustomObject', 'CustomField', 'RecordType'])

type Members = Record<string, unknown>

const isMembers = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The element at a dotted path below `root`, with the list that holds it; null where there is none. */
const elementAt = (root: unknown, path: string) => {
  const steps = path.split('.')
  const last = steps.pop() ?? ''
  const holder = steps.reduce<unknown>(
    (value, step) =>
      typeof value === 'object' && value !== null ? Reflect.get(value, step) : undefined,
    root,
  )
  const at = Number(last)
  if (!Array.isArray(holder) || !Number.isInteger(at)) return null
  const element: unknown = holder[at]
  return isMembers(element) || typeof element === 'string'
    ? { list: holder as unknown[], at, element: isMembers(element) ? element : {} }
    : null
}

/** Whether it is about the plan's own permission set, which a member names, and not a list. */
const isOfMainSet = ({ plan }: BlueprintContent, { type, full_name: name }: Override): boolean =>
  type === 'PermissionSet' &&
  plan !== undefined &&
  sameName(parsePlan(plan, 'plan').permissions.permission_set ?? '') === sameName(name)

/** A plan that leaves its own permission set alone. */
const withoutMainSet = (plan: Members): Members => {
  const permissions = isMembers(plan.permissions) ? plan.permissions : {}
  return {
    ...plan,
    permissions: { ...permissions, permission_set: null, assign_to_connected_user: false },
  }
}

/**
 * The content of one client with what was accepted in it: an attribute as it was found, and without
 * components that cannot be written as they were found. `content` has no parameters any more.
 */
export const withOverrides = (
  content: BlueprintContent,
  overrides: readonly Override[],
): BlueprintContent => {
  if (overrides.length === 0) return content
  const changed = structuredClone(content)
  const gone: { list: unknown[]; at: number }[] = []
  for (const override of overrides) {
    // No deploy takes away access that somebody gave.
    if (override.state === 'extra_grant') continue
    if (isOfMainSet(content, override)) {
      changed.plan = withoutMainSet(changed.plan as Members)
      continue
    }
    const found = placeOf(content, changed, override)
    if (found === null) continue
    const { list, at, element } = found
    const isWritable =
      override.differences.length > 0 &&
      override.differences.every(
        ({ attribute, found: value }) => WRITABLE.has(attribute) && value !== null,
      )
    if (OF_MEMBERS.has(override.type) && isWritable) {
      for (const { attribute, found: value } of override.differences) {
        write(element, attribute.split('.'), value)
      }
    } else gone.push({ list, at })
  }
  for (const { list, at } of gone.toSorted((a, b) => b.at - a.at)) list.splice(at, 1)
  return withoutNothing(changed)
}

const isNothing = (value: unknown): boolean => Array.isArray(value) && value.length === 0

/** Without lists and objects of which nothing is left: a plan may not name an object for nothing. */
const withoutNothing = (content: BlueprintContent): BlueprintContent => {
  const { plan, ...others } = content
  const left = Object.fromEntries(Object.entries(others).filter(([, value]) => !isNothing(value)))
  if (!isMembers(plan)) return left
  if (!Array.isArray(plan.objects)) return { plan, ...left }
  const objects = (plan.objects as Members[]).filter((object) =>
    Object.entries(object).some(([name, value]) => name !== 'api_name' && !isNothing(value)),
  )
  return { plan: { ...plan, objects }, ...left }
}

const write = (owner: Members, [step = '', ...rest]: string[], value: unknown): void => {
  const inner = owner[step]
  if (rest.length === 0) owner[step] = value
  else if (isMembers(inner)) write(inner, rest, value)
}

const placeOf = (
  content: BlueprintContent,
  changed: BlueprintContent,
  { type, full_name: name }: Override,
) => {
  const isMeant = (given: unknown) => sameName(String(given)) === sameName(name)
  if (type === 'Mapping') {
    const list = Array.isArray(changed.mappings) ? (changed.mappings as unknown[]) : []
    const at = list.findIndex((one) => isMembers(one) && isMeant(one.canonical_object))
    return at < 0 ? null : { list, at, element: list[at] as Members }
  }
  if (content.plan !== undefined) {
    const component = componentsOf(parsePlan(content.plan, 'plan')).find(
      (one) => one.type === type && isMeant(one.fullName),
    )
    if (component !== undefined) return elementAt(changed.plan, component.path)
  }
  const list = Array.isArray(changed.workflows) ? (changed.workflows as unknown[]) : []
  const at = list.findIndex((one) => isMembers(one) && isMeant(one.api_name))
  return at < 0 ? null : { list, at, element: list[at] as Members }
}
