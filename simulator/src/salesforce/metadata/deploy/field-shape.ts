// How a custom field appears in describe, from its metadata. Salesforce: REST API guide, "sObject
// Describe"; SOAP API guide, "Field Types"; lengths and types as in recorded describes.

import type { Field, SObject } from '../../../org/model.ts'
import { isCustomMetadataType, isPlatformEvent, type FieldSpec } from '../../../org/schema.ts'
import { child, nodes, text, type MetadataNode } from '../../../org/metadata-xml.ts'
import { relationshipTarget } from './custom-metadata-types.ts'
import { Problem, type Draft } from './draft.ts'
import type { FieldType } from './field-types.ts'
import { flag, oneOf, required, whole } from './names.ts'
import { summary } from './roll-ups.ts'
import { readValueSet } from './value-set.ts'

export interface FieldShape {
  spec: FieldSpec
  /** Under field-level security: neither required nor master-detail. */
  secured: boolean
  /** The global value set that it takes its values from. */
  globalValueSet?: string
  /** What is stored and returned by a retrieve. */
  metadata: MetadataNode
}

const DESCRIBE_TYPES: Record<FieldType, string> = {
  AutoNumber: 'string',
  Checkbox: 'boolean',
  Currency: 'currency',
  Date: 'date',
  DateTime: 'datetime',
  Email: 'email',
  EncryptedText: 'encryptedstring',
  Html: 'textarea',
  Location: 'location',
  LongTextArea: 'textarea',
  Lookup: 'reference',
  MasterDetail: 'reference',
  MetadataRelationship: 'reference',
  MultiselectPicklist: 'multipicklist',
  Number: 'double',
  Percent: 'percent',
  Phone: 'phone',
  Picklist: 'picklist',
  Summary: 'double',
  Text: 'string',
  TextArea: 'textarea',
  Time: 'time',
  Url: 'url',
}

/** Salesforce: a formula of type text has up to 1,300 characters in describe. */
const FORMULA_TEXT_LENGTH = 1300

/** The describe of a custom field with this (checked) metadata. */
export function shapeOf(
  draft: Draft,
  object: SObject,
  name: string,
  type: FieldType,
  node: MetadataNode,
  before: Field | undefined,
): FieldShape {
  const formula = text(node, 'formula')
  const isRequired = flag(node, 'required') === true
  const common: FieldSpec = {
    name,
    type: DESCRIBE_TYPES[type],
    label: required(node, 'label'),
    custom: true,
    inlineHelpText: text(node, 'inlineHelpText') ?? null,
    externalId: flag(node, 'externalId') === true,
    idLookup: flag(node, 'externalId') === true,
    unique: flag(node, 'unique') === true,
    caseSensitive: flag(node, 'caseSensitive') === true,
    permissionable: !isRequired && type !== 'MasterDetail',
  }
  if (isRequired) common.nillable = false
  if (formula !== undefined) {
    return {
      spec: {
        ...common,
        calculated: true,
        calculatedFormula: formula,
        defaultedOnCreate: false,
        formulaTreatNullNumberAsZero: text(node, 'formulaTreatBlanksAs') === 'BlankAsZero',
        ...(type === 'Text' ? { length: FORMULA_TEXT_LENGTH } : {}),
        ...numbers(type, node),
      },
      secured: true,
      metadata: node,
    }
  }
  // Salesforce: neither custom settings nor events nor custom metadata are under field-level security, and no API
  // writes custom metadata as data.
  const isMetadata = isCustomMetadataType(object.name)
  const isOpen = isMetadata || object.describe.customSetting || isPlatformEvent(object.name)
  const open = isMetadata
    ? { createable: false, updateable: false, permissionable: false }
    : { permissionable: false }
  const shape = (spec: Partial<FieldSpec>, metadata = node): FieldShape => ({
    spec: { ...common, ...defaults(type, node), ...spec, ...(isOpen && open) },
    secured: !isOpen && !isRequired && type !== 'MasterDetail',
    metadata,
  })
  switch (type) {
    case 'Text':
    case 'LongTextArea':
      return shape({ length: whole(node, 'length') ?? 0 })
    case 'Html':
      return shape({ length: whole(node, 'length') ?? 0, htmlFormatted: true })
    case 'EncryptedText':
      return shape({
        length: whole(node, 'length') ?? 0,
        mask: text(node, 'maskChar') === 'X' ? 'X' : '*',
        maskType: text(node, 'maskType') ?? null,
        filterable: false,
        groupable: false,
        sortable: false,
      })
    case 'AutoNumber':
      return shape({ autoNumber: true, length: 30, nillable: false, defaultedOnCreate: true })
    case 'Location':
      return shape({
        scale: whole(node, 'scale') ?? 0,
        displayLocationInDecimal: flag(node, 'displayLocationInDecimal') === true,
      })
    case 'Picklist':
    case 'MultiselectPicklist': {
      const set = readValueSet(draft, object, node, before)
      const picklist = shape(
        {
          picklistValues: set.values,
          restrictedPicklist: set.restricted,
          dependentPicklist: set.controllingField !== undefined,
          controllerName: set.controllingField?.describe.name ?? null,
          // Salesforce: describe has the visible lines of a multi-select picklist as its precision.
          ...(type === 'MultiselectPicklist'
            ? { precision: whole(node, 'visibleLines') ?? 0 }
            : {}),
        },
        { ...node, valueSet: set.metadata },
      )
      const { globalValueSet } = set
      return globalValueSet === undefined ? picklist : { ...picklist, globalValueSet }
    }
    case 'Lookup':
      return shape(lookup(name, node))
    case 'MetadataRelationship':
      return shape({
        referenceTo: [relationshipTarget(draft, object, node)],
        relationshipName: relationshipName(name),
      })
    case 'MasterDetail':
      return shape(masterDetail(object, name, node, before))
    case 'Summary':
      return { ...shape(summary(draft, object, node)), secured: true }
    default:
      return shape(numbers(type, node))
  }
}

function numbers(type: FieldType, node: MetadataNode): Partial<FieldSpec> {
  if (!['Currency', 'Number', 'Percent'].includes(type)) return {}
  return { precision: whole(node, 'precision') ?? 18, scale: whole(node, 'scale') ?? 0 }
}

/** A default value is a formula, except that of a checkbox. */
function defaults(type: FieldType, node: MetadataNode): Partial<FieldSpec> {
  const value = text(node, 'defaultValue')
  if (type === 'Checkbox') return { defaultValue: value === 'true' }
  return value === undefined ? {} : { defaultValueFormula: value, defaultedOnCreate: true }
}

const relationshipName = (name: string) => name.replace(/__c$/i, '__r')

function lookup(name: string, node: MetadataNode): Partial<FieldSpec> {
  const constraint = oneOf(
    'DeleteConstraint',
    ['SetNull', 'Restrict', 'Cascade'],
    text(node, 'deleteConstraint') ?? 'SetNull',
  )
  // Salesforce: a required lookup cannot be cleared when its parent is deleted.
  if (text(node, 'required') === 'true' && text(node, 'deleteConstraint') === 'SetNull') {
    throw new Problem(
      'field integrity exception: deleteConstraint SetNull cannot be specified for a required lookup',
    )
  }
  return {
    referenceTo: [required(node, 'referenceTo')],
    relationshipName: relationshipName(name),
    ...filtered(node),
    cascadeDelete: constraint === 'Cascade',
    restrictedDelete: constraint === 'Restrict',
  }
}

/** A lookup filter. Salesforce: DescribeFieldResult, "filteredLookupInfo"; `$Source` is the row itself. */
function filtered(node: MetadataNode): Partial<FieldSpec> {
  const filter = child(node, 'lookupFilter')
  if (filter === undefined || flag(filter, 'active') !== true) return {}
  const sources = nodes(filter, 'filterItems').flatMap((item) =>
    [text(item, 'field'), text(item, 'valueField')].flatMap(
      (path) => /^\$Source\.(\w+)$/.exec(path ?? '')?.[1] ?? [],
    ),
  )
  return {
    filteredLookupInfo: {
      controllingFields: [...new Set(sources)],
      dependent: sources.length > 0,
      optionalFilter: flag(filter, 'isOptional') === true,
    },
  }
}

function masterDetail(
  object: SObject,
  name: string,
  node: MetadataNode,
  before: Field | undefined,
): Partial<FieldSpec> {
  const others = [...object.fields.values()].filter(
    (field) => field !== before && !field.deletedAt && field.describe.relationshipOrder !== null,
  )
  return {
    referenceTo: [required(node, 'referenceTo')],
    relationshipName: relationshipName(name),
    relationshipOrder:
      whole(node, 'relationshipOrder') ?? before?.describe.relationshipOrder ?? others.length,
    ...filtered(node),
    cascadeDelete: true,
    nillable: false,
    updateable: flag(node, 'reparentableMasterDetail') === true,
    writeRequiresMasterRead: flag(node, 'writeRequiresMasterRead') === true,
  }
}

/** Salesforce: a geolocation appears as a compound field and its two numbers. */
export function coordinateSpecs(spec: FieldSpec): FieldSpec[] {
  const stem = spec.name.replace(/__c$/i, '')
  return ['Latitude', 'Longitude'].map((part) => ({
    name: `${stem}__${part}__s`,
    label: `${spec.label ?? stem} (${part})`,
    type: 'double',
    custom: true,
    compoundFieldName: spec.name,
    precision: 18,
    scale: spec.scale ?? 0,
    nillable: spec.nillable ?? true,
  }))
}
