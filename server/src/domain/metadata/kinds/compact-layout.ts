// A compact layout of an object: the fields at the top of a record. The object says which one is the
// primary one (`assign` in a plan), so that changes the object.

import { leaf, listObjects } from '../../../salesforce/xml.ts'
import { type Findings, reportDuplicates } from '../../plan/findings.ts'
import { type Plan, type PlanObject } from '../../plan/schema.ts'
import { listed, one } from '../../words.ts'
import { type Component, memberOf, ownerOf, sameName } from '../names.ts'
import { findPart } from '../object-file.ts'
import { RESTORED, reversible } from '../reversibility.ts'
import { keep, type Scene, type Settled, undoMade, undoMembers, type Undoing } from '../undoing.ts'
import { overlay, readRoot } from '../xml-tree.ts'
import { missingFields } from './asking.ts'
import {
  always,
  type Asked,
  checkPartNames,
  type KindRule,
  type PartKind,
  partsNamed,
  plannedPart,
} from './kind.ts'

const TYPE = 'CompactLayout'
const NAME_MAX = 80

const check = (plan: Plan, findings: Findings): void => {
  checkPartNames(plan, 'compact_layouts', { noun: 'Compact layout', max: NAME_MAX }, findings)
  for (const [index, { api_name: object, compact_layouts: layouts }] of plan.objects.entries()) {
    const path = (at: number, ...rest: (string | number)[]) => [
      'objects',
      index,
      'compact_layouts',
      at,
      ...rest,
    ]
    for (const [at, { api_name: name, fields }] of layouts.entries()) {
      reportDuplicates(
        fields,
        (field) => `Field ${field} of compact layout ${name}`,
        (position) => path(at, 'fields', position),
        findings,
      )
    }
    const assigned = [...layouts.entries()].filter(([, { assign }]) => assign)
    for (const [at, { api_name: name }] of assigned.slice(1)) {
      findings.add(
        path(at, 'assign'),
        'duplicate',
        `${object} can have one primary compact layout, and ${name} is the second in the plan. Assign one.`,
      )
    }
  }
}

/** Salesforce: "Compact layouts support all field types except" these (Salesforce App guide). */
const REFUSED_TYPES: ReadonlySet<string> = new Set([
  'TextArea',
  'LongTextArea',
  'Html',
  'MultiselectPicklist',
])
const REFUSED_DESCRIBED: ReadonlySet<unknown> = new Set(['textarea', 'multipicklist'])

const refusedFields = (
  object: PlanObject,
  names: readonly string[],
  { describeOf }: Asked,
): string[] => {
  const described = listObjects(describeOf(object.api_name)?.fields)
  const isRefused = (name: string): boolean => {
    const planned = object.fields.find(({ api_name }) => sameName(api_name) === sameName(name))
    if (planned !== undefined) return REFUSED_TYPES.has(planned.type)
    const found = described.find((field) => sameName(String(field.name)) === sameName(name))
    return REFUSED_DESCRIBED.has(found?.type)
  }
  return names.filter(isRefused)
}

const planned = (plan: Plan, fullName: string) => plannedPart(plan, 'compact_layouts', fullName)

const rules: KindRule[] = [
  {
    code: 'compact_layout_field_missing',
    severity: 'red',
    judge: async ({ fullName }, asked) => {
      const found = planned(asked.plan, fullName)
      const missing =
        found === null ? [] : await missingFields(found.object, found.part.fields, asked)
      return missing.length === 0
        ? null
        : {
            message: `The compact layout ${fullName} shows ${listed(missing)}, which ${one(missing, 'exists', 'exist')} neither in the plan nor in this Salesforce org.`,
            remedy: 'Add the field to the plan, correct its name, or leave it out.',
            at: 'fields',
          }
    },
  },
  {
    code: 'compact_layout_field_not_allowed',
    severity: 'red',
    judge: ({ fullName }, asked) => {
      const found = planned(asked.plan, fullName)
      const refused = found === null ? [] : refusedFields(found.object, found.part.fields, asked)
      return refused.length === 0
        ? null
        : {
            message: `The compact layout ${fullName} shows ${listed(refused)}. Compact layouts cannot show text areas and multi-select picklists.`,
            remedy: 'Leave the field out, or show a different one.',
            at: 'fields',
          }
    },
  },
  {
    code: 'compact_layout_exists',
    severity: 'yellow',
    judge: async ({ fullName }, { lookUp }) =>
      (await lookUp(TYPE, fullName))?.exists === true
        ? {
            message: `The compact layout ${fullName} exists. The label and fields of the plan replace its own.`,
            remedy: 'Make sure that it is the one you mean, or choose a different name.',
          }
        : null,
  },
  {
    code: 'compact_layout_new',
    severity: 'green',
    judge: async ({ fullName }, { plan, lookUp }) => {
      if ((await lookUp(TYPE, fullName))?.exists !== false) return null
      const isShown = planned(plan, fullName)?.part.assign === true
      return {
        message: isShown
          ? `The compact layout ${fullName} is new, and users see it in place of the current primary one.`
          : `The compact layout ${fullName} is new; nobody sees it before it is assigned.`,
      }
    },
  },
]

/**
 * Salesforce: one that is the primary one of its object, or assigned to a record type, cannot be deleted
 * before a different one replaces it.
 */
const undoMadeLayout =
  (component: Component, scene: Scene) =>
  ({ isTakenBack }: Settled): Undoing => {
    const object = { type: 'CustomObject', fullName: ownerOf(component.fullName) }
    const undoing = undoMade(component, object.fullName, scene)
    const text = scene.now.file(object)
    if (!undoing.remove || text === null || scene.goes.has(sameName(object.fullName)))
      return undoing
    const file = readRoot(text, 'CustomObject')
    const isIt = (assigned: unknown): boolean =>
      sameName(leaf(assigned) ?? '') === sameName(memberOf(component.fullName))
    const types = listObjects(file.recordTypes).filter((type) => isIt(type.compactLayoutAssignment))
    if (types.length > 0) {
      const names = types.map(({ fullName }) => leaf(fullName) ?? '')
      return keep(
        `It is assigned to the ${one(names, 'record type', 'record types')} ${listed(names)}. Assign a different one first.`,
      )
    }
    return isIt(file.compactLayoutAssignment) && !isTakenBack(object)
      ? keep(
          `It is the primary compact layout of ${object.fullName}. Assign a different one first.`,
        )
      : undoing
  }

export const compactLayout: PartKind = {
  type: TYPE,
  list: 'compactLayouts',
  named: partsNamed('compact_layouts'),
  objectOf: ownerOf,
  isToldByItsFile: true,
  check,
  elements: (object, image) =>
    object.compact_layouts.map(({ api_name: apiName, label, fields }) => {
      const before = findPart(image, 'compactLayouts', apiName)
      return { apiName, element: overlay(before, { fullName: apiName, fields, label }), before }
    }),
  deletion: { place: 1, withObject: always },
  reversibility: ({ made }) =>
    made
      ? reversible('Rollback deletes it, unless it is assigned to a record type by then.')
      : RESTORED,
  undo: ({ component, made }, scene) =>
    made ? undoMadeLayout(component, scene) : undoMembers(component, scene),
  rules,
}
