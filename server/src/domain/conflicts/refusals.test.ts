// What Salesforce always refuses, whatever the Salesforce org contains, is red before anything is sent.

import { describe, expect, it } from 'vitest'
import { misusedFunctions } from '../metadata/formula-functions.ts'
import { checkPlan } from './check.ts'
import { factsFor, lookup, master, newJob, onLead, type Setup } from './testing/facts.ts'

const codesOf = async (given: Setup): Promise<string[]> =>
  (await checkPlan(factsFor(given))).findings
    .filter(({ severity }) => severity === 'red')
    .map(({ code }) => code)

describe('a relationship', () => {
  it.each(['User', 'user', 'Lead', 'Job__c', 'Task', 'Event'])(
    'that makes %s a master is refused',
    async (target) => {
      const plan = newJob(master('M__c', target))
      expect(await codesOf({ plan })).toContain('reference_not_allowed')
    },
  )

  it.each(['Task', 'Event', 'Activity'])('that looks up %s is refused', async (target) => {
    const plan = onLead(lookup('L__c', target))
    expect(await codesOf({ plan })).toContain('reference_not_allowed')
  })
})

describe('functions of a formula', () => {
  it.each([
    ['FOO(1)', ['FOO']],
    ['IF(ISEMPTY(Name), Nope (1), "Bar(1)")', ['ISEMPTY', 'Nope']],
    ['concat(Name, "x") & CONCAT("y")', ['CONCAT']],
    ["'it(s)' & text(Amount) & /* Gone( */ Case(Name, 'a', 1, 2)", []],
    ['$User.Name & Account.Name', []],
  ])('that Salesforce does not have in %s are named once', (formula, names) => {
    expect(misusedFunctions(formula, 'rule').map(({ name }) => name.toUpperCase())).toEqual(
      names.map((name) => name.toUpperCase()),
    )
  })

  it.each(['ISCHANGED(Name)', 'isnew()', 'PRIORVALUE(Name)', 'VLOOKUP(A, B, C)', 'REGEX(A, "x")'])(
    '%s is for rules and not for fields',
    (formula) => {
      expect(misusedFunctions(formula, 'rule')).toEqual([])
      expect(misusedFunctions(formula, 'field')).toMatchObject([{ why: 'not_here' }])
    },
  )
})
