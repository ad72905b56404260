// A check of formulas: enough to refuse those that name something that does not exist, without
// evaluation.

import { FUNCTION_NAMES } from '../../../formula/function-names.ts'
import { FormulaSyntaxError, parseFormula } from '../../../formula/parse.ts'
import { typeOfFormula, type ValueType } from '../../../formula/types.ts'
import type { SObject } from '../../../org/model.ts'
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

/**
 * Refuses a formula whose parentheses do not match or that names a field which its object does not have,
 * or a function that does not exist. Of global variables, records and custom settings are checked.
 */
export function checkFormula(
  draft: Draft,
  object: SObject,
  formula: string,
  expected: ValueType,
): void {
  const code = formula
    .replaceAll(/\/\*[\s\S]*?\*\//g, ' ')
    .replaceAll(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/g, '""')
  let open = 0
  for (const character of code) {
    if (character === '(') open++
    if (character === ')') open--
    if (open < 0) throw new Problem("Syntax error. Extra ')'")
  }
  if (open > 0) throw new Problem("Syntax error. Missing ')'")
  for (const { 0: path, index } of code.matchAll(/(?<![\w.$:])[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*/g)) {
    const next = code.slice(index + path.length).trimStart()[0]
    if (next === '(' && !path.includes('.')) {
      if (FUNCTION_NAMES.has(path.toUpperCase())) continue
      // Salesforce: the words of the formula editor.
      throw new Problem(`Unknown function ${path}. Check spelling.`)
    }
    if (next === '(' || next === ':' || CONSTANTS.has(path.toLowerCase())) continue
    if (!resolves(draft, object, path.split('.'))) {
      // Salesforce: the words of the formula editor.
      throw new Problem(`Field ${path} does not exist. Check spelling.`)
    }
  }
  checkGlobals(draft, code)
  checkTypes(draft, object, formula, expected)
}

function checkGlobals(draft: Draft, code: string): void {
  for (const [path] of code.matchAll(/\$[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+/g)) {
    const [root = '', ...steps] = path.split('.')
    const isSetting = root.toLowerCase() === '$setup'
    const name = isSetting ? steps.shift() : GLOBAL_RECORDS.get(root.toLowerCase())
    const [first = ''] = steps
    if (name === undefined || NOT_FIELDS.has(first.toLowerCase())) continue
    const object = draft.object(name)
    const isHidden = isSetting && object !== undefined && !isHierarchySetting(object)
    if (object === undefined ? isSetting : isHidden || !resolves(draft, object, steps)) {
      throw new Problem(`Field ${path} does not exist. Check spelling.`)
    }
  }
}

/** Salesforce: the editor's name for a value that is true or false. */
const shown = (type: ValueType): string => (type === 'Boolean' ? 'true or false' : type)

/** Refuses operands, parameters and results of types that do not fit. */
function checkTypes(draft: Draft, object: SObject, formula: string, expected: ValueType): void {
  try {
    const given = typeOfFormula(parseFormula(formula), (path) => typeAt(draft, object, path))
    if (given === expected || given === 'Unknown') return
    throw new Problem(
      `Formula result is data type (${shown(given)}), incompatible with expected data type (${shown(expected)}).`,
    )
  } catch (error) {
    // What the parser cannot read may still be right.
    if (!(error instanceof FormulaSyntaxError)) throw error
    if (/^(Incorrect parameter type|Field .* is a )/.test(error.message)) {
      throw new Problem(error.message)
    }
  }
}

const TYPES: Record<string, ValueType> = {
  boolean: 'Boolean',
  currency: 'Number',
  date: 'Date',
  datetime: 'DateTime',
  double: 'Number',
  email: 'Text',
  id: 'Text',
  int: 'Number',
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

function typeAt(
  draft: Draft,
  object: SObject,
  [first = '', ...rest]: readonly string[],
): ValueType {
  const fields = [...object.fields.values()].filter(({ deletedAt }) => deletedAt === undefined)
  if (rest.length === 0) {
    const field = fields.find(({ describe }) => describe.name.toLowerCase() === first.toLowerCase())
    return TYPES[field?.describe.type ?? ''] ?? 'Unknown'
  }
  const relation = fields.find(
    ({ describe }) => describe.relationshipName?.toLowerCase() === first.toLowerCase(),
  )
  const [target = '', ...others] = relation?.describe.referenceTo ?? []
  const parent = others.length > 0 ? undefined : draft.object(target)
  return parent === undefined ? 'Unknown' : typeAt(draft, parent, rest)
}

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
