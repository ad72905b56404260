// Which properties each type of custom field accepts and requires. Salesforce: Metadata API guide,
// "CustomField" and "FieldType"; texts of refusals as recorded where they were.

import { text, type MetadataNode } from '../../../org/metadata-xml.ts'
import { NotDone, Problem } from './draft.ts'
import { checkLength, flag, oneOf, whole } from './names.ts'

interface TypeRule {
  takes: readonly string[]
  needs: readonly string[]
}

const rule = (takes: string, needs = ''): TypeRule => ({
  takes: takes.split(' '),
  needs: needs === '' ? [] : needs.split(' '),
})

const RULES = {
  AutoNumber: rule('displayFormat externalId startingNumber populateExistingRows'),
  Checkbox: rule('defaultValue', 'defaultValue'),
  Currency: rule('precision scale required defaultValue', 'precision scale'),
  Date: rule('required defaultValue'),
  DateTime: rule('required defaultValue'),
  Email: rule('required defaultValue unique externalId caseSensitive'),
  EncryptedText: rule('length maskChar maskType required', 'length maskChar maskType'),
  Html: rule('length visibleLines', 'length visibleLines'),
  Location: rule('scale displayLocationInDecimal required', 'scale'),
  LongTextArea: rule('length visibleLines defaultValue', 'length visibleLines'),
  Lookup: rule(
    'referenceTo relationshipName relationshipLabel deleteConstraint required lookupFilter',
    'referenceTo',
  ),
  MasterDetail: rule(
    'referenceTo relationshipName relationshipLabel relationshipOrder reparentableMasterDetail writeRequiresMasterRead lookupFilter',
    'referenceTo',
  ),
  MetadataRelationship: rule(
    'referenceTo relationshipName relationshipLabel required metadataRelationshipControllingField',
    'referenceTo',
  ),
  MultiselectPicklist: rule('valueSet visibleLines required', 'valueSet visibleLines'),
  Number: rule('precision scale required defaultValue unique externalId', 'precision scale'),
  Percent: rule('precision scale required defaultValue', 'precision scale'),
  Phone: rule('required defaultValue'),
  Picklist: rule('valueSet required', 'valueSet'),
  Summary: rule(
    'summaryForeignKey summaryOperation summarizedField summaryFilterItems',
    'summaryForeignKey summaryOperation',
  ),
  Text: rule('length required defaultValue unique externalId caseSensitive', 'length'),
  TextArea: rule('required defaultValue'),
  Time: rule('required defaultValue'),
  Url: rule('required defaultValue'),
} as const satisfies Record<string, TypeRule>

export type FieldType = keyof typeof RULES

const TYPES = Object.keys(RULES) as FieldType[]
/** Salesforce has them, this simulator does not. */
const UNSIMULATED = ['ExternalLookup', 'File', 'Hierarchy', 'IndirectLookup']
const FORMULA_TYPES = new Set<FieldType>([
  'Checkbox',
  'Currency',
  'Date',
  'DateTime',
  'Number',
  'Percent',
  'Text',
  'Time',
])
const FORMULA_TAKES = new Set(['formula', 'formulaTreatBlanksAs', 'precision', 'scale'])
const COMMON = new Set([
  'businessOwnerGroup',
  'businessOwnerUser',
  'businessStatus',
  'complianceGroup',
  'deprecated',
  'description',
  'externalDeveloperName',
  'fullName',
  'inlineHelpText',
  'label',
  'securityClassification',
  'trackFeedHistory',
  'trackHistory',
  'trackTrending',
  'type',
])
/**
 * Salesforce writes these as false into files of types that cannot have them, and accepts them again;
 * `indexed` as false is recorded as accepted for every type.
 */
const HARMLESS_AS_FALSE = new Set([
  'caseSensitive',
  'externalId',
  'indexed',
  'stripMarkup',
  'unique',
])
/** MasterDetail refuses `required` in any case. */
const HARMLESS_REQUIRED_FALSE = new Set<FieldType>([
  'AutoNumber',
  'Checkbox',
  'Html',
  'LongTextArea',
  'Summary',
])

/** The field's type, if it exists. */
export function readType(node: MetadataNode): FieldType {
  const type = text(node, 'type') ?? ''
  if (UNSIMULATED.includes(type)) {
    throw new NotDone(`does not deploy fields of type ${type}`)
  }
  return oneOf('FieldType', TYPES, type)
}

/**
 * Refuses properties that the type does not accept, that are missing, or that are out of range. Fields
 * of some objects accept one more, `alsoTakes`.
 */
export function checkProperties(type: FieldType, node: MetadataNode, alsoTakes?: string): void {
  const formula = text(node, 'formula') !== undefined
  if (formula && !FORMULA_TYPES.has(type)) {
    throw new Problem(`Can not specify 'formula' for a CustomField of type ${type}`)
  }
  const { takes, needs }: TypeRule = RULES[type]
  for (const name of Object.keys(node)) {
    if (
      COMMON.has(name) ||
      name === alsoTakes ||
      (formula ? FORMULA_TAKES.has(name) : takes.includes(name))
    )
      continue
    const value = text(node, name)
    if (HARMLESS_AS_FALSE.has(name) && value === 'false') continue
    const harmless = formula || HARMLESS_REQUIRED_FALSE.has(type)
    if (name === 'required' && value === 'false' && harmless) continue
    if (name === 'required' && type === 'MasterDetail') {
      throw new Problem('Master-Detail Relationship Fields Cannot be Optional or Required')
    }
    throw new Problem(`Can not specify '${name}' for a CustomField of type ${type}`)
  }
  const numeric = ['Currency', 'Number', 'Percent'].includes(type)
  for (const name of formula ? (numeric ? ['precision', 'scale'] : []) : needs) {
    if (node[name] === undefined || node[name] === '') {
      throw new Problem(`Must specify '${name}' for a CustomField of type ${type}`)
    }
  }
  checkRanges(type, node)
}

function checkRanges(type: FieldType, node: MetadataNode): void {
  const range = (name: string, min: number, max: number) => {
    const value = whole(node, name)
    if (value === undefined) return
    if (value < min) throw new Problem(`Invalid ${name}, minimum is: ${min}`)
    if (value > max) throw new Problem(`Invalid ${name}, maximum is: ${max}`)
  }
  switch (type) {
    case 'Text':
      range('length', 1, 255)
      break
    case 'EncryptedText':
      range('length', 1, 175)
      break
    case 'LongTextArea':
    case 'Html':
      range('length', 256, 131_072)
      range('visibleLines', 1, 50)
      break
    case 'MultiselectPicklist':
      range('visibleLines', 1, 50)
      break
    case 'Number':
    case 'Currency':
    case 'Percent': {
      range('precision', 1, 18)
      range('scale', 0, whole(node, 'precision') ?? 18)
      break
    }
    case 'Location':
      range('scale', 0, 15)
      break
    case 'MasterDetail':
      range('relationshipOrder', 0, 1)
      break
    case 'Checkbox':
      flag(node, 'defaultValue')
      break
    case 'AutoNumber': {
      checkDisplayFormat(text(node, 'displayFormat'))
      break
    }
    default:
  }
  checkLength('MasterLabel', text(node, 'label'), 40)
  checkLength('Description', text(node, 'description'), 1000)
  checkLength('InlineHelpText', text(node, 'inlineHelpText'), 510)
}

/**
 * Salesforce: Help, "Auto-Number Formatting": `{0}` is required and has ten zeros at most; `{YYYY}`, `{YY}`,
 * `{MM}` and `{DD}` are optional, and there is nothing else to substitute. The words are ours.
 */
export function checkDisplayFormat(format: string | undefined): void {
  if (format === undefined) return
  const places = format.match(/\{0{1,10}\}/g) ?? []
  if (places.length !== 1) {
    throw new Problem('The display format must hold one place for the number, such as {0}')
  }
  if (/[{}]/.test(format.replaceAll(/\{(?:0+|YYYY|YY|MM|DD)\}/gi, ''))) {
    throw new Problem(`The display format has a substitution that does not exist: ${format}`)
  }
}
