import type { FieldDescribe } from '../../org/model.ts'
import type { MetadataNode } from '../../org/metadata-xml.ts'

const plainTypes: Record<string, string> = {
  boolean: 'Checkbox',
  currency: 'Currency',
  date: 'Date',
  datetime: 'DateTime',
  double: 'Number',
  email: 'Email',
  encryptedstring: 'EncryptedText',
  int: 'Number',
  location: 'Location',
  multipicklist: 'MultiselectPicklist',
  percent: 'Percent',
  phone: 'Phone',
  picklist: 'Picklist',
  time: 'Time',
  url: 'Url',
}

/**
 * The Metadata API's name for a field's type. Salesforce: Metadata API guide, "FieldType";
 * describe knows fewer types, so length, format and relationship order decide between them.
 */
export function metadataFieldType(field: FieldDescribe): string {
  if (field.type === 'reference') {
    const [target = ''] = field.referenceTo
    if (
      /__mdt$|^(EntityDefinition|EntityParticle|FieldDefinition)$/i.test(target) &&
      field.custom
    ) {
      return 'MetadataRelationship'
    }
    return field.relationshipOrder === null ? 'Lookup' : 'MasterDetail'
  }
  if (field.type === 'textarea') {
    if (field['htmlFormatted'] === true) return 'Html'
    return field.length > 255 ? 'LongTextArea' : 'TextArea'
  }
  if (field.type === 'string') return field.autoNumber ? 'AutoNumber' : 'Text'
  return plainTypes[field.type] ?? 'Text'
}

/** The CustomField metadata of a field, without fullName. `extras` win over what is derived. */
export function customFieldMetadata(
  field: FieldDescribe,
  extras: { description?: string | null; required?: boolean; displayFormat?: string | null } = {},
): MetadataNode {
  const type = metadataFieldType(field)
  const formula = field.calculated ? (field.calculatedFormula ?? undefined) : undefined
  const node: MetadataNode = {
    description: extras.description ?? undefined,
    inlineHelpText: field.inlineHelpText ?? undefined,
    label: field.label,
    trackTrending: false,
    type,
    ...typeProperties(type, field, formula !== undefined),
  }
  if (formula !== undefined) {
    node['formula'] = formula
    node['formulaTreatBlanksAs'] =
      field['formulaTreatNullNumberAsZero'] === true ? 'BlankAsZero' : 'BlankAsBlank'
  }
  // Salesforce: Checkbox, MasterDetail and AutoNumber refuse `required` (field error texts).
  if (!['Checkbox', 'MasterDetail', 'AutoNumber'].includes(type)) {
    node['required'] = extras.required ?? (!field.nillable && formula === undefined)
  }
  if (extras.displayFormat) node['displayFormat'] = extras.displayFormat
  return node
}

function typeProperties(type: string, field: FieldDescribe, formula: boolean): MetadataNode {
  switch (type) {
    case 'Text':
      return formula
        ? { unique: false }
        : {
            length: field.length,
            externalId: field.externalId,
            unique: field.unique,
            caseSensitive: field.unique ? field.caseSensitive : undefined,
          }
    case 'EncryptedText':
      return { length: field.length }
    case 'LongTextArea':
      return { length: field.length, visibleLines: 3 }
    case 'Html':
      return { length: field.length, visibleLines: 25 }
    case 'Number':
      return {
        precision: field.type === 'int' ? field.digits : field.precision,
        scale: field.scale,
        externalId: formula ? undefined : field.externalId,
        unique: formula ? undefined : field.unique,
      }
    case 'Currency':
    case 'Percent':
      return { precision: field.precision, scale: field.scale }
    case 'Checkbox':
      return formula ? {} : { defaultValue: field.defaultValue === true }
    case 'Email':
      return { externalId: field.externalId, unique: field.unique }
    case 'AutoNumber':
      return { externalId: field.externalId }
    case 'Location':
      return {
        displayLocationInDecimal: field['displayLocationInDecimal'] === true,
        scale: field.scale,
      }
    case 'Lookup':
    case 'MasterDetail':
      return relationshipProperties(type, field)
    case 'Picklist':
      return { valueSet: valueSet(field) }
    case 'MultiselectPicklist':
      return { valueSet: valueSet(field), visibleLines: 4 }
    default:
      return {}
  }
}

function relationshipProperties(type: string, field: FieldDescribe): MetadataNode {
  const relationship = { referenceTo: field.referenceTo[0] }
  if (type === 'MasterDetail') {
    return {
      ...relationship,
      relationshipOrder: field.relationshipOrder,
      reparentableMasterDetail: false,
      writeRequiresMasterRead: field['writeRequiresMasterRead'] === true,
    }
  }
  const deleteConstraint =
    field['restrictedDelete'] === true
      ? 'Restrict'
      : field['cascadeDelete'] === true
        ? 'Cascade'
        : 'SetNull'
  return { ...relationship, deleteConstraint }
}

function valueSet(field: FieldDescribe): MetadataNode {
  return {
    controllingField:
      typeof field['controllerName'] === 'string' ? field['controllerName'] : undefined,
    restricted: field.restrictedPicklist,
    valueSetDefinition: {
      sorted: false,
      value: field.picklistValues.map(({ value, label, active, defaultValue }) => ({
        fullName: value,
        default: defaultValue,
        isActive: active ? undefined : false,
        label,
      })),
    },
  }
}
