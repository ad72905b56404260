// Random plans about random fields, and what happens to their values according to Salesforce's
// documentation: reports, deployments and rollbacks are compared with it. Everything is derived from one
// seed. Sources: Salesforce Help, "Considerations for Converting the Field Type of a Custom Field";
// Change Data Capture Developer Guide, "Conversions That Don't Generate Events".

import { randomOf } from './push-support.ts'

export type Shape = Record<string, unknown> & { type: string }

const SHAPES: readonly Shape[] = [
  { type: 'Text', length: 20 },
  { type: 'Text', length: 80 },
  { type: 'TextArea' },
  { type: 'LongTextArea', length: 1_000 },
  { type: 'Html', length: 1_000 },
  { type: 'Email' },
  { type: 'Phone' },
  { type: 'Url' },
  { type: 'Number', precision: 8, scale: 0 },
  { type: 'Number', precision: 10, scale: 2 },
  { type: 'Currency', precision: 10, scale: 2 },
  { type: 'Percent', precision: 10, scale: 2 },
  { type: 'Date' },
  { type: 'DateTime' },
  { type: 'Time' },
  { type: 'Picklist', values: ['A', 'B'] },
  { type: 'Picklist', values: ['A', 'B', 'C'] },
  { type: 'MultiselectPicklist', values: ['A', 'B'] },
  { type: 'Checkbox' },
  { type: 'AutoNumber', display_format: 'R-{0000}' },
  { type: 'Formula', result_type: 'Text', formula: 'LastName' },
  { type: 'Location' },
  { type: 'EncryptedText' },
  { type: 'Lookup', reference_to: 'Account' },
]

const TEXTS: ReadonlySet<string> = new Set(['Text', 'TextArea', 'Email', 'Phone', 'Url'])
const NUMBERS: ReadonlySet<string> = new Set(['Number', 'Currency', 'Percent'])
/** Salesforce neither filters nor counts them. */
const UNCOUNTED: ReadonlySet<string> = new Set(['LongTextArea', 'Html', 'EncryptedText'])
const LENGTHS: Readonly<Record<string, number>> = { TextArea: 255, Email: 80, Phone: 40, Url: 255 }

const lengthOf = ({ type, length }: Shape): number => LENGTHS[type] ?? Number(length ?? 255)

/** Values that a field of the shape accepts, the simplest first; none if it is not to be filled. */
const valuesOf = (shape: Shape): readonly unknown[] => {
  const { type } = shape
  if (type === 'Email') return ['a@b.test', `${'a'.repeat(50)}@b.test`]
  if (TEXTS.has(type) || type === 'LongTextArea') {
    return ['12', '1'.repeat(Math.min(lengthOf(shape), 60))]
  }
  if (NUMBERS.has(type)) return shape.scale === 0 ? [5, 12_345_678] : [5, 1.25]
  if (type === 'Picklist') return ['A', 'Other']
  if (type === 'Date') return ['2026-01-02']
  return []
}

const fitsDigits = (value: number, { precision, scale }: Shape): boolean => {
  const digits = Number(scale)
  return (
    Math.abs(value) < 10 ** (Number(precision) - digits) && Number(value.toFixed(digits)) === value
  )
}

/** What a value becomes: itself, a part of it, or something undocumented. */
type Fate = 'kept' | 'less' | 'undocumented'

const fateOf = (value: unknown, from: Shape, to: Shape): Fate => {
  const isLong = to.type === 'LongTextArea' || to.type === 'Html'
  const cut = (): Fate => (String(value).length <= lengthOf(to) ? 'kept' : 'less')
  if (NUMBERS.has(from.type) && NUMBERS.has(to.type)) {
    if (fitsDigits(Number(value), to)) return 'kept'
    return from.type === to.type ? 'less' : 'undocumented'
  }
  if (from.type === to.type) return TEXTS.has(to.type) || isLong ? cut() : 'kept'
  if (TEXTS.has(from.type) && (TEXTS.has(to.type) || isLong)) return cut()
  if (from.type === 'LongTextArea' && (TEXTS.has(to.type) || to.type === 'Html')) return cut()
  if (NUMBERS.has(from.type) && to.type === 'Text') return cut()
  if (from.type === 'Picklist' && TEXTS.has(to.type)) return cut()
  const listed = (to.values as readonly unknown[] | undefined)?.includes(value) ?? false
  if (from.type === 'Text' && to.type === 'Picklist') return listed ? 'kept' : 'less'
  if (from.type === 'Picklist' && to.type === 'MultiselectPicklist') return listed ? 'kept' : 'less'
  return 'undocumented'
}

export interface FieldCase {
  name: string
  /** Null: the plan creates the field. */
  from: Shape | null
  to: Shape
  /** The values of records before the change, and those entered after it. */
  before?: unknown
  after?: unknown
}

const OTHER_KINDS = [
  'object',
  'rule',
  'recordType',
  'layout',
  'tab',
  'permissionSet',
  'valueSet',
  'queue',
] as const
type OtherKind = (typeof OTHER_KINDS)[number]

/** Whether the plan leaves a component out, creates it, changes it, or finds it in place. */
const OTHERS = ['absent', 'made', 'changed', 'in place'] as const
export type Other = (typeof OTHERS)[number]

export interface Round {
  seed: number
  fields: FieldCase[]
  /** Components of other kinds beside the fields. */
  others: Record<OtherKind, Other>
}

/** Whether restoring the field makes records lose something. */
export const losesOnTheWayBack = ({ from, to, before, after }: FieldCase): boolean => {
  if (from === null) {
    if (to.type === 'Formula') return false
    // Objects of a round have rows, and rows that cannot be counted count as filled.
    return UNCOUNTED.has(to.type) || after !== undefined
  }
  const held = before !== undefined && fateOf(before, from, to) === 'kept' ? [before] : []
  if (after !== undefined) held.push(after)
  if (NUMBERS.has(from.type) && to.type === 'Text') return held.length > 0
  return held.some((value) => fateOf(value, to, from) !== 'kept')
}

const pick = <T>(random: () => number, from: readonly T[]): T => {
  const found = from[Math.floor(random() * from.length)]
  if (found === undefined) throw new RangeError('Nothing to pick from')
  return found
}

/** Changes of types and sizes, filled if the documentation says what happens to the values. */
const changeOf = (name: string, random: () => number): FieldCase => {
  const [from, to] = [pick(random, SHAPES), pick(random, SHAPES)]
  const one: FieldCase = { name, from, to }
  const filling = (values: readonly unknown[], source: Shape, target: Shape): unknown => {
    const known = values.filter((value) => fateOf(value, source, target) !== 'undocumented')
    return known.length === 0 || random() < 0.5 ? undefined : pick(random, known)
  }
  // What survives the deploy exists at the rollback.
  const returns = valuesOf(from).filter(
    (value) => fateOf(value, from, to) === 'less' || fateOf(value, to, from) !== 'undocumented',
  )
  const before = filling(returns, from, to)
  const after = filling(valuesOf(to), to, from)
  if (before !== undefined) one.before = before
  // What was cut by the deploy may be entered in full again, which does not matter.
  if (after !== undefined) one.after = after
  return one
}

const madeOf = (name: string, random: () => number): FieldCase => {
  const to = pick(random, SHAPES)
  const [value] = valuesOf(to)
  return {
    name,
    from: null,
    to,
    ...(value === undefined || random() < 0.5 ? {} : { after: value }),
  }
}

const NEITHER_FILLED_NOR_EMPTY: ReadonlySet<string> = new Set(['Checkbox', 'AutoNumber'])

/** Rows always have a value in these, so rounds with rows leave them out. */
const isLeftAlone = ({ from, to }: FieldCase): boolean =>
  NEITHER_FILLED_NOR_EMPTY.has(from?.type ?? '') || NEITHER_FILLED_NOR_EMPTY.has(to.type)

/** Even seeds fill rows, odd ones fill none. */
export const roundOf = (seed: number): Round => {
  const random = randomOf(seed)
  const isFilled = seed % 2 === 0
  const cases: FieldCase[] = []
  while (cases.length < 14) {
    const name = `R${seed}_${cases.length}__c`
    const one = random() < 0.8 ? changeOf(name, random) : madeOf(name, random)
    if (isFilled && isLeftAlone(one)) continue
    cases.push(isFilled ? one : { name, from: one.from, to: one.to })
  }
  const others = Object.fromEntries(OTHER_KINDS.map((kind) => [kind, pick(random, OTHERS)]))
  return { seed, fields: cases, others: others as Round['others'] }
}
