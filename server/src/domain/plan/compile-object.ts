// One object of a plan as an object file, laid over what the Salesforce org has.

import { type JsonObject } from '../../salesforce/json.ts'
import { type XmlValue } from '../../salesforce/xml.ts'
import { type Component } from './components.ts'
import {
  findPart,
  type ObjectImage,
  parseObjectFile,
  sameElement,
} from '../metadata/object-file.ts'
import { fieldElement } from '../metadata/fields/element.ts'
import { sameName } from '../metadata/names.ts'
import {
  type PlanObject,
  type PlanRecordType,
  type PlanValidationRule,
  touchesObject,
} from './schema.ts'
import { asXmlValue, inSchemaOrder, writeFile } from '../metadata/xml-tree.ts'

type Members = Record<string, XmlValue>

/** What a new object starts with. Salesforce: bulk API, sharing and streaming go together. */
const NEW_OBJECT: Members = {
  deploymentStatus: 'Deployed',
  enableBulkApi: true,
  enableReports: true,
  enableSearch: true,
  enableSharing: true,
  enableStreamingApi: true,
}

export interface CompiledObject {
  /** Null where all of it is in place. */
  text: string | null
  unchanged: Component[]
}

/**
 * The object file with what differs from `current` (the file as it is now; null where the object is
 * not there). A standard object's file holds fields, record types and rules only.
 */
export const compileObject = (object: PlanObject, current: string | null): CompiledObject => {
  const image = current === null ? null : parseObjectFile(current)
  const name = object.api_name
  const unchanged: Component[] = []
  const members: Record<string, XmlValue[]> = {}

  const put = (
    type: Component['type'],
    list: string,
    apiName: string,
    element: Members,
    before: JsonObject | null,
  ): void => {
    if (before !== null && sameElement(element, before)) {
      unchanged.push({ type, fullName: `${name}.${apiName}` })
    } else (members[list] ??= []).push(element)
  }

  const orderOf = relationshipOrders(object, image)
  for (const field of object.fields) {
    const before = findPart(image?.fields ?? [], field.api_name)?.element ?? null
    const element = fieldElement(field, {
      current: before,
      relationshipOrder: orderOf(field.api_name),
    })
    put('CustomField', 'fields', field.api_name, element, withDefaults(before))
  }
  for (const recordType of object.record_types) {
    const before = findPart(image?.recordTypes ?? [], recordType.api_name)?.element ?? null
    const element = recordTypeElement(recordType, before)
    put('RecordType', 'recordTypes', recordType.api_name, element, before)
  }
  for (const rule of object.validation_rules) {
    const before = findPart(image?.validationRules ?? [], rule.api_name)?.element ?? null
    put('ValidationRule', 'validationRules', rule.api_name, ruleElement(rule, before), before)
  }

  let settings: Members = {}
  if (touchesObject(object)) {
    settings = settingsOf(object, image)
    if (image !== null && sameElement(settings, currentSettings(image))) {
      unchanged.push({ type: 'CustomObject', fullName: name })
      settings = {}
    }
  }
  const content = inSchemaOrder({ ...settings, ...members })
  return {
    text: Object.keys(content).length === 0 ? null : writeFile('CustomObject', content),
    unchanged,
  }
}

/** Salesforce leaves the usual delete constraint out when it is read. */
const withDefaults = (element: JsonObject | null): JsonObject | null =>
  element?.type === 'Lookup' && element.deleteConstraint === undefined
    ? { ...element, deleteConstraint: 'SetNull' }
    : element

const overlay = (before: JsonObject | null, own: Members): Members => {
  const kept = Object.fromEntries(
    Object.entries(before ?? {}).map(([name, value]) => [name, asXmlValue(value)]),
  )
  return inSchemaOrder({ ...kept, ...inSchemaOrder(own) })
}

const recordTypeElement = (recordType: PlanRecordType, before: JsonObject | null): Members =>
  overlay(before, {
    fullName: recordType.api_name,
    active: recordType.active,
    businessProcess: recordType.business_process,
    description: recordType.description,
    label: recordType.label,
  })

const ruleElement = (rule: PlanValidationRule, before: JsonObject | null): Members =>
  overlay(before, {
    fullName: rule.api_name,
    active: rule.active,
    description: rule.description,
    errorConditionFormula: rule.error_condition_formula,
    errorDisplayField: rule.error_display_field,
    errorMessage: rule.error_message,
  })

const currentSettings = (image: ObjectImage): Members => ({
  ...image.settings,
  ...(image.nameField === null ? {} : { nameField: asXmlValue(image.nameField) }),
})

const settingsOf = (object: PlanObject, image: ObjectImage | null): Members => {
  const current = image === null ? NEW_OBJECT : currentSettings(image)
  const isDetail = object.fields.some(({ type }) => type === 'MasterDetail')
  // Salesforce: the sharing of a detail is its master's, inside and outside.
  const inherited = isDetail ? 'ControlledByParent' : undefined
  const sharing = object.sharing_model ?? inherited ?? image?.settings.sharingModel ?? 'ReadWrite'
  const external = image?.settings.externalSharingModel
  return inSchemaOrder({
    ...current,
    ...inSchemaOrder({
      label: object.label,
      pluralLabel: object.plural_label,
      nameField: nameFieldOf(object, image?.nameField ?? null),
      description: object.description,
      sharingModel: sharing,
      externalSharingModel: external === undefined ? null : (inherited ?? external),
    }),
  })
}

const nameFieldOf = (object: PlanObject, before: JsonObject | null): XmlValue => {
  const planned = object.name_field
  if (planned === undefined) return null
  const { displayFormat: _format, ...kept } = before ?? {}
  return overlay(kept, {
    displayFormat: planned.type === 'AutoNumber' ? planned.display_format : null,
    label: planned.label,
    type: planned.type,
  })
}

/** Primary and secondary master for those that say neither: what is free, in the plan's order. */
const relationshipOrders = (
  object: PlanObject,
  image: ObjectImage | null,
): ((apiName: string) => number) => {
  const masters = object.fields.filter((field) => field.type === 'MasterDetail')
  const named = new Set(masters.map(({ api_name }) => sameName(api_name)))
  const taken = new Set<number>()
  for (const { relationship_order: order } of masters) if (order !== undefined) taken.add(order)
  for (const { apiName, element } of image?.fields ?? []) {
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
