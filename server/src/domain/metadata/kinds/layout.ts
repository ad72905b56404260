// A page layout. Fields, related lists, buttons and quick actions are added to an existing one; only a new object
// gets a layout of its own.

import { type Findings, reportDuplicates } from '../../plan/findings.ts'
import { definesObject, type Plan, type PlanLayout, type PlanObject } from '../../plan/schema.ts'
import {
  type LayoutChange,
  layoutShows,
  mergeLayout,
  missingRequired,
  newLayout,
  takeOutOfLayout,
} from '../layout-file.ts'
import {
  hasActionList,
  isEmptyListChange,
  joinListChanges,
  layoutLists,
  mergeLists,
} from '../layout-lists.ts'
import { type Component, layoutFullName, sameName } from '../names.ts'
import { listed } from '../../words.ts'
import { childrenIn, layoutRules } from './layout-rules.ts'
import {
  keep,
  NOTHING,
  type Scene,
  type Settled,
  type Undoing,
  undoMade,
  undoUnread,
} from '../undoing.ts'
import { TAKEN_OUT } from '../reversibility.ts'
import {
  type CompiledFile,
  type Compiling,
  type FileKind,
  type Named,
  refusal,
  always,
} from './kind.ts'

const fullNameOf = ({ object, layout }: PlanLayout): string => layoutFullName(object, layout)

/** `Lead` of `Lead-Lead Layout`. */
const objectOf = (fullName: string): string => fullName.slice(0, fullName.indexOf('-'))

const named = (plan: Plan): Named[] =>
  plan.layouts.map((one, index) => ({ fullName: fullNameOf(one), path: `layouts.${index}` }))

const objectIn = (plan: Plan, name: string): PlanObject | undefined =>
  plan.objects.find(({ api_name }) => sameName(api_name) === sameName(name))

/** What is wrong with related lists, buttons and quick actions, or with having neither them nor fields. */
const checkLists = (planned: PlanLayout, path: (string | number)[], findings: Findings): void => {
  const { layout: name, fields, related_lists = [], buttons = [], quick_actions = [] } = planned
  if (fields.length + related_lists.length + buttons.length + quick_actions.length === 0) {
    findings.add(
      path,
      'missing',
      `Layout ${name} gets nothing. Add fields, related_lists, buttons or quick_actions.`,
    )
  }
  for (const [member, names] of Object.entries({
    related_lists: related_lists.map(({ related_list }) => related_list),
    buttons,
    quick_actions,
  })) {
    reportDuplicates(
      names,
      (one) => `${one} on layout ${name}`,
      (at) => [...path, member, at],
      findings,
    )
  }
  for (const [at, { related_list, sort_field, sort_order }] of related_lists.entries()) {
    if (sort_order === undefined || sort_field !== undefined) continue
    findings.add(
      [...path, 'related_lists', at, 'sort_order'],
      'attributes_conflict',
      `Related list ${related_list} has a sort order but no field to sort by. Add sort_field.`,
    )
  }
}

const check = (plan: Plan, findings: Findings): void => {
  const placed = new Set<string>()
  for (const [index, planned] of plan.layouts.entries()) {
    const { object: objectName, layout: name, after } = planned
    const path = ['layouts', index]
    checkLists(planned, path, findings)
    const object = objectIn(plan, objectName)
    if (planned.fields.length === 0) continue
    if (planned.section === undefined) {
      findings.add(
        [...path, 'section'],
        'missing',
        `Layout ${name} needs the section for its fields. Add section.`,
      )
    }
    if (object === undefined) {
      findings.add(
        [...path, 'object'],
        'object_not_in_plan',
        `Layout ${name} belongs to ${objectName}, which is not in the plan. Add the object or remove the layout.`,
      )
      continue
    }
    const known = new Set(object.fields.map(({ api_name }) => sameName(api_name)))
    for (const [position, field] of planned.fields.entries()) {
      const where = [...path, 'fields', position]
      if (!known.has(sameName(field))) {
        findings.add(
          where,
          'field_not_in_plan',
          `Layout ${name} names ${field}, which is not a field of ${objectName} in the plan. Add the field or remove it here.`,
        )
      }
      const key = sameName(`${objectName}-${name}.${field}`)
      if (placed.has(key)) {
        findings.add(where, 'duplicate', `Layout ${name} would show ${field} twice. Keep one.`)
      }
      placed.add(key)
    }
    if (
      after !== undefined &&
      planned.fields.some((field) => sameName(field) === sameName(after))
    ) {
      findings.add(
        [...path, 'after'],
        'attributes_conflict',
        `Layout ${name} cannot place ${after} after itself. Use a different field.`,
      )
    }
  }
}

const NO_FIELDS: Pick<PlanObject, 'fields'> = { fields: [] }

/** Where required fields of the plan go if no member of it places them. */
const REQUIRED_SECTION = 'Information'

/** A layout on its way: several members of the plan may add to one. */
interface Merged {
  fullName: string
  text: string
  change: LayoutChange
}

const merge = (
  context: Compiling,
  planned: PlanLayout,
  index: number,
  started: Merged | undefined,
): Merged => {
  const { plan, current } = context
  const object = objectIn(plan, planned.object)
  const fullName = started?.fullName ?? fullNameOf(planned)
  const found = started?.text ?? current('Layout', fullName)
  const isMade =
    object !== undefined &&
    definesObject(object) &&
    current('CustomObject', object.api_name) === null
  const text = found ?? (isMade ? newLayout(object) : null)
  if (text === null) {
    throw refusal(
      `layouts.${index}.layout`,
      'layout_not_found',
      `${planned.object} has no layout ${planned.layout}. Name one that is there.`,
    )
  }
  if (planned.after !== undefined && !layoutShows(text, planned.after)) {
    throw refusal(
      `layouts.${index}.after`,
      'field_not_on_layout',
      `Layout ${planned.layout} of ${planned.object} does not show ${planned.after}. Use a field that it shows.`,
    )
  }
  if (
    planned.quick_actions !== undefined &&
    planned.quick_actions.length > 0 &&
    !hasActionList(text)
  ) {
    throw refusal(
      `layouts.${index}.quick_actions`,
      'layout_without_actions',
      `Layout ${planned.layout} of ${planned.object} offers the default actions of Salesforce, which an action of its own would hide. Override them on the layout in Salesforce first, or leave quick_actions out.`,
    )
  }
  const wished = new Set(
    plan.layouts
      .filter((other) => sameName(fullNameOf(other)) === sameName(fullName))
      .flatMap(({ fields }) => fields.map(sameName)),
  )
  const required = missingRequired(text, object ?? NO_FIELDS).filter(
    (field) => !wished.has(sameName(field)),
  )
  const merged = mergeLayout(text, object ?? NO_FIELDS, {
    section: planned.section ?? REQUIRED_SECTION,
    fields: [...planned.fields, ...required],
    after: planned.after,
  })
  const columns = { ...started?.change.columns, ...merged.change.columns }
  const lists = mergeLists(merged.text, planned)
  return {
    fullName,
    text: lists.text,
    change: {
      ...joinListChanges(started?.change ?? {}, lists.change),
      created: started?.change.created ?? found === null,
      fields: [...(started?.change.fields ?? []), ...merged.change.fields],
      sections: [...(started?.change.sections ?? []), ...merged.change.sections],
      ...(Object.keys(columns).length === 0 ? {} : { columns }),
    },
  }
}

const compile = (context: Compiling): CompiledFile[] => {
  const layouts = new Map<string, Merged>()
  for (const [index, planned] of context.plan.layouts.entries()) {
    const key = sameName(fullNameOf(planned))
    layouts.set(key, merge(context, planned, index, layouts.get(key)))
  }
  return [...layouts.values()].map(({ fullName, text, change }) =>
    change.created || change.fields.length > 0 || !isEmptyListChange(change)
      ? { fullName, text, unchanged: [], noted: { layouts: { [fullName]: change } } }
      : { fullName, text: null, unchanged: [{ type: 'Layout', fullName }] },
  )
}

/** Of what the deployment put on the layout, what is still there and shows something that stays. */
const stillShown = (
  text: string,
  change: LayoutChange,
  shows: (one: { field?: string; related_list?: string }) => boolean,
): string[] => [
  ...change.fields.filter((field) => shows({ field }) && layoutShows(text, field)),
  ...(change.related_lists ?? [])
    .map(({ related_list }) => related_list)
    .filter((name) => shows({ related_list: name }) && layoutLists(text, name)),
]

/** One that was there before: our fields, sections, related lists, buttons and actions are removed. */
const undoAdditions = (component: Component, scene: Scene, { stays }: Settled): Undoing => {
  const change = scene.changes.layouts[component.fullName]
  const early = undoUnread(component, scene)
  if (early !== null || change === undefined) return early ?? NOTHING
  const object = objectOf(component.fullName)
  const isGoing = ({ field, related_list }: { field?: string; related_list?: string }): boolean =>
    !stays({
      type: 'CustomField',
      fullName: field === undefined ? (related_list ?? '') : `${object}.${field}`,
    })
  const out = takeOutOfLayout(scene.now.file(component) ?? '', {
    ...change,
    fields: change.fields.filter((field) => isGoing({ field })),
    related_lists: (change.related_lists ?? []).filter(isGoing),
  })
  const shown = stillShown(out.text, change, (one) => !isGoing(one))
  const reasons = [
    ...(shown.length === 0
      ? []
      : [`It still shows ${listed(shown)}; these items can be removed later.`]),
    ...(out.kept.length === 0
      ? []
      : [`Sections and lists that now hold other fields: ${out.kept.join(', ')}.`]),
  ]
  return {
    remove: false,
    restore: out.removed.length > 0 ? { file: out.text } : null,
    kept:
      reasons.length === 0 ? null : keep(reasons.join(' '), { removable: shown.length > 0 }).kept,
  }
}

export const layout: FileKind = {
  type: 'Layout',
  folder: 'layouts',
  suffix: 'layout',
  isShared: true,
  isToldByItsFile: true,
  named,
  objectOf,
  toRead: (plan) => named(plan).map(({ fullName }) => fullName),
  check,
  compile,
  deletion: { place: 3, withObject: always },
  reversibility: () => TAKEN_OUT,
  undo: ({ component, made }, scene) =>
    made
      ? undoMade(component, objectOf(component.fullName), scene)
      : (settled) => undoAdditions(component, scene, settled),
  mentions: (plan) => plan.layouts.flatMap((one) => [one.object, ...childrenIn(one)]),
  rules: layoutRules,
}
