// What a formula does with values of the wrong type, as far as its types are known: what Salesforce
// refuses with "Incorrect parameter type", "Incorrect number of parameters" or "Formula result is data
// type". Source: Salesforce Help, "All Formula Operators and Functions".

import { type Expression, FormulaFault, parseFormula } from './formula-grammar.ts'

/** Types of values; `long` and `masked` are texts of long text areas and encrypted fields. */
export type FormulaType =
  | 'number'
  | 'text'
  | 'boolean'
  | 'date'
  | 'datetime'
  | 'time'
  | 'picklist'
  | 'multipicklist'
  | 'location'
  | 'address'
  | 'long'
  | 'masked'

/** The type of a field in a formula by its type in a describe. */
const DESCRIBED: Readonly<Record<string, FormulaType>> = {
  address: 'address',
  boolean: 'boolean',
  currency: 'number',
  date: 'date',
  datetime: 'datetime',
  double: 'number',
  email: 'text',
  encryptedstring: 'masked',
  id: 'text',
  int: 'number',
  location: 'location',
  multipicklist: 'multipicklist',
  percent: 'number',
  phone: 'text',
  picklist: 'picklist',
  reference: 'text',
  string: 'text',
  textarea: 'text',
  time: 'time',
  url: 'text',
}

/** What a formula takes a field for that is described like this; null for types it knows nothing of. */
export const formulaTypeOf = (type: string, isLong: boolean): FormulaType | null =>
  type === 'textarea' && isLong ? 'long' : (DESCRIBED[type] ?? null)

/** Null: any type, or one that is not known. It fits everywhere. */
type Known = FormulaType | null

export interface FormulaContext {
  /** The type of the field that a path leads to. */
  typeOf: (steps: readonly [string, ...string[]]) => Known
  /** What the formula has to result in. */
  expected: Known
  /** Whether it is a field's formula, where Salesforce allows neither long nor encrypted texts. */
  isField: boolean
}

const NAMES: Readonly<Record<FormulaType, string>> = {
  number: 'a number',
  text: 'a text',
  boolean: 'true or false',
  date: 'a date',
  datetime: 'a date and time',
  time: 'a time of day',
  picklist: 'a picklist',
  multipicklist: 'a multi-select picklist',
  location: 'a geolocation',
  address: 'an address',
  long: 'a long text',
  masked: 'an encrypted text',
}

const LETTERS: Readonly<Record<string, FormulaType>> = {
  n: 'number',
  t: 'text',
  b: 'boolean',
  d: 'date',
  m: 'datetime',
  h: 'time',
  p: 'picklist',
  l: 'multipicklist',
}

/**
 * Each function with its arguments and its result. `*` is any value except a picklist, `.` any field or
 * value except compound fields, `:` those too, `#` what has a text of its own; `?` makes an argument optional, `+` repeats it; a digit as the result is the type of that
 * argument. IF and CASE have rules of their own.
 */
const SIGNATURES = `
  abs n n, acos n n, addmonths * n 0, and b+ b, ascii t n, asin n n, atan n n, atan2 n n n,
  begins t t b, blankvalue . . 0, br t, casesafeid t t, ceiling n n, chr n t, contains t t b, cos n n,
  currencyrate . n, date n n n d, datetimevalue * m, datevalue * d, day d n, dayofyear d n,
  distance : : t n, exp n n, find t t n? n, floor n n, formatduration * *? t, fromunixtime n m,
  geolocation n n ., getsessionid t, hour h n, htmlencode t t, hyperlink t t t? t,
  image t t n? n? t, includes l t b, initcap t t? t, isblank : b, ischanged : b, isclone b, isnew b,
  isnull : b, isnumber t b, isoweek d n, isoyear d n, ispickval p t b, jsencode t t,
  jsinhtmlencode t t, left t n t, len t n, ln n n, log n n, lower t t? t, lpad t n t? t, mceiling n n,
  mfloor n n, mid t n n t, millisecond h n, minute h n, mod n n n, month d n, not b b, now m,
  nullvalue . . 0, or b+ b, pi n, picklistcount l n, priorvalue . 0, regex t t b, reverse t t,
  right t n t, round n n n, rpad t n t? t, second h n, sin n n, sqrt n n, substitute t t t t, tan n n,
  text # t, timenow h, timevalue * h, today d, trim t t, trunc n n? n, unixtimestamp * n, upper t t? t,
  urlencode t t, value t n, weekday d n, year d n`

interface Signature {
  args: readonly string[]
  result: string
}

const FUNCTIONS: ReadonlyMap<string, Signature> = new Map(
  SIGNATURES.split(',').map((line) => {
    const [name = '', ...rest] = line.trim().split(/\s+/)
    return [name.toUpperCase(), { args: rest.slice(0, -1), result: rest.at(-1) ?? '.' }]
  }),
)

const PICKLISTS: ReadonlySet<Known> = new Set(['picklist', 'multipicklist'])
const NOT_TEXTUAL: ReadonlySet<Known> = new Set(['text', 'boolean', 'long', 'masked'])
const DAYS: ReadonlySet<Known> = new Set(['date', 'datetime', 'time'])

const fits = (wanted: Known, given: Known): boolean =>
  wanted === null ||
  given === null ||
  given === wanted ||
  // In rules, a long text is a text; of an encrypted one no more is known.
  (wanted === 'text' && (given === 'long' || given === 'masked')) ||
  (given === 'text' && (wanted === 'long' || wanted === 'masked'))

/**
 * Functions that take what most functions and all operators refuse. Salesforce: SOAP API guide, "Compound
 * Field Considerations and Limitations", for addresses and geolocations.
 */
const ONLY_IN: ReadonlyMap<Known, string> = new Map([
  ['picklist', 'ISPICKVAL, CASE or TEXT'],
  ['multipicklist', 'INCLUDES'],
  ['location', 'ISBLANK, ISNULL or DISTANCE'],
  ['address', 'ISBLANK, ISNULL or DISTANCE'],
])

const refuseSpecial = (given: Known, operand: Expression): void => {
  const use = ONLY_IN.get(given)
  if (given === null || use === undefined) return
  const name = operand.kind === 'path' ? operand.steps.join('.') : 'A value'
  throw new FormulaFault(`uses ${name}, which is ${NAMES[given]}, outside ${use}`)
}

const refuseCompound = (given: Known, operand: Expression): void => {
  if (given === 'location' || given === 'address') refuseSpecial(given, operand)
}

const need = (where: string, wanted: Known, given: Known, operand: Expression): void => {
  if (fits(wanted, given) || wanted === null || given === null) return
  if (!PICKLISTS.has(wanted)) refuseSpecial(given, operand)
  throw new FormulaFault(`gives ${where} ${NAMES[given]} instead of ${NAMES[wanted]}`)
}

/** Salesforce: TEXT takes numbers, dates, times and picklists. */
const needTextual = (name: string, given: Known, operand: Expression): void => {
  if (given !== 'picklist') refuseSpecial(given, operand)
  if (given !== null && NOT_TEXTUAL.has(given)) {
    throw new FormulaFault(
      `gives ${name} ${NAMES[given]} instead of a number, a date, a time or a picklist`,
    )
  }
}

/**
 * What is wrong with a formula by its syntax, its calls and its types, as the end of a sentence about
 * it; null if nothing is. Names that do not exist are left to those who look them up.
 */
export const faultOfFormula = (formula: string, context: FormulaContext): string | null => {
  try {
    const whole = parseFormula(formula)
    const result = typeOf(whole, context)
    if (context.expected !== null) refuseSpecial(result, whole)
    return result === null || fits(context.expected, result) || context.expected === null
      ? null
      : `results in ${NAMES[result]} and not in ${NAMES[context.expected]}`
  } catch (error) {
    if (error instanceof FormulaFault) return error.message
    throw error
  }
}

const typeOf = (expression: Expression, context: FormulaContext): Known => {
  switch (expression.kind) {
    case 'literal':
      return literal(expression.value)
    case 'path': {
      const type = context.typeOf(expression.steps)
      if (context.isField && (type === 'long' || type === 'masked')) {
        throw new FormulaFault(
          `uses ${expression.steps.join('.')}, which is ${NAMES[type]}; no formula field can`,
        )
      }
      return type
    }
    case 'unary': {
      const { operator, operand } = expression
      const wanted = operator === '!' ? 'boolean' : 'number'
      need(operator, wanted, typeOf(operand, context), operand)
      return wanted
    }
    case 'binary':
      return typeOfBinary(expression, context)
    case 'call':
      return typeOfCall(expression, context)
  }
}

const literal = (value: string | number | boolean | null): Known => {
  if (value === null) return null
  if (typeof value === 'number') return 'number'
  return typeof value === 'boolean' ? 'boolean' : 'text'
}

const OPERANDS: Readonly<Record<string, FormulaType>> = {
  '*': 'number',
  '/': 'number',
  '^': 'number',
  '&&': 'boolean',
  '||': 'boolean',
  '&': 'text',
}

const typeOfBinary = (
  { operator, left, right }: Extract<Expression, { kind: 'binary' }>,
  context: FormulaContext,
): Known => {
  const [first, second] = [typeOf(left, context), typeOf(right, context)]
  refuseSpecial(first, left)
  refuseSpecial(second, right)
  const both = OPERANDS[operator]
  if (both !== undefined) {
    need(operator, both, first, left)
    need(operator, both, second, right)
    return both
  }
  if (operator === '+' || operator === '-') {
    if (DAYS.has(first) || DAYS.has(second)) return typeOfDays(operator, first, second, right)
    // What is not known may be a date.
    if (first === null || second === null) return null
    const wanted = operator === '-' || first === 'boolean' ? 'number' : first
    need(operator, wanted, first, left)
    need(operator, wanted, second, right)
    return wanted
  }
  if (!fits(first, second) && first !== null && second !== null) {
    throw new FormulaFault(`compares ${NAMES[first]} with ${NAMES[second]}`)
  }
  return 'boolean'
}

/**
 * A number is added to a date or a time, or subtracted from it; and two of the same type are subtracted
 * from one another. Salesforce: a date and a moment are two types, which DATEVALUE and DATETIMEVALUE
 * convert.
 */
const typeOfDays = (operator: '+' | '-', first: Known, second: Known, right: Expression): Known => {
  if (operator === '-' && DAYS.has(first)) {
    if (second === null || second === 'number') return second === null ? null : first
    need(operator, first, second, right)
    return 'number'
  }
  if (DAYS.has(first)) {
    need(operator, 'number', second, right)
    return first
  }
  // What is not known may be a date, too.
  if (operator === '-' && first === null) return null
  if (operator === '-' || (first !== null && first !== 'number')) {
    throw new FormulaFault(`gives ${operator} ${NAMES[second ?? 'date']} instead of a number`)
  }
  return second
}

const takesText = ({ args }: Signature): string => {
  const least = args.filter((arg) => !arg.endsWith('?')).length
  if (args.some((arg) => arg.endsWith('+'))) return `at least ${least}`
  return least === args.length ? `${least}` : `${least} to ${args.length}`
}

const typeOfCall = (
  { name, args }: Extract<Expression, { kind: 'call' }>,
  context: FormulaContext,
): Known => {
  const types = args.map((arg) => typeOf(arg, context))
  if (name === 'IF' || name === 'CASE') return typeOfChoice(name, args, types)
  const signature = FUNCTIONS.get(name)
  if (signature === undefined) return null
  const { args: wanted, result } = signature
  const repeats = wanted.at(-1)?.endsWith('+') === true
  const least = wanted.filter((arg) => !arg.endsWith('?')).length
  if (args.length < least || (!repeats && args.length > wanted.length)) {
    throw new FormulaFault(
      `calls ${name} with ${args.length} ${args.length === 1 ? 'argument' : 'arguments'}; it takes ${takesText(signature)}`,
    )
  }
  for (const [index, arg] of args.entries()) {
    const letter = (wanted[index] ?? wanted.at(-1) ?? '.').charAt(0)
    const type = types[index] ?? null
    if (letter === '*') refuseSpecial(type, arg)
    if (letter === '.') refuseCompound(type, arg)
    if (letter === '#') needTextual(name, type, arg)
    need(name, LETTERS[letter] ?? null, type, arg)
  }
  if (!/^\d$/.test(result)) return LETTERS[result] ?? null
  const own = types[Number(result)] ?? null
  // What becomes of a picklist in BLANKVALUE is not documented.
  return PICKLISTS.has(own) && name !== 'PRIORVALUE' ? null : own
}

/** IF(condition, one, other) and CASE(value, one, result, other, result, else): results of one type. */
const typeOfChoice = (
  name: 'IF' | 'CASE',
  args: readonly Expression[],
  types: readonly Known[],
): Known => {
  const isRight = name === 'IF' ? args.length === 3 : args.length >= 4 && args.length % 2 === 0
  if (!isRight) {
    const takes = name === 'IF' ? '3' : 'a value, pairs and a last result'
    throw new FormulaFault(`calls ${name} with ${args.length} arguments; it takes ${takes}`)
  }
  const [first] = args
  if (name === 'IF' && first !== undefined) need('IF', 'boolean', types[0] ?? null, first)
  const results = args.flatMap((arg, index) => {
    const isResult = name === 'IF' ? index > 0 : index === args.length - 1 || index % 2 === 0
    return index > 0 && isResult ? [{ arg, type: types[index] ?? null }] : []
  })
  const [value] = types
  if (name === 'CASE' && first !== undefined) refuseCompound(value ?? null, first)
  const common = results.find(({ type }) => type !== null)?.type ?? null
  for (const { arg, type } of results) {
    refuseSpecial(type, arg)
    need(name, common, type, arg)
  }
  return common
}
