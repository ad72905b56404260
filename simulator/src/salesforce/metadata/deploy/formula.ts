// A check of formulas: enough to refuse those that name something that does not exist, without
// evaluation.

import { FUNCTION_NAMES } from '../../../formula/function-names.ts'
import { FormulaSyntaxError, parseFormula } from '../../../formula/parse.ts'
import { typeOfFormula, type ValueType } from '../../../formula/types.ts'
import type { Field, SObject } from '../../../org/model.ts'
import { isHierarchySetting } from '../../../org/schema.ts'
import { Problem, type Draft } from './draft.ts'

const CONSTANTS = new Set(['true', 'false', 'null'])
/** Salesforce: these of a row can be used on every object, the id of the record type among them. */
const ALWAYS = new Set(['recordtype', 'owner', 'createdby', 'lastmodifiedby'])
const RECORD_TYPE = 'recordtypeid'

/** Global variables that are a record, and its object. Salesforce: Help, "Global Variables". */
const GLOBAL_RECORDS = new Map([
  ['$organization', 'Organization'],
  ['$profile', 'Profile'],
  ['$user', 'User'],
  ['$userrole', 'UserRole'],
])
/** Members of `$User` that are not fields. */
const NOT_FIELDS = new Set(['uitheme', 'uithemedisplayed'])

/** Where a formula is used: as that of a field, of a rule, or of the default value of a field. */
export type FormulaUse = 'field' | 'rule' | 'default'

/** Salesforce: for rules, which see a record change; never for fields. */
const FOR_RULES = new Set(['ISCHANGED', 'ISCLONE', 'ISNEW', 'PRIORVALUE', 'REGEX', 'VLOOKUP'])

/**
 * Refuses a formula that cannot be read, that names a field which its object does not have, a function
 * that does not exist or does not belong there, or whose types do not fit.
 */
export function checkFormula(
  draft: Draft,
  object: SObject,
  formula: string,
  { expected, use }: { expected: ValueType; use: FormulaUse },
): void {
  const code = codeOf(formula)
  let open = 0
  for (const character of code) {
    if (character === '(') open++
    if (character === ')') open--
    if (open < 0) throw new Problem("Syntax error. Extra ')'")
  }
  if (open > 0) throw new Problem("Syntax error. Missing ')'")
  for (const { 0: path, index } of code.matchAll(PATHS)) {
    const next = code.slice(index + path.length).trimStart()[0]
    if (next === '(' && !path.includes('.')) {
      const name = path.toUpperCase()
      // Salesforce: the words of the formula editor.
      if (!FUNCTION_NAMES.has(name)) throw new Problem(`Unknown function ${path}. Check spelling.`)
      if (use === 'rule' || !FOR_RULES.has(name)) continue
      throw new Problem(`Function ${name} may not be used in this type of formula`)
    }
    if (next === '(' || next === ':' || CONSTANTS.has(path.toLowerCase())) continue
    const steps = path.split('.')
    if (!resolves(draft, object, steps)) {
      // Salesforce: the words of the formula editor.
      throw new Problem(`Field ${path} does not exist. Check spelling.`)
    }
    if (!mayUse(draft, object, steps, use)) {
      throw new Problem(`Field ${path} may not be used in this type of formula`)
    }
  }
  checkGlobals(draft, code)
  checkTypes(draft, object, formula, expected)
}

/** A formula without its comments and the content of its texts. */
const codeOf = (formula: string): string =>
  formula
    .replaceAll(/\/\*[\s\S]*?\*\//g, ' ')
    .replaceAll(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/g, '""')

const PATHS = /(?<![\w.$:])[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*/g

/** The fields that a formula shows, through the formulas that these have themselves. */
function shownBy(draft: Draft, object: SObject, formula: string): Field[] {
  const open = [{ on: object, formula }]
  const seen = new Set<Field>()
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    for (const [path] of codeOf(next.formula).matchAll(PATHS)) {
      const steps = path.split('.')
      const field = fieldAt(draft, next.on, steps)
      if (field === undefined || seen.has(field)) continue
      seen.add(field)
      const on = ownerOf(draft, next.on, steps)
      const { calculatedFormula } = field.describe
      if (on !== undefined && calculatedFormula !== null) {
        open.push({ on, formula: calculatedFormula })
      }
    }
  }
  return [...seen]
}

/**
 * Refuses the formula of a field that leads back to the field through other formulas. Salesforce Help,
 * "Formula Field Limits and Restrictions": the value of a field cannot depend on another formula that
 * references it. The words are ours.
 */
export function checkCircle(draft: Draft, object: SObject, name: string, formula: string): void {
  const own = object.fields.get(name.toLowerCase())
  if (own !== undefined && shownBy(draft, object, formula).includes(own)) {
    throw new Problem(`The formula of ${name} refers to ${name}`)
  }
}

/** The formula of a field and those that it shows; none for a field that has none. */
export function formulasBehind(draft: Draft, object: SObject, field: Field): string[] {
  const { calculatedFormula } = field.describe
  if (calculatedFormula === null) return []
  const shown = shownBy(draft, object, calculatedFormula)
  return [calculatedFormula, ...shown.flatMap(({ describe }) => describe.calculatedFormula ?? [])]
}

/**
 * Whether a formula reads more than its own record: other records, the user, the time. Salesforce Help,
 * "Roll-Up Summary Fields".
 */
export const leavesRecord = (formula: string): boolean =>
  /(?<![\w.$])\$?[A-Za-z_]\w*\.[A-Za-z_]|\b(?:DATEVALUE|NOW|TODAY)\s*\(/i.test(codeOf(formula))

/** Of a record, only its type is known before its values are entered. */
const KNOWN_AT_CREATION = new Set(['recordtype', RECORD_TYPE])

/**
 * Salesforce Help, "Formula Field Limits and Restrictions": long text areas and encrypted fields are not
 * available in formula fields; "Default Field Value Considerations": a default value cannot use the
 * fields of its record, except its record type.
 */
function mayUse(draft: Draft, object: SObject, steps: readonly string[], use: FormulaUse): boolean {
  if (use === 'default') return KNOWN_AT_CREATION.has(steps[0]?.toLowerCase() ?? '')
  if (use === 'rule') return true
  const field = fieldAt(draft, object, steps)
  if (field === undefined) return true
  const { type, length } = field.describe
  return type !== 'encryptedstring' && (type !== 'textarea' || length <= 255)
}

/** Salesforce: Help, "Global Variables". */
const GLOBALS = new Set(
  `$action $api $asset $component $componentlabel $credential $currentpage $custommetadata $fieldset $label
  $network $objecttype $organization $page $permission $profile $record $recordtype $request $resource $scontrol
  $setup $site $system $user $userrole`.split(/\s+/),
)

function checkGlobals(draft: Draft, code: string): void {
  for (const [path] of code.matchAll(/\$[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+/g)) {
    const [root = ''] = path.split('.')
    if (!GLOBALS.has(root.toLowerCase()) || !globalExists(draft, path)) {
      throw new Problem(`Field ${path} does not exist. Check spelling.`)
    }
  }
}

/** Whether there is what the path of a global variable names; true for those that are not modelled. */
export function globalExists(draft: Draft, path: string): boolean {
  const [root = '', ...steps] = path.toLowerCase().split('.')
  const [name = '', record = ''] = steps
  const isPackaged = /__/.test(name.replace(/__(?:mdt|c)$/, ''))
  switch (root) {
    case '$label':
      return isPackaged || draft.org.customLabels.has(name)
    case '$permission':
      return isPackaged || draft.org.customPermissions.has(name)
    case '$custommetadata':
      return isPackaged || hasCustomMetadata(draft, name, record, steps[2])
    case '$setup': {
      const object = draft.object(name)
      return (
        object !== undefined &&
        isHierarchySetting(object) &&
        resolves(draft, object, steps.slice(1))
      )
    }
    default: {
      const object = draft.object(GLOBAL_RECORDS.get(root) ?? '')
      return object === undefined || NOT_FIELDS.has(name) || resolves(draft, object, steps)
    }
  }
}

/** `$CustomMetadata.Tier__mdt.Gold.Discount__c`. */
const hasCustomMetadata = (draft: Draft, type: string, record: string, field = ''): boolean => {
  const object = draft.object(type)
  const isRecord = [...draft.org.customMetadata.values()].some(
    (each) => each.type.toLowerCase() === type && each.developerName.toLowerCase() === record,
  )
  return object !== undefined && isRecord && resolves(draft, object, [field])
}

/** Salesforce: the editor's name for a value that is true or false. */
const shown = (type: ValueType): string => (type === 'Boolean' ? 'true or false' : type)

/** Refuses operands, parameters and results of types that do not fit. */
function checkTypes(draft: Draft, object: SObject, formula: string, expected: ValueType): void {
  try {
    const given = typeOfFormula(parseFormula(formula), (path) => typeAt(draft, object, path))
    if (given === expected || given === 'Unknown' || expected === 'Unknown') return
    throw new Problem(
      `Formula result is data type (${shown(given)}), incompatible with expected data type (${shown(expected)}).`,
    )
  } catch (error) {
    if (error instanceof FormulaSyntaxError) throw new Problem(error.message)
    throw error
  }
}

const TYPES: Record<string, ValueType> = {
  address: 'Address',
  boolean: 'Boolean',
  currency: 'Number',
  date: 'Date',
  datetime: 'DateTime',
  double: 'Number',
  email: 'Text',
  id: 'Text',
  int: 'Number',
  location: 'Geolocation',
  multipicklist: 'Multi-Select Picklist',
  percent: 'Number',
  phone: 'Text',
  picklist: 'Picklist',
  reference: 'Text',
  string: 'Text',
  textarea: 'Text',
  time: 'Time',
  url: 'Text',
}

const liveFields = (object: SObject): Field[] =>
  [...object.fields.values()].filter(({ deletedAt }) => deletedAt === undefined)

/** The object whose field a path ends with; undefined where the path is open, or leads nowhere. */
function ownerOf(
  draft: Draft,
  object: SObject,
  [first = '', ...rest]: readonly string[],
): SObject | undefined {
  if (rest.length === 0) return object
  const name = first.toLowerCase()
  const relation = liveFields(object).find(
    ({ describe }) => describe.relationshipName?.toLowerCase() === name,
  )
  // Its own fields may be written with its name first.
  if (relation === undefined) {
    return name === object.name.toLowerCase() ? ownerOf(draft, object, rest) : undefined
  }
  const [target = '', ...others] = relation.describe.referenceTo
  const parent = others.length > 0 ? undefined : draft.object(target)
  return parent && ownerOf(draft, parent, rest)
}

const fieldAt = (draft: Draft, object: SObject, path: readonly string[]): Field | undefined => {
  const name = path.at(-1)?.toLowerCase()
  const owner = ownerOf(draft, object, path)
  return owner && liveFields(owner).find(({ describe }) => describe.name.toLowerCase() === name)
}

const typeAt = (draft: Draft, object: SObject, path: readonly string[]): ValueType =>
  TYPES[fieldAt(draft, object, path)?.describe.type ?? ''] ?? 'Unknown'

function resolves(draft: Draft, object: SObject, [first = '', ...rest]: string[]): boolean {
  const name = first.toLowerCase()
  if (rest.length === 0) {
    const field = object.fields.get(name)
    return name === RECORD_TYPE || (field !== undefined && field.deletedAt === undefined)
  }
  if (ALWAYS.has(name)) return true
  const relation = [...object.fields.values()].find(
    (field) =>
      field.deletedAt === undefined && field.describe.relationshipName?.toLowerCase() === name,
  )
  if (relation === undefined) return name === object.name.toLowerCase()
  const target = draft.object(relation.describe.referenceTo[0] ?? '')
  return target === undefined || resolves(draft, target, rest)
}
