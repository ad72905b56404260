// The fields that a formula names, on its own object and through relationships. Salesforce: Help,
// "Reference Fields in Formulas" and "Polymorphic Relationships in Formulas".

import { NOT_CODE } from './formula-functions.ts'
import { sameName } from './names.ts'

const CONSTANTS: ReadonlySet<string> = new Set(['true', 'false', 'null'])

/** Names before a parenthesis are functions. */
const PATH = /(?<![\w.$:])\$?[a-z]\w*(?:[.:][a-z]\w*)*(?!\w)(?!\s*\()/gi

/**
 * The paths of a formula in their order, each once: `['Amount']`, `['Account', 'Industry']`,
 * `['Owner:User', 'Email']`, and of global variables `['$User', 'Email']`.
 */
export const pathsInFormula = (formula: string): [string, ...string[]][] => {
  const paths = new Map<string, [string, ...string[]]>()
  for (const [path] of formula.replaceAll(NOT_CODE, ' ').matchAll(PATH)) {
    const [first = '', ...rest] = path.split('.')
    const key = sameName(path)
    if (!CONSTANTS.has(key) && !paths.has(key)) paths.set(key, [first, ...rest])
  }
  return [...paths.values()]
}
