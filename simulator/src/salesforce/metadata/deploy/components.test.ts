// The other components: each replaced, merged or versioned as in Salesforce, returned by a retrieve, and
// refused with the right message.

import { strFromU8, unzipSync } from 'fflate'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { fieldNames, clientOf, startRig, type Rig } from '../../../testing/rig.ts'
import { connect, deploy, file, problemOf, zipOf } from './testing/deploys.ts'

let sim: Rig
beforeAll(async () => {
  sim = await startRig()
})
beforeEach(() => sim.control.reset())
afterAll(() => sim.close())

interface Part {
  type: string
  name: string
  path: string
  content: string
}

const zip = ({ type, name, path, content }: Part) =>
  zipOf({ [type]: [name] }, { [path]: file(type, content) })
const inObject = (type: string, element: string) => (fullName: string, content: string) => {
  const [object = '', name = ''] = fullName.split('.')
  return zipOf(
    { [type]: [fullName] },
    {
      [`objects/${object}.object`]: file(
        'CustomObject',
        `<${element}><fullName>${name}</fullName>${content}</${element}>`,
      ),
    },
  )
}
const permissionSet = (content: string) =>
  zip({
    type: 'PermissionSet',
    name: 'Crew',
    path: 'permissionsets/Crew.permissionset',
    content: `${content}<label>Crew</label>`,
  })
const profile = (content: string) =>
  zip({ type: 'Profile', name: 'Admin', path: 'profiles/Admin.profile', content })
const layout = (...fields: string[]) =>
  zip({
    type: 'Layout',
    name: 'Placement__c-Crew Layout',
    path: 'layouts/Placement__c-Crew Layout.layout',
    content: `<layoutSections><customLabel>false</customLabel><layoutColumns>${fields
      .map((name) => `<layoutItems><behavior>Edit</behavior><field>${name}</field></layoutItems>`)
      .join('')}</layoutColumns><style>OneColumn</style></layoutSections>`,
  })
const flow = (status: string, description = 'one', start = '') =>
  zip({
    type: 'Flow',
    name: 'Crew_Flow',
    path: 'flows/Crew_Flow.flow',
    content: `<apiVersion>67.0</apiVersion><description>${description}</description><label>Crew flow</label><processType>AutoLaunchedFlow</processType><start><locationX>50</locationX><locationY>0</locationY>${start}</start><status>${status}</status>`,
  })
const definition = (number: number) =>
  zip({
    type: 'FlowDefinition',
    name: 'Crew_Flow',
    path: 'flowDefinitions/Crew_Flow.flowDefinition',
    content: `<activeVersionNumber>${number}</activeVersionNumber>`,
  })
const rules = (content: string) =>
  zip({
    type: 'AssignmentRules',
    name: 'Lead',
    path: 'assignmentRules/Lead.assignmentRules',
    content,
  })
const rule = (name: string, active: boolean, entry: string) =>
  `<assignmentRule><fullName>${name}</fullName><active>${active}</active><ruleEntry>${entry}</ruleEntry></assignmentRule>`
const toQueue =
  '<assignedTo>Inbound_Leads</assignedTo><assignedToType>Queue</assignedToType><criteriaItems><field>Lead.LeadSource</field><operation>equals</operation><value>Web</value></criteriaItems>'
const recordType = inObject('RecordType', 'recordTypes')
const validationRule = inObject('ValidationRule', 'validationRules')
const tab = (name: string, content: string) =>
  zip({ type: 'CustomTab', name, path: `tabs/${name}.tab`, content })

const fieldPermission = (field: string, editable = true) =>
  `<fieldPermissions><editable>${editable}</editable><field>${field}</field><readable>true</readable></fieldPermissions>`
const objectPermission = (object: string, ...rights: string[]) =>
  `<objectPermissions>${[
    'allowCreate',
    'allowDelete',
    'allowEdit',
    'allowRead',
    'modifyAllRecords',
    'viewAllRecords',
  ]
    .map((right) => `<${right}>${rights.includes(right)}</${right}>`)
    .join('')}<object>${object}</object></objectPermissions>`

describe('a component is refused', () => {
  const formula = '<errorConditionFormula>ISBLANK(Email)</errorConditionFormula>'
  const cases: [string, Buffer, string][] = [
    [
      'a permission set with a required field',
      permissionSet(fieldPermission('Placement_Fee__c.Placement__c')),
      'You cannot deploy to a required field: Placement_Fee__c.Placement__c',
    ],
    [
      'a permission set with a required standard field',
      permissionSet(fieldPermission('Lead.Company')),
      'You cannot deploy to a required field: Lead.Company',
    ],
    [
      'a permission set with an unknown field',
      permissionSet(fieldPermission('Lead.Nope__c')),
      'In field: field - no CustomField named Lead.Nope__c found',
    ],
    [
      'a permission set with an unknown object',
      permissionSet(objectPermission('Nope__c', 'allowRead')),
      'In field: object - no CustomObject named Nope__c found',
    ],
    [
      'a permission to edit without one to read',
      permissionSet(objectPermission('Placement__c', 'allowEdit')),
      'Permission Edit Placement__c depends on permission(s): Read Placement__c',
    ],
    [
      'a permission for a detail without one for its master',
      permissionSet(objectPermission('Placement_Fee__c', 'allowRead')),
      'Permission Read Placement_Fee__c depends on permission(s): Read Placement__c',
    ],
    [
      'a permission set with an Apex class that is not there',
      permissionSet(
        '<classAccesses><apexClass>Nope</apexClass><enabled>true</enabled></classAccesses>',
      ),
      'In field: apexClass - no ApexClass named Nope found',
    ],
    [
      'a layout with an unknown field',
      layout('Name', 'Nope__c'),
      'In field: field - no CustomField named Placement__c.Nope__c found',
    ],
    [
      'a flow about an unknown object',
      flow('Draft', 'x', '<object>Nope__c</object><triggerType>RecordAfterSave</triggerType>'),
      'In field: object - no CustomObject named Nope__c found',
    ],
    [
      'a flow definition without a flow',
      definition(1),
      'In field: fullName - no Flow named Crew_Flow found',
    ],
    [
      'an assignment to an unknown user',
      rules(
        rule(
          'Standard',
          true,
          toQueue.replace('Inbound_Leads', 'nobody').replace('Queue<', 'User<'),
        ),
      ),
      'In field: assignedTo - no User named nobody found',
    ],
    [
      'two active assignment rules',
      rules(rule('A', true, toQueue) + rule('B', true, toQueue)),
      'Only one assignment rule of Lead can be active',
    ],
    [
      'an assignment by an unknown field',
      rules(rule('A', true, toQueue.replace('LeadSource', 'Nope__c'))),
      'In field: field - no CustomField named Lead.Nope__c found',
    ],
    [
      'a record type with an unknown value',
      recordType(
        'Account.Key',
        '<active>true</active><label>Key</label><picklistValues><picklist>Region__c</picklist><values><fullName>MARS</fullName><default>false</default></values></picklistValues>',
      ),
      'Picklist value: MARS in picklist: Region__c not found',
    ],
    [
      'a validation rule without a message',
      validationRule('Lead.Mail', `<active>true</active>${formula}`),
      'Required field is missing: errorMessage',
    ],
    [
      'a validation rule about an unknown field',
      validationRule(
        'Lead.Mail',
        `<active>true</active>${formula.replace('Email', 'Nope__c')}<errorMessage>No</errorMessage>`,
      ),
      'Field Nope__c does not exist. Check spelling.',
    ],
    [
      'a validation rule with an unknown function',
      validationRule(
        'Lead.Mail',
        '<active>true</active><errorConditionFormula>ISEMPTY(Email)</errorConditionFormula><errorMessage>No</errorMessage>',
      ),
      'Unknown function ISEMPTY. Check spelling.',
    ],
    [
      'a validation rule that is neither true nor false',
      validationRule(
        'Lead.Mail',
        '<active>true</active><errorConditionFormula>LEN(Email)</errorConditionFormula><errorMessage>No</errorMessage>',
      ),
      'Formula result is data type (Number), incompatible with expected data type (true or false).',
    ],
    [
      'a validation rule that compares a picklist',
      validationRule(
        'Lead.Mail',
        '<active>true</active><errorConditionFormula>Status = "Open"</errorConditionFormula><errorMessage>No</errorMessage>',
      ),
      'Field Status is a picklist field. Picklist fields are only supported in certain functions.',
    ],
    [
      'a validation rule that compares a number with a text',
      validationRule(
        'Lead.Mail',
        '<active>true</active><errorConditionFormula>AND(AnnualRevenue &gt; "5")</errorConditionFormula><errorMessage>No</errorMessage>',
      ),
      "Incorrect parameter type for operator '>'. Expected Number, received Text",
    ],
    ...(
      [
        ['Name & Address', 'Field Address may not be used in this type of formula'],
        [
          'ISBLANK(NULLVALUE(Address, "x"))',
          'Field Address may not be used in this type of formula',
        ],
        [
          'ISBLANK(TEXT(Company))',
          "Incorrect parameter type for function 'TEXT()'. Expected Number, Date, DateTime, Picklist, received Text",
        ],
        [
          'TEXT(IsConverted) = "true"',
          "Incorrect parameter type for function 'TEXT()'. Expected Number, Date, DateTime, Picklist, received Boolean",
        ],
        [
          'TODAY() - CreatedDate > 3',
          "Incorrect parameter type for operator '-'. Expected Date, received DateTime",
        ],
        [
          'NOW() - ConvertedDate > 3',
          "Incorrect parameter type for operator '-'. Expected DateTime, received Date",
        ],
        [
          'ISBLANK(TODAY() + TODAY())',
          "Incorrect parameter type for operator '+'. Expected Number, received Date",
        ],
        [
          '5 - TODAY() > 3',
          "Incorrect parameter type for operator '-'. Expected Number, received Date",
        ],
      ] as const
    ).map(([refused, said]): [string, Awaited<ReturnType<typeof validationRule>>, string] => [
      `a validation rule whose formula is ${refused}`,
      validationRule(
        'Lead.Mail',
        `<active>true</active><errorConditionFormula>${refused.replaceAll('&', '&amp;').replaceAll('>', '&gt;')}</errorConditionFormula><errorMessage>No</errorMessage>`,
      ),
      said,
    ]),
    [
      'a permission set with an unknown user permission',
      zip({
        type: 'PermissionSet',
        name: 'Flying',
        path: 'permissionsets/Flying.permissionset',
        content:
          '<label>Flying</label><userPermissions><enabled>true</enabled><name>FlyToTheMoon</name></userPermissions>',
      }),
      'Unknown user permission: FlyToTheMoon',
    ],
    [
      'a validation rule with the suffix of a field',
      validationRule(
        'Lead.Mail__c',
        `<active>true</active>${formula}<errorMessage>No</errorMessage>`,
      ),
      'The Validation Rule API Name can only contain underscores and alphanumeric characters. It must be unique, begin with a letter, not include spaces, not end with an underscore, and not contain two consecutive underscores.',
    ],
    [
      'a tab of an unknown object',
      tab('Nope__c', '<customObject>true</customObject><motif>Custom1: Heart</motif>'),
      'In field: customObject - no CustomObject named Nope__c found',
    ],
    [
      'an object without its definition',
      zip({
        type: 'CustomObject',
        name: 'Placement__c',
        path: 'objects/Placement__c.object',
        content: '<fields><fullName>Day__c</fullName><label>Day</label><type>Date</type></fields>',
      }),
      'Must specify a non-empty label for the CustomObject',
    ],
    [
      'a component of a package',
      inObject('CustomField', 'fields')(
        'signhere__Envelope__c.signhere__Status__c',
        '<label>Status</label><type>Date</type>',
      ),
      'Cannot modify managed object: entity=CustomFieldDefinition, component=signhere__Status__c',
    ],
    [
      'a type that is not simulated',
      zip({ type: 'Workflow', name: 'Lead', path: 'workflows/Lead.workflow', content: '' }),
      'The simulator does not deploy Workflow',
    ],
    [
      'a file of another type',
      zipOf({ Flow: ['Crew_Flow'] }, { 'flows/Crew_Flow.flow': file('Layout', '') }),
      'Element {http://soap.sforce.com/2006/04/metadata}Layout invalid at this location, Flow expected',
    ],
  ]
  it.each(cases)('%s', async (_name, package_, problem) => {
    expect(await problemOf(await connect(sim, 'Acme'), package_)).toBe(problem)
  })

  it('a package without a manifest', async () => {
    const jsforce = await connect(sim, 'Acme')
    expect(await problemOf(jsforce, permissionSet(''), { singlePackage: false })).toBe(
      'No package.xml found',
    )
    const { result } = await deploy(jsforce, Buffer.from('no zip at all'))
    expect(result).toMatchObject({ status: 'Failed', errorStatusCode: 'INVALID_FILE' })
  })
})

describe('permission sets and profiles', () => {
  it('a permission set is replaced as a whole', async () => {
    const jsforce = await connect(sim, 'Acme')
    const read = async () => {
      const [found] = [await jsforce.metadata.read('PermissionSet', ['Crew'])].flat()
      return [found?.fieldPermissions ?? []].flat().map(({ field }) => field)
    }
    await deploy(
      jsforce,
      permissionSet(
        fieldPermission('Lead.Segment__c') + fieldPermission('Lead.Enriched_At__c', false),
      ),
    )
    expect(await read()).toEqual(['Lead.Enriched_At__c', 'Lead.Segment__c'])
    await deploy(jsforce, permissionSet(fieldPermission('Lead.Segment__c')))
    expect(await read()).toEqual(['Lead.Segment__c'])
    const same = await deploy(jsforce, permissionSet(fieldPermission('Lead.Segment__c')))
    expect(same.successes.find(({ fullName }) => fullName === 'Crew')).toMatchObject({
      created: false,
      changed: false,
    })
  })

  it('a profile keeps what the file does not name', async () => {
    const jsforce = await connect(sim, 'Acme')
    const client = await clientOf(sim.control)
    const { failures } = await deploy(
      jsforce,
      profile(
        '<fieldPermissions><editable>false</editable><field>Lead.Segment__c</field><readable>false</readable></fieldPermissions><layoutAssignments><layout>Nope-Nope</layout></layoutAssignments>',
      ),
    )
    expect(failures[0]?.problem).toBe('In field: layout - no Layout named Nope-Nope found')
    await deploy(
      jsforce,
      profile(
        '<fieldPermissions><editable>false</editable><field>Lead.Segment__c</field><readable>false</readable></fieldPermissions>',
      ),
    )
    const names = await fieldNames(client, 'Lead')
    expect(names).not.toContain('Segment__c')
    expect(names).toContain('Enrichment_Score__c')
  })
})

describe('flows', () => {
  const versions = async (org: string) => {
    const jsforce = await connect(sim, org)
    const { records } = await jsforce.tooling.query(
      "SELECT VersionNumber, Status FROM Flow WHERE Definition.DeveloperName = 'Crew_Flow' ORDER BY VersionNumber",
    )
    return records.map((row) => `${String(row['VersionNumber'])} ${String(row['Status'])}`)
  }

  it('become active in a sandbox as the file says, a new version for each change', async () => {
    const jsforce = await connect(sim, 'Acme Sandbox')
    await deploy(jsforce, flow('Active'))
    await deploy(jsforce, flow('Active'))
    expect(await versions('Acme Sandbox')).toEqual(['1 Active'])
    await deploy(jsforce, flow('Active', 'two'))
    expect(await versions('Acme Sandbox')).toEqual(['1 Obsolete', '2 Active'])
    await deploy(jsforce, flow('Draft', 'three'))
    expect(await versions('Acme Sandbox')).toEqual(['1 Obsolete', '2 Active', '3 Draft'])
  })

  it('land inactive in production, unless it deploys flows as active', async () => {
    const jsforce = await connect(sim, 'Acme')
    await deploy(jsforce, flow('Active'))
    expect(await versions('Acme')).toEqual(['1 Draft'])
    await sim.control.act('orgs/update', { org: 'Acme', settings: { deployFlowsAsActive: true } })
    await deploy(jsforce, flow('Active', 'two'))
    expect(await versions('Acme')).toEqual(['1 Draft', '2 Active'])
  })

  it('are activated and deactivated by their definition, and deleted only inactive', async () => {
    const jsforce = await connect(sim, 'Acme Sandbox')
    await deploy(jsforce, flow('Active'))
    await deploy(jsforce, flow('Active', 'two'))
    await deploy(jsforce, definition(1))
    expect(await versions('Acme Sandbox')).toEqual(['1 Active', '2 Obsolete'])
    const without = (name: string) =>
      zipOf(
        {},
        {
          'destructiveChanges.xml': file(
            'Package',
            `<types><members>${name}</members><name>Flow</name></types>`,
          ),
        },
      )
    expect(await problemOf(jsforce, without('Crew_Flow-1'))).toMatch(/^insufficient access/)
    expect((await deploy(jsforce, without('Crew_Flow-2'))).failures).toEqual([])
    await deploy(jsforce, definition(0))
    expect(await versions('Acme Sandbox')).toEqual(['1 Obsolete'])
    expect(await problemOf(jsforce, without('Crew_Flow'))).toMatch(/^insufficient access/)
    expect((await deploy(jsforce, without('Crew_Flow-1'))).failures).toEqual([])
    expect(await versions('Acme Sandbox')).toEqual([])
  })

  it('are activated by a second deploy of an inactive version’s own file, without a new version', async () => {
    const jsforce = await connect(sim, 'Acme Sandbox')
    await deploy(jsforce, flow('Draft'))
    await deploy(jsforce, flow('Active'))
    expect(await versions('Acme Sandbox')).toEqual(['1 Active'])
    await deploy(jsforce, flow('Active', 'two'))
    // The file of an older version is a new one again: only the newest is compared.
    await deploy(jsforce, flow('Active'))
    expect(await versions('Acme Sandbox')).toEqual(['1 Obsolete', '2 Obsolete', '3 Active'])
  })

  it('may have names of up to 80 characters', async () => {
    const jsforce = await connect(sim, 'Acme Sandbox')
    const named = (name: string) =>
      zip({
        type: 'Flow',
        name,
        path: `flows/${name}.flow`,
        content:
          '<label>Long</label><processType>AutoLaunchedFlow</processType><status>Draft</status>',
      })
    expect(await problemOf(jsforce, named('A'.repeat(80)))).toBeUndefined()
    expect(await problemOf(jsforce, named('A'.repeat(81)))).toMatch(/maximum length is:80/)
  })

  it('are given back with the types of their members, in files as in Tooling', async () => {
    const jsforce = await connect(sim, 'Acme Sandbox')
    const constant = (name: string, type: string, value: string) =>
      `<constants><name>${name}</name><dataType>${type}</dataType><value>${value}</value></constants>`
    const content = [
      '<apiVersion>60.0</apiVersion>',
      constant('Half', 'Number', '<numberValue>0.50</numberValue>'),
      constant('Five', 'Number', '<numberValue>5.0</numberValue>'),
      constant('Words', 'String', '<stringValue>true</stringValue>'),
      constant('On', 'Boolean', '<booleanValue>true</booleanValue>'),
      constant('Then', 'DateTime', '<dateTimeValue>2026-01-02T03:04:05.000Z</dateTimeValue>'),
      '<label>Typed</label><processType>AutoLaunchedFlow</processType>',
      '<start><locationX>050</locationX><locationY>0</locationY></start><status>Draft</status>',
    ].join('')
    await deploy(jsforce, zip({ type: 'Flow', name: 'Typed', path: 'flows/Typed.flow', content }))
    const { records } = await jsforce.tooling.query(
      "SELECT Metadata FROM Flow WHERE Definition.DeveloperName = 'Typed'",
    )
    expect(records[0]?.['Metadata']).toMatchObject({
      apiVersion: 60,
      start: { locationX: 50 },
      constants: [
        { value: { numberValue: 0.5 } },
        { value: { numberValue: 5 } },
        { value: { stringValue: 'true' } },
        { value: { booleanValue: true } },
        { value: { dateTimeValue: '2026-01-02T03:04:05.000+0000' } },
      ],
    })
    const { zipFile } = await jsforce.metadata
      .retrieve({
        apiVersion: '67.0',
        singlePackage: true,
        unpackaged: { types: [{ name: 'Flow', members: ['Typed'] }], version: '67.0' },
      } as unknown as Parameters<typeof jsforce.metadata.retrieve>[0])
      .complete()
    const files = unzipSync(Buffer.from(zipFile, 'base64'))
    const written = strFromU8(files['flows/Typed.flow'] ?? new Uint8Array())
    for (const element of [
      '<apiVersion>60.0</apiVersion>',
      '<numberValue>0.5</numberValue>',
      '<numberValue>5.0</numberValue>',
      '<locationX>50</locationX>',
      '<dateTimeValue>2026-01-02T03:04:05.000Z</dateTimeValue>',
    ]) {
      expect(written).toContain(element)
    }
  })

  const ON_LEAD =
    '<object>Lead</object><recordTriggerType>Update</recordTriggerType><triggerType>RecordAfterSave</triggerType>'
  const set = (reference: string, more = '') =>
    `<variables><name>Text</name><dataType>String</dataType></variables><assignments><name>Set</name><label>Set</label><locationX>0</locationX><locationY>0</locationY><assignmentItems><assignToReference>Text</assignToReference><operator>Assign</operator><value>${reference}</value></assignmentItems>${more}</assignments>`
  const triggered = (content: string, connector = 'Set') =>
    zip({
      type: 'Flow',
      name: 'Refers',
      path: 'flows/Refers.flow',
      content: `<label>Refers</label><processType>AutoLaunchedFlow</processType><start><locationX>0</locationX><locationY>0</locationY><connector><targetReference>${connector}</targetReference></connector>${ON_LEAD}</start><status>Draft</status>${content}`,
    })
  const named = (path: string) => set(`<elementReference>${path}</elementReference>`)

  it.each<[string, Buffer, RegExp | undefined]>([
    ['a start that leads nowhere', triggered(named('Text'), 'Nope'), /no element .* Nope/],
    [
      'an element that leads nowhere',
      triggered(
        set(
          '<stringValue>x</stringValue>',
          '<connector><targetReference>Gone</targetReference></connector>',
        ),
      ),
      /no element .* Gone/,
    ],
    ['a resource that is not there', triggered(named('Nope')), /no element or resource .* Nope/],
    ['a field of the record', triggered(named('$Record.Email')), undefined],
    [
      'no field of the record',
      triggered(named('$Record.Nope__c')),
      /no CustomField .*Lead.Nope__c/,
    ],
    ['no field before it', triggered(named('$Record__Prior.Nope__c')), /no CustomField/],
    [
      'no field within a text',
      triggered(set('<stringValue>Dear {!$Record.Nope__c}</stringValue>')),
      /no CustomField/,
    ],
    ['a field of one of several objects', triggered(named('$Record.Owner:User.Email')), undefined],
    ['no field of it', triggered(named('$Record.Owner:User.Nope__c')), /User.Nope__c/],
    ['an object it does not refer to', triggered(named('$Record.Owner:Account.Name')), /Account/],
    ['the running user', triggered(named('$User.Email')), undefined],
    ['no field of the running user', triggered(named('$User.Nope__c')), /User.Nope__c/],
    ['a label of a package', triggered(named('$Label.ns__Greeting')), undefined],
    ['a label that nobody wrote', triggered(named('$Label.Greeting')), /\$Label.Greeting/],
  ])('name what exists: %s', async (_what, package_, problem) => {
    const jsforce = await connect(sim, 'Acme Sandbox')
    const said = await problemOf(jsforce, package_)
    if (problem === undefined) expect(said).toBeUndefined()
    else expect(said).toMatch(problem)
  })
})

describe('assignment rules', () => {
  it('one is active: activating another deactivates it, and rules not named stay', async () => {
    const jsforce = await connect(sim, 'Acme')
    const { failures } = await deploy(jsforce, rules(rule('Weekend', true, toQueue)))
    expect(failures).toEqual([])
    const { records } = await jsforce.query(
      "SELECT Name, Active FROM AssignmentRule WHERE SobjectType = 'Lead' ORDER BY Name",
    )
    expect(records).toMatchObject([
      { Name: 'Standard', Active: false },
      { Name: 'Weekend', Active: true },
    ])
  })

  it.each<[string, string, string]>([
    ['no entries', 'Lead', ''],
    [
      'an entry that leaves the record with its owner',
      'Lead',
      '<ruleEntry><criteriaItems><field>Lead.LeadSource</field><operation>equals</operation><value>Web</value></criteriaItems></ruleEntry>',
    ],
    [
      'criteria on a related record',
      'Case',
      '<ruleEntry><criteriaItems><field>Account.Type</field><operation>equals</operation><value>Customer</value></criteriaItems></ruleEntry>',
    ],
  ])('may have %s', async (_what, object, entries) => {
    const jsforce = await connect(sim, 'Acme')
    const content = `<assignmentRule><fullName>Odd</fullName><active>true</active>${entries}</assignmentRule>`
    const odd = zip({
      type: 'AssignmentRules',
      name: object,
      path: `assignmentRules/${object}.assignmentRules`,
      content,
    })
    expect(await problemOf(jsforce, odd)).toBeUndefined()
    // What is not returned as it was would be rewritten by a tool that merges the file.
    const again = await deploy(jsforce, odd)
    expect(again.successes.find(({ fullName }) => fullName === object)).toMatchObject({
      changed: false,
    })
    const row = object === 'Lead' ? { LastName: 'A', Company: 'B' } : { Subject: 'C' }
    await sim.control.act('records/insert', { org: 'Acme', object, rows: [row] })
  })
})

describe('what was deployed is given back', () => {
  it('and what a retrieve gives can be deployed again as it is', async () => {
    const jsforce = await connect(sim, 'Acme')
    const types = {
      CustomObject: ['Placement__c', 'Placement_Fee__c', 'Lead', 'Case', 'Account'],
      AssignmentRules: ['Lead', 'Case'],
      Flow: ['Lead_Set_Segment', 'Nightly_Cleanup'],
      FlowDefinition: ['Lead_Set_Segment'],
      Layout: ['*'],
      CustomTab: ['*'],
      PermissionSet: ['Placement_Manager'],
      Profile: ['Admin'],
    }
    const { metadata } = jsforce
    const request = {
      apiVersion: '67.0',
      singlePackage: true,
      unpackaged: {
        types: Object.entries(types).map(([name, members]) => ({ name, members })),
        version: '67.0',
      },
    } as unknown as Parameters<typeof metadata.retrieve>[0]
    const retrieved = await metadata.retrieve(request).complete()
    const again = await deploy(jsforce, Buffer.from(retrieved.zipFile, 'base64'))
    expect(again.failures).toEqual([])
    expect(again.result.status).toBe('Succeeded')
  })

  it('by readMetadata and by describe, for every type', async () => {
    const jsforce = await connect(sim, 'Acme')
    const all: [Buffer, string, string, Record<string, unknown>][] = [
      [
        recordType(
          'Account.Key',
          '<active>true</active><description>Big ones</description><label>Key account</label><picklistValues><picklist>Region__c</picklist><values><fullName>EMEA</fullName><default>true</default></values></picklistValues>',
        ),
        'RecordType',
        'Account.Key',
        { active: true, label: 'Key account', description: 'Big ones' },
      ],
      [
        validationRule(
          'Lead.Mail',
          '<active>false</active><errorConditionFormula>ISBLANK(Email)</errorConditionFormula><errorDisplayField>Email</errorDisplayField><errorMessage>An address, please</errorMessage>',
        ),
        'ValidationRule',
        'Lead.Mail',
        { active: false, errorDisplayField: 'Email', errorMessage: 'An address, please' },
      ],
      [
        layout('Name', 'Stage__c'),
        'Layout',
        'Placement__c-Crew Layout',
        { layoutSections: [expect.objectContaining({ style: 'OneColumn' })] },
      ],
      [
        tab('Placement__c', '<customObject>true</customObject><motif>Custom1: Heart</motif>'),
        'CustomTab',
        'Placement__c',
        { customObject: true, motif: 'Custom1: Heart' },
      ],
      [flow('Draft'), 'Flow', 'Crew_Flow', { label: 'Crew flow', description: 'one' }],
      [
        permissionSet(
          '<tabSettings><tab>Placement__c</tab><visibility>Visible</visibility></tabSettings>' +
            objectPermission('Placement__c', 'allowRead'),
        ),
        'PermissionSet',
        'Crew',
        { label: 'Crew', tabSettings: [{ tab: 'Placement__c', visibility: 'Visible' }] },
      ],
    ]
    for (const [package_, type, name, expected] of all) {
      expect((await deploy(jsforce, package_)).failures).toEqual([])
      const [found] = [await jsforce.metadata.read(type as 'Flow', [name])].flat()
      expect(found).toMatchObject({ fullName: name, ...expected })
    }
    const { recordTypeInfos, fields } = await jsforce.describe('Account')
    expect(recordTypeInfos.find(({ name }) => name === 'Key account')).toMatchObject({
      developerName: 'Key',
      active: true,
    })
    expect(fields.map(({ name }) => name)).toContain('RecordTypeId')
  })
})
