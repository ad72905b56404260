// A field of an object. The field types say what its type means.

import { recordsOf } from '../../../salesforce/activities.ts'
import { type JsonObject } from '../../../salesforce/json.ts'
import { leaf } from '../../../salesforce/xml.ts'
import { type Plan, type PlanObject } from '../../plan/schema.ts'
import { listed, one } from '../../words.ts'
import { type WantedEntry } from '../entries.ts'
import { samePart } from '../equality.ts'
import { measureOf } from '../fields/at-stake.ts'
import { dependencyOfElement, gainedPairs, withDependencyOf } from '../fields/dependencies.ts'
import { fieldElement } from '../fields/element.ts'
import {
  fieldKindOf,
  type FieldType,
  isPicklist,
  isReadOnly,
  isRequired,
} from '../fields/field-kinds.ts'
import {
  gainedValues,
  whatStays,
  noWayBack,
  reversibilityOfChange,
  reversibilityOfMade,
} from '../fields/reversibility.ts'
import { conversionOf, shapeOfElement } from '../fields/shape.ts'
import { OWN_VALUES, withoutGained } from '../gained-values.ts'
import { type Component, memberOf, ownerOf, sameName } from '../names.ts'
import { findPart, type ObjectImage, parseObjectFile } from '../object-file.ts'
import { type Reversibility } from '../reversibility.ts'
import {
  type Change,
  isLeftOut,
  keep,
  NOTHING,
  type Scene,
  undoChange,
  type Undoing,
  undoMade,
} from '../undoing.ts'
import { type PartKind, partsNamed, type Stake, type Step } from './kind.ts'

/** Primary and secondary master for fields that say neither: the free ones, in the plan's order. */
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

/** Salesforce omits the default delete constraint when the field is read. */
const withDefaults = (element: JsonObject | null): JsonObject | null =>
  element?.type === 'Lookup' && element.deleteConstraint === undefined
    ? { ...element, deleteConstraint: 'SetNull' }
    : element

const wanted = (plan: Plan): WantedEntry[] =>
  plan.objects.flatMap(({ api_name: object, fields }) =>
    fields.flatMap((field) =>
      // Metadata API guide, PermissionSet: "When referencing shared Activity fields, specify Event or
      // Task": each is permitted by itself.
      recordsOf(object).map((permitted): WantedEntry => ({
        list: 'fieldPermissions',
        key: `${permitted}.${field.api_name}`,
        // Salesforce: "You cannot deploy to a required field": everybody sees those fields anyway. And a
        // grant to edit is gone once the field is a formula or an auto number: it is noted, to come back
        // with the field.
        grant: isRequired(field)
          ? null
          : { editable: isReadOnly(field) ? null : true, readable: true },
      })),
    ),
  )

const typeIn = (plan: Plan): ((fullName: string) => FieldType | undefined) => {
  const types = new Map(
    plan.objects.flatMap(({ api_name, fields }) =>
      fields.map((field) => [sameName(`${api_name}.${field.api_name}`), field.type] as const),
    ),
  )
  return (fullName) => types.get(sameName(fullName))
}

/** The position of fields that depend on others; Infinity for those that do not. */
const releasePlace = (type: FieldType | undefined): number =>
  (type === undefined ? undefined : fieldKindOf(type).releasePlace) ?? Infinity

const byPlace = (a: FieldType | undefined, b: FieldType | undefined): number => {
  const [one, other] = [releasePlace(a), releasePlace(b)]
  return one === other ? 0 : one - other
}

/** How many fields of the plan stand above a dependent picklist: it goes before each of them. */
const depthIn = (plan: Plan): ((fullName: string) => number) => {
  const above = new Map(
    plan.objects.flatMap(({ api_name: object, fields }) =>
      fields.flatMap((field) =>
        isPicklist(field) && field.controlling_field !== undefined
          ? [
              [
                sameName(`${object}.${field.api_name}`),
                sameName(`${object}.${field.controlling_field}`),
              ] as const,
            ]
          : [],
      ),
    ),
  )
  return (fullName) => {
    const seen = new Set<string>()
    for (let next = above.get(sameName(fullName)); next !== undefined; next = above.get(next)) {
      if (seen.has(next)) break
      seen.add(next)
    }
    return seen.size
  }
}

const reversibility = ({ made, before, after, withObject, lostRows }: Step): Reversibility => {
  const next = after === null ? null : shapeOfElement(after)
  if (made || before === null) return reversibilityOfMade(next?.type ?? null, withObject)
  return reversibilityOfChange({ was: shapeOfElement(before), next, lostRows })
}

/** What the values of the field lose when it turns from one element into another. */
const stake = (fullName: string, from: JsonObject, to: JsonObject): Stake | null => {
  const [was, next] = [shapeOfElement(from), shapeOfElement(to)]
  if (was === null || next === null) return null
  const change = conversionOf(was, next)
  if (change.kind !== 'lossy') return null
  const field = memberOf(fullName)
  return {
    object: ownerOf(fullName),
    field,
    measure: measureOf(field, was, change.atStake, leaf(from.defaultValue)),
    loses: change.loses,
  }
}

/** What records lost by the conversion, as far as was known at the deploy. */
const lostByDeploy = (
  { component, told }: Change,
  was: JsonObject,
  { after }: Scene,
): string | null => {
  const left = after.part(component)
  return told.level === 'irreversible' &&
    left !== null &&
    stake(component.fullName, was, left) !== null
    ? told.reason
    : null
}

/**
 * A field that existed before. Values that its picklist gained can only be deactivated, dependencies that
 * they gained stay, and what its values lost by the deployment does not come back: all are reported.
 */
const undoFieldChange = (change: Change, scene: Scene): Undoing => {
  const { component } = change
  const [was, is] = [scene.before.part(component), scene.now.part(component)]
  const undoing = undoChange(component, scene)
  if (was === null || is === null || isLeftOut(component, scene)) return undoing
  const gained = gainedValues(shapeOfElement(was), shapeOfElement(is))
  const switchedOff = gained.length > 0 ? withoutGained(OWN_VALUES, was, is) : was
  const depends = gainedPairs(dependencyOfElement(was), dependencyOfElement(is)).length > 0
  const restored = depends ? withDependencyOf(switchedOff, is) : switchedOff
  const stays =
    lostByDeploy(change, was, scene) ?? whatStays(shapeOfElement(was), shapeOfElement(is))
  const kept = stays === null ? null : keep(stays, { removable: false }).kept
  // All that can be done about it has been done.
  if (samePart(restored, is)) return { ...NOTHING, kept }
  if (undoing.restore === null) return undoing
  const refusal = noWayBack(shapeOfElement(is), shapeOfElement(was))
  return refusal === null
    ? { remove: false, restore: { element: restored }, kept }
    : keep(refusal, { removable: false })
}

/** Picklists that depend on the field now and that the same rollback does not delete. */
const dependentsOf = (component: Component, scene: Scene): string[] => {
  const object = ownerOf(component.fullName)
  const name = memberOf(component.fullName)
  const text = scene.now.file({ type: 'CustomObject', fullName: object })
  // Most fields control none, and an object's file may be large.
  if (!sameName(text ?? '').includes(sameName(`<controllingField>${name}<`))) return []
  return (parseObjectFile(text ?? '').parts.fields ?? [])
    .filter(
      ({ element }) =>
        sameName(dependencyOfElement(element)?.controllingField ?? '') === sameName(name),
    )
    .map(({ apiName }) => ({ type: component.type, fullName: `${object}.${apiName}` }))
    .filter((field) => scene.before.part(field) !== null || !undoMade(field, object, scene).remove)
    .map(({ fullName }) => fullName)
}

/** A controlling field that the deployment made goes with the picklists that depend on it. */
const undoMadeField = (component: Component, scene: Scene): Undoing => {
  const object = ownerOf(component.fullName)
  const undoing = undoMade(component, object, scene)
  if (!undoing.remove || scene.goes.has(sameName(object))) return undoing
  const dependents = dependentsOf(component, scene)
  return dependents.length === 0
    ? undoing
    : keep(`${listed(dependents)} ${one(dependents, 'depends', 'depend')} on it.`)
}

export const customField: PartKind = {
  type: 'CustomField',
  list: 'fields',
  named: partsNamed('fields'),
  objectOf: ownerOf,
  comparedBy: 'describe',
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
  access: {
    wanted,
    lists: ['fieldPermissions'],
    keysOf: (fullName) =>
      recordsOf(ownerOf(fullName)).map((object) => `${object}.${memberOf(fullName)}`),
  },
  holds: 'values',
  deletion: {
    place: 4,
    // A master-detail is deleted with its detail; it cannot be deleted before.
    withObject: (plan) => {
      const typeOf = typeIn(plan)
      return (fullName) => {
        const type = typeOf(fullName)
        return type === 'MasterDetail' || releasePlace(type) === Infinity
      }
    },
    sorted: (fullNames, plan) => {
      const typeOf = typeIn(plan)
      const depthOf = depthIn(plan)
      return fullNames
        .toSorted()
        .toSorted((a, b) => byPlace(typeOf(a), typeOf(b)) || depthOf(b) - depthOf(a))
    },
  },
  stake,
  reversibility,
  undo: (change, scene) =>
    change.made ? undoMadeField(change.component, scene) : undoFieldChange(change, scene),
}
