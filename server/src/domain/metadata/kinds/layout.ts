// A page layout. Fields are put on one that is there; only a new object gets a layout of its own.

import { type Findings } from '../../plan/findings.ts'
import { definesObject, type Plan, type PlanLayout } from '../../plan/schema.ts'
import {
  type LayoutChange,
  layoutShows,
  mergeLayout,
  missingRequired,
  newLayout,
  takeOutOfLayout,
} from '../layout-file.ts'
import { type Component, layoutFullName, sameName } from '../names.ts'
import {
  keep,
  NOTHING,
  type Scene,
  type Settled,
  type Undoing,
  undoMade,
  undoUnread,
} from '../undoing.ts'
import { listed } from '../../words.ts'
import { TAKEN_OUT } from '../reversibility.ts'
import {
  type Asked,
  type CompiledFile,
  type Compiling,
  type FileKind,
  type KindRule,
  type Named,
  NOTHING_TO_DO,
  type PlanComponent,
  refusal,
  type Word,
  always,
} from './kind.ts'

const fullNameOf = ({ object, layout }: PlanLayout): string => layoutFullName(object, layout)

/** `Lead` of `Lead-Lead Layout`. */
const objectOf = (fullName: string): string => fullName.slice(0, fullName.indexOf('-'))

const named = (plan: Plan): Named[] =>
  plan.layouts.map((one, index) => ({ fullName: fullNameOf(one), path: `layouts.${index}` }))

const check = (plan: Plan, findings: Findings): void => {
  const placed = new Set<string>()
  for (const [index, planned] of plan.layouts.entries()) {
    const { object: objectName, layout: name, after } = planned
    const path = ['layouts', index]
    const object = plan.objects.find(({ api_name }) => sameName(api_name) === sameName(objectName))
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
): Merged | null => {
  const { plan, current } = context
  const object = plan.objects.find(
    ({ api_name }) => sameName(api_name) === sameName(planned.object),
  )
  if (object === undefined) return null
  const fullName = started?.fullName ?? fullNameOf(planned)
  const found = started?.text ?? current('Layout', fullName)
  const isNewObject = current('CustomObject', object.api_name) === null
  if (found === null && !(isNewObject && definesObject(object))) {
    throw refusal(
      `layouts.${index}.layout`,
      'layout_not_found',
      `${planned.object} has no layout ${planned.layout}. Name one that is there.`,
    )
  }
  const text = found ?? newLayout(object)
  if (planned.after !== undefined && !layoutShows(text, planned.after)) {
    throw refusal(
      `layouts.${index}.after`,
      'field_not_on_layout',
      `Layout ${planned.layout} of ${planned.object} does not show ${planned.after}. Use a field that it shows.`,
    )
  }
  const wished = new Set(
    plan.layouts
      .filter((other) => sameName(fullNameOf(other)) === sameName(fullName))
      .flatMap(({ fields }) => fields.map(sameName)),
  )
  const required = missingRequired(text, object).filter((field) => !wished.has(sameName(field)))
  const merged = mergeLayout(text, object, {
    section: planned.section,
    fields: [...planned.fields, ...required],
    after: planned.after,
  })
  const columns = { ...started?.change.columns, ...merged.change.columns }
  return {
    fullName,
    text: merged.text,
    change: {
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
    const merged = merge(context, planned, index, layouts.get(key))
    if (merged !== null) layouts.set(key, merged)
  }
  return [...layouts.values()].map(({ fullName, text, change }) =>
    change.created || change.fields.length > 0
      ? { fullName, text, unchanged: [], noted: { layouts: { [fullName]: change } } }
      : { fullName, text: null, unchanged: [{ type: 'Layout', fullName }] },
  )
}

/** One that was there before: our fields and sections are taken out. */
const undoAdditions = (component: Component, scene: Scene, { isOurs }: Settled): Undoing => {
  const change = scene.changes.layouts[component.fullName]
  const early = undoUnread(component, scene)
  if (early !== null || change === undefined) return early ?? NOTHING
  const object = objectOf(component.fullName)
  const fields = change.fields.filter((field) => isOurs(`${object}.${field}`))
  const out = takeOutOfLayout(scene.now.file(component) ?? '', { ...change, fields })
  const stay = `Sections that hold other fields by now: ${out.kept.join(', ')}.`
  return {
    remove: false,
    restore: out.removed.length > 0 ? { file: out.text } : null,
    kept: out.kept.length > 0 ? keep(stay, { removable: false }).kept : null,
  }
}

/** A rule about a layout, with the member of the plan that references it. */
const rule = (
  code: string,
  severity: KindRule['severity'],
  judge: (layout: PlanLayout, asked: Asked, fullName: string) => Word | null | Promise<Word | null>,
): KindRule => ({
  code,
  severity,
  judge: ({ path, fullName }: PlanComponent, asked) => {
    const layout = asked.plan.layouts[Number(path.split('.')[1])]
    return layout === undefined ? null : judge(layout, asked, fullName)
  },
})

const rules: KindRule[] = [
  rule('layout_missing', 'red', async ({ object, layout }, asked, fullName) => {
    // A new object gets the layout that the plan names.
    if (!asked.objectExists(object)) return null
    const found = await asked.lookUp('Layout', fullName)
    return found === null || found.exists
      ? null
      : {
          message: `${object} has no page layout ${layout} in this Salesforce org.`,
          remedy: 'Correct the name of the layout; layouts are created for new objects only.',
          at: 'layout',
        }
  }),
  rule('layout_managed', 'red', async ({ object, layout }, { lookUp }, fullName) =>
    (await lookUp('Layout', fullName))?.managed === true
      ? {
          message: `The layout ${layout} of ${object} belongs to an installed package and is locked.`,
          remedy: 'Clone it in Salesforce and use the clone.',
          at: 'layout',
        }
      : null,
  ),
  rule('layout_after_missing', 'red', async ({ object, layout, after }, { fieldExists }) =>
    after !== undefined && /__c$/i.test(after) && (await fieldExists(object, after)) === false
      ? {
          message: `The layout ${layout} cannot show ${after}: ${object} has no such field.`,
          remedy: 'Use a field that the layout shows, or leave `after` out.',
          at: 'after',
        }
      : null,
  ),
  rule('layout_merged', 'green', ({ object, layout, fields }, { objectExists }) =>
    objectExists(object)
      ? {
          message: `${layout} gets ${listed(fields)}; everything else on it stays in place.`,
          remedy: NOTHING_TO_DO,
        }
      : null,
  ),
  rule('layout_new', 'green', ({ object, layout }, { objectExists }) =>
    objectExists(object)
      ? null
      : { message: `${layout} is created with its object ${object}.`, remedy: NOTHING_TO_DO },
  ),
]

export const layout: FileKind = {
  type: 'Layout',
  folder: 'layouts',
  suffix: 'layout',
  isShared: true,
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
  rules,
}
