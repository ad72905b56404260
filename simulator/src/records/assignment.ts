// Assignment rules of leads and cases. Salesforce: REST API guide, "Assignment Rule Header": without
// the header the active rule runs, on updates as well; Metadata API guide, "AssignmentRules".

import { toId18 } from '../org/ids.ts'
import {
  type AssignmentRule,
  type AssignmentRuleEntry,
  type Field,
  type Org,
  type Row,
  type SObject,
  type User,
} from '../org/model.ts'
import { criterionHolds } from './criteria.ts'
import { computedValue, formulaOf, recordScope } from './formulas.ts'
import { invalidReference } from './row-errors.ts'
import { simulated } from './rules.ts'
import { type SaveRequest } from './save-types.ts'

const ASSIGNED = new Set(['Lead', 'Case'])

/** Assigns the row as the rule says; leaves it if no entry matches. Changes `after`. */
export const assign = (
  org: Org,
  object: SObject,
  after: Row,
  before: Row | null,
  user: User,
  wanted: SaveRequest['options']['assignmentRule'],
): void => {
  if (!ASSIGNED.has(object.name) || wanted === 'none') return
  const rule = ruleFor(org, object, wanted)
  const entry = rule?.entries.find((each, n) =>
    simulated(`entry ${n + 1} of assignment rule ${rule.name}`, () =>
      fits(org, object, after, before, user, each),
    ),
  )
  const owner = entry === undefined ? null : ownerOf(org, object, entry)
  if (owner !== null) after['OwnerId'] = owner
}

const ruleFor = (
  org: Org,
  object: SObject,
  wanted: SaveRequest['options']['assignmentRule'],
): AssignmentRule | undefined => {
  const rules = org.assignmentRules.filter((rule) => rule.object === object.name)
  if (typeof wanted === 'string') return rules.find(({ active }) => active)
  const id = toId18(wanted.id)
  const rule = rules.find((each) => each.id === id)
  if (rule === undefined) throw invalidReference()
  return rule
}

const fits = (
  org: Org,
  object: SObject,
  row: Row,
  before: Row | null,
  user: User,
  { criteriaItems, formula, booleanFilter }: AssignmentRuleEntry,
): boolean => {
  if (formula !== undefined) {
    return (
      formulaOf(org, formula).evaluate(recordScope({ org, object, row, before, user })) === true
    )
  }
  const held = criteriaItems.map(({ field, operation, value }) => {
    const [on = '', name = ''] = field.split('.')
    const of =
      on.toLowerCase() === object.name.toLowerCase() ? object : relatedObject(org, object, on)
    const found = of?.fields.get(name.toLowerCase())
    if (of === undefined || found === undefined) return false
    const asked = of === object ? row : relatedRow(org, object, row, of)
    return criterionHolds(asked && computedValue(org, of, found, asked), operation, value)
  })
  if (booleanFilter === undefined || booleanFilter === '') return held.every(Boolean)
  // `1 AND (2 OR 3)`: the numbers are the criteria, the rest is a formula.
  const logic = booleanFilter
    .replaceAll(/\d+/g, (n) => String(held[Number(n) - 1] === true))
    .replaceAll(/\bAND\b/gi, '&&')
    .replaceAll(/\bOR\b/gi, '||')
    .replaceAll(/\bNOT\b/gi, '!')
  return formulaOf(org, logic).evaluate(recordScope({ org, object, row, before })) === true
}

const referencesTo = (object: SObject, target: string): Field[] =>
  [...object.fields.values()].filter(
    ({ describe, deletedAt }) => deletedAt === undefined && describe.referenceTo.includes(target),
  )

/** An object whose fields a rule of this object may use: the account of a case. */
export const relatedObject = (org: Org, object: SObject, name: string): SObject | undefined => {
  const related = org.objects.get(name.toLowerCase())
  return related?.deletedAt === undefined && referencesTo(object, related?.name ?? '').length > 0
    ? related
    : undefined
}

const relatedRow = (org: Org, object: SObject, row: Row, related: SObject): Row | null => {
  const rows = org.records.get(related.name.toLowerCase())
  for (const { describe } of referencesTo(object, related.name)) {
    const id = row[describe.name]
    const found = typeof id === 'string' ? rows?.get(id) : undefined
    if (found !== undefined) return found
  }
  return null
}

const ownerOf = (org: Org, object: SObject, entry: AssignmentRuleEntry): string | null => {
  // Salesforce: an entry may name no owner; the record then keeps its owner.
  if (entry.assignedTo === undefined) return null
  const name = entry.assignedTo.toLowerCase()
  if (entry.assignedToType === 'User') {
    const user = [...org.users.values()].find(({ username }) => username.toLowerCase() === name)
    return user?.active === true ? user.id : null
  }
  const queue = org.groups.find(
    (group) =>
      group.type === 'Queue' &&
      group.queueObjects.includes(object.name) &&
      (group.developerName.toLowerCase() === name || group.name.toLowerCase() === name),
  )
  return queue?.id ?? null
}
