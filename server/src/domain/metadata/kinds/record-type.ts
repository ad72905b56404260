// A record type of an object. Salesforce does not delete record types by API: one is deleted with its
// object or not at all.

import { type JsonObject } from '../../../salesforce/json.ts'
import { leaf, listObjects, type XmlValue } from '../../../salesforce/xml.ts'
import { type Findings, reportDuplicates } from '../../plan/findings.ts'
import { type Plan, type PlanObject, type PlanRecordTypeValues } from '../../plan/schema.ts'
import { listed } from '../../words.ts'
import { type WantedEntry } from '../entries.ts'
import { samePart } from '../equality.ts'
import { isPicklist } from '../fields/field-kinds.ts'
import { picklistValues } from '../fields/picklists.ts'
import { type Component, nameFault, ownerOf, sameName } from '../names.ts'
import { findPart } from '../object-file.ts'
import { withOffered } from '../offered-values.ts'
import {
  isLeftOut,
  keep,
  OBJECT_STAYS,
  type Scene,
  type Settled,
  undoChange,
  type Undoing,
  undoMade,
} from '../undoing.ts'
import { overlay } from '../xml-tree.ts'
import { irreversible, RESTORED, reversible } from '../reversibility.ts'
import { statusFieldOf } from './business-process.ts'
import { type PartKind, partsNamed, always } from './kind.ts'

const STAYS = 'Salesforce does not delete record types by API.'

type Path = readonly (string | number)[]

/** What is wrong with the values of one picklist, as far as the plan says what the picklist is. */
const checkOffer = (
  object: PlanObject,
  { field: name, values, default: byDefault }: PlanRecordTypeValues,
  path: Path,
  findings: Findings,
): void => {
  const full = `${object.api_name}.${name}`
  const add = (at: Path, code: string, message: string) =>
    findings.add([...path, ...at], code, message)
  reportDuplicates(
    values,
    (value) => `The value ${value} of ${full}`,
    (at) => [...path, 'values', at],
    findings,
  )
  if (byDefault !== undefined && !values.some((value) => sameName(value) === sameName(byDefault))) {
    const message = `The default ${byDefault} of ${full} is not among the values that the record type offers. Add it to values or choose a different one.`
    add(['default'], 'unknown_value', message)
  }
  if (sameName(statusFieldOf(object.api_name) ?? '') === sameName(name)) {
    const message = `Which values of ${full} a record type offers is said by its business process. Name them in business_processes instead.`
    add(['field'], 'attribute_not_allowed', message)
  }
  const field = object.fields.find(({ api_name }) => sameName(api_name) === sameName(name))
  if (field === undefined) return
  if (!isPicklist(field)) {
    const message = `${full} is a ${field.type} field, which has no list of values. Name a picklist or leave it out.`
    add(['field'], 'wrong_type', message)
    return
  }
  // The values of a global value set are not the plan's alone.
  if (field.values === undefined) return
  const known = new Set(picklistValues(field).map(({ value }) => sameName(value)))
  for (const [at, value] of values.entries()) {
    if (known.has(sameName(value))) continue
    const message = `${full} has no value ${value}. Add it to the values of the field or remove it here.`
    add(['values', at], 'unknown_value', message)
  }
}

const check = (plan: Plan, findings: Findings): void => {
  for (const [index, object] of plan.objects.entries()) {
    for (const [at, { picklist_values: offers = [] }] of object.record_types.entries()) {
      const path = ['objects', index, 'record_types', at, 'picklist_values']
      reportDuplicates(
        offers.map(({ field }) => field),
        (name) => `The picklist ${object.api_name}.${name}`,
        (nth) => [...path, nth, 'field'],
        findings,
      )
      for (const [nth, offer] of offers.entries()) {
        checkOffer(object, offer, [...path, nth], findings)
      }
    }
    checkNames(object, index, findings)
  }
}

const checkNames = (
  { api_name: object, record_types: recordTypes }: PlanObject,
  index: number,
  findings: Findings,
): void => {
  const path = (at: number, member: string) => ['objects', index, 'record_types', at, member]
  reportDuplicates(
    recordTypes.map(({ api_name }) => api_name),
    (name) => `Record type ${name} of ${object}`,
    (at) => path(at, 'api_name'),
    findings,
  )
  for (const [at, { api_name: name, business_process: process }] of recordTypes.entries()) {
    const fault = nameFault(name, `Record type name ${name}`, 80)
    if (fault !== null) findings.add(path(at, 'api_name'), fault.code, fault.message)
    // Salesforce: record types of these objects name a process, those of other objects must not.
    const needsProcess = statusFieldOf(object) !== null
    if (needsProcess === (process !== undefined)) continue
    findings.add(
      path(at, 'business_process'),
      needsProcess ? 'missing' : 'attribute_not_allowed',
      needsProcess
        ? `Record type ${name} of ${object} needs the name of a business process. Add business_process.`
        : `Record types of ${object} have no business process. Leave business_process out.`,
    )
  }
}

/** The picklists of which an element lists values. */
const listedPicklists = (element: JsonObject | null): string[] =>
  listObjects(element?.picklistValues).map(({ picklist }) => leaf(picklist) ?? '')

/** What the record type offers already, in its order, and behind it what the plan adds. */
const offersOf = (offers: readonly PlanRecordTypeValues[], before: JsonObject | null): XmlValue => {
  const wanted = new Map(offers.map((offer) => [sameName(offer.field), offer]))
  const kept = listObjects(before?.picklistValues).map((entry) => {
    const offer = wanted.get(sameName(leaf(entry.picklist) ?? ''))
    return offer === undefined
      ? overlay(entry, {})
      : overlay(entry, { values: withOffered(listObjects(entry.values), offer) })
  })
  const there = new Set(listedPicklists(before).map(sameName))
  const added = offers
    .filter(({ field }) => !there.has(sameName(field)))
    .map((offer) => ({ picklist: offer.field, values: withOffered([], offer) }))
  return kept.length + added.length === 0 ? null : [...kept, ...added]
}

/**
 * Put back as it was. Salesforce: a file that does not list a picklist leaves alone what the record type offers
 * of it; so lists that it did not have go with their field or not at all.
 */
const undoChangedRecordType = (component: Component, scene: Scene, settled: Settled): Undoing => {
  const undoing = undoChange(component, scene)
  const [was, is] = [scene.before.part(component), scene.now.part(component)]
  if (was === null || is === null || isLeftOut(component, scene)) return undoing
  const had = new Set(listedPicklists(was).map(sameName))
  const object = ownerOf(component.fullName)
  const gained = listObjects(is.picklistValues).filter((entry) => {
    const field = leaf(entry.picklist) ?? ''
    const isRemoved = settled.isTakenBack({ type: 'CustomField', fullName: `${object}.${field}` })
    return !had.has(sameName(field)) && !isRemoved
  })
  if (gained.length === 0) return undoing
  const back = { ...was, picklistValues: [...listObjects(was.picklistValues), ...gained] }
  const names = gained.map(({ picklist }) => leaf(picklist) ?? '')
  const reason = `Salesforce does not take a picklist from a record type by API; it goes on offering values of ${listed(names)}.`
  const stays = keep(reason, { removable: false })
  // All that can be done about it has been done.
  if (samePart(back, is)) return stays
  return undoing.restore === null ? undoing : { ...stays, restore: { element: back } }
}

const undoMadeRecordType = (component: Component, scene: Scene): Undoing => {
  const object = ownerOf(component.fullName)
  const isDecided =
    scene.now.part(component) === null ||
    scene.goes.has(sameName(object)) ||
    isLeftOut(component, scene)
  if (isDecided) return undoMade(component, object, scene)
  return scene.stays.has(sameName(object)) ? keep(OBJECT_STAYS) : keep(STAYS, { removable: false })
}

export const recordType: PartKind = {
  type: 'RecordType',
  list: 'recordTypes',
  named: partsNamed('record_types'),
  objectOf: ownerOf,
  check,
  elements: (object, image) =>
    object.record_types.map((planned) => {
      const before = findPart(image, 'recordTypes', planned.api_name)
      const element = overlay(before, {
        fullName: planned.api_name,
        active: planned.active,
        businessProcess: planned.business_process,
        description: planned.description,
        label: planned.label,
        picklistValues: offersOf(planned.picklist_values ?? [], before),
      })
      return { apiName: planned.api_name, element, before }
    }),
  access: {
    lists: ['recordTypeVisibilities'],
    wanted: (plan, holder): WantedEntry[] =>
      // A profile would need to know its default record type, which only its owner can say.
      holder === 'Profile'
        ? []
        : plan.objects.flatMap(({ api_name: object, record_types }) =>
            record_types
              // Salesforce: entries for inactive record types are not deployed.
              .filter(({ active }) => active)
              .map(({ api_name }) => ({
                list: 'recordTypeVisibilities',
                key: `${object}.${api_name}`,
                grant: { visible: true },
              })),
          ),
  },
  deletion: { place: null, withObject: always },
  reversibility: ({ made, withObject }) => {
    if (!made) return RESTORED
    return withObject ? reversible('Rollback deletes it with its object.') : irreversible(STAYS)
  },
  undo: ({ component, made }, scene) =>
    made
      ? undoMadeRecordType(component, scene)
      : (settled) => undoChangedRecordType(component, scene, settled),
}
