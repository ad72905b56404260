// The functions of the formula language that this simulator evaluates; any other is refused when the
// formula is compiled.

import { type Expression } from './parse.ts'
import {
  DAY_MS,
  equal,
  isBlank,
  isMoment,
  msOf,
  numeric,
  textOf,
  truth,
  type FormulaValue,
  type Moment,
} from './values.ts'

/** What a formula reads: one row before and after its change. */
export interface FormulaScope {
  /** A field's value. Throws if there is no such field. */
  read(path: readonly string[]): FormulaValue
  /** Its value before the change; for a new record that of `read`. */
  prior(path: readonly string[]): FormulaValue
  isNew: boolean
  now: Date
}

interface Evaluation {
  scope: FormulaScope
  args: readonly Expression[]
  /** The value of the nth argument. */
  value: (n: number) => FormulaValue
}

export interface FormulaFunction {
  min: number
  /** Absent: any number. */
  max?: number
  run(evaluation: Evaluation): FormulaValue
}

const of = (
  min: number,
  max: number | undefined,
  run: FormulaFunction['run'],
): FormulaFunction => ({ min, ...(max === undefined ? {} : { max }), run })

/** For numbers only: null if one of them is missing. */
const numbers = (count: number, run: (...given: number[]) => number): FormulaFunction =>
  of(count, count, ({ value }) => {
    const given = Array.from({ length: count }, (_, n) => numeric(value(n)))
    return given.includes(null) ? null : run(...(given as number[]))
  })

const text = (
  min: number,
  max: number,
  run: (texts: string[], value: (n: number) => FormulaValue) => FormulaValue,
): FormulaFunction =>
  of(min, max, ({ args, value }) =>
    run(
      args.map((_, n) => textOf(value(n))),
      value,
    ),
  )

const part = (of_: 'getUTCFullYear' | 'getUTCMonth' | 'getUTCDate', shift = 0): FormulaFunction =>
  of(1, 1, ({ value }) => {
    const moment = value(0)
    return isMoment(moment) ? new Date(moment.ms)[of_]() + shift : null
  })

const dateOf = (ms: number): Moment => ({ kind: 'date', ms: Math.floor(ms / DAY_MS) * DAY_MS })

const roundAt = (round: (value: number) => number) => (value: number, digits: number) => {
  const factor = 10 ** digits
  return (Math.sign(value) * round(Math.abs(value) * factor + Number.EPSILON)) / factor
}

const extreme = (choose: (...values: number[]) => number): FormulaFunction =>
  of(1, undefined, ({ args, value }) => {
    const all = args.flatMap((_, n) => numeric(value(n)) ?? [])
    return all.length === 0 ? null : choose(...all)
  })

const pathOf = (args: readonly Expression[]): readonly string[] =>
  args[0]?.kind === 'path' ? args[0].path : []

const blankOr: FormulaFunction = of(2, 2, ({ value }) => {
  const first = value(0)
  return isBlank(first) ? value(1) : first
})
const blank: FormulaFunction = of(1, 1, ({ value }) => isBlank(value(0)))

export const FUNCTIONS: Record<string, FormulaFunction> = {
  AND: of(1, undefined, ({ args, value }) => args.every((_, n) => truth(value(n)))),
  OR: of(1, undefined, ({ args, value }) => args.some((_, n) => truth(value(n)))),
  NOT: of(1, 1, ({ value }) => !truth(value(0))),
  IF: of(3, 3, ({ value }) => (truth(value(0)) ? value(1) : value(2))),
  CASE: of(4, undefined, ({ args, value }) => {
    const subject = value(0)
    for (let n = 1; n + 1 < args.length; n += 2) if (equal(subject, value(n))) return value(n + 1)
    return value(args.length - 1)
  }),
  ISBLANK: blank,
  ISNULL: blank,
  BLANKVALUE: blankOr,
  NULLVALUE: blankOr,
  ISPICKVAL: of(2, 2, ({ value }) => equal(value(0), value(1))),
  ISNEW: of(0, 0, ({ scope }) => scope.isNew),
  ISCHANGED: of(1, 1, ({ scope, args, value }) => {
    // Salesforce: in a new record nothing counts as changed.
    return !scope.isNew && !equal(value(0), scope.prior(pathOf(args)))
  }),
  PRIORVALUE: of(1, 1, ({ scope, args }) => scope.prior(pathOf(args))),
  TODAY: of(0, 0, ({ scope }) => dateOf(scope.now.getTime())),
  NOW: of(0, 0, ({ scope }) => ({ kind: 'datetime', ms: scope.now.getTime() })),

  TEXT: of(1, 1, ({ value }) => textOf(value(0))),
  VALUE: text(1, 1, ([whole = '']) =>
    whole.trim() === '' || Number.isNaN(Number(whole)) ? null : Number(whole),
  ),
  ISNUMBER: text(1, 1, ([whole = '']) => whole.trim() !== '' && !Number.isNaN(Number(whole))),
  LEN: text(1, 1, ([whole = '']) => whole.length),
  CONTAINS: text(2, 2, ([whole = '', wanted = '']) => whole.includes(wanted)),
  BEGINS: text(2, 2, ([whole = '', wanted = '']) => whole.startsWith(wanted)),
  INCLUDES: text(2, 2, ([whole = '', wanted = '']) => whole.split(';').includes(wanted)),
  REGEX: text(2, 2, ([whole = '', pattern = '']) => new RegExp(`^(?:${pattern})$`).test(whole)),
  TRIM: text(1, 1, ([whole = '']) => whole.trim()),
  UPPER: text(1, 2, ([whole = '']) => whole.toUpperCase()),
  LOWER: text(1, 2, ([whole = '']) => whole.toLowerCase()),
  LEFT: text(2, 2, ([whole = ''], value) => whole.slice(0, Math.max(0, numeric(value(1)) ?? 0))),
  RIGHT: text(2, 2, ([whole = ''], value) => {
    const count = Math.max(0, numeric(value(1)) ?? 0)
    return count === 0 ? '' : whole.slice(-count)
  }),
  MID: text(3, 3, ([whole = ''], value) => {
    const start = Math.max(1, numeric(value(1)) ?? 1) - 1
    return whole.slice(start, start + Math.max(0, numeric(value(2)) ?? 0))
  }),
  FIND: text(2, 3, ([wanted = '', whole = ''], value) => {
    const from = Math.max(1, numeric(value(2)) ?? 1) - 1
    return whole.indexOf(wanted, from) + 1
  }),
  SUBSTITUTE: text(3, 3, ([whole = '', old = '', fresh = '']) =>
    old === '' ? whole : whole.replaceAll(old, fresh),
  ),
  LPAD: text(2, 3, ([whole = '', , pad = ' '], value) => {
    const length = numeric(value(1)) ?? 0
    return whole.slice(0, length).padStart(length, pad)
  }),
  RPAD: text(2, 3, ([whole = '', , pad = ' '], value) => {
    const length = numeric(value(1)) ?? 0
    return whole.slice(0, length).padEnd(length, pad)
  }),
  BR: of(0, 0, () => '\n'),
  CASESAFEID: text(1, 1, ([whole = '']) => whole),

  ABS: numbers(1, Math.abs),
  CEILING: numbers(1, (value) => Math.sign(value) * Math.ceil(Math.abs(value))),
  FLOOR: numbers(1, (value) => Math.sign(value) * Math.floor(Math.abs(value))),
  ROUND: numbers(2, roundAt(Math.round)),
  TRUNC: numbers(2, roundAt(Math.floor)),
  MOD: numbers(2, (value, by) => value % by),
  SQRT: numbers(1, Math.sqrt),
  EXP: numbers(1, Math.exp),
  LN: numbers(1, Math.log),
  LOG: numbers(1, Math.log10),
  MAX: extreme(Math.max),
  MIN: extreme(Math.min),

  DATE: of(3, 3, ({ value }) => {
    const [year, month, day] = [0, 1, 2].map((n) => numeric(value(n)))
    if (year == null || month == null || day == null) return null
    return { kind: 'date', ms: Date.UTC(year, month - 1, day) }
  }),
  DATEVALUE: of(1, 1, ({ value }) => {
    const given = value(0)
    if (isMoment(given)) return dateOf(given.ms)
    const ms = msOf(textOf(given))
    return Number.isNaN(ms) ? null : dateOf(ms)
  }),
  DATETIMEVALUE: of(1, 1, ({ value }) => {
    const given = value(0)
    if (isMoment(given)) return { kind: 'datetime', ms: given.ms }
    const ms = Date.parse(`${textOf(given).replace(' ', 'T').replace(/Z$/, '')}Z`)
    return Number.isNaN(ms) ? null : { kind: 'datetime', ms }
  }),
  YEAR: part('getUTCFullYear'),
  MONTH: part('getUTCMonth', 1),
  DAY: part('getUTCDate'),
  WEEKDAY: of(1, 1, ({ value }) => {
    const moment = value(0)
    return isMoment(moment) ? new Date(moment.ms).getUTCDay() + 1 : null
  }),
  ADDMONTHS: of(2, 2, ({ value }) => {
    const moment = value(0)
    const months = numeric(value(1))
    if (!isMoment(moment) || months === null) return null
    const from = new Date(moment.ms)
    const lastDayAfter = (later: number): number =>
      new Date(Date.UTC(from.getUTCFullYear(), from.getUTCMonth() + later + 1, 0)).getUTCDate()
    const to = new Date(from)
    // Salesforce: the last day of a month stays the last day of its month.
    const day = from.getUTCDate() === lastDayAfter(0) ? 31 : from.getUTCDate()
    to.setUTCMonth(from.getUTCMonth() + months, Math.min(day, lastDayAfter(months)))
    return { kind: moment.kind, ms: to.getTime() }
  }),
}

/** These take a field, not a value. */
export const FIELD_FUNCTIONS = new Set(['ISCHANGED', 'PRIORVALUE'])
