// The functions of Salesforce's formula language, in lower case. Source: Salesforce Help, "Formula
// Operators and Functions by Context" and its list from A to Z.

import { sameName } from './names.ts'

const words = (text: string): string[] => text.trim().split(/\s+/)

/**
 * Functions that compare a record with its previous state, or look at other records: for rules, never
 * for fields.
 */
const FOR_RULES_ONLY: ReadonlySet<string> = new Set(
  words('ischanged isclone isnew priorvalue regex vlookup'),
)

/** Source: Salesforce Help, "Flow Formula Considerations". */
const NOT_IN_FLOWS: ReadonlySet<string> = new Set(
  words('getrecordids image parentgroupval prevgroupval priorvalue requirescript vlookup'),
)

const FUNCTIONS: ReadonlySet<string> = new Set([
  ...FOR_RULES_ONLY,
  ...words(`
    abs acos addmonths and ascii asin atan atan2 begins blankvalue br case casesafeid ceiling chr
    contains cos currencyrate date datetimevalue datevalue day dayofyear distance exp find floor
    formatduration fromunixtime geolocation getrecordids getsessionid hour htmlencode hyperlink if
    image imageproxyurl include includes initcap isblank isnull isnumber isoweek isoyear ispickval
    jsencode jsinhtmlencode junctionidlist left len linkto ln log lower lpad max mceiling mfloor mid
    millisecond min minute mod month not now nullvalue or parentgroupval pi picklistcount predict
    prevgroupval requirescript reverse right round rpad second sin sqrt substitute tan text timenow
    timevalue today trim trunc unixtimestamp upper urlencode urlfor value weekday year
  `),
])

/**
 * Texts and comments, in which names mean nothing. One that does not end goes to the end of the formula, so
 * that no part is read twice.
 */
export const NOT_CODE =
  /"(?:[^"\\]|\\[\s\S])*"?|'(?:[^'\\]|\\[\s\S])*'?|\/\*(?:[^*]|\*(?!\/))*(?:\*\/)?/g

export interface MisusedFunction {
  name: string
  /**
   * `unknown`: Salesforce has no such function; `not_here`: it exists, but not for this kind of formula.
   */
  why: 'unknown' | 'not_here'
}

/** Where a formula is used. `flow`: a formula of a flow; a start condition of a flow is a `rule`. */
export type FormulaPlace = 'field' | 'rule' | 'flow'

const NOT_HERE: Readonly<Record<FormulaPlace, ReadonlySet<string>>> = {
  field: FOR_RULES_ONLY,
  rule: new Set(),
  flow: NOT_IN_FLOWS,
}

const CALL = /(?<![\w.$:])([A-Za-z_]\w*)\s*\(/g

/** The functions that a formula calls, as written. */
const callsAsWritten = (formula: string): string[] =>
  [...formula.replaceAll(NOT_CODE, ' ').matchAll(CALL)].map(([, name = '']) => name)

/** The functions that a formula calls, in lower case. */
export const callsIn = (formula: string): string[] => callsAsWritten(formula).map(sameName)

/** Functions for which Salesforce refuses a formula in this place; each is named once. */
export const misusedFunctions = (formula: string, place: FormulaPlace): MisusedFunction[] => {
  const found = new Map<string, MisusedFunction>()
  for (const name of callsAsWritten(formula)) {
    const key = sameName(name)
    if (!FUNCTIONS.has(key)) found.set(key, { name, why: 'unknown' })
    else if (NOT_HERE[place].has(key)) found.set(key, { name, why: 'not_here' })
  }
  return [...found.values()]
}
