// Automations as a third-party client sees them: flows and assignment rules.

import { type Connection } from '@jsforce/jsforce-node'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { connect, deploy, file, zipOf } from '../salesforce/metadata/deploy/testing/deploys.ts'
import { startRig, type Rig } from '../testing/rig.ts'

let sim: Rig
let jsforce: Connection
beforeAll(async () => {
  sim = await startRig()
})
beforeEach(async () => {
  await sim.control.reset()
  jsforce = await connect(sim, 'Acme')
  await sim.control.act('orgs/update', { org: 'Acme', settings: { deployFlowsAsActive: true } })
})
afterAll(() => sim.close())

const FLOW = `
    <actionCalls>
        <name>Tell</name>
        <label>Tell</label>
        <locationX>50</locationX>
        <locationY>200</locationY>
        <actionName>Lead.Big_Lead</actionName>
        <actionType>emailAlert</actionType>
        <flowTransactionModel>CurrentTransaction</flowTransactionModel>
        <inputParameters>
            <name>SObjectRowId</name>
            <value>
                <elementReference>$Record.Id</elementReference>
            </value>
        </inputParameters>
        <nameSegment>Lead.Big_Lead</nameSegment>
    </actionCalls>
    <apiVersion>67.0</apiVersion>
    <decisions>
        <name>How_Big</name>
        <label>How big</label>
        <locationX>50</locationX>
        <locationY>50</locationY>
        <defaultConnectorLabel>Small</defaultConnectorLabel>
        <rules>
            <name>Big</name>
            <conditionLogic>1 OR 2</conditionLogic>
            <conditions>
                <leftValueReference>Employees_In_Thousands</leftValueReference>
                <operator>GreaterThan</operator>
                <rightValue>
                    <numberValue>5.0</numberValue>
                </rightValue>
            </conditions>
            <conditions>
                <leftValueReference>$Record.Rating</leftValueReference>
                <operator>EqualTo</operator>
                <rightValue>
                    <stringValue>Hot</stringValue>
                </rightValue>
            </conditions>
            <connector>
                <targetReference>Follow_Up</targetReference>
            </connector>
            <label>Big</label>
        </rules>
    </decisions>
    <formulas>
        <name>Employees_In_Thousands</name>
        <dataType>Number</dataType>
        <expression>{!$Record.NumberOfEmployees} / 1000</expression>
        <scale>1</scale>
    </formulas>
    <interviewLabel>Lead big {!$Flow.CurrentDateTime}</interviewLabel>
    <label>Lead big</label>
    <processType>AutoLaunchedFlow</processType>
    <recordCreates>
        <name>Follow_Up</name>
        <label>Follow up</label>
        <locationX>50</locationX>
        <locationY>100</locationY>
        <connector>
            <targetReference>Tell</targetReference>
        </connector>
        <inputAssignments>
            <field>Subject</field>
            <value>
                <stringValue>Call {!$Record.Name}</stringValue>
            </value>
        </inputAssignments>
        <inputAssignments>
            <field>WhoId</field>
            <value>
                <elementReference>$Record.Id</elementReference>
            </value>
        </inputAssignments>
        <object>Task</object>
        <storeOutputAutomatically>true</storeOutputAutomatically>
    </recordCreates>
    <start>
        <locationX>50</locationX>
        <locationY>0</locationY>
        <connector>
            <targetReference>How_Big</targetReference>
        </connector>
        <doesRequireRecordChangedToMeetCriteria>true</doesRequireRecordChangedToMeetCriteria>
        <filterLogic>and</filterLogic>
        <filters>
            <field>IsConverted</field>
            <operator>EqualTo</operator>
            <value>
                <booleanValue>false</booleanValue>
            </value>
        </filters>
        <filters>
            <field>Company</field>
            <operator>IsNull</operator>
            <value>
                <booleanValue>false</booleanValue>
            </value>
        </filters>
        <object>Lead</object>
        <recordTriggerType>CreateAndUpdate</recordTriggerType>
        <triggerType>RecordAfterSave</triggerType>
    </start>
    <status>Active</status>`

const deployFlow = async (content: string) => {
  const { failures } = await deploy(
    jsforce,
    zipOf({ Flow: ['Lead_Big'] }, { 'flows/Lead_Big.flow': file('Flow', content) }),
  )
  expect(failures).toEqual([])
}

const tasks = async () =>
  (
    await jsforce.query<{ Subject: string; WhoId: string }>(
      "SELECT Subject, WhoId FROM Task WHERE Subject LIKE 'Call %'",
    )
  ).records

describe('jsforce', () => {
  it('deploys a flow, which then acts on the records that it saves', async () => {
    await deployFlow(FLOW)
    const results = await jsforce.sobject('Lead').create([
      { LastName: 'Big', Company: 'x', NumberOfEmployees: 5100 },
      { LastName: 'Rounded', Company: 'x', NumberOfEmployees: 5010 },
      { LastName: 'Hot', Company: 'x', Rating: 'Hot' },
    ])
    expect(results.map(({ success }) => success)).toEqual([true, true, true])
    const called = await tasks()
    expect(called.map(({ Subject }) => Subject).sort()).toEqual(['Call Big', 'Call Hot'])
    const sent = await sim.control.act('emails/list', { org: 'Acme', flow: 'Lead_Big' })
    expect(sent.map(({ name, recordId }) => [name, recordId])).toEqual([
      ['Lead.Big_Lead', results[0]?.id],
      ['Lead.Big_Lead', results[2]?.id],
    ])
    // It matched before: nothing starts.
    await jsforce.sobject('Lead').update({ Id: results[0]?.id ?? '', Title: 'x' })
    expect(await tasks()).toHaveLength(2)
  })

  it('is refused by a flow that fails, in a row of a collection as alone', async () => {
    await deployFlow(
      FLOW.replace('<object>Task</object>', '<object>Case</object>').replaceAll(
        '<field>WhoId</field>',
        '<field>ContactId</field>',
      ),
    )
    const leads = jsforce.sobject('Lead')
    const rows = [
      { LastName: 'Big', Company: 'x', NumberOfEmployees: 9000 },
      { LastName: 'Small', Company: 'x' },
    ]
    const results = await leads.create(rows)
    expect(results.map(({ success }) => success)).toEqual([false, true])
    expect(results[0]?.errors[0]).toMatchObject({
      statusCode: 'CANNOT_EXECUTE_FLOW_TRIGGER',
      message: expect.stringMatching(
        /^We can't save this record because the “Lead big” process failed\. .* tried to create records: FIELD_INTEGRITY_EXCEPTION: .* Error element Follow_Up \(FlowRecordCreate\)\.$/,
      ) as string,
      fields: [],
    })
    await expect(leads.create(rows[0] ?? {})).rejects.toMatchObject({
      errorCode: 'CANNOT_EXECUTE_FLOW_TRIGGER',
    })
  })

  it('stops a flow by deactivating it', async () => {
    await deployFlow(FLOW)
    const definition = zipOf(
      { FlowDefinition: ['Lead_Big'] },
      {
        'flowDefinitions/Lead_Big.flowDefinition': file(
          'FlowDefinition',
          '<activeVersionNumber>0</activeVersionNumber>',
        ),
      },
    )
    expect((await deploy(jsforce, definition)).failures).toEqual([])
    await jsforce.sobject('Lead').create({ LastName: 'Big', Company: 'x', NumberOfEmployees: 9000 })
    expect(await tasks()).toEqual([])
  })
})

describe('assignment rules, as jsforce meets them', () => {
  const owner = async (object: string, id: string | undefined) =>
    (
      await jsforce.query<{ Owner: { Name: string } }>(
        `SELECT Owner.Name FROM ${object} WHERE Id = '${id}'`,
      )
    ).records[0]?.Owner.Name
  const auto = (value: string) => ({ headers: { 'Sforce-Auto-Assign': value } })

  const ruleId = async (object: string, name: string) =>
    (
      await jsforce.query<{ Id: string }>(
        `SELECT Id FROM AssignmentRule WHERE SobjectType = '${object}' AND Name = '${name}'`,
      )
    ).records[0]?.Id ?? ''

  it.each([
    ['Lead', { LastName: 'a', Company: 'a', LeadSource: 'Web' }, 'Inbound Leads'],
    ['Case', { Subject: 'a', Origin: 'Email' }, 'Support'],
  ])('run by default, and not for Sforce-Auto-Assign: FALSE: %s', async (object, row, queue) => {
    const table = jsforce.sobject(object)
    const mine = (await table.create({ ...row }, auto('FALSE'))).id
    const theirs = (await table.create({ ...row })).id
    const alsoTheirs = (await table.create([{ ...row }], auto('TRUE')))[0]?.id
    const own = await owner(object, mine)
    expect(own).not.toBe(queue)
    expect([await owner(object, theirs), await owner(object, alsoTheirs)]).toEqual([queue, queue])
    // On updates too: the owner changes without a request.
    await table.update({ Id: mine ?? '', Description: 'x' }, auto('false'))
    expect(await owner(object, mine)).toBe(own)
    await table.update({ Id: mine ?? '', Description: 'y' })
    expect(await owner(object, mine)).toBe(queue)
  })

  it('are chosen by id, active or not; one that does not exist fails the row', async () => {
    const cases = jsforce.sobject('Case')
    const row = { Subject: 'a', Origin: 'Email' }
    const { id } = await cases.create(row, auto(await ruleId('Case', 'Holiday Cover')))
    expect(await owner('Case', id)).not.toBe('Support')
    await expect(cases.create(row, auto(await ruleId('Lead', 'Standard')))).rejects.toMatchObject({
      errorCode: 'INVALID_CROSS_REFERENCE_KEY',
    })
  })

  it('decide by the first entry that fits: criteria by their logic, a formula, a user or a queue', async () => {
    const [user] =
      (await sim.control.orgs())[0]?.usernames.filter((name) => name.startsWith('integration')) ??
      []
    const item = (field: string, operation: string, value: string) =>
      `<criteriaItems><field>Lead.${field}</field><operation>${operation}</operation><value>${value}</value></criteriaItems>`
    const { failures } = await deploy(
      jsforce,
      zipOf(
        { AssignmentRules: ['Lead'] },
        {
          'assignmentRules/Lead.assignmentRules': file(
            'AssignmentRules',
            `<assignmentRule><fullName>Triage</fullName><active>true</active>
             <ruleEntry><assignedTo>${user}</assignedTo><assignedToType>User</assignedToType><booleanFilter>1 AND (2 OR 3)</booleanFilter>
             ${item('Company', 'startsWith', 'Acme,Globex')}${item('NumberOfEmployees', 'greaterThan', '100')}${item('Rating', 'equals', 'Hot')}</ruleEntry>
             <ruleEntry><assignedTo>Inbound_Leads</assignedTo><assignedToType>Queue</assignedToType><formula>AND(ISPICKVAL(LeadSource, "Web"), NOT(ISBLANK(Email)))</formula></ruleEntry>
             </assignmentRule>`,
          ),
        },
      ),
    )
    expect(failures).toEqual([])
    const leads = jsforce.sobject('Lead')
    const given = async (row: Record<string, unknown>) => {
      const { id } = await leads.create({ LastName: 'a', Company: 'a', ...row })
      return owner('Lead', id)
    }
    const unassigned = await given({})
    const person = await given({ Company: 'Acme Inc', Rating: 'Hot' })
    expect(person).not.toBe(unassigned)
    expect(await given({ Company: 'Globex', NumberOfEmployees: 101 })).toBe(person)
    expect(await given({ Company: 'Globex', NumberOfEmployees: 99 })).toBe(unassigned)
    expect(await given({ Company: 'Other', Rating: 'Hot' })).toBe(unassigned)
    expect(await given({ LeadSource: 'Web', Email: 'a@b.example' })).toBe('Inbound Leads')
    expect(await given({ LeadSource: 'Web' })).toBe(unassigned)
  })
})
