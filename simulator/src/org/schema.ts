// Builders of schema: a field or an object from the few things that matter, with every other key of
// a describe filled in as Salesforce would. Key lists are those of recorded describes (API v52 and later).

import {
  type Field,
  type FieldDescribe,
  type Org,
  type SObject,
  type SObjectDescribe,
} from './model.ts'

const SOAP_TYPES: Record<string, string> = {
  id: 'tns:ID',
  reference: 'tns:ID',
  boolean: 'xsd:boolean',
  int: 'xsd:int',
  double: 'xsd:double',
  currency: 'xsd:double',
  percent: 'xsd:double',
  date: 'xsd:date',
  datetime: 'xsd:dateTime',
  time: 'xsd:time',
  base64: 'xsd:base64Binary',
  address: 'urn:address',
  location: 'urn:location',
  anyType: 'xsd:anyType',
}

/** Types whose length in bytes is that in characters, as recorded. */
const ONE_BYTE: ReadonlySet<string> = new Set(['id', 'multipicklist', 'reference'])
const NUMBERS = new Set(['double', 'currency', 'percent'])
const LONG_TEXTS = new Set(['textarea', 'base64', 'address', 'location', 'encryptedstring'])
const DEFAULT_LENGTHS: Record<string, number> = {
  id: 18,
  reference: 18,
  string: 255,
  picklist: 255,
  multipicklist: 4099,
  email: 80,
  phone: 40,
  url: 255,
  textarea: 255,
  combobox: 255,
  encryptedstring: 175,
}

/** References that a search cannot be narrowed by, as recorded. */
const UNFILTERED: ReadonlySet<string> = new Set([
  'CreatedById',
  'LastModifiedById',
  'MasterRecordId',
  'OwnerId',
  'RecordTypeId',
])

export type FieldSpec = Partial<FieldDescribe> & { name: string; type: string }

/**
 * A complete describe of a field, its members in Salesforce's order, which is the alphabet's (recorded
 * describe of Lead, v59.0).
 */
export const describeField = (spec: FieldSpec): FieldDescribe => {
  const { name, type, ...given } = spec
  const length = spec.length ?? DEFAULT_LENGTHS[type] ?? 0
  const calculated = spec.calculated ?? false
  const autoNumber = spec.autoNumber ?? false
  const compound = type === 'address' || type === 'location'
  const writable = !calculated && !autoNumber && !compound && type !== 'id'
  const long = LONG_TEXTS.has(type) && length > 255
  return {
    aggregatable: !long && !compound && type !== 'boolean',
    aiPredictionField: false,
    autoNumber,
    byteLength: spec.byteLength ?? (ONE_BYTE.has(type) ? length : length * 3),
    calculated,
    calculatedFormula: null,
    cascadeDelete: false,
    caseSensitive: false,
    compoundFieldName: null,
    controllerName: null,
    createable: writable,
    custom: false,
    defaultValue: type === 'boolean' ? false : null,
    defaultValueFormula: null,
    defaultedOnCreate: type === 'boolean',
    dependentPicklist: false,
    deprecatedAndHidden: false,
    digits: 0,
    displayLocationInDecimal: false,
    encrypted: type === 'encryptedstring',
    externalId: false,
    extraTypeInfo:
      type === 'textarea' ? (spec.htmlFormatted === true ? 'richtextarea' : 'plaintextarea') : null,
    filterable: !long && !compound,
    filteredLookupInfo: null,
    formulaTreatNullNumberAsZero: false,
    // Salesforce: Object Reference, CaseNumber and the like, and recorded custom ones: no automatic number.
    groupable:
      !long &&
      !compound &&
      !autoNumber &&
      !NUMBERS.has(type) &&
      type !== 'datetime' &&
      type !== 'multipicklist',
    highScaleNumber: false,
    htmlFormatted: false,
    idLookup: type === 'id',
    inlineHelpText: null,
    label: spec.label ?? name,
    length,
    mask: null,
    maskType: null,
    name,
    nameField: false,
    // Salesforce: a reference to several objects leads to Name, the fields that they have in common.
    namePointing: (spec.referenceTo?.length ?? 0) > 1,
    nillable: type !== 'id' && type !== 'boolean',
    permissionable: writable,
    picklistValues: [],
    polymorphicForeignKey: (spec.referenceTo?.length ?? 0) > 1,
    precision: NUMBERS.has(type) ? 18 : 0,
    queryByDistance: compound,
    referenceTargetField: null,
    referenceTo: [],
    relationshipName: null,
    relationshipOrder: null,
    restrictedDelete: false,
    restrictedPicklist: false,
    scale: 0,
    searchPrefilterable: type === 'reference' && !UNFILTERED.has(spec.name),
    soapType: SOAP_TYPES[type] ?? 'xsd:string',
    sortable: !long && !compound && type !== 'multipicklist',
    type,
    unique: false,
    updateable: writable,
    writeRequiresMasterRead: false,
    ...given,
  }
}

/** What an object has with its first record type. */
export const recordTypeField = (): FieldSpec => ({
  name: 'RecordTypeId',
  type: 'reference',
  label: 'Record Type ID',
  permissionable: false,
  referenceTo: ['RecordType'],
  relationshipName: 'RecordType',
})

/** The system fields that nearly every object has. */
export const systemFields = (keepsOwner: boolean): FieldSpec[] => [
  {
    name: 'Id',
    type: 'id',
    label: 'Record ID',
    defaultedOnCreate: true,
    idLookup: true,
    nillable: false,
  },
  ...(keepsOwner
    ? [
        {
          name: 'OwnerId',
          type: 'reference',
          label: 'Owner ID',
          referenceTo: ['Group', 'User'],
          relationshipName: 'Owner',
          nillable: false,
          defaultedOnCreate: true,
        },
      ]
    : []),
  {
    name: 'IsDeleted',
    type: 'boolean',
    label: 'Deleted',
    createable: false,
    updateable: false,
    permissionable: false,
  },
  ...(['CreatedDate', 'LastModifiedDate', 'SystemModstamp'] as const).map((name) => ({
    name,
    type: 'datetime',
    label: {
      CreatedDate: 'Created Date',
      LastModifiedDate: 'Last Modified Date',
      SystemModstamp: 'System Modstamp',
    }[name],
    createable: false,
    updateable: false,
    nillable: false,
    defaultedOnCreate: true,
    permissionable: false,
  })),
  ...(['CreatedById', 'LastModifiedById'] as const).map((name) => ({
    name,
    type: 'reference',
    label: name === 'CreatedById' ? 'Created By ID' : 'Last Modified By ID',
    referenceTo: ['User'],
    relationshipName: name.slice(0, -2),
    createable: false,
    updateable: false,
    nillable: false,
    defaultedOnCreate: true,
    permissionable: false,
  })),
]

/**
 * The fields that every custom metadata type has. Salesforce: Object Reference, "Custom Metadata
 * Type__mdt"; records of these types are written only as metadata.
 */
export const customMetadataFields = (): FieldSpec[] => {
  const shown = { createable: false, updateable: false, permissionable: false }
  const text = (name: string, label: string, length: number, more: Partial<FieldSpec> = {}) => ({
    name,
    type: 'string',
    label,
    length,
    ...shown,
    nillable: false,
    ...more,
  })
  const [id, modstamp] = systemFields(false).filter(({ name }) =>
    /^(Id|SystemModstamp)$/.test(name),
  )
  return [
    ...(id ? [id] : []),
    text('DeveloperName', 'Custom Metadata Record Name', 40, { defaultedOnCreate: true }),
    text('MasterLabel', 'Label', 40),
    text('Language', 'Master Language', 40, { type: 'picklist', restrictedPicklist: true }),
    text('NamespacePrefix', 'Namespace Prefix', 15, { nillable: true }),
    text('Label', 'Label', 40, { type: 'picklist', nillable: true }),
    text('QualifiedApiName', 'Qualified API Name', 70, { nillable: true }),
    { name: 'IsProtected', type: 'boolean', label: 'Protected Component', ...shown },
    ...(modstamp ? [modstamp] : []),
  ]
}

export type SettingKind = 'List' | 'Hierarchy'

/**
 * The fields that every custom setting has. Salesforce: a row of a hierarchy setting belongs to the org,
 * a profile or a user, at most one for each; rows of a list setting belong to the org and are found by
 * their names.
 */
export const customSettingFields = (kind: SettingKind): FieldSpec[] => [
  ...systemFields(false),
  {
    name: 'Name',
    type: 'string',
    label: 'Name',
    length: kind === 'List' ? 38 : 80,
    nameField: true,
    idLookup: true,
    nillable: kind === 'Hierarchy',
    unique: kind === 'List',
    permissionable: false,
  },
  {
    name: 'SetupOwnerId',
    type: 'reference',
    label: 'Location',
    referenceTo: ['Organization', 'Profile', 'User'],
    relationshipName: 'SetupOwner',
    nillable: false,
    defaultedOnCreate: true,
    createable: kind === 'Hierarchy',
    updateable: false,
    unique: kind === 'Hierarchy',
    permissionable: false,
  },
]

/** Whether it is a custom setting whose rows belong to the org, profiles and users. */
export const isHierarchySetting = ({ describe, metadata }: SObject): boolean =>
  describe.customSetting && metadata?.['customSettingsType'] === 'Hierarchy'

/**
 * The fields that every platform event has. Salesforce: Field Reference and Object Reference of
 * ServiceProviderEvent and the like (properties: Nillable).
 */
export const platformEventFields = (): FieldSpec[] => {
  const text = (name: string, label: string, length: number): FieldSpec => ({
    ...{ name, type: 'string', label, length, aggregatable: false, filterable: false },
    ...{ groupable: false, sortable: false, createable: false, updateable: false },
    permissionable: false,
  })
  return [
    text('ReplayId', 'Replay ID', 1000),
    ...systemFields(false).filter(({ name }) => /^Created(Date|ById)$/.test(name)),
    text('EventUuid', 'Event UUID', 36),
  ]
}

/** Whether its rows are messages. */
export const isPlatformEvent = (objectName: string): boolean => /__e$/i.test(objectName)

/** Whether it is a custom metadata type, whose rows are metadata. */
export const isCustomMetadataType = (objectName: string): boolean => /__mdt$/i.test(objectName)

const byName = (fields: Field[]) =>
  new Map(fields.map((field) => [field.describe.name.toLowerCase(), field]))

/** A field of this org, with an id and dates of its own. */
export const makeField = (
  org: Org,
  spec: FieldSpec,
  options: { secured?: boolean; description?: string } = {},
): Field => fieldOf(org, describeField(spec), options)

const fieldOf = (
  org: Org,
  describe: Readonly<FieldDescribe>,
  options: { secured?: boolean; description?: string } = {},
): Field => ({
  id: org.ids.make('00N'),
  describe,
  // Salesforce: a master-detail field is not under field-level security.
  secured: options.secured ?? (describe.custom && describe.relationshipOrder === null),
  description: options.description ?? null,
  ...stamps(org),
})

export const stamps = (org: Org) => {
  const author = org.users.keys().next().value ?? ''
  return {
    createdById: author,
    createdDate: org.createdDate,
    lastModifiedById: author,
    lastModifiedDate: org.createdDate,
  }
}

export interface ObjectSpec {
  name: string
  label?: string
  describe?: Partial<SObjectDescribe>
  fields: FieldSpec[]
  /** More fields, whose describes are complete. */
  described?: readonly Readonly<FieldDescribe>[]
  namespace?: string | null
  description?: string | null
  sharingModel?: string
}

/** Adds an object to the org. Fields are taken as given; the caller includes system fields. */
export const makeObject = (org: Org, spec: ObjectSpec): SObject => {
  const custom = /__(c|mdt|e|b|x|kav)$/i.test(spec.name)
  const label = spec.label ?? spec.name
  const object: SObject = {
    durableId: custom ? org.ids.make('01I') : spec.name,
    name: spec.name,
    describe: {
      label,
      labelPlural: `${label}s`,
      keyPrefix: null,
      custom,
      customSetting: false,
      activateable: false,
      associateEntityType: null,
      associateParentEntity: null,
      createable: true,
      deepCloneable: false,
      deletable: true,
      deprecatedAndHidden: false,
      feedEnabled: false,
      hasSubtypes: false,
      isInterface: false,
      isSubtype: false,
      layoutable: true,
      mergeable: false,
      mruEnabled: true,
      queryable: true,
      replicateable: true,
      retrieveable: true,
      searchable: true,
      triggerable: true,
      undeletable: true,
      updateable: true,
      ...spec.describe,
    },
    fields: byName([
      ...(spec.described ?? []).map((describe) => fieldOf(org, describe)),
      ...spec.fields.map((field) => makeField(org, field)),
    ]),
    businessProcesses: [],
    recordTypes: [],
    validationRules: [],
    parts: { compactLayouts: [], fieldSets: [], listViews: [], webLinks: [] },
    compactLayout: null,
    namespace: spec.namespace ?? null,
    sharingModel: spec.sharingModel ?? 'ReadWrite',
    description: spec.description ?? null,
    deploymentStatus: 'Deployed',
    schemaModifiedAt: org.orgWideModifiedAt,
    ...stamps(org),
  }
  org.objects.set(spec.name.toLowerCase(), object)
  return object
}

/** Salesforce: custom objects of an org get a00, a01 … in turn, metadata types m00 …, platform events e00 … */
export const freeKeyPrefix = (org: Org, kind: 'a' | 'e' | 'm' = 'a'): string => {
  const taken = new Set([...org.objects.values()].map(({ describe }) => describe.keyPrefix))
  for (let n = 0; ; n++) {
    const prefix = `${kind}${n.toString(36).padStart(2, '0')}`
    if (!taken.has(prefix)) return prefix
  }
}

/**
 * Whether custom fields can be defined on it. Salesforce: Tooling API guide, EntityDefinition. The
 * History, Share and Feed tables of an object have its fields and no custom fields of their own.
 */
export const isCustomizable = ({ describe, name }: SObject): boolean =>
  describe.custom ||
  name === 'Activity' ||
  (describe.layoutable && (describe.associateEntityType ?? null) === null)
