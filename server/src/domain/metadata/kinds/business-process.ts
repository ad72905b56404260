// A sales, support, lead or solution process: the stages or statuses that records of a record type go
// through. It is read and added to; existing values that the plan does not name stay.

import { leaf, listObjects } from '../../../salesforce/xml.ts'
import { type Findings, reportDuplicates } from '../../plan/findings.ts'
import { type Plan, type PlanBusinessProcess } from '../../plan/schema.ts'
import { listed, one } from '../../words.ts'
import {
  type Component,
  memberOf,
  metadataName,
  type NameFault,
  ownerOf,
  sameName,
} from '../names.ts'
import { findPart, parseObjectFile } from '../object-file.ts'
import { withOffered } from '../offered-values.ts'
import { RESTORED, reversible } from '../reversibility.ts'
import { keep, type Scene, type Settled, undoChange, type Undoing, undoMade } from '../undoing.ts'
import { overlay } from '../xml-tree.ts'
import {
  always,
  type Asked,
  type KindRule,
  type PartKind,
  partsNamed,
  type PlanComponent,
} from './kind.ts'

const TYPE = 'BusinessProcess'

/** Salesforce: Metadata API guide, RecordType: the objects with processes, and the field of each. */
const STATUS_FIELDS: ReadonlyMap<string, string> = new Map([
  ['lead', 'Status'],
  ['opportunity', 'StageName'],
  ['case', 'Status'],
  ['solution', 'Status'],
])

/** The field whose values the processes of an object select; null for an object without processes. */
export const statusFieldOf = (object: string): string | null =>
  STATUS_FIELDS.get(sameName(object)) ?? null

/** Salesforce: no stage is the default (forcedotcom/sfdx-core, scratchOrgSettingsGenerator). */
const hasDefault = (object: string): boolean => sameName(object) !== 'opportunity'

const nameFault = (name: string): NameFault | null => {
  if (sameName(name) === 'master') {
    return {
      code: 'name_reserved',
      message: `${name} is the process that holds all values; Salesforce keeps the name for it. Rename the process.`,
    }
  }
  return metadataName(name) === name
    ? null
    : {
        code: 'name_bad_character',
        message: `The name ${name} of a business process may hold only letters, digits, spaces, hyphens and underscores. Rename it.`,
      }
}

const check = (plan: Plan, findings: Findings): void => {
  for (const [
    index,
    { api_name: object, business_processes: processes },
  ] of plan.objects.entries()) {
    const path = ['objects', index, 'business_processes']
    if (processes.length > 0 && statusFieldOf(object) === null) {
      const message = `${object} has no business processes; Lead, Opportunity, Case and Solution have. Leave them out.`
      findings.add(path, 'attribute_not_allowed', message)
      continue
    }
    reportDuplicates(
      processes.map(({ api_name }) => api_name),
      (name) => `Business process ${name} of ${object}`,
      (at) => [...path, at, 'api_name'],
      findings,
    )
    for (const [at, process] of processes.entries()) {
      const fault = nameFault(process.api_name)
      if (fault !== null) findings.add([...path, at, 'api_name'], fault.code, fault.message)
      checkValues(object, process, [...path, at], findings)
    }
  }
}

const checkValues = (
  object: string,
  { api_name: name, values, default: byDefault }: PlanBusinessProcess,
  path: readonly (string | number)[],
  findings: Findings,
): void => {
  reportDuplicates(
    values,
    (value) => `The value ${value} of the business process ${name}`,
    (at) => [...path, 'values', at],
    findings,
  )
  if (byDefault === undefined) return
  if (!hasDefault(object)) {
    const message = `A process of ${object} has no default: Salesforce sets no stage by itself. Leave default out.`
    findings.add([...path, 'default'], 'attribute_not_allowed', message)
  } else if (!values.some((value) => sameName(value) === sameName(byDefault))) {
    const message = `The default ${byDefault} of the business process ${name} is not among its values. Add it to values or choose a different one.`
    findings.add([...path, 'default'], 'unknown_value', message)
  }
}

/** Record types of the object that name the process now and that the same rollback does not change. */
const stillUsedBy = (component: Component, scene: Scene, settled: Settled): string[] => {
  const object = ownerOf(component.fullName)
  const text = scene.now.file({ type: 'CustomObject', fullName: object })
  const recordTypes = text === null ? [] : (parseObjectFile(text).parts.recordTypes ?? [])
  return recordTypes
    .filter(
      ({ element }) =>
        sameName(leaf(element.businessProcess) ?? '') === sameName(memberOf(component.fullName)),
    )
    .map(({ apiName }) => ({ type: 'RecordType', fullName: `${object}.${apiName}` }))
    .filter((recordType) => !settled.isTakenBack(recordType))
    .map(({ fullName }) => fullName)
}

const undoMadeProcess = (component: Component, scene: Scene, settled: Settled): Undoing => {
  const undoing = undoMade(component, ownerOf(component.fullName), scene)
  if (!undoing.remove) return undoing
  const users = stillUsedBy(component, scene, settled)
  return users.length === 0
    ? undoing
    : keep(`It is used by the ${one(users, 'record type', 'record types')} ${listed(users)}.`)
}

const plannedAs = (
  { path }: PlanComponent,
  { plan }: Asked,
): { object: string; process: PlanBusinessProcess } | null => {
  const [, index, , at] = path.split('.').map(Number)
  const object = plan.objects[index ?? -1]
  const process = object?.business_processes[at ?? -1]
  return object === undefined || process === undefined ? null : { object: object.api_name, process }
}

/** Values that the field does not have at all; none if Salesforce does not say. */
const unknownValues = (
  object: string,
  { values }: PlanBusinessProcess,
  { describeOf }: Asked,
): string[] => {
  const field = listObjects(describeOf(object)?.fields).find(
    ({ name }) => name === statusFieldOf(object),
  )
  const known = listObjects(field?.picklistValues).map(({ value }) => sameName(String(value)))
  if (known.length === 0) return []
  return values.filter((value) => !known.includes(sameName(value)))
}

const rules: KindRule[] = [
  {
    code: 'business_process_value_missing',
    severity: 'red',
    judge: (component, asked) => {
      const planned = plannedAs(component, asked)
      const missing = planned === null ? [] : unknownValues(planned.object, planned.process, asked)
      if (planned === null || missing.length === 0) return null
      const field = `${planned.object}.${statusFieldOf(planned.object) ?? ''}`
      return {
        message: `The business process ${component.fullName} names ${listed(missing)}, which ${field} does not have as ${one(missing, 'an active value', 'active values')}.`,
        remedy: `Add the values to ${field} in Setup first, or correct them.`,
        at: 'values',
      }
    },
  },
  {
    code: 'business_process_managed',
    severity: 'red',
    judge: async ({ fullName }, { lookUp }) =>
      (await lookUp(TYPE, fullName))?.managed === true
        ? {
            message: `The business process ${fullName} belongs to an installed package and cannot be changed.`,
            remedy: 'Use a process of your own.',
          }
        : null,
  },
  {
    code: 'business_process_exists',
    severity: 'yellow',
    judge: async ({ fullName }, { lookUp }) =>
      (await lookUp(TYPE, fullName))?.exists === true
        ? {
            message: `The business process ${fullName} exists. Every record type that uses it will offer the values of the plan too; its other values stay.`,
            remedy: 'Make sure that it is the process you mean, or choose a different name.',
          }
        : null,
  },
  {
    code: 'business_process_new',
    severity: 'green',
    judge: async ({ fullName }, { lookUp }) =>
      (await lookUp(TYPE, fullName))?.exists === false
        ? {
            message: `The business process ${fullName} is new; no record type uses it yet.`,
          }
        : null,
  },
]

export const businessProcess: PartKind = {
  type: TYPE,
  list: 'businessProcesses',
  named: partsNamed('business_processes'),
  objectOf: ownerOf,
  isToldByItsFile: true,
  check,
  elements: (object, image) =>
    object.business_processes.map((planned) => {
      const before = findPart(image, 'businessProcesses', planned.api_name)
      // A new process has its first value as default, if records of its object have one.
      const first = before === null && hasDefault(object.api_name) ? planned.values[0] : undefined
      const element = overlay(before, {
        fullName: planned.api_name,
        description: planned.description,
        isActive: planned.active,
        values: withOffered(listObjects(before?.values), {
          values: planned.values,
          default: planned.default ?? first,
        }),
      })
      return { apiName: planned.api_name, element, before }
    }),
  // After record types that are restored, which the same package deploys before it deletes.
  deletion: { place: 10, withObject: always },
  reversibility: ({ made }) =>
    made ? reversible('Rollback deletes it, unless a record type uses it by then.') : RESTORED,
  undo: ({ component, made }, scene) =>
    made ? (settled) => undoMadeProcess(component, scene, settled) : undoChange(component, scene),
  rules,
}
