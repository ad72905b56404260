import { describe, expect, it } from 'vitest'
import { EngineError, type MemberError } from '../../../errors.ts'
import { parseXml, toXml, type XmlValue } from '../../../salesforce/xml.ts'
import { workflowsHash, type PlannedWorkflow } from '../workflow.ts'
import { parseWorkflows } from './parse.ts'

const faults = (input: unknown): MemberError[] => {
  try {
    parseWorkflows(input)
  } catch (error) {
    if (error instanceof EngineError && error.code === 'invalid_plan') return error.errors ?? []
    throw error
  }
  return []
}
const codes = (input: unknown): string[] => faults(input).map(({ path, code }) => `${path} ${code}`)
const one = (input: object): PlannedWorkflow => {
  const [workflow] = parseWorkflows([input])
  if (workflow === undefined) throw new Error('nothing was planned')
  return workflow
}

const update = { type: 'update_fields', fields: { Rating: 'Hot' } }
const criterion = { field: 'Rating', operator: 'equals', value: 'Hot' }
const flow = (definition: object = {}, more: object = {}) => ({
  type: 'flow',
  api_name: 'My_Flow',
  definition: {
    form: 'record_triggered',
    label: 'My flow',
    object: 'Lead',
    on: 'update',
    action: update,
    ...definition,
  },
  ...more,
})
const entry = { assign_to: { queue: 'Inbound' } }
const assignment = (definition: object = {}, more: object = {}) => ({
  type: 'assignment_rule',
  api_name: 'Lead.Inbound',
  definition: { form: 'assignment', entries: [entry], ...definition },
  ...more,
})
const validation = (definition: object = {}, more: object = {}) => ({
  type: 'validation_rule',
  api_name: 'Lead.Has_Phone',
  definition: { form: 'validation', condition: 'ISBLANK(Phone)', message: 'No', ...definition },
  ...more,
})
const metadata = (type: string, definition: object, apiName = 'My_Flow') => ({
  type,
  api_name: apiName,
  definition,
})
const deep = (levels: number): object => (levels === 0 ? {} : { a: deep(levels - 1) })
const alert = { type: 'send_email_alert', email_alert: 'Lead.A' }
const criteria = [criterion, criterion]

describe('workflows are refused with the path of the fault', () => {
  const cases: [string, unknown, string[]][] = [
    ['no list', {}, ['workflows invalid_type']],
    ['an empty list', [], ['workflows too_small']],
    ['an unknown type', [flow({}, { type: 'apex' })], ['workflows.0.type invalid_value']],
    ['an unknown member', [flow({}, { name: 'x' })], ['workflows.0.name unknown_key']],
    [
      'neither definition nor XML',
      [{ type: 'flow', api_name: 'A' }],
      ['workflows.0.definition custom'],
    ],
    ['both', [flow({}, { xml: '<Flow/>' })], ['workflows.0.definition custom']],
    [
      'a strange activation',
      [flow({}, { activate: 'yes' })],
      ['workflows.0.activate invalid_union'],
    ],

    // names
    [
      'a flow with its object',
      [flow({}, { api_name: 'Lead.A' })],
      ['workflows.0.api_name bad_name'],
    ],
    ['a blank', [flow({}, { api_name: 'My Flow' })], ['workflows.0.api_name name_bad_character']],
    [
      'two underscores',
      [flow({}, { api_name: 'A__B' })],
      ['workflows.0.api_name name_double_underscore'],
    ],
    [
      '81 letters',
      [flow({}, { api_name: 'A'.repeat(81) })],
      ['workflows.0.api_name name_too_long'],
    ],
    [
      'a rule without its object',
      [validation({}, { api_name: 'A' })],
      ['workflows.0.api_name object_missing'],
    ],
    [
      'a rule without a name',
      [validation({}, { api_name: 'Lead.' })],
      ['workflows.0.api_name object_missing'],
    ],
    [
      'no object name',
      [validation({}, { api_name: 'My Lead.A' })],
      ['workflows.0.api_name bad_object'],
    ],
    [
      '41 letters',
      [validation({}, { api_name: `Lead.${'A'.repeat(41)}` })],
      ['workflows.0.api_name name_too_long'],
    ],
    [
      'an object without assignment rules',
      [assignment({}, { api_name: 'Account.A' })],
      ['workflows.0.api_name no_assignment_rules'],
    ],
    [
      '121 letters',
      [assignment({}, { api_name: `Lead.${'A'.repeat(121)}` })],
      ['workflows.0.api_name name_too_long'],
    ],
    [
      'a blank at the end',
      [assignment({}, { api_name: 'Lead.A ' })],
      ['workflows.0.api_name name_bad_character'],
    ],
    [
      'a name given twice',
      [flow(), flow({}, { api_name: 'MY_FLOW' })],
      ['workflows.1.api_name duplicate'],
    ],
    [
      'two active rules of an object',
      [assignment({}, { activate: true }), assignment({}, { activate: true, api_name: 'lead.B' })],
      ['workflows.1.activate one_active_rule'],
    ],

    // short forms
    [
      'the form of another type',
      [flow({ form: 'validation' })],
      ['workflows.0.definition.form wrong_form'],
    ],
    [
      'several faults of a form',
      [flow({ on: 'never', objekt: 1, action: { type: 'update_fields', fields: {} } })],
      [
        'workflows.0.definition.on invalid_value',
        'workflows.0.definition.action.fields custom',
        'workflows.0.definition.objekt unknown_key',
      ],
    ],
    [
      'no action',
      [flow({ action: undefined })],
      ['workflows.0.definition.action one_of_action_and_actions'],
    ],
    [
      'action and actions',
      [flow({ actions: [update] })],
      ['workflows.0.definition.action one_of_action_and_actions'],
    ],
    [
      'criteria and a formula',
      [flow({ criteria: [criterion], formula: 'true' })],
      ['workflows.0.definition.formula criteria_and_formula'],
    ],
    [
      'a change without criteria',
      [flow({ only_when_changed: true })],
      ['workflows.0.definition.only_when_changed needs_criteria'],
    ],
    [
      'a change on create',
      [flow({ only_when_changed: true, on: 'create', criteria: [criterion] })],
      ['workflows.0.definition.only_when_changed needs_criteria'],
    ],
    [
      'is_changed on create',
      [
        flow({
          on: 'create',
          criteria: [criterion, { ...criterion, operator: 'is_changed', value: true }],
        }),
      ],
      ['workflows.0.definition.criteria.1.operator is_changed_misplaced'],
    ],
    [
      'is_null with a text',
      [flow({ criteria: [{ ...criterion, operator: 'is_null' }] })],
      ['workflows.0.definition.criteria.0.value needs_boolean'],
    ],
    [
      'a value of no kind',
      [flow({ criteria: [{ ...criterion, value: {} }] })],
      ['workflows.0.definition.criteria.0.value invalid_union'],
    ],
    [
      'a field of another object',
      [flow({ criteria: [{ ...criterion, field: 'Account.Type' }] })],
      ['workflows.0.definition.criteria.0.field invalid_format'],
    ],
    ...['1 AND', '1 AND 3', '1', '1 2', '(1 OR 2', 'NOR', '1 XOR 2', '0 AND 1 AND 2'].map(
      (logic): [string, unknown, string[]] => [
        `the logic ${logic}`,
        [flow({ criteria, logic })],
        ['workflows.0.definition.logic bad_logic'],
      ],
    ),
    [
      'an update beside other actions',
      [flow({ action: undefined, actions: [alert, update] })],
      ['workflows.0.definition.actions.1.type update_fields_alone'],
    ],
    [
      'an update of what is deleted',
      [flow({ on: 'delete' })],
      ['workflows.0.definition.action.type record_is_deleted'],
    ],
    [
      'an order on delete',
      [flow({ on: 'delete', order: 1, action: alert })],
      ['workflows.0.definition.order no_order_on_delete'],
    ],
    ['an order of 0', [flow({ order: 0 })], ['workflows.0.definition.order too_small']],
    [
      'an alert of another object',
      [flow({ action: { ...alert, email_alert: 'Case.A' } })],
      ['workflows.0.definition.action.email_alert alert_of_other_object'],
    ],
    [
      'a bare field in a formula',
      [flow({ formula: '$Record.Rating = "Hot"' })],
      ['workflows.0.definition.formula bad_formula'],
    ],
    [
      'a scale of a text',
      [
        flow({
          action: {
            type: 'update_fields',
            fields: { A__c: { formula: '"a"', result_type: 'String', scale: 2 } },
          },
        }),
      ],
      ['workflows.0.definition.action.fields.A__c.scale scale_not_numeric'],
    ],
    [
      'an entry with criteria and a formula',
      [assignment({ entries: [{ ...entry, formula: 'true', criteria: [criterion] }] })],
      ['workflows.0.definition.entries.0.formula criteria_and_formula'],
    ],
    [
      'an entry with a wrong logic',
      [assignment({ entries: [{ ...entry, criteria, logic: '1 OR 9' }] })],
      ['workflows.0.definition.entries.0.logic bad_logic'],
    ],
    [
      'nobody to assign to',
      [assignment({ entries: [{}] })],
      ['workflows.0.definition.entries.0.assign_to invalid_union'],
    ],
    [
      'a message of 256',
      [validation({ message: 'x'.repeat(256) })],
      ['workflows.0.definition.message too_big'],
    ],
    [
      'a field elsewhere',
      [validation({ field: 'Case.Origin' })],
      ['workflows.0.definition.field field_of_other_object'],
    ],

    // Metadata JSON
    [
      'a flow without label',
      [metadata('flow', { processType: 'Flow' })],
      ['workflows.0.definition.label missing_member'],
    ],
    [
      'a rule without condition and message',
      [metadata('validation_rule', { active: true }, 'Lead.A')],
      [
        'workflows.0.definition.errorConditionFormula missing_member',
        'workflows.0.definition.errorMessage missing_member',
      ],
    ],
    [
      'another name inside',
      [metadata('flow', { fullName: 'B', label: 'B', processType: 'Flow' })],
      ['workflows.0.api_name name_differs'],
    ],
    [
      'a label of two',
      [metadata('flow', { label: ['a', 'b'], processType: 'Flow' })],
      ['workflows.0.definition.label bad_member'],
    ],
    [
      'a member that is no name',
      [metadata('flow', { start: { 'a b': 1 } })],
      ['workflows.0.definition.start.a b bad_member'],
    ],
    [
      'a list in a list',
      [metadata('flow', { a: [[1]] })],
      ['workflows.0.definition.a.0 list_in_list'],
    ],
    ['31 levels', [metadata('flow', deep(31))], ['workflows.0.definition.a.a.a too_deep']],
    [
      'more than a mebibyte',
      [metadata('flow', { description: 'x'.repeat(1_048_577) })],
      ['workflows.0.definition too_big'],
    ],
  ]
  it.each(cases)('%s', (_name, input, expected) => {
    expect(codes(input)).toEqual(expected)
  })

  it('all of them at once, each with what to do', () => {
    const found = faults([
      flow({}, { api_name: 'A B' }),
      validation({ field: 'Case.Origin' }),
      assignment({}, { api_name: 'Account.A' }),
    ])
    expect(found.map(({ path }) => path)).toEqual([
      'workflows.0.api_name',
      'workflows.1.definition.field',
      'workflows.2.api_name',
    ])
    for (const { message } of found) expect(message).toMatch(/\. (Rename|Name|Use) .*\.$/)
  })

  it('under the root that the caller names', () => {
    expect(() => parseWorkflows([], 'body.workflows')).toThrowError(
      expect.objectContaining({ errors: [expect.objectContaining({ path: 'body.workflows' })] }),
    )
  })
})

const HEAD = '<?xml version="1.0" encoding="UTF-8"?>'
const NS = 'xmlns="http://soap.sforce.com/2006/04/metadata"'
const flowXml = `${HEAD}
<Flow ${NS} xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
    <fullName>My_Flow</fullName>
    <label>Tom &amp; Jerry &#x2713;</label>
    <newMember2031><deep>  kept  </deep><deep>007</deep></newMember2031>
    <processType>AutoLaunchedFlow</processType>
    <recordUpdates>
        <name>Blank</name>
        <inputAssignments><field>A__c</field><value><stringValue></stringValue></value></inputAssignments>
        <timeout xsi:nil="true"/><other xsi:nil="true"></other>
    </recordUpdates>
    <status>Active</status>
</Flow>
`
const fromXml = (xml: string, type = 'flow', apiName = 'My_Flow') => ({
  type,
  api_name: apiName,
  xml,
})

const rulesXml = (...names: string[]) =>
  `${HEAD}<AssignmentRules ${NS}>${names
    .map(
      (name) =>
        `<assignmentRule><fullName>${name}</fullName><active>true</active><ruleEntry><assignedTo>Q_${name.length}</assignedTo><assignedToType>Queue</assignedToType></ruleEntry></assignmentRule>`,
    )
    .join('')}</AssignmentRules>`

describe('an assignment rule without entries', () => {
  it.each([
    ['in the short form', assignment({ entries: [] })],
    ['in Metadata JSON', metadata('assignment_rule', {}, 'Lead.A')],
    [
      'in Metadata JSON with an empty list',
      metadata('assignment_rule', { ruleEntry: [] }, 'Lead.A'),
    ],
  ])('is taken %s', (_form, input) => {
    expect(faults([input])).toEqual([])
  })
})

describe('a metadata file', () => {
  it('keeps every member, known or not; name and state are said elsewhere', () => {
    expect(one(fromXml(flowXml))).toEqual({
      type: 'flow',
      api_name: 'My_Flow',
      activate: 'keep',
      definition: {
        label: 'Tom & Jerry ✓',
        newMember2031: { deep: ['  kept  ', '007'] },
        processType: 'AutoLaunchedFlow',
        recordUpdates: {
          name: 'Blank',
          inputAssignments: { field: 'A__c', value: { stringValue: '' } },
        },
      },
    })
  })

  it('comes out of being written and read again as it went in', () => {
    const { definition } = one(fromXml(flowXml))
    const written = toXml('Flow', definition as XmlValue)
    expect(parseXml(written).Flow).toEqual(definition)
    expect(one(fromXml(written)).definition).toEqual(definition)
  })

  it('may have a prefix for its namespace', () => {
    const xml = `<m:ValidationRule xmlns:m="http://soap.sforce.com/2006/04/metadata"><m:errorConditionFormula>true</m:errorConditionFormula><m:errorMessage>No</m:errorMessage></m:ValidationRule>`
    expect(one(fromXml(xml, 'validation_rule', 'Lead.A')).definition).toEqual({
      errorConditionFormula: 'true',
      errorMessage: 'No',
    })
  })

  it('of several rules gives the one that is named', () => {
    const rule = (apiName: string) =>
      one(fromXml(rulesXml('A', 'Tell us %26 them', 'Standard'), 'assignment_rule', apiName))
    expect(rule('Lead.standard').definition).toEqual({
      ruleEntry: { assignedTo: 'Q_8', assignedToType: 'Queue' },
    })
    expect(rule('Lead.Tell us & them').definition).toMatchObject({
      ruleEntry: { assignedTo: 'Q_16' },
    })
    const object = `<CustomObject ${NS}><label>Lead</label><validationRules><fullName>A</fullName><active>true</active><errorConditionFormula>true</errorConditionFormula><errorMessage>No</errorMessage></validationRules></CustomObject>`
    expect(one(fromXml(object, 'validation_rule', 'Lead.A')).definition).toEqual({
      errorConditionFormula: 'true',
      errorMessage: 'No',
    })
  })

  // Salesforce keeps a rule whose last entry was deleted, and returns it so.
  it.each([
    ['rules, one of which has no entries', rulesXml('A').replace(/<ruleEntry>.*<\/ruleEntry>/, '')],
    ['rules, the others of which have entries', rulesXml('B', 'C')],
    ['rules, one of which has no member but its name', rulesXml('B')],
  ])('of %s is taken', (_what, xml) => {
    const bare = '<assignmentRule><fullName>A</fullName></assignmentRule></AssignmentRules>'
    const file = xml.includes('>A<') ? xml : xml.replace('</AssignmentRules>', bare)
    expect(one(fromXml(file, 'assignment_rule', 'Lead.A')).definition).toEqual({})
  })

  const refused: [string, object, string][] = [
    ['that is no XML', fromXml('{}'), 'malformed_xml'],
    ['that ends early', fromXml('<Flow><label>a</label>'), 'malformed_xml'],
    ['with a DTD', fromXml(`<!DOCTYPE Flow [<!ENTITY a "b">]>${flowXml}`), 'malformed_xml'],
    ['of another type', fromXml('<Workflow><rules/></Workflow>'), 'wrong_root'],
    ['of a flow as a rule', fromXml(flowXml, 'validation_rule', 'Lead.A'), 'wrong_root'],
    ['without content', fromXml('<Flow/>'), 'empty_file'],
    [
      'without the named rule',
      fromXml(rulesXml('A'), 'assignment_rule', 'Lead.B'),
      'rule_not_in_file',
    ],
    ['with text beside members', fromXml('<Flow>x<label>a</label></Flow>'), 'bad_member'],
    ['without what is required', fromXml('<Flow><label>a</label></Flow>'), 'missing_member'],
    [
      'nested beyond sense',
      fromXml(`<Flow>${'<a>'.repeat(40)}${'</a>'.repeat(40)}</Flow>`),
      'too_deep',
    ],
    [
      'nested beyond all bounds',
      fromXml(`<Flow>${'<a>'.repeat(100_000)}${'</a>'.repeat(100_000)}</Flow>`),
      'malformed_xml',
    ],
    ['larger than a mebibyte', fromXml(`<Flow>${' '.repeat(1_048_576)}</Flow>`), 'too_big'],
  ]
  it.each(refused)('%s is refused', (_name, input, code) => {
    const [fault, ...more] = faults([input])
    expect([fault?.path.startsWith('workflows.0.xml'), fault?.code, more]).toEqual([true, code, []])
  })

  it('of a mebibyte of hostile tags is refused at once', () => {
    const hostile = `<Flow>${'<a x'.repeat(100_000)}${' nil="true" nil="'.repeat(30_000)}</Flow>`
    const before = process.threadCpuUsage()
    expect(faults([fromXml(hostile)])).toHaveLength(1)
    // The CPU time of this thread, however busy the machine is.
    expect(process.threadCpuUsage(before).user / 1_000).toBeLessThan(2_000)
  })
})

describe('Metadata JSON', () => {
  it('becomes what the same file would give', () => {
    const json = metadata('flow', {
      '@xmlns': 'http://soap.sforce.com/2006/04/metadata',
      $: { xmlns: 'x' },
      fullName: 'my_flow',
      label: 'Tom & Jerry ✓',
      description: null,
      newMember2031: { deep: ['  kept  ', '007'] },
      processType: 'AutoLaunchedFlow',
      recordUpdates: [
        {
          name: 'Blank',
          inputAssignments: [{ field: 'A__c', value: { stringValue: '' } }],
          filters: [],
        },
      ],
      status: 'Draft',
    })
    expect(one(json)).toEqual(one(fromXml(flowXml)))
  })

  it('has numbers and booleans as the API writes them, and a member named attributes', () => {
    expect(
      one(
        metadata('flow', {
          attributes: { type: 'Flow', url: '/services/data/v66.0/tooling/sobjects/Flow/301' },
          urls: null,
          label: 'A',
          processType: 'Flow',
          isTemplate: false,
          triggerOrder: 10,
          decisions: { attributes: { type: 'A', value: 'b' } },
        }),
      ).definition,
    ).toEqual({
      label: 'A',
      processType: 'Flow',
      isTemplate: 'false',
      triggerOrder: '10',
      decisions: { attributes: { type: 'A', value: 'b' } },
    })
  })
})

describe('the hash of workflows', () => {
  const list = (...inputs: object[]) => workflowsHash(parseWorkflows(inputs))

  it('is one for each meaning, whatever the order and the writing', () => {
    const [a, b] = [flow(), validation()]
    expect(list(b, a)).toBe(list(a, b))
    const [first, second] = [
      { label: 'A', processType: 'Flow' },
      { processType: 'Flow', label: 'A', status: 'Active' },
    ]
    expect(list(metadata('flow', first))).toBe(list(metadata('flow', second, 'MY_FLOW')))
    expect(list(metadata('flow', first))).toBe(
      list(fromXml('<Flow><processType>Flow</processType><label>A</label></Flow>')),
    )
  })

  it('moves with content, activation, name and type', () => {
    const hashes = [
      list(validation()),
      list(validation({ message: 'Other' })),
      list(validation({}, { activate: true })),
      list(validation({}, { api_name: 'Lead.Other' })),
      list(flow()),
      list(flow({ criteria, logic: '1 OR 2' })),
      list(flow({ criteria, logic: '2 OR 1' })),
    ]
    expect(new Set(hashes).size).toBe(hashes.length)
  })
})

describe('a refusal', () => {
  const refused = (input: object) => {
    try {
      parseWorkflows([input])
    } catch (error) {
      return (error as { errors: { path: string; code: string; message: string }[] }).errors
    }
    return []
  }
  const rated = (value: unknown, more: object = {}) => ({
    type: 'flow',
    api_name: 'My_Flow',
    definition: {
      form: 'record_triggered',
      label: 'My flow',
      object: 'Lead',
      on: 'create',
      action: { type: 'update_fields', fields: { Rating: value } },
      ...more,
    },
  })
  const FIELD = 'workflows.0.definition.action.fields.Rating'

  it.each([
    [
      'a control character',
      rated('a\u0001b'),
      /^workflows\.0\.definition\.recordUpdates/,
      'Remove',
    ],
    [
      'half a character',
      rated('a', { label: 'a\ud800' }),
      /definition\.(label|interviewLabel)/,
      'Remove',
    ],
    [
      'a control character in XML',
      {
        type: 'flow',
        api_name: 'X',
        xml: '<Flow><label>a&#0;</label><processType>F</processType></Flow>',
      },
      /^workflows\.0\.xml$/,
      'Remove',
    ],
    [
      'a name that is no field',
      rated('a', { action: { type: 'update_fields', fields: { 'Bad Name': 1 } } }),
      /action\.fields\.Bad Name$/,
      'Give the API name of a field',
    ],
    ['an unknown member', rated('a', { foo: 1 }), /^workflows\.0\.definition\.foo$/, 'remove it'],
    ['a date that is none', rated({ date: '2026-13-01' }), /Rating\.date$/, '2026-11-30'],
    ['a reference to nothing', rated({ reference: 'Nothing.Id' }), /Rating\.reference$/, '$Record'],
    ['a misspelt variable', rated({ reference: '$Recor.Id' }), /Rating\.reference$/, '$Record'],
    [
      'the record before a creation',
      rated({ reference: '$Record__Prior.Rating' }),
      /Rating\.reference$/,
      'Use $Record',
    ],
  ])('of %s names the member and what to do', (_what, input, path, remedy) => {
    const [first] = refused(input)
    expect(first?.path).toMatch(path)
    expect(first?.message).toContain(remedy)
  })

  it('does not meet texts in a formula, nor CDATA that looks like an empty element', () => {
    const formula = { formula: '"see $Record.Name, " & {!$Record.Name}', result_type: 'String' }
    expect(refused(rated(formula))).toEqual([])
    expect(refused(rated({ ...formula, formula: 'UPPER($Record.Name)' }))).toMatchObject([
      { path: `${FIELD}.formula`, code: 'bad_formula' },
    ])
    const label = 'a <b xsi:nil="true"></b> c'
    const [read] = parseWorkflows([
      {
        type: 'flow',
        api_name: 'X',
        xml: `<Flow><label><![CDATA[${label}]]></label><processType>F</processType></Flow>`,
      },
    ])
    expect(read?.definition.label).toBe(label)
  })
})
