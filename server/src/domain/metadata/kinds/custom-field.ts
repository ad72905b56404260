// A field of an object. What its type means is told by the field types.

import { type JsonObject } from '../../../salesforce/json.ts'
import { leaf } from '../../../salesforce/xml.ts'
import { type Plan, type PlanObject } from '../../plan/schema.ts'
import { type WantedEntry } from '../entries.ts'
import { fieldElement, isCalculatedElement } from '../fields/element.ts'
import { isReadOnly, isRequired } from '../fields/field-kinds.ts'
import { type Component, ownerOf, sameName } from '../names.ts'
import { findPart, type ObjectImage } from '../object-file.ts'
import { gainedValues, OWN_VALUES, undoGained } from '../gained-values.ts'
import { isNamed, keep, type Scene, type Undoing, undoMade } from '../undoing.ts'
import { type PartKind, partsNamed, type Reversibility, RESTORED, type Step } from './kind.ts'

/** Primary and secondary master for those that say neither: what is free, in the plan's order. */
const relationshipOrders = (
  object: PlanObject,
  image: ObjectImage | null,
): ((apiName: string) => number) => {
  const masters = object.fields.filter((field) => field.type === 'MasterDetail')
  const named = new Set(masters.map(({ api_name }) => sameName(api_name)))
  const taken = new Set<number>()
  for (const { relationship_order: order } of masters) if (order !== undefined) taken.add(order)
  for (const { apiName, element } of image?.parts.fields ?? []) {
    if (element.type === 'MasterDetail' && !named.has(sameName(apiName))) {
      taken.add(Number(element.relationshipOrder ?? 0))
    }
  }
  const orders = new Map<string, number>()
  for (const { api_name, relationship_order: order } of masters) {
    if (order !== undefined) continue
    const free = [0, 1].find((candidate) => !taken.has(candidate)) ?? 1
    taken.add(free)
    orders.set(sameName(api_name), free)
  }
  return (apiName) => orders.get(sameName(apiName)) ?? 0
}

/** Salesforce leaves the usual delete constraint out when it is read. */
const withDefaults = (element: JsonObject | null): JsonObject | null =>
  element?.type === 'Lookup' && element.deleteConstraint === undefined
    ? { ...element, deleteConstraint: 'SetNull' }
    : element

// Salesforce: custom fields of tasks and events are made on Activity, but permitted on Task or Event
// (Metadata API guide, PermissionSet).
const permittedOn = (object: string): string => (sameName(object) === 'activity' ? 'Task' : object)

const wanted = (plan: Plan): WantedEntry[] =>
  plan.objects.flatMap(({ api_name: object, fields }) =>
    fields.flatMap((field): WantedEntry[] => [
      {
        list: 'fieldPermissions',
        key: `${permittedOn(object)}.${field.api_name}`,
        // Salesforce: "You cannot deploy to a required field": everybody sees those anyway.
        grant: isRequired(field) ? null : { editable: !isReadOnly(field), readable: true },
      },
      // Salesforce: access to a detail depends on reading its master.
      ...(field.type === 'MasterDetail' ? [toReadObject(field.reference_to)] : []),
    ]),
  )

const toReadObject = (object: string): WantedEntry => ({
  list: 'objectPermissions',
  key: object,
  grant: {
    allowCreate: false,
    allowDelete: false,
    allowEdit: false,
    allowRead: true,
    modifyAllRecords: false,
    viewAllRecords: false,
  },
})

/** Fields that hold on to other fields or objects; these are deleted by name even with their object. */
const HOLDING = ['Summary', 'Formula', 'MasterDetail', 'Lookup'] as const

const typeIn = (plan: Plan): ((fullName: string) => string | undefined) => {
  const types = new Map(
    plan.objects.flatMap(({ api_name, fields }) =>
      fields.map((field) => [sameName(`${api_name}.${field.api_name}`), field.type] as const),
    ),
  )
  return (fullName) => types.get(sameName(fullName))
}

const holdingRank = (type: string | undefined): number => {
  const rank = HOLDING.findIndex((holding) => holding === type)
  return rank < 0 ? HOLDING.length : rank
}

/** Deleting one loses nothing that cannot be computed again. */
const isComputed = (element: JsonObject | null): boolean =>
  element !== null && isCalculatedElement(element)

const size = (element: JsonObject | null, member: string): number =>
  Number(leaf(element?.[member]) ?? 0)

/** Does the field hold less afterwards? */
export const shrinks = (before: JsonObject | null, after: JsonObject | null): boolean =>
  before !== null &&
  after !== null &&
  ['length', 'precision', 'scale'].some((member) => size(after, member) < size(before, member))

const reversibility = ({ made, before, after }: Step): Reversibility => {
  const withLoss = (reason: string): Reversibility => ({
    level: 'reversible_with_data_loss',
    reason,
  })
  if (made) {
    return isComputed(after)
      ? {
          level: 'reversible',
          reason: 'Rollback deletes it; it only shows what other fields hold.',
        }
      : withLoss('What is entered in the field until then goes with it.')
  }
  if (before?.type !== after?.type || isComputed(before) !== isComputed(after)) {
    return {
      level: 'irreversible',
      reason: 'The type is converted; values that do not fit are lost.',
    }
  }
  const added = gainedValues(OWN_VALUES, before, after)
  if (added.length > 0) {
    return {
      level: 'irreversible',
      reason: `Salesforce deletes no picklist value by API; a rollback deactivates ${added.join(', ')}.`,
    }
  }
  if (shrinks(before, after)) {
    return withLoss('The field becomes shorter; what no longer fits is lost.')
  }
  return shrinks(after, before)
    ? withLoss(
        'Rollback restores the old size; values entered until then that do not fit are lost.',
      )
    : RESTORED
}

/** A field that was there before; one whose type was converted is left alone unless it is named. */
const undoFieldChange = (component: Component, scene: Scene): Undoing => {
  const undoing = undoGained(OWN_VALUES, component, scene)
  const [was, is] = [scene.before.part(component), scene.now.part(component)]
  const isConverted = was?.type !== is?.type
  return undoing.restore !== null && isConverted && !isNamed(component, scene)
    ? keep('Its type was converted; converting it back may lose values.')
    : undoing
}

export const customField: PartKind = {
  type: 'CustomField',
  list: 'fields',
  named: partsNamed('fields'),
  objectOf: ownerOf,
  elements: (object, image) => {
    const orderOf = relationshipOrders(object, image)
    return object.fields.map((field) => {
      const current = findPart(image, 'fields', field.api_name)
      const relationshipOrder = orderOf(field.api_name)
      return {
        apiName: field.api_name,
        element: fieldElement(field, { current, relationshipOrder }),
        before: withDefaults(current),
      }
    })
  },
  access: { wanted, lists: ['fieldPermissions'] },
  holds: 'values',
  deletion: {
    place: 4,
    // A master-detail goes with its detail; it cannot be deleted before.
    withObject: (plan) => {
      const typeOf = typeIn(plan)
      return (fullName) => {
        const type = typeOf(fullName)
        return type === 'MasterDetail' || holdingRank(type) === HOLDING.length
      }
    },
    sorted: (fullNames, plan) => {
      const typeOf = typeIn(plan)
      return fullNames
        .toSorted()
        .toSorted((a, b) => holdingRank(typeOf(a)) - holdingRank(typeOf(b)))
    },
  },
  reversibility,
  undo: ({ component, made }, scene) =>
    made
      ? undoMade(component, ownerOf(component.fullName), scene)
      : undoFieldChange(component, scene),
}
