// What Salesforce always refuses, whatever the Salesforce org contains, is red before anything is sent.

import { describe, expect, it } from 'vitest'
import { type JsonObject } from '../../salesforce/json.ts'
import { misusedFunctions } from '../metadata/formula-functions.ts'
import { checkPlan } from './check.ts'
import {
  described,
  describedObject,
  factsFor,
  formula,
  lookup,
  master,
  newJob,
  onLead,
  onLeadRule,
  picklist,
  rollup,
  type Setup,
  text,
  validation,
  workflow,
} from './testing/facts.ts'

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

  it('is one too many on a new object as on an existing one', async () => {
    const links = Array.from({ length: 41 }, (_, at) => lookup(`L${at}__c`, 'Account'))
    expect(await codesOf({ plan: newJob(...links) })).toContain('relationships_over_limit')
    expect(await codesOf({ plan: newJob(...links.slice(1)) })).not.toContain(
      'relationships_over_limit',
    )
  })

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

  it('may count the values of a multi-select picklist', () => {
    expect(misusedFunctions('PICKLISTCOUNT(Topics__c)', 'field')).toEqual([])
  })

  const red = (workflows: Setup['workflows']) => codesOf({ ...(workflows && { workflows }) })
  const rule = (errorConditionFormula: string) =>
    workflow('validation_rule', 'Lead.V', { definition: { errorConditionFormula } })
  const entry = (formula: string) =>
    workflow('assignment_rule', 'Lead.A', { definition: { ruleEntry: [{ formula }] } })
  const flow = (definition: object) => workflow('flow', 'F', { definition: { ...definition } })

  it('of a workflow are looked up too, wherever its formulas are', async () => {
    for (const one of [
      rule('NOPE(Name)'),
      entry('NOPE(Name)'),
      flow({ formulas: [{ name: 'f', expression: 'NOPE({!x})' }] }),
      flow({ start: { filterFormula: 'NOPE({!$Record.Name})' } }),
    ]) {
      expect(await red([one])).toContain('workflow_function_refused')
    }
    expect(await red([rule('ISCHANGED(Name)')])).not.toContain('workflow_function_refused')
    expect(
      await red([flow({ start: { filterFormula: 'ISCHANGED({!$Record.Name})' } })]),
    ).not.toContain('workflow_function_refused')
  })

  it('of an assignment rule name fields that are looked up', async () => {
    expect(await red([entry('ISBLANK(Gone__c)')])).toContain('workflow_field_missing')
  })
})

describe('a plan that does not fit what exists', () => {
  const fitting = (plan: Setup['plan'], content: JsonObject) =>
    codesOf({
      plan,
      live: {
        lookUp: async () => ({ exists: true, managed: false }),
        contentOf: async () => content,
      },
    })
  const lead = (more: object) => ({
    layouts: [{ object: 'Lead', layout: 'Lead Layout', ...more }],
  })
  const showing = (field: string): JsonObject => ({
    layoutSections: [{ label: 'Main', layoutColumns: [{ layoutItems: [{ field }] }] }],
  })
  const values = (count: number): JsonObject => ({
    customValue: Array.from({ length: count }, (_, at) => ({
      fullName: `V${at}`,
      default: 'false',
    })),
    masterLabel: 'Countries',
    sorted: 'false',
  })

  it('is red: a quick action over the default actions', async () => {
    const plan = lead({ quick_actions: ['NewTask'] })
    expect(await fitting(plan, { ...showing('Name') })).toContain('plan_does_not_fit')
    expect(await fitting(plan, { ...showing('Name'), quickActionList: '' })).not.toContain(
      'plan_does_not_fit',
    )
  })

  it('is red: fields after one that the layout does not show', async () => {
    const plan = {
      ...onLead(text('A__c')),
      ...lead({ fields: ['A__c'], section: 'Main', after: 'Fax' }),
    }
    expect(await fitting(plan, showing('Name'))).toContain('plan_does_not_fit')
    expect(await fitting(plan, showing('FAX'))).not.toContain('plan_does_not_fit')
  })

  it('is red: tabs after one that the app does not show', async () => {
    const plan = { app_tabs: [{ app: 'Sales', tabs: ['standard-Lead'], after: 'standard-Case' }] }
    expect(await fitting(plan, { label: 'Sales', tabs: ['standard-Home'] })).toContain(
      'plan_does_not_fit',
    )
    expect(await fitting(plan, { label: 'Sales', tabs: ['standard-Case'] })).not.toContain(
      'plan_does_not_fit',
    )
  })

  it('is red: more permission sets than a group holds, together with those that it has', async () => {
    const plan = {
      permission_set_groups: [{ api_name: 'Sales', label: 'Sales', permission_sets: ['A', 'B'] }],
    }
    const sets = (count: number): JsonObject => ({
      permissionSets: Array.from({ length: count }, (_, at) => `S${at}`),
    })
    expect(await fitting(plan, sets(99))).toContain('plan_does_not_fit')
    expect(await fitting(plan, sets(98))).not.toContain('plan_does_not_fit')
  })

  it('is red: more values than a set holds, together with those that it has', async () => {
    const plan = {
      global_value_sets: [{ api_name: 'Countries', label: 'Countries', values: ['AT', 'DE'] }],
    }
    expect(await fitting(plan, values(999))).toContain('plan_does_not_fit')
    expect(await fitting(plan, values(998))).not.toContain('plan_does_not_fit')
  })
})

describe('a related list of Salesforce itself', () => {
  const knownOn = async (object: string, related_list: string, ...children: string[]) => {
    const { findings } = await checkPlan(
      factsFor({
        plan: {
          objects: [{ api_name: object }],
          layouts: [
            {
              object,
              layout: `${object} Layout`,
              related_lists: [{ related_list, fields: ['NAME'] }],
            },
          ],
        },
        describes: [
          describedObject(object, [], {
            childRelationships: children.map((relationshipName) => ({ relationshipName })),
          }),
        ],
      }),
    )
    return !findings.some(({ code }) => code === 'related_list_uncertain')
  }

  it.each([
    ['Contact', 'RelatedOpportunityList', 'OpportunityContactRoles'],
    ['Account', 'RelatedOpportunityList', 'Opportunities'],
    ['Account', 'RelatedContentNoteList', 'ContentDocumentLinks'],
  ])('%s: %s is there with %s', async (object, name, child) => {
    expect(await knownOn(object, name, child)).toBe(true)
    expect(await knownOn(object, name)).toBe(false)
  })
})

describe('a quick action of a layout', () => {
  const showing = (name: string) =>
    codesOf({
      plan: { layouts: [{ object: 'Lead', layout: 'Lead Layout', quick_actions: [name] }] },
      live: { lookUp: async (type) => ({ exists: type !== 'QuickAction', managed: false }) },
    })

  it.each(['Lead.Call', 'Visit_Report', 'ns__NewTask', 'Account.NewTask'])(
    '%s is red if it does not exist',
    async (name) => {
      expect(await showing(name)).toContain('layout_action_missing')
    },
  )

  it.each(['newtask', 'SendEmail', 'FeedItem.PollPost'])('%s exists everywhere', async (name) => {
    expect(await showing(name)).not.toContain('layout_action_missing')
  })
})

describe('a formula', () => {
  const account = describedObject('Account', [
    described('Industry', { custom: false }),
    described('ParentId', {
      ...{ custom: false, type: 'reference', referenceTo: ['Account'], relationshipName: 'Parent' },
    }),
  ])
  const link = (name: string, relationshipName: string, ...referenceTo: string[]) =>
    described(name, { custom: false, type: 'reference', referenceTo, relationshipName })
  const lead = describedObject('Lead', [
    described('Status', { custom: false }),
    described('Rate__c'),
    link('AccountId', 'Account', 'Account'),
    link('OwnerId', 'Owner', 'Group', 'User'),
    link('Other__c', 'Other__r', 'Account'),
  ])
  const user = describedObject('User', [
    described('Email', { custom: false }),
    link('ManagerId', 'Manager', 'User'),
  ])
  const limits = describedObject('Limits__c', [described('Most__c')])
  const describes = [account, lead, user, limits]
  const on = (text: string) => ({
    plan: onLead(formula('F__c', text), lookup('New__c', 'Account'), {
      api_name: 'Place__c',
      label: 'Place',
      type: 'Location',
      scale: 5,
    }),
    describes,
  })

  const GONE = [
    'Budget',
    'Rating & Status',
    'Account.Segment',
    'Account.Parent.Segment__c',
    'Partner.Name',
    'New__r.Segment',
    'Owner:User.Nick',
    'Owner:Case.Subject',
    'Account.Owner',
    'IF(ISBLANK(Stage), "Status", "Name")',
    '$User.Nick',
    '$User.Manager.Nick',
    '$Setup.Limits__c.Gone__c',
  ]
  it.each(GONE)(
    'that names a standard field or a path that does not exist is red: %s',
    async (text) => {
      expect(await codesOf(on(text))).toContain('formula_field_missing')
    },
  )

  it.each([
    'Status & Name & Rate__c',
    'Lead.Status & ACCOUNT.INDUSTRY & Account.Parent.Parent.Name',
    'Owner:User.Email & Owner:Queue.QueueName & Owner.Name & CreatedBy.Name & RecordType.DeveloperName',
    'New__r.Industry & Other__r.Parent.Name & New__c',
    'TEXT(Place__Latitude__s)',
    '$User.Email & $User.UIThemeDisplayed & $Setup.Limits__c.Most__c & $CustomMetadata.T__mdt.R.F__c',
  ])('with fields that exist is not: %s', async (text) => {
    expect(await codesOf(on(text))).not.toContain('formula_field_missing')
  })

  it('may name what the connected user does not see, and what Salesforce does not return', async () => {
    const seen = async (answer: string[] | null) =>
      codesOf({ ...on('Account.Segment'), live: { allFields: async () => answer } })
    expect(await seen(['Segment'])).not.toContain('formula_field_missing')
    expect(await seen(null)).not.toContain('formula_field_missing')
  })

  it('is red if a custom setting does not exist, and not if it is only hidden', async () => {
    const seen = async (exists: boolean) =>
      codesOf({
        ...on('$Setup.Absent__c.Most__c'),
        live: { lookUp: async () => ({ exists, managed: false }) },
      })
    expect(await seen(false)).toContain('formula_field_missing')
    expect(await seen(true)).not.toContain('formula_field_missing')
  })

  it('of a new object names its standard fields, and none of others', async () => {
    const plan = (text: string) => ({ plan: newJob(formula('F__c', text)) })
    expect(await codesOf(plan('Name & TEXT(LastModifiedDate) & Owner.Name'))).toEqual([])
    expect(await codesOf(plan('Name & Status'))).toContain('formula_field_missing')
  })

  it.each(GONE)(
    'of a validation rule or a workflow is looked up the same way: %s',
    async (text) => {
      const planned = { plan: onLeadRule(validation('V', `ISBLANK(${text})`)), describes }
      expect(await codesOf(planned)).toContain('validation_rule_field_missing')
      const deployed = [
        workflow('validation_rule', 'Lead.V', { definition: { errorConditionFormula: text } }),
      ]
      expect(await codesOf({ workflows: deployed, describes })).toContain('workflow_field_missing')
    },
  )
})

it.each(['Line__c.Sum__c', 'Line__c.Gone__c'])(
  'a roll-up of %s is red only if no such field exists, seen by the user or not',
  async (summarized) => {
    const plan = onLead(rollup('R__c', 'Line__c.Lead__c', summarized))
    const link = { type: 'reference', referenceTo: ['Lead'], relationshipOrder: 0 }
    const line = describedObject('Line__c', [described('Lead__c', link)])
    const describes = [describedObject('Lead'), line]
    const codes = await codesOf({ plan, describes, live: { allFields: async () => ['Sum__c'] } })
    expect(codes.includes('rollup_field_missing')).toBe(summarized === 'Line__c.Gone__c')
  },
)

it.each([
  [true, true],
  [false, false],
])('a checkbox controls a picklist unless it is a formula (%s)', async (calculated, isRefused) => {
  const settings = [{ value: 'a', controlling_values: ['checked'] }]
  const plan = onLead(
    picklist('P__c', ['a'], { controlling_field: 'C__c', value_settings: settings }),
  )
  const checkbox = described('C__c', { type: 'boolean', calculated })
  const codes = await codesOf({ plan, describes: [describedObject('Lead', [checkbox])] })
  expect(codes.includes('controlling_field_refused')).toBe(isRefused)
})

it('an automatic number becomes an external ID without a warning about repeated values', async () => {
  const number = described('No__c', { autoNumber: true, groupable: false, length: 30 })
  const { findings } = await checkPlan(
    factsFor({
      plan: onLead({
        ...{ api_name: 'No__c', label: 'No', type: 'AutoNumber', display_format: '{0}' },
        external_id: true,
      }),
      describes: [describedObject('Lead', [number])],
      live: { duplicatesOf: async () => null },
    }),
  )
  expect(findings.map(({ code }) => code)).not.toContain('external_id_over_duplicates')
  expect(findings.map(({ code }) => code)).not.toContain('not_checked')
})
