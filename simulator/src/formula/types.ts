// The types of values in a formula, as far as they are known without values. Salesforce Help: "Formula
// Operators and Functions"; the texts are those of its formula editor.

import { FormulaSyntaxError, type Expression } from './parse.ts'

/** `Unknown` is any type that is not known: it never conflicts. */
export type ValueType =
  | 'Number'
  | 'Text'
  | 'Boolean'
  | 'Date'
  | 'DateTime'
  | 'Time'
  | 'Picklist'
  | 'Multi-Select Picklist'
  | 'Unknown'

/** The type of a field by its path; `Unknown` if it is open. */
export type TypeOfPath = (path: readonly string[]) => ValueType

const RESULTS: Record<string, string> = {
  Boolean:
    'AND BEGINS CONTAINS INCLUDES ISBLANK ISCHANGED ISCLONE ISNEW ISNULL ISNUMBER ISPICKVAL NOT OR REGEX',
  Number: `ABS ACOS ASCII ASIN ATAN ATAN2 CEILING COS DAY DAYOFYEAR DISTANCE EXP FIND FLOOR HOUR ISOWEEK ISOYEAR LEN LN
    LOG MAX MCEILING MFLOOR MILLISECOND MIN MINUTE MOD MONTH PI PICKLISTCOUNT ROUND SECOND SIN SQRT TAN TRUNC
    UNIXTIMESTAMP VALUE WEEKDAY YEAR CURRENCYRATE`,
  Text: `BR CASESAFEID CHR FORMATDURATION GETSESSIONID HTMLENCODE HYPERLINK IMAGE INITCAP JSENCODE LEFT LOWER LPAD MID
    REVERSE RIGHT RPAD SUBSTITUTE TEXT TRIM UPPER URLENCODE`,
  Date: 'DATE DATEVALUE TODAY',
  DateTime: 'DATETIMEVALUE NOW FROMUNIXTIME',
  Time: 'TIMENOW TIMEVALUE',
}
const RESULT_OF = new Map(
  Object.entries(RESULTS).flatMap(([type, names]) =>
    names.split(/\s+/).map((name) => [name, type as ValueType] as const),
  ),
)

/** Functions whose every argument is of one type. */
const ARGUMENTS: Record<string, ValueType> = { AND: 'Boolean', OR: 'Boolean', NOT: 'Boolean' }
const ONE_TEXT = new Set('LEN TRIM UPPER LOWER VALUE ISNUMBER'.split(' '))

/**
 * The type of the expression's value. Throws a `FormulaSyntaxError` in the words of the editor if an
 * operator or a function gets a value of the wrong type.
 */
export const typeOfFormula = (expression: Expression, fields: TypeOfPath): ValueType => {
  const of = (each: Expression) => typeOfFormula(each, fields)
  switch (expression.kind) {
    case 'literal':
      return literal(expression.value)
    case 'path':
      return fields(expression.path)
    case 'unary': {
      const wanted = expression.operator === '!' ? 'Boolean' : 'Number'
      expect(`operator '${expression.operator}'`, wanted, of(expression.operand))
      return wanted
    }
    case 'call':
      return call(expression, of)
    case 'binary':
      return binary(expression, of)
  }
}

const literal = (value: string | number | boolean | null): ValueType => {
  if (value === null) return 'Unknown'
  if (typeof value === 'number') return 'Number'
  return typeof value === 'boolean' ? 'Boolean' : 'Text'
}

const expect = (where: string, wanted: ValueType, given: ValueType): void => {
  if (given === wanted || given === 'Unknown') return
  throw new FormulaSyntaxError(
    `Incorrect parameter type for ${where}. Expected ${wanted}, received ${given}`,
  )
}

const call = (
  { name, args }: Extract<Expression, { kind: 'call' }>,
  of: (each: Expression) => ValueType,
): ValueType => {
  const types = args.map(of)
  const each = ARGUMENTS[name]
  if (each !== undefined) for (const type of types) expect(`function '${name}()'`, each, type)
  if (ONE_TEXT.has(name)) expect(`function '${name}()'`, 'Text', types[0] ?? 'Unknown')
  if (name === 'IF') expect("function 'IF()'", 'Boolean', types[0] ?? 'Unknown')
  return RESULT_OF.get(name) ?? 'Unknown'
}

const ARITHMETIC = new Set(['*', '/', '^'])
const DATES = new Set<ValueType>(['Date', 'DateTime', 'Time'])

const binary = (
  { operator, left, right }: Extract<Expression, { kind: 'binary' }>,
  of: (each: Expression) => ValueType,
): ValueType => {
  for (const each of [left, right]) {
    const type = of(each)
    if (type === 'Picklist' || type === 'Multi-Select Picklist') throw picklistOperand(each, type)
  }
  const [first, second] = [of(left), of(right)]
  const where = `operator '${operator}'`
  if (ARITHMETIC.has(operator)) {
    for (const type of [first, second]) expect(where, 'Number', type)
    return 'Number'
  }
  if (operator === '&&' || operator === '||') {
    for (const type of [first, second]) expect(where, 'Boolean', type)
    return 'Boolean'
  }
  if (operator === '&') {
    for (const type of [first, second]) expect(where, 'Text', type)
    return 'Text'
  }
  if (operator === '+' || operator === '-') return sum(where, operator, first, second)
  if (first !== 'Unknown') expect(where, first, second)
  return 'Boolean'
}

/** Days are added to dates, and dates subtracted from one another. */
const sum = (where: string, operator: string, first: ValueType, second: ValueType): ValueType => {
  if (first === 'Boolean') expect(where, 'Number', first)
  if (second === 'Boolean') expect(where, 'Number', second)
  if (DATES.has(first)) return DATES.has(second) && operator === '-' ? 'Number' : first
  if (DATES.has(second)) return second
  if (first === 'Unknown' || second === 'Unknown') return 'Unknown'
  if (operator === '-') for (const type of [first, second]) expect(where, 'Number', type)
  expect(where, first, second)
  return first
}

const picklistOperand = (operand: Expression, type: ValueType): FormulaSyntaxError => {
  const name = operand.kind === 'path' ? operand.path.join('.') : ''
  return new FormulaSyntaxError(
    type === 'Picklist'
      ? `Field ${name} is a picklist field. Picklist fields are only supported in certain functions.`
      : `Field ${name} is a multi-select picklist field. Multi-select picklist fields are only supported in certain functions.`,
  )
}
