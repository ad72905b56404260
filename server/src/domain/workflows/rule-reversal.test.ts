import { describe, expect, it } from 'vitest'
import { type JsonObject } from '../../salesforce/json.ts'
import { Keep } from './kept.ts'
import { decideReactivation, decideRule, isRuleUndone, type RuleTimes } from './rule-reversal.ts'

const rule = (formula: string): JsonObject => ({
  fullName: 'Mine',
  active: 'true',
  errorConditionFormula: formula,
})
const [OLD, OURS, THEIRS] = [rule('a'), rule('b'), rule('c')]

describe('decideRule', () => {
  const DRIFT = 'Changed by somebody else since.'
  const UNKNOWN = 'It is not known how the deployment left it.'

  it.each<[string, string, RuleTimes, string | null, string | null]>([
    ['made and as it was left', 'created', { was: null, left: OURS, is: OURS }, 'remove', 'remove'],
    ['made and gone', 'created', { was: null, left: OURS, is: null }, null, null],
    ['made and changed', 'created', { was: null, left: OURS, is: THEIRS }, DRIFT, 'remove'],
    ['made, and nobody looked', 'created', { was: null, left: null, is: OURS }, UNKNOWN, 'remove'],
    ['changed by us alone', 'updated', { was: OLD, left: OURS, is: OURS }, 'restore', 'restore'],
    ['changed by others too', 'updated', { was: OLD, left: OURS, is: THEIRS }, DRIFT, 'restore'],
    [
      'changed, and nobody looked',
      'updated',
      { was: OLD, left: null, is: OURS },
      UNKNOWN,
      'restore',
    ],
    [
      'changed by us and deleted by others',
      'updated',
      { was: OLD, left: OURS, is: null },
      'Deleted by somebody else since.',
      'Deleted by somebody else since.',
    ],
    ['deleted by us', 'deleted', { was: OLD, left: null, is: null }, 'restore', 'restore'],
    [
      'deleted by us and made by others',
      'deleted',
      { was: OLD, left: null, is: THEIRS },
      'Somebody has created it again since.',
      'Somebody has created it again since.',
    ],
  ])('of a rule %s', (_what, action, times, unnamed, named) => {
    const said = (isNamed: boolean) => {
      const decided = decideRule(times, action, isNamed)
      return decided instanceof Keep ? decided.reason : decided
    }
    expect(said(false)).toBe(unnamed)
    expect(said(true)).toBe(named)
  })

  it('says of what cannot come back that naming it does not help', () => {
    const gone = decideRule({ was: OLD, left: OURS, is: null }, 'updated', true)
    expect(gone).toMatchObject({ removable: false, changed: 'nobody' })
    const anew = decideRule({ was: OLD, left: null, is: THEIRS }, 'deleted', true)
    expect(anew).toMatchObject({ removable: false, changed: 'it' })
  })
})

describe('decideReactivation', () => {
  const component = { type: 'AssignmentRule', fullName: 'Lead.Old' }
  const freed = new Set(['lead.ours'])

  it.each<[string, { left: string | null; is: string | null }, string | null]>([
    ['none was left active and none is', { left: null, is: null }, null],
    ['ours is active, which goes', { left: 'Ours', is: 'Ours' }, null],
    ['it is active already, without case', { left: 'Ours', is: 'OLD' }, null],
    [
      'ours was switched off',
      { left: 'Ours', is: null },
      'The rule that was active then has been deactivated since.',
    ],
    [
      'others chose another one',
      { left: 'Ours', is: 'Theirs' },
      'Lead.Theirs is the active rule now and stays active.',
    ],
  ])('where %s', (_what, active, reason) => {
    expect(decideReactivation(component, active, freed)?.reason ?? null).toBe(reason)
  })

  it('names the rule that prevents it', () => {
    const keep = decideReactivation(component, { left: 'Ours', is: 'Theirs' }, freed)
    expect(keep?.changed).toEqual({ type: 'AssignmentRule', fullName: 'Lead.Theirs' })
  })
})

describe('isRuleUndone', () => {
  it.each([
    [null, null, true],
    [null, OURS, false],
    [OLD, null, false],
    [OLD, rule('a'), true],
    [OLD, OURS, false],
  ])('%# before and now', (was, is, expected) => {
    expect(isRuleUndone({ was, is })).toBe(expected)
  })
})
