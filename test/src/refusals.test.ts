// What Salesforce refuses is red before it is sent, and nothing else is: one plan with everything that is
// wrong, component by component, as the report judges it and as Salesforce does.

import { beforeAll, describe, expect, it } from 'vitest'
import { planning, type Planning } from './planning.ts'

let to: Planning

beforeAll(async () => {
  to = await planning()
  await to.addCustomPermission('See_All')
})

const field = (type: string, more: object = {}) => ({ type, ...more })
const formula = (result_type: string, words: string) =>
  field('Formula', { result_type, formula: words })
const text = (default_formula?: string) =>
  field('Text', { length: 40, ...(default_formula === undefined ? {} : { default_formula }) })
const lookup = (reference_to: string) =>
  field('Lookup', { reference_to, relationship_name: 'Refusals' })
const master = (reference_to: string) =>
  field('MasterDetail', { reference_to, relationship_name: 'Refusals' })
const rollup = (operation: string, detail: string, more: object = {}) =>
  field('Summary', { operation, summary_foreign_key: detail, ...more })

/** Names fields by their position; relationships by their object, so that each has one of its own. */
const named = (object: string, fields: readonly (object & { type: string })[]) => ({
  api_name: object,
  fields: fields.map((one, at) => ({
    api_name: `F${at}__c`,
    label: `F${at}`,
    ...one,
    ...('relationship_name' in one
      ? { relationship_name: `${object.replace('__c', '')}_F${at}` }
      : {}),
  })),
})
const made = (object: string, fields: readonly (object & { type: string })[]) => ({
  label: object.replace('__c', ''),
  plural_label: object.replace('__c', 's'),
  name_field: { label: 'Name', type: 'Text' },
  ...named(object, fields),
})

interface Judged {
  /** Full names of the components that the report calls red, and of those that Salesforce refuses. */
  red: string[]
  refused: string[]
}

const judged = async (objects: object[], permission_set: string | null = null) => {
  const plan = { objects, permissions: { permission_set, assign_to_connected_user: false } }
  const report = await to.post<{
    findings: { severity: string; component: { full_name: string } }[]
  }>('/api/conflicts/check', { client_id: to.client.id, plan })
  const deployed = await to.post<{
    components: { full_name: string; problem: { message: string } | null }[]
  }>('/api/deploy/custom-objects', { client_id: to.client.id, plan, check_only: true })
  const unique = (names: string[]) => [...new Set(names)].toSorted()
  return {
    red: unique(
      report.findings
        .filter(({ severity }) => severity === 'red')
        .map(({ component }) => component.full_name),
    ),
    refused: unique(
      deployed.components.flatMap(({ full_name, problem }) => (problem === null ? [] : full_name)),
    ),
  }
}

/** Whether exactly the bad ones are red and refused; names the exceptions. */
const expectAgreement = ({ red, refused }: Judged, bad: string[]): void => {
  expect({ red, refused }).toEqual({ red: bad.toSorted(), refused: bad.toSorted() })
}

const allOf = (object: string, good: readonly unknown[], bad: readonly unknown[]): string[] =>
  bad.map((_, at) => `${object}.F${good.length + at}__c`)

const place = { locationX: 0, locationY: 0 }
const at = (name: string, more: object = {}) => ({ name, label: name, ...place, ...more })
const value = (stringValue: string) => ({ value: { stringValue } })
const assigning = (assignToReference: string, more: object) => ({
  start: { ...place, connector: { targetReference: 'Set' } },
  assignments: [at('Set', { assignmentItems: { assignToReference, operator: 'Assign', ...more } })],
})
const variable = (name: string, more: object = {}) => ({ name, dataType: 'String', ...more })
const lead = (trigger: string, more: object = {}) => ({
  ...{ ...place, object: 'Lead', recordTriggerType: 'Create', triggerType: trigger },
  ...more,
})
const computing = (expression: string, dataType = 'String') => ({
  formulas: [{ name: 'f', dataType, expression }],
})

/** The same for automations: `Good_0`, `Bad_0` …; rules are on leads. */
const judgedWorkflows = async (
  type: 'flow' | 'validation_rule',
  good: readonly object[],
  bad: readonly object[],
): Promise<Judged> => {
  const made = (prefix: string) => (definition: object, index: number) => ({
    type,
    api_name: `${type === 'flow' ? '' : 'Lead.'}${prefix}_${index}`,
    activate: false,
    definition,
  })
  const workflows = [...good.map(made('Good')), ...bad.map(made('Bad'))]
  const report = await to.post<{
    findings: { severity: string; component: { full_name: string } }[]
  }>('/api/conflicts/check', { client_id: to.client.id, workflows })
  const deployed = await to.post<{
    status: string
    components: { full_name: string; problem: { message: string } | null }[]
  }>('/api/workflows/deploy', { client_id: to.client.id, workflows })
  expect(deployed.status).toBe('failed')
  const unique = (names: string[]) => [...new Set(names)].toSorted()
  return {
    red: unique(
      report.findings
        .filter(({ severity }) => severity === 'red')
        .map(({ component }) => component.full_name),
    ),
    refused: unique(
      deployed.components.flatMap(({ full_name, problem }) => (problem === null ? [] : full_name)),
    ),
  }
}

/** All assignment rules of an object are one component, so each is sent by itself; only bad ones are. */
const judgedRule = async (definition: object): Promise<{ severity: string; status?: string }> => {
  const workflows = [
    { type: 'assignment_rule', api_name: 'Lead.Judged', activate: false, definition },
  ]
  const sent = { client_id: to.client.id, workflows }
  const { severity } = await to.post<{ severity: string }>('/api/conflicts/check', sent)
  if (severity !== 'red') return { severity }
  const { status } = await to.post<{ status: string }>('/api/workflows/deploy', sent)
  return { severity, status }
}

describe('what the report calls red is what Salesforce refuses', () => {
  it('of formulas and of default values', async () => {
    const good = [
      field('LongTextArea'),
      field('EncryptedText'),
      field('MultiselectPicklist', { values: ['a'] }),
      field('Location'),
      formula('Text', 'F5__c & "x"'),
      formula('Text', 'LEFT(Company, 2)'),
      formula('Checkbox', 'INCLUDES(F2__c, "a")'),
      formula('Number', 'DISTANCE(F3__c, GEOLOCATION(1, 2), "km")'),
      formula('Text', 'Owner:User.Email & $User.FirstName & TEXT(Status)'),
      formula('Checkbox', '$Permission.See_All || $Permission.see_all'),
      formula('Date', 'DATEVALUE(CreatedDate) + 7'),
      formula('Number', 'CASE(Status, "Open", 1, 0) * AnnualRevenue'),
      text('"EU"'),
      text('$User.Country'),
      field('Date', { default_formula: 'TODAY() + 7' }),
      field('Date', { default_formula: 'NOW()' }),
      field('Number', { default_formula: 'IF($User.IsActive, 1, 0)' }),
    ]
    const bad = [
      formula('Text', 'F0__c & "x"'),
      formula('Number', 'LEN(F1__c)'),
      formula('Text', 'F2__c & "x"'),
      formula('Text', 'F3__c & "x"'),
      formula('Checkbox', 'Status = "Open"'),
      formula('Checkbox', 'ISPICKVAL(Company, "Open")'),
      formula('Number', '"x"'),
      formula('Text', 'LEFT(Company)'),
      formula('Text', 'IF(AnnualRevenue > "5", "a", "b")'),
      formula('Text', 'IF(ISBLANK(Company), "a", 1)'),
      formula('Text', 'IF(true, "a", "b"'),
      formula('Number', '1 +'),
      formula('Text', 'Company Company'),
      formula('Text', 'Company # "x"'),
      formula('Checkbox', 'ISCHANGED(Company)'),
      formula('Number', 'DAY(CreatedDate)'),
      formula('Text', '$Label.Nobody_Wrote_It'),
      formula('Text', '$Nothing.Name'),
      formula('Text', '$Setup.Absent__c.Name'),
      formula('Checkbox', '$Permission.Nobody_Has_It'),
      formula('Text', '$Organization.Nickname'),
      formula('Text', '$CustomMetadata.Absent__mdt.One.Two__c'),
      text('NOPE("x")'),
      text('$User.Nickname_Of_Nobody'),
      text('LastName'),
      text('EU'),
      field('Number', { default_formula: 'TODAY()' }),
      field('DateTime', { default_formula: '"now"' }),
    ]
    const circle = ['A', 'B'].map((name, at) => ({
      ...formula('Text', `${['B', 'A'][at] ?? ''}__c & "x"`),
      api_name: `${name}__c`,
      label: name,
    }))
    const lead = named('Lead', [...good, ...bad])
    expectAgreement(await judged([{ ...lead, fields: [...lead.fields, ...circle] }]), [
      ...allOf('Lead', good, bad),
      'Lead.A__c',
      'Lead.B__c',
    ])
  })

  it('of relationships, and of what master-details build on one another', async () => {
    const fine = ['Account', 'Product2', 'Contact'].map(lookup)
    const bad = ['AccountHistory', 'LeadShare', 'Task', 'CaseFeed'].map(lookup)
    const objects = [
      made('Fine__c', [...fine, ...bad]),
      made('Level1__c', [master('Account')]),
      made('Level2__c', [master('Level1__c')]),
      made('Level3__c', [master('Level2__c')]),
      made('Level4__c', [master('Level3__c')]),
      made('Egg__c', [master('Hen__c')]),
      made('Hen__c', [master('Egg__c')]),
      ...['User', 'Lead', 'RecordType', 'Group', 'Attachment'].map((target) =>
        made(`Of_${target}__c`, [master(target)]),
      ),
    ]
    const { red, refused } = await judged(objects)
    const wrong = [
      ...allOf('Fine__c', fine, bad),
      'Level4__c.F0__c',
      ...['User', 'Lead', 'RecordType', 'Group', 'Attachment'].map((one) => `Of_${one}__c.F0__c`),
    ]
    // Of two that would be above each other, Salesforce takes the first.
    const isCircle = (name: string) => /^(?:Egg|Hen)__c\./.test(name)
    expect(red.filter(isCircle)).toHaveLength(2)
    expect(refused.filter(isCircle)).toHaveLength(1)
    expectAgreement(
      {
        red: red.filter((name) => !isCircle(name)),
        refused: refused.filter((name) => !isCircle(name)),
      },
      wrong,
    )
  })

  it('of roll-ups', async () => {
    const line = made('Line__c', [
      master('Account'),
      field('Number'),
      formula('Number', 'F1__c * 2'),
      formula('Number', 'F0__r.AnnualRevenue'),
      formula('Number', 'TODAY() - DATE(2020, 1, 1)'),
      field('LongTextArea'),
      lookup('Contact'),
      field('MultiselectPicklist', { values: ['a'] }),
      formula('Number', 'F4__c + 1'),
      field('Date'),
    ])
    const over = 'Line__c.F0__c'
    const sum = (at: number, operation = 'sum') =>
      rollup(operation, over, { summarized_field: `Line__c.F${at}__c` })
    const by = (name: string) =>
      rollup('count', over, {
        filters: [{ field: `Line__c.${name}`, operation: 'equals', value: '1' }],
      })
    const good = [
      rollup('count', over),
      sum(1),
      sum(2),
      sum(9, 'max'),
      by('F1__c'),
      by('F2__c'),
      rollup('sum', 'Opportunity.AccountId', { summarized_field: 'Opportunity.Amount' }),
    ]
    const bad = [
      sum(3),
      sum(4),
      sum(8),
      ...['F3__c', 'F5__c', 'F6__c', 'F7__c', 'F8__c', 'Gone__c'].map(by),
      rollup('count', 'Contact.AccountId'),
      rollup('max', 'Opportunity.AccountId', { summarized_field: 'Opportunity.Name' }),
      rollup('count', 'OpportunityLineItem.OpportunityId'),
    ]
    const objects = [line, named('Account', [...good, ...bad])]
    expectAgreement(await judged(objects), allOf('Account', good, bad))
  })

  it('of record types and rules where Salesforce has none', async () => {
    const call = { record_types: [{ api_name: 'Call', label: 'Call' }] }
    const rule = {
      validation_rules: [{ api_name: 'R', error_condition_formula: 'false', error_message: 'No' }],
    }
    const { red, refused } = await judged([
      { api_name: 'Task', ...call, ...rule },
      { api_name: 'Contact', ...call, ...rule },
      { api_name: 'User', ...call, ...rule },
      { api_name: 'AccountHistory', ...call, ...rule },
      { api_name: 'LeadShare', ...rule },
    ])
    expect(red).toEqual(['AccountHistory', 'LeadShare', 'User'])
    expect(refused).toEqual(
      ['AccountHistory.Call', 'AccountHistory.R', 'LeadShare.R', 'User.Call'].toSorted(),
    )
  })

  it('of access to a new detail, all of which some see', async () => {
    const alone = { permission_set: null, assign_to_connected_user: false }
    await to.deploy({ objects: [made('Seen__c', [])], permissions: alone })
    await to.client.pull()
    const rights = { allowRead: true, viewAllRecords: true }
    await to.admin.metadata.upsert('PermissionSet', {
      ...{ fullName: 'Sees_All', label: 'Sees all' },
      objectPermissions: [{ object: 'Seen__c', ...rights }],
    })
    const detail = named('Seen__c', [master('Placement__c')])
    expectAgreement(await judged([detail], 'Sees_All'), ['Sees_All'])
    await to.admin.metadata.upsert('PermissionSet', {
      ...{ fullName: 'Sees_All', label: 'Sees all' },
      objectPermissions: ['Seen__c', 'Placement__c'].map((object) => ({ object, ...rights })),
    })
    expectAgreement(await judged([detail], 'Sees_All'), [])
  })

  it('of flows', async () => {
    const flow = (more: object) => ({
      ...{ apiVersion: '66.0', label: 'Made', processType: 'AutoLaunchedFlow', start: place },
      ...more,
    })
    const good = [
      { ...assigning('x', value('Dear {!x}')), variables: [variable('x')] },
      { start: lead('RecordAfterSave'), ...computing('{!$Record.Owner:User.FirstName}') },
      { start: lead('RecordAfterSave'), ...computing('{!$Record__Prior.Company}') },
      { start: lead('RecordAfterSave', { filterFormula: 'ISBLANK({!$Record.Company})' }) },
      { variables: [variable('x')], ...computing('IF({!x} = "a", 1, 2)', 'Number') },
      computing('IF({!$Permission.See_All}, "a", "b")'),
      { processType: 'Flow', screens: [at('Ask')] },
    ].map(flow)
    const bad = [
      { ...assigning('Set', value('a')), variables: [variable('Set')] },
      { ...assigning('x', value('Dear {!Nobody}')), variables: [variable('x')] },
      { assignments: [at('Set it')] },
      computing('{!Nobody} & "x"'),
      computing('IF(true, "a", "b"'),
      computing('"x"', 'Number'),
      computing('NOPE()'),
      {
        start: lead('RecordAfterSave', {
          ...{ filterLogic: '1 AND 2' },
          filters: [{ field: 'Company', operator: 'EqualTo', ...value('x') }],
        }),
      },
      computing('{!$Record.Name}'),
      computing('{!$Label.Nobody_Wrote_It}'),
      computing('{!$Setup.Absent__c.Name}'),
      computing('IF({!$Permission.Nobody_Has_It}, "a", "b")'),
      computing('{!$User.Nickname_Of_Nobody}'),
      computing('{!$CustomMetadata.Absent__mdt.One.Two__c}'),
      { start: lead('RecordAfterSave'), ...computing('{!$Record.Owner:User.Nick}') },
      { start: lead('RecordAfterSave'), ...computing('{!$Record__Prior.Nick}') },
      { start: lead('RecordAfterSave', { filterFormula: 'LEN({!$Record.Company})' }) },
      { start: lead('RecordBeforeSave'), recordCreates: [at('Make', { object: 'Task' })] },
      { screens: [at('Ask')] },
      {
        start: lead('RecordAfterSave', { connector: { targetReference: 'Change' } }),
        recordUpdates: [
          at('Change', {
            inputReference: '$Record',
            inputAssignments: [{ field: 'Nick', ...value('x') }],
          }),
        ],
      },
    ].map(flow)
    expectAgreement(
      await judgedWorkflows('flow', good, bad),
      bad.map((_, index) => `Bad_${index}`),
    )
  })

  it('of validation rules', async () => {
    const rule = (errorConditionFormula: string) => ({ errorConditionFormula, errorMessage: 'No' })
    const good = [
      'ISBLANK(Description) && ISCHANGED(Status)',
      'ISPICKVAL(PRIORVALUE(Status), "Open")',
      'AND(ISBLANK(Owner:User.Email), $Profile.Name <> "x", $RecordType.Name = "y")',
      'Lead.Company = "x" || NOT(REGEX(Company, "[a-z]+"))',
      'CreatedDate > NOW() - 7',
      'NOT($Permission.See_All)',
    ].map(rule)
    const bad = [
      'LEN(Company)',
      'Status = "Open"',
      'ISPICKVAL(Company, "x")',
      'Company > 5',
      'CreatedDate > TODAY()',
      'ISBLANK(Company) &&',
      'ISBLANK(Company',
      'ISBLANK(Company, LastName)',
      'CONTAINS(Company)',
      'CASE(Company, "a", true)',
      'Company = "x',
      'Company LastName',
      'Company # "x"',
      '$Nothing.X = "x"',
      '$Label.Nobody_Wrote_It = "x"',
      '$Permission.Nobody_Has_It',
      'ISBLANK(Account.Name)',
    ].map(rule)
    expectAgreement(
      await judgedWorkflows('validation_rule', good, bad),
      bad.map((_, index) => `Lead.Bad_${index}`),
    )
  })

  it('of the entries of an assignment rule', async () => {
    const user = to.salesforce.usernameOf('admin')
    const rule = (...entries: object[]) => ({
      ruleEntry: entries.map((entry) => ({ assignedTo: user, assignedToType: 'User', ...entry })),
    })
    const by = (operation: string, more: object = {}) => ({
      criteriaItems: [{ field: 'Lead.Company', operation, value: 'x' }],
      ...more,
    })
    for (const good of [rule(by('equals')), rule(by('notEqual', { booleanFilter: '1' }), {})]) {
      expect((await judgedRule(good)).severity).not.toBe('red')
    }
    for (const bad of [
      rule(by('is')),
      rule(by('equals', { booleanFilter: '1 AND 2' })),
      rule(by('equals', { formula: 'true' })),
    ]) {
      expect(await judgedRule(bad)).toMatchObject({ severity: 'red', status: 'failed' })
    }
  })
})
