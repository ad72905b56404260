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
  | 'Geolocation'
  | 'Address'
  | 'Unknown'

/** The type of a field by its path; `Unknown` if it is open. */
export type TypeOfPath = (path: readonly string[]) => ValueType

/** A field that is not text, number or the like to a formula: it can be handed only to a few functions. */
const PICKLISTS = new Set<ValueType>(['Picklist', 'Multi-Select Picklist'])

/**
 * Salesforce: SOAP API guide, "Compound Field Considerations and Limitations": of the functions, only a few
 * take these, and no operator does.
 */
const COMPOUND = new Set<ValueType>(['Geolocation', 'Address'])
const TAKE_COMPOUND = new Set(['DISTANCE', 'ISBLANK', 'ISCHANGED', 'ISNULL'])

/** What TEXT converts; the names are those of the editor. */
const CONVERTED = new Set<ValueType>(['Number', 'Date', 'DateTime', 'Time', 'Picklist', 'Unknown'])

interface Signature {
  /** `Unknown` takes any value; `Field` any field, picklists included. */
  takes: readonly (ValueType | 'Field')[]
  /** How many of them are needed. */
  needs: number
  repeats: boolean
  result: ValueType | 'First'
}

/**
 * Parameters and results. `?` marks a parameter that may be missing, `*` one that may be repeated.
 * Salesforce Help: "All Formula Operators and Functions". Those that are not listed are not checked.
 */
const SIGNATURES: Record<string, string> = {
  'Number > Number': 'ABS ACOS ASIN ATAN CEILING COS EXP FLOOR LN LOG MCEILING MFLOOR SIN SQRT TAN',
  'Number Number > Number': 'ATAN2 MOD ROUND',
  'Number Number? > Number': 'TRUNC',
  '> Number': 'PI',
  'Text > Number': 'ASCII LEN VALUE',
  'Text Text Number? > Number': 'FIND',
  'Date > Number': 'DAY DAYOFYEAR ISOWEEK ISOYEAR MONTH WEEKDAY YEAR',
  'Time > Number': 'HOUR MILLISECOND MINUTE SECOND',
  'Unknown > Number': 'UNIXTIMESTAMP',
  'Field > Number': 'CURRENCYRATE',
  'Field Field Text > Number': 'DISTANCE',
  'Multi-Select_Picklist > Number': 'PICKLISTCOUNT',
  '> Text': 'BR GETSESSIONID',
  'Number > Text': 'CHR',
  'Text > Text': 'CASESAFEID HTMLENCODE JSENCODE JSINHTMLENCODE REVERSE TRIM URLENCODE',
  'Text Text? > Text': 'INITCAP LOWER UPPER',
  'Text Text Text? > Text': 'HYPERLINK',
  'Text Text Number? Number? > Text': 'IMAGE',
  'Text Number > Text': 'LEFT RIGHT',
  'Text Number Number > Text': 'MID',
  'Text Number Text? > Text': 'LPAD RPAD',
  'Text Text Text > Text': 'SUBSTITUTE',
  'Field > Text': 'TEXT',
  'Unknown Unknown? > Text': 'FORMATDURATION',
  'Boolean* > Boolean': 'AND OR',
  'Boolean > Boolean': 'NOT',
  'Text Text > Boolean': 'BEGINS CONTAINS REGEX',
  'Text > Boolean': 'ISNUMBER',
  'Field > Boolean': 'ISBLANK ISCHANGED ISNULL',
  '> Boolean': 'ISCLONE ISNEW',
  'Picklist Text > Boolean': 'ISPICKVAL',
  'Multi-Select_Picklist Text > Boolean': 'INCLUDES',
  'Number Number Number > Date': 'DATE',
  'Unknown > Date': 'DATEVALUE',
  '> Date': 'TODAY',
  'Unknown > DateTime': 'DATETIMEVALUE',
  'Number > DateTime': 'FROMUNIXTIME',
  '> DateTime': 'NOW',
  '> Time': 'TIMENOW',
  'Unknown > Time': 'TIMEVALUE',
  'Number Number > Unknown': 'GEOLOCATION',
  'Unknown Number > First': 'ADDMONTHS',
  'Field Field > First': 'BLANKVALUE NULLVALUE',
  'Field > First': 'PRIORVALUE',
  'Boolean Unknown Unknown > Unknown': 'IF',
}

const readSignature = (written: string): Signature => {
  const [before = '', result = ''] = written.split('>').map((side) => side.trim())
  const words = before.split(' ').filter((word) => word !== '')
  return {
    takes: words.map((word) => word.replace(/[?*]$/, '').replace('_', ' ') as ValueType | 'Field'),
    needs: words.filter((word) => !word.endsWith('?')).length,
    repeats: words.some((word) => word.endsWith('*')),
    result: result as Signature['result'],
  }
}

const SIGNATURE_OF = new Map(
  Object.entries(SIGNATURES).flatMap(([written, names]) => {
    const signature = readSignature(written)
    return names.split(/\s+/).map((name) => [name, signature] as const)
  }),
)

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
  const where = `function '${name}()'`
  const [value] = args
  if (name === 'CASE' && value !== undefined) refuseCompound(value, types[0] ?? 'Unknown')
  if (name === 'CASE') return choice(where, args, types)
  const signature = SIGNATURE_OF.get(name)
  if (signature === undefined) return 'Unknown'
  const { takes, needs, repeats, result } = signature
  if (args.length < needs || (!repeats && args.length > takes.length)) {
    const expected = args.length < needs ? needs : takes.length
    throw new FormulaSyntaxError(
      `Incorrect number of parameters for ${where}. Expected ${expected}, received ${args.length}`,
    )
  }
  for (const [n, type] of types.entries()) {
    const wanted = takes[n] ?? takes.at(-1) ?? 'Field'
    const arg = args[n]
    if (arg !== undefined && !TAKE_COMPOUND.has(name)) refuseCompound(arg, type)
    if (name === 'TEXT') checkConverted(where, arg, type)
    if (wanted === 'Field') continue
    if (arg !== undefined && PICKLISTS.has(type) && !PICKLISTS.has(wanted)) {
      throw picklistOperand(arg, type)
    }
    if (wanted !== 'Unknown') expect(where, wanted, type)
  }
  if (name === 'IF') return sameResults(where, types.slice(1))
  if (result !== 'First') return result
  const [first = 'Unknown'] = types
  return PICKLISTS.has(first) && name !== 'PRIORVALUE' ? 'Unknown' : first
}

const refuseCompound = (operand: Expression, type: ValueType): void => {
  if (!COMPOUND.has(type)) return
  const name = operand.kind === 'path' ? operand.path.join('.') : ''
  throw new FormulaSyntaxError(`Field ${name} may not be used in this type of formula`)
}

const checkConverted = (where: string, arg: Expression | undefined, type: ValueType): void => {
  if (CONVERTED.has(type)) return
  if (arg !== undefined && PICKLISTS.has(type)) throw picklistOperand(arg, type)
  throw new FormulaSyntaxError(
    `Incorrect parameter type for ${where}. Expected Number, Date, DateTime, Picklist, received ${type}`,
  )
}

/** `CASE(value, one, result, other, result, otherwise)`. */
const choice = (
  where: string,
  args: readonly Expression[],
  types: readonly ValueType[],
): ValueType => {
  if (args.length < 4 || args.length % 2 === 1) {
    const expected = Math.max(4, args.length + 1)
    throw new FormulaSyntaxError(
      `Incorrect number of parameters for ${where}. Expected ${expected}, received ${args.length}`,
    )
  }
  return sameResults(
    where,
    types.filter((_, n) => n > 0 && (n % 2 === 0 || n === types.length - 1)),
  )
}

const sameResults = (where: string, results: readonly ValueType[]): ValueType => {
  const wanted = results.find((type) => type !== 'Unknown') ?? 'Unknown'
  for (const type of results) if (wanted !== 'Unknown') expect(where, wanted, type)
  return PICKLISTS.has(wanted) ? 'Unknown' : wanted
}

const ARITHMETIC = new Set(['*', '/', '^'])
const DATES = new Set<ValueType>(['Date', 'DateTime', 'Time'])

const binary = (
  { operator, left, right }: Extract<Expression, { kind: 'binary' }>,
  of: (each: Expression) => ValueType,
): ValueType => {
  for (const each of [left, right]) {
    const type = of(each)
    refuseCompound(each, type)
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

/**
 * A number is added to a date or a time, or subtracted from it; two of the same type are subtracted from one
 * another.
 */
const sum = (where: string, operator: string, first: ValueType, second: ValueType): ValueType => {
  if (first === 'Boolean') expect(where, 'Number', first)
  if (second === 'Boolean') expect(where, 'Number', second)
  if (DATES.has(first)) {
    if (operator === '-' && second === 'Unknown') return 'Unknown'
    if (operator === '-' && second !== 'Number') {
      expect(where, first, second)
      return 'Number'
    }
    expect(where, 'Number', second)
    return first
  }
  if (DATES.has(second)) {
    if (operator === '-' && first === 'Unknown') return 'Unknown'
    if (operator === '-') expect(where, 'Number', second)
    expect(where, 'Number', first)
    return second
  }
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
