// A look at formulas: enough to refuse those that name what is not there, and no evaluation.

import type { SObject } from '../../../org/model.ts'
import { Problem, type Draft } from './draft.ts'

const CONSTANTS = new Set(['true', 'false', 'null'])
/** Salesforce: the record type of a row can be named on every object. */
const ALWAYS = new Set(['recordtype', 'recordtypeid', 'owner', 'createdby', 'lastmodifiedby'])

/**
 * Refuses a formula whose parentheses do not match or that names a field which its object does not
 * have. Names of functions are not checked, nor are `$User.…` and its kin.
 */
export function checkFormula(draft: Draft, object: SObject, formula: string): void {
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
    if (next === '(' || next === ':' || CONSTANTS.has(path.toLowerCase())) continue
    if (!resolves(draft, object, path.split('.'))) {
      // Salesforce: the words of the formula editor.
      throw new Problem(`Field ${path} does not exist. Check spelling.`)
    }
  }
}

function resolves(draft: Draft, object: SObject, [first = '', ...rest]: string[]): boolean {
  const name = first.toLowerCase()
  if (rest.length === 0) {
    const field = object.fields.get(name)
    return ALWAYS.has(name) || (field !== undefined && field.deletedAt === undefined)
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
