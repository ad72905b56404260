// A record type of an object. Salesforce does not delete record types by API: one is deleted with its
// object or not at all.

import { type Findings, reportDuplicates } from '../../plan/findings.ts'
import { type Plan } from '../../plan/schema.ts'
import { type WantedEntry } from '../entries.ts'
import { type Component, nameFault, ownerOf, sameName } from '../names.ts'
import { findPart } from '../object-file.ts'
import {
  isLeftOut,
  keep,
  OBJECT_STAYS,
  type Scene,
  undoChange,
  type Undoing,
  undoMade,
} from '../undoing.ts'
import { overlay } from '../xml-tree.ts'
import { irreversible, RESTORED, reversible } from '../reversibility.ts'
import { type PartKind, partsNamed, always } from './kind.ts'

const STAYS = 'Salesforce does not delete record types by API.'

/** Salesforce: record types on these name a business process, on others they must not. */
const WITH_BUSINESS_PROCESS: ReadonlySet<string> = new Set([
  'lead',
  'opportunity',
  'case',
  'solution',
])
const check = (plan: Plan, findings: Findings): void => {
  for (const [index, { api_name: object, record_types: recordTypes }] of plan.objects.entries()) {
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
      const needsProcess = WITH_BUSINESS_PROCESS.has(sameName(object))
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
    made ? undoMadeRecordType(component, scene) : undoChange(component, scene),
}
