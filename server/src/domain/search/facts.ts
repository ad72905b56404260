// What the search index knows of a snapshot: facts. Each says one thing that can be searched for, and in a
// way that is equal in every Salesforce org where it is true: no ids, no dates, nothing that only the
// connected user's rights decide.

import { hash } from 'node:crypto'
import { asText, isObject, type JsonObject } from '../../salesforce/json.ts'
import { leaf, listObjects } from '../../salesforce/xml.ts'
import { type Automation } from '../topology/automations/automation.ts'
import { isRequired } from '../topology/lists.ts'

export const FACT_KINDS = [
  'object',
  'field',
  'picklist_value',
  'record_type',
  'automation',
] as const
export type FactKind = (typeof FACT_KINDS)[number]

/** The bit of each flag in the column. Never renumbered: facts are stored with them. */
export const FLAG_BITS = {
  custom: 1,
  required: 2,
  unique: 4,
  external_id: 8,
  calculated: 16,
  encrypted: 32,
  restricted: 64,
  managed: 128,
  active: 256,
} as const
export type Flag = keyof typeof FLAG_BITS
export const FLAGS = Object.keys(FLAG_BITS) as Flag[]

/** The flags that say something about a kind. */
export const FLAGS_OF: Readonly<Record<FactKind, readonly Flag[]>> = {
  object: ['custom', 'managed'],
  field: [
    'custom',
    'required',
    'unique',
    'external_id',
    'calculated',
    'encrypted',
    'restricted',
    'managed',
  ],
  picklist_value: ['active'],
  record_type: ['active', 'managed'],
  automation: ['active', 'managed'],
}

export interface Fact {
  kind: FactKind
  /** Null only for an automation that no object triggers. */
  object: string | null
  name: string
  /** Of a picklist value: the field that it belongs to. */
  field: string | null
  label: string | null
  type: string
  flags: number
  /** Of a formula field, or the condition of a rule. */
  formula: string | null
  /** What else is shown of it. */
  detail: Record<string, unknown> | null
}

/** Of a name: far more than there will ever be facts of an org. */
export const NAME_BYTES = 16

/** The first half of the SHA-256: as a text of so many characters, one for each byte. */
export const shortHash = (text: string): string =>
  hash('sha256', text, 'binary').slice(0, NAME_BYTES)

/** What identifies a fact: two clients have the same one if and only if nothing about it differs. */
export const nameOfFact = (fact: Fact): string => {
  const { kind, object, name, field, label, type, flags, formula, detail } = fact
  // Members of details are always written in the same order.
  return shortHash(JSON.stringify([kind, object, name, field, label, type, flags, formula, detail]))
}

/** Names one behind the other, as they are stored and sent: a list of 36,000 would be slow. */
export const packNames = (names: Iterable<string>): Buffer =>
  Buffer.from([...names].join(''), 'latin1')

export const unpackNames = (bytes: Buffer): string[] => {
  const text = bytes.toString('latin1')
  const names: string[] = []
  for (let at = 0; at < text.length; at += NAME_BYTES) names.push(text.slice(at, at + NAME_BYTES))
  return names
}

const bits = (flags: Partial<Record<Flag, boolean>>): number =>
  FLAGS.reduce((sum, flag) => sum + (flags[flag] === true ? FLAG_BITS[flag] : 0), 0)

/** Salesforce: `ns__Name__c` and `ns__Name` are of the managed package with that namespace. */
const isManaged = (name: string): boolean => name.replace(/__[a-z]+$/i, '').includes('__')

const SUFFIXES: readonly [suffix: string, type: string][] = [
  ['__mdt', 'custom_metadata'],
  ['__e', 'platform_event'],
  ['__b', 'big_object'],
  ['__x', 'external_object'],
  ['__kav', 'knowledge_article'],
]

const typeOfObject = (name: string, describe: JsonObject): string => {
  if (asText(describe.associateEntityType) !== null) return 'companion'
  const suffix = SUFFIXES.find(([end]) => name.endsWith(end))
  if (suffix !== undefined) return suffix[1]
  if (describe.customSetting === true) return 'custom_setting'
  return describe.custom === true ? 'custom_object' : 'standard_object'
}

/** Leaves out what says nothing; null if nothing is left. */
const told = (detail: Record<string, unknown>): Record<string, unknown> | null => {
  const entries = Object.entries(detail).filter(
    ([, value]) =>
      value !== null && value !== undefined && !(Array.isArray(value) && value.length === 0),
  )
  return entries.length === 0 ? null : Object.fromEntries(entries)
}

const positive = (value: unknown): number | null =>
  typeof value === 'number' && value > 0 ? value : null

const factOfField = (object: string, field: JsonObject, name: string): Fact => {
  const type = asText(field.type) ?? 'unknown'
  return {
    kind: 'field',
    object,
    name,
    field: null,
    label: asText(field.label),
    type,
    flags: bits({
      custom: field.custom === true || name.endsWith('__c'),
      required: isRequired(field),
      unique: field.unique === true,
      external_id: field.externalId === true,
      calculated: field.calculated === true,
      encrypted: field.encrypted === true || type === 'encryptedstring',
      restricted: field.restrictedPicklist === true,
      managed: isManaged(name),
    }),
    formula: asText(field.calculatedFormula),
    detail: told({
      length: positive(field.length),
      precision: positive(field.precision),
      scale: positive(field.scale),
      reference_to: Array.isArray(field.referenceTo) ? field.referenceTo.toSorted() : null,
      relationship_name: asText(field.relationshipName),
      controller_name: asText(field.controllerName),
    }),
  }
}

const factsOfPicklist = (object: string, field: JsonObject, name: string): Fact[] =>
  listObjects(field.picklistValues).flatMap((entry) => {
    const value = asText(entry.value)
    if (value === null) return []
    return [
      {
        kind: 'picklist_value' as const,
        object,
        name: value,
        field: name,
        label: asText(entry.label),
        type: asText(field.type) ?? 'picklist',
        flags: bits({ active: entry.active === true }),
        formula: null,
        detail: entry.defaultValue === true ? { default: true } : null,
      },
    ]
  })

const factsOfRecordTypes = (object: string, describe: JsonObject): Fact[] =>
  listObjects(describe.recordTypeInfos).flatMap((info) => {
    const name = asText(info.developerName) ?? asText(info.name)
    if (name === null || info.master === true) return []
    return [
      {
        kind: 'record_type' as const,
        object,
        name,
        field: null,
        label: asText(info.name),
        type: 'record_type',
        flags: bits({ active: info.active === true, managed: isManaged(name) }),
        formula: null,
        detail: null,
      },
    ]
  })

/** The object itself, then its fields with their values, then its record types. */
export const factsOfObject = (object: string, describe: JsonObject): Fact[] => [
  {
    kind: 'object',
    object,
    name: object,
    field: null,
    label: asText(describe.label),
    type: typeOfObject(object, describe),
    flags: bits({ custom: describe.custom === true, managed: isManaged(object) }),
    formula: null,
    detail: told({
      label_plural: asText(describe.labelPlural),
      queryable: describe.queryable === true ? null : false,
    }),
  },
  ...listObjects(describe.fields).flatMap((field) => {
    const name = asText(field.name)
    if (name === null) return []
    return [factOfField(object, field, name), ...factsOfPicklist(object, field, name)]
  }),
  ...factsOfRecordTypes(object, describe),
]

/** The condition of a rule: its formula, or nothing if it has criteria instead. */
const conditionOf = ({ type, definition }: Automation): string | null => {
  if (definition === null || !isObject(definition)) return null
  if (type === 'validation_rule') return leaf(definition.errorConditionFormula)
  if (type === 'workflow_rule') return leaf(definition.formula)
  return null
}

export const factOfAutomation = (automation: Automation): Fact => ({
  kind: 'automation',
  object: automation.object,
  name: automation.api_name,
  field: null,
  label: automation.label,
  type: automation.type,
  flags: bits({ active: automation.active === true, managed: automation.managed }),
  formula: conditionOf(automation),
  detail: told({
    process_type: automation.process_type,
    events: automation.trigger?.events ?? null,
    timing: automation.trigger?.timing ?? null,
    order: automation.trigger?.order ?? null,
  }),
})

/** Lower case, for what is compared without regard to case. */
export const keyOf = (text: string): string => text.toLowerCase()
