import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Control, createControl } from '../../../../../simulator/src/control/client.ts'
import { type Simulator, startSimulator } from '../../../../../simulator/src/index.ts'
import { createDatabase } from '../../../../../test/src/database.ts'
import { LOOKED_AT_MAX } from '../../metadata/fields/at-stake.ts'
import { soql, urlPath } from '../../../salesforce/escape.ts'
import { query } from '../../../salesforce/rest.ts'
import { type LiveFacts } from '../facts.ts'
import { type ConflictsRig, createConflictsRig } from '../testing/rig.ts'
import { PUBLIC_GROUPS, QUEUES, ROLES, USERS } from '../../metadata/named-records.ts'
import { createLiveFacts } from './live.ts'

let simulator: Simulator
let control: Control
let rig: ConflictsRig
const ORG = 'Acme'

beforeAll(async () => {
  simulator = await startSimulator()
  control = createControl(simulator.controlUrl)
  const { token, instanceUrl } = await control.openSession(ORG)
  rig = await createConflictsRig({ database: await createDatabase(), token, instanceUrl })
  await rig.pull()
})
afterEach(() => control.clearFaults())
afterAll(async () => {
  await rig.close()
  await simulator.close()
})

/** Live facts of a new check over the newest snapshot. */
const facts = async (
  describe: string[] = ['Account', 'Lead', 'Placement__c'],
): Promise<LiveFacts> => {
  const snapshot = await rig.topology.newestComplete(rig.tenant, rig.clientId)
  if (snapshot === null) throw new Error('no snapshot')
  const describes = await snapshot.readObjects(describe)
  return createLiveFacts({
    org: rig.org,
    userId: rig.sfdcUserId,
    snapshot: {
      apiVersion: snapshot.apiVersion,
      objectNames: snapshot.objectNames,
      describeOf: (name) =>
        [...describes].find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1] ?? null,
    },
    packageSize: null,
  })
}

const callsOf = async (work: () => Promise<unknown>): Promise<number> => {
  const before = rig.org.calls
  await work()
  return rig.org.calls - before
}

describe('live facts', () => {
  it('count rows, filled rows, repeated values and picklist values', async () => {
    const live = await facts()
    expect(await live.recordCount('Account')).toBe(2)
    expect(await live.filledCount('Account', 'ParentId')).toBe(1)
    expect(await live.duplicatesOf('Account', 'OwnerId')).toBe(1)
    expect(await live.duplicatesOf('Account', 'Name')).toBe(0)
    expect(await live.valueCounts('Account', 'Industry')).toEqual(
      new Map([
        ['Technology', 1],
        ['Energy', 1],
      ]),
    )
  })

  it('count what is in the Recycle Bin where Salesforce does', async () => {
    const fill = (count: number) =>
      control.act('records/fill', {
        org: ORG,
        object: 'Placement__c',
        count,
        template: { Stage__c: 'Offer' },
      })
    await fill(2)
    const live = await facts()
    const [count, filled, repeated] = await Promise.all([
      live.recordCount('Placement__c'),
      live.filledCount('Placement__c', 'Stage__c'),
      live.duplicatesOf('Placement__c', 'Stage__c'),
    ])
    const found = query(rig.org, soql`SELECT Id FROM Placement__c WHERE Stage__c = 'Offer' LIMIT 1`)
    const { value: row } = await found.next()
    await rig.org.request({
      method: 'DELETE',
      path: urlPath`/sobjects/Placement__c/${String(row?.Id)}`,
    })
    const later = await facts()
    expect(await later.recordCount('Placement__c')).toBe((count ?? 0) - 1)
    expect(await later.recordCount('Placement__c', 'deleted_too')).toBe(count)
    expect(await later.filledCount('Placement__c', 'Stage__c', 'deleted_too')).toBe(filled)
    expect(await later.duplicatesOf('Placement__c', 'Stage__c', 'deleted_too')).toBe(repeated)
  })

  it('read what components say, those of one type in one call; of one that is absent nothing', async () => {
    const live = await facts()
    const calls = await callsOf(async () => {
      const [layout, absent] = await Promise.all([
        live.contentOf('Layout', 'lead-LEAD layout'),
        live.contentOf('Layout', 'Lead-Absent Layout'),
      ])
      expect(layout).toHaveProperty('layoutSections')
      expect(layout).not.toHaveProperty('fullName')
      expect(absent).toBeNull()
    })
    expect(calls).toBe(1)
    expect(await live.contentOf('NoSuchType', 'Absent')).toBeNull()
  })

  it('count what belongs to the Salesforce org, and know nothing of types that are not listed', async () => {
    const live = await facts()
    expect(await live.componentCount('CustomLabel')).toBe(0)
    expect(await live.componentCount('CustomField')).toBeGreaterThan(0)
    expect(await live.componentCount('NoSuchType')).toBeNull()
  })

  it('count rows from which a change would take something, by a pattern or by looking', async () => {
    await control.act('records/fill', {
      org: ORG,
      object: 'Placement__c',
      count: 3,
      template: { Notes__c: 'x'.repeat(300) },
    })
    const live = await facts()
    const longer = (than: number) => ({ rows: 'longer', than }) as const
    expect(await live.rowsAtStake('Account', 'Name', longer(1))).toBe(2)
    expect(await live.rowsAtStake('Account', 'Name', longer(200))).toBe(0)
    expect(await live.rowsAtStake('Placement__c', 'Notes__c', longer(255))).toBe(3)
    expect(await live.rowsAtStake('Placement__c', 'Notes__c', longer(300))).toBe(0)
    expect(await live.rowsAtStake('Placement__c', 'Notes__c', { rows: 'filled' })).toBe(3)
    expect(await live.rowsAtStake('Account', "x' OR Name != '", longer(1))).toBeNull()
  })

  it('of more rows than are looked at are null', async () => {
    await control.act('records/fill', {
      org: ORG,
      object: 'Placement__c',
      count: LOOKED_AT_MAX + 1,
      template: { Notes__c: 'short' },
    })
    const live = await facts()
    expect(
      await live.rowsAtStake('Placement__c', 'Notes__c', { rows: 'longer', than: 255 }),
    ).toBeNull()
  })

  it('are null, without a call, for a field that queries cannot filter or group', async () => {
    const live = await facts()
    const calls = await callsOf(async () => {
      expect(await live.filledCount('Placement__c', 'Notes__c')).toBeNull()
      expect(await live.duplicatesOf('Placement__c', 'Salary__c')).toBeNull()
      expect(await live.valueCounts('Placement__c', 'Notes__c')).toBeNull()
    })
    expect(calls).toBe(0)
  })

  it('are null where Salesforce refuses, and the questions beside it keep their answers', async () => {
    const live = await facts()
    const answers = await Promise.all([
      live.recordCount('No_Such_Object__c'),
      live.filledCount('Account', 'No_Such_Field__c'),
      live.recordCount('Account'),
      live.whereUsed('CustomField', 'Lead.No_Such_Field__c'),
    ])
    expect(answers).toEqual([null, null, 2, []])
  })

  it('never let a name out of its quotes', async () => {
    const live = await facts()
    const name = "x' OR Name != '"
    expect(await live.recordExists(QUEUES, name)).toBe(false)
    expect(await live.lookUp('PermissionSet', name)).toEqual({ exists: false, managed: false })
    expect(await live.recordCount('Account WHERE Name != null')).toBeNull()
  })

  it('that are asked in one moment travel five queries to a call', async () => {
    const live = await facts()
    const calls = await callsOf(() =>
      Promise.all(
        ['Account', 'Contact', 'Lead', 'Opportunity', 'Case', 'Placement__c', 'Task'].map(
          (object) => live.recordCount(object),
        ),
      ),
    )
    expect(calls).toBe(2)
  })

  it('put names of one kind into one query', async () => {
    const live = await facts()
    const calls = await callsOf(async () => {
      const found = await Promise.all(
        ['Placement_Manager', 'placement_manager', 'Nobody'].map((name) =>
          live.lookUp('PermissionSet', name),
        ),
      )
      expect(found.map((one) => one?.exists)).toEqual([true, true, false])
    })
    expect(calls).toBe(1)
  })

  it('look up what plans name, packaged or not', async () => {
    const live = await facts()
    const [own, packaged, none, layout, noLayout, tab, profile] = await Promise.all([
      live.lookUp('CustomObject', 'Placement__c'),
      live.lookUp('CustomObject', 'signhere__Envelope__c'),
      live.lookUp('CustomObject', 'Nothing__c'),
      live.lookUp('Layout', 'Lead-Lead Layout'),
      live.lookUp('Layout', 'Lead-No Layout'),
      live.lookUp('CustomTab', 'Placement__c'),
      live.lookUp('Profile', 'Admin'),
    ])
    expect(own).toEqual({ exists: true, managed: false, customizable: true })
    expect(packaged).toEqual({ exists: true, managed: true, customizable: true })
    expect(none).toEqual({ exists: false, managed: false })
    expect(layout).toEqual({ exists: true, managed: false })
    expect(noLayout).toEqual({ exists: false, managed: false })
    expect(tab).toEqual({ exists: true, managed: false })
    expect(profile?.exists).toBe(true)
    expect(await live.lookUp('Unheard', 'Of')).toBeNull()
    expect(await live.recordExists(QUEUES, 'Inbound_Leads')).toBe(true)
    expect(await live.recordExists(USERS, 'nobody@acme.example')).toBe(false)
    expect(await live.recordExists(PUBLIC_GROUPS, 'AllInternalUsers')).toBe(true)
    expect(await live.recordExists(PUBLIC_GROUPS, 'Inbound_Leads')).toBe(false)
    expect(await live.recordExists(ROLES, 'account_manager')).toBe(true)
  })

  it('know the connected user, the edition, packages, limits and hidden fields', async () => {
    const live = await facts()
    const [user, organization, packages, limits, ofLead, fields] = await Promise.all([
      live.connectedUser(),
      live.organization(),
      live.packages(),
      live.limits(),
      live.objectLimits('lead'),
      live.allFields('Lead'),
    ])
    expect(user?.username).toMatch(/^admin@/)
    expect(user?.permissions).toContain('ModifyMetadata')
    expect(organization).toEqual({
      edition: 'Enterprise Edition',
      isSandbox: false,
      language: 'en_US',
    })
    expect(packages).toEqual([{ name: 'Sign Here', namespace: 'signhere' }])
    expect(limits?.dailyApiRequests?.max).toBeGreaterThan(0)
    expect(ofLead?.CustomFields?.remaining).toBeGreaterThan(0)
    expect(fields).toContain('Segment__c')
  })

  it('do not take a permission that cannot be read for one that is missing', async () => {
    const refuse = (object: string) =>
      control.addFault({
        path: `*${object}*`,
        times: 1,
        kind: { type: 'status', status: 400, body: 'json' },
      })
    await refuse('UserPermissionAccess')
    const user = await (await facts()).connectedUser()
    expect(user?.permissions, 'assignment by assignment').toContain('ModifyMetadata')
    await refuse('UserPermissionAccess')
    await refuse('PermissionSetAssignment')
    expect(await (await facts()).connectedUser()).toBeNull()
  })

  it('know what was deleted by the end of its name, unless it is there for all to see', async () => {
    const add = (name: string, grant: boolean) =>
      control.act('schema/add-field', {
        org: ORG,
        object: 'Lead',
        field: { name, type: 'string', label: name, length: 10 },
        grant,
      })
    await add('Old_Key_del__c', false)
    await add('Old_Key_del2__c', false)
    await add('To_Del__c', true)
    await add('Mine_del__c', true)
    await rig.pull()
    const deleted = await (await facts(['Lead'])).deletedNames()
    expect(deleted).toEqual({ objects: [], fields: ['Lead.Old_Key__c', 'Lead.Old_Key__c'] })
  })

  it('tell who uses a field, in two calls for many fields', async () => {
    const live = await facts()
    const calls = await callsOf(async () => {
      const [stage, key] = await Promise.all([
        live.whereUsed('CustomField', 'Placement__c.Stage__c'),
        live.whereUsed('CustomField', 'Lead.Source_Key__c'),
      ])
      expect(stage).toContainEqual({ type: 'Layout', name: 'Placement Layout' })
      expect(key).toEqual([])
    })
    expect(calls).toBe(2)
  })

  it('see an object that changed since the snapshot, and one that did not', async () => {
    const live = await facts(['Account', 'Contact'])
    await control.act('schema/alter-field', {
      org: ORG,
      object: 'Contact',
      name: 'Email',
      changes: { length: 79 },
    })
    const calls = await callsOf(async () => {
      const changed = await Promise.all([
        live.changedSinceSnapshot('Account'),
        live.changedSinceSnapshot('Contact'),
        live.changedSinceSnapshot('Never_There__c'),
      ])
      expect(changed).toEqual([false, true, false])
    })
    expect(calls).toBe(1)
    await rig.pull()
  })

  it('ask queries alone where a call with several of them fails', async () => {
    await control.addFault({
      path: '*/composite*',
      times: 20,
      kind: { type: 'status', status: 400, body: 'json' },
    })
    const live = await facts()
    const answers = await Promise.all([live.recordCount('Account'), live.recordCount('Lead')])
    expect(answers).toEqual([2, 1])
  })

  it('end the check where the way to Salesforce is broken', async () => {
    const live = await facts()
    await control.act('sessions/expire', { org: ORG })
    const [own, other] = await Promise.allSettled([
      live.recordCount('Account'),
      live.connectedUser(),
    ])
    expect(own).toMatchObject({ status: 'rejected', reason: { code: 'salesforce_error' } })
    expect(other.status).toBe('rejected')
  })
})
