import { describe, expect, it } from 'vitest'
import { checkPlan, parsePlan } from '../../plan/check.ts'
import { compilePlan } from '../../plan/compile.ts'
import { componentsOf, componentsToRead } from '../../plan/components.ts'
import { destructiveChanges } from '../../plan/manifest.ts'
import { planHash } from '../../plan/plan-hash.ts'
import { type PlanInput, planSchema } from '../../plan/schema.ts'
import { type Component } from '../names.ts'
import { writeParts } from '../parts.ts'
import { sceneAt, undone } from '../testing/scenes.ts'
import { type HoldingRecords, type Undoing } from '../undoing.ts'
import { readRoot } from '../xml-tree.ts'
import { queue } from './queue.ts'

type QueueInput = NonNullable<PlanInput['queues']>[number]

const PATH = 'queues/Desk.queue'
const DESK: Component = { type: 'Queue', fullName: 'Desk' }

const planned = (more: Partial<QueueInput> = {}): QueueInput => ({
  api_name: 'Desk',
  label: 'Front desk',
  objects: ['Lead', 'Job__c'],
  ...more,
})
const compile = (one: QueueInput, current?: string) =>
  compilePlan(parsePlan({ queues: [one] }), {
    current: new Map(current === undefined ? [] : [[PATH, current]]),
  })
const rootOf = (one: QueueInput, current?: string) =>
  readRoot(compile(one, current).files.get(PATH) ?? '<Queue/>', 'Queue')

/** As in a retrieve, with a member and members that plans do not support. */
const THERE = `<?xml version="1.0" encoding="UTF-8"?>
<Queue xmlns="http://soap.sforce.com/2006/04/metadata">
    <doesIncludeBosses>true</doesIncludeBosses>
    <doesSendEmailToMembers>true</doesSendEmailToMembers>
    <email>desk@acme.example</email>
    <name>Front desk</name>
    <queueMembers>
        <users>
            <user>ann@acme.example</user>
        </users>
    </queueMembers>
    <queueRoutingConfig>Quick</queueRoutingConfig>
    <queueSobject>
        <sobjectType>Case</sobjectType>
    </queueSobject>
</Queue>
`

describe('a queue that does not exist', () => {
  it('is made with its members and objects', () => {
    const members = { roles: ['CEO'], users: ['ann@acme.example', 'bob@acme.example'] }
    const { files, members: named, components } = compile(planned({ members }))
    expect([...named]).toEqual([['Queue', ['Desk']]])
    expect(components).toEqual([{ ...DESK, path: 'queues.0' }])
    expect(files.get(PATH)).toBe(`<?xml version="1.0" encoding="UTF-8"?>
<Queue xmlns="http://soap.sforce.com/2006/04/metadata">
    <doesSendEmailToMembers>false</doesSendEmailToMembers>
    <name>Front desk</name>
    <queueMembers>
        <roles>
            <role>CEO</role>
        </roles>
        <users>
            <user>ann@acme.example</user>
            <user>bob@acme.example</user>
        </users>
    </queueMembers>
    <queueSobject>
        <sobjectType>Lead</sobjectType>
    </queueSobject>
    <queueSobject>
        <sobjectType>Job__c</sobjectType>
    </queueSobject>
</Queue>
`)
  })

  it('needs no object and no permission set beside it', () => {
    const plan = parsePlan({ queues: [planned()] })
    expect(componentsOf(plan).map(({ type }) => type)).toEqual(['Queue'])
    expect(componentsToRead(plan)).toEqual([DESK])
    expect(queue.mentions?.(plan)).toEqual(['Lead', 'Job__c'])
  })
})

describe('a queue that exists', () => {
  it('keeps its members and objects, in front of those that the plan adds', () => {
    const more = planned({
      objects: ['Lead', 'case'],
      members: { users: ['bob@acme.example', 'ANN@acme.example'], public_groups: ['Staff'] },
    })
    expect(rootOf(more, THERE)).toMatchObject({
      queueMembers: {
        publicGroups: { publicGroup: 'Staff' },
        users: { user: ['ann@acme.example', 'bob@acme.example'] },
      },
      queueSobject: [{ sobjectType: 'Case' }, { sobjectType: 'Lead' }],
    })
  })

  it('keeps what the plan does not say or cannot say', () => {
    expect(rootOf(planned({ label: 'Desk' }), THERE)).toMatchObject({
      doesIncludeBosses: 'true',
      doesSendEmailToMembers: 'true',
      email: 'desk@acme.example',
      name: 'Desk',
      queueRoutingConfig: 'Quick',
    })
    const said = planned({ email: 'new@acme.example', email_members: false })
    expect(rootOf(said, THERE)).toMatchObject({
      doesSendEmailToMembers: 'false',
      email: 'new@acme.example',
    })
  })

  it('is not sent when all of it is in place', () => {
    const { files, unchanged } = compile(planned({ objects: ['case'] }), THERE)
    expect([files.size, unchanged.length]).toEqual([0, 1])
  })
})

describe('a plan of queues', () => {
  const errorsOf = (...queues: QueueInput[]) =>
    checkPlan(planSchema.parse({ queues })).map(({ path, code }) => `${path} ${code}`)

  it('reports what is wrong with names and addresses', () => {
    expect(errorsOf(planned())).toEqual([])
    expect(errorsOf(planned(), planned({ api_name: 'DESK' }))).toEqual([
      'queues.1.api_name duplicate',
    ])
    expect(errorsOf(planned({ api_name: 'Front desk' }))).toEqual([
      'queues.0.api_name name_bad_character',
    ])
    expect(errorsOf(planned({ email: 'desk' }))).toEqual(['queues.0.email bad_email'])
    expect(planSchema.safeParse({ queues: [planned({ objects: [] })] }).success).toBe(false)
  })

  it('has the hash of the same queues in another order', () => {
    const hashOf = (...queues: QueueInput[]) => planHash(parsePlan({ queues }))
    const other = planned({ api_name: 'Other' })
    expect(hashOf(planned(), other)).toBe(hashOf(other, planned()))
    expect(hashOf(planned())).not.toBe(hashOf(planned({ objects: ['Lead'] })))
  })
})

describe('a queue rolled back', () => {
  const MINE = compile(planned()).files.get(PATH) ?? ''
  const undo = (
    made: boolean,
    [before, after, now]: readonly [string | null, string | null, string | null],
    {
      owned = [],
      goes = [],
      rules = [],
    }: { owned?: HoldingRecords[]; goes?: string[]; rules?: Component[] } = {},
  ): Undoing =>
    undone(
      { component: DESK, made },
      sceneAt([{ [PATH]: before }, { [PATH]: after }, { [PATH]: now }], {
        goes: new Set(goes),
        heldBy: () => owned,
        usersOf: () => rules,
      }),
    )

  it('goes where the deployment made it, behind the objects whose records it may own', () => {
    expect(undo(true, [null, MINE, MINE]).remove).toBe(true)
    const plan = parsePlan({ queues: [planned()] })
    const job = { type: 'CustomObject', fullName: 'Job__c' }
    expect([...destructiveChanges([DESK, job], plan).deleteAfter.keys()]).toEqual([
      'CustomObject',
      'Queue',
    ])
  })

  it('stays while it owns records, but not for those of an object that goes too', () => {
    const owned = [
      { object: 'Lead', rows: 2 },
      { object: 'Job__c', rows: 1 },
    ]
    expect(undo(true, [null, MINE, MINE], { owned, goes: ['job__c'] })).toMatchObject({
      remove: false,
      kept: {
        reason: 'It owns 2 records of Lead. Give them a different owner first.',
        removable: true,
      },
    })
    expect(undo(true, [null, MINE, MINE], { owned: owned.slice(1), goes: ['job__c'] }).remove).toBe(
      true,
    )
  })

  it('stays while an assignment rule names it', () => {
    const file = {
      fullName: 'Lead',
      assignmentRule: [
        { fullName: 'Web', ruleEntry: { assignedTo: 'DESK', assignedToType: 'Queue' } },
        { fullName: 'Mail', ruleEntry: { assignedTo: 'desk', assignedToType: 'User' } },
      ],
    }
    const rules = queue.namedIn?.by('Desk', file) ?? []
    expect(rules.map(({ fullName }) => fullName)).toEqual(['Lead.Web'])
    expect(queue.namedIn?.files(readRoot(MINE, 'Queue'))).toEqual(['Lead'])
    expect(undo(true, [null, MINE, MINE], { rules })).toMatchObject({
      remove: false,
      kept: { reason: 'It is used by the assignment rule Lead.Web.', removable: true },
    })
  })

  it('stays where somebody changed it since', () => {
    expect(undo(true, [null, MINE, THERE]).kept).toMatchObject({ drifted: true })
  })

  it('that was there before is put back as it was, without the members that it gained', () => {
    const bare = THERE.replace(/\s*<queueMembers>[^]*<\/queueMembers>/, '')
    const more = compile(planned({ members: { roles: ['CEO'] } }), bare).files.get(PATH) ?? ''
    const { restore } = undo(false, [bare, more, more])
    expect(restore).toMatchObject({ element: { queueMembers: '' } })
    const element = restore !== null && 'element' in restore ? restore.element : {}
    const written = writeParts([{ component: DESK, element }]).get(PATH) ?? ''
    expect(written).toContain('<queueMembers></queueMembers>')
    expect(readRoot(written, 'Queue').queueSobject).toEqual({ sobjectType: 'Case' })
  })
})
