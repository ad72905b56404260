// Queues through the public API: owners of records that nobody has taken yet.

import { beforeAll, describe, expect, it } from 'vitest'
import { type DeploymentBody, text } from './deploy-bodies.ts'
import { planning, type Planning } from './planning.ts'

let to: Planning

beforeAll(async () => {
  to = await planning()
})

const queueOf = (api_name: string, objects: string[], more: object = {}) => ({
  api_name,
  label: api_name.replaceAll('_', ' '),
  objects,
  ...more,
})
const plan = (queues: object[], objects: object[] = [], permission_set = 'Queue_Users') => ({
  queues,
  objects,
  permissions: { permission_set },
})

const redOf = async (wish: object) =>
  (await to.check(wish)).findings.filter(({ severity }) => severity === 'red')
const codesOf = async (wish: object) => (await to.check(wish)).findings.map(({ code }) => code)

const readQueue = (name: string) => to.admin.metadata.read('Queue', name)
const idOf = async (name: string): Promise<string> => {
  const { records } = await to.admin.query(
    `SELECT Id FROM Group WHERE Type = 'Queue' AND DeveloperName = '${name}'`,
  )
  return records[0]?.Id ?? ''
}
const leadOwnedBy = async (ownerId: string): Promise<string> => {
  const lead = { LastName: 'Ray', Company: 'Ray Ltd', OwnerId: ownerId }
  return (await to.admin.sobject('Lead').create(lead)).id ?? ''
}

describe('a queue', () => {
  it('is made for an object of the same plan, is left alone the second time, and goes with it', async () => {
    const ticket = {
      api_name: 'Ticket__c',
      label: 'Ticket',
      plural_label: 'Tickets',
      name_field: { label: 'Number', type: 'AutoNumber', display_format: 'T-{0000}' },
      fields: [text('Topic__c')],
    }
    const members = {
      users: [to.salesforce.usernameOf('admin')],
      public_groups: ['Recruiters'],
      roles: ['Account_Manager'],
    }
    const wish = plan(
      [queueOf('Ticket_Desk', ['Ticket__c', 'Lead'], { email: 'desk@acme.example', members })],
      [ticket],
    )
    const codes = await codesOf(wish)
    expect(codes).toContain('queue_new')

    const made = await to.deploy(wish)
    expect(made).toMatchObject({ status: 'deployed', warnings: [], error: null })
    expect(made.components).toContainEqual(
      expect.objectContaining({
        full_name: 'Ticket_Desk',
        action: 'created',
        success: true,
        reversibility: 'reversible',
      }),
    )
    expect(await readQueue('Ticket_Desk')).toMatchObject({
      name: 'Ticket Desk',
      email: 'desk@acme.example',
      doesSendEmailToMembers: false,
      queueMembers: {
        users: { user: members.users },
        publicGroups: { publicGroup: members.public_groups },
        roles: { role: members.roles },
      },
      queueSobject: [{ sobjectType: 'Ticket__c' }, { sobjectType: 'Lead' }],
    })

    const again = await to.deploy(wish)
    expect(again).toMatchObject({ status: 'deployed', sfdc_deploy_id: null })
    expect(again.components.map(({ action }) => action)).not.toContain('updated')

    // A record of an object that is also deleted does not keep the queue.
    await to.admin.sobject('Ticket__c').create({ OwnerId: await idOf('Ticket_Desk') })
    const back = await to.post<DeploymentBody>('/api/deploy/rollback', {
      deployment_id: made.id,
      allow_data_loss: true,
    })
    expect(back).toMatchObject({
      status: 'rolled_back',
      rollback: { remaining: [], proof: { complete: true, differences: [] } },
    })
    expect(await idOf('Ticket_Desk')).toBe('')
  })

  it('gets members and objects, loses none, and is put back as it was', async () => {
    const before = await readQueue('Inbound_Leads')
    const wish = plan([
      queueOf('Inbound_Leads', ['Placement__c'], {
        label: 'Leads to call',
        members: { roles: ['Managing_Director'] },
      }),
    ])
    expect(await codesOf(wish)).toContain('queue_exists')
    const changed = await to.deploy(wish)
    expect(changed.components).toMatchObject([
      { full_name: 'Inbound_Leads', action: 'updated', reversibility: 'reversible' },
    ])
    expect(await readQueue('Inbound_Leads')).toMatchObject({
      name: 'Leads to call',
      queueMembers: { roles: { role: ['Managing_Director'] } },
      queueSobject: [{ sobjectType: 'Lead' }, { sobjectType: 'Placement__c' }],
    })

    const back = await to.rollback(changed.id)
    expect(back).toMatchObject({
      status: 'rolled_back',
      rollback: { restored: [{ full_name: 'Inbound_Leads' }], proof: { complete: true } },
    })
    expect(await readQueue('Inbound_Leads')).toEqual(before)
  })

  it('stays while it owns records, and says so', async () => {
    const made = await to.deploy(plan([queueOf('Callers', ['Lead'])]))
    const lead = await leadOwnedBy(await idOf('Callers'))
    const first = await to.rollback(made.id)
    expect(first.status).toBe('deployed')
    expect(first.rollback?.kept).toMatchObject([
      {
        full_name: 'Callers',
        reason: 'It owns 1 record of Lead. Give them a different owner first.',
      },
    ])
    await to.admin.sobject('Lead').delete(lead)
    expect(await to.rollback(made.id)).toMatchObject({ status: 'rolled_back' })
    expect(await idOf('Callers')).toBe('')
  })

  it('stays while an assignment rule names it, and goes once that is rolled back', async () => {
    const made = await to.deploy(plan([queueOf('Web_Leads', ['Lead'])]))
    const rule = await to.post<DeploymentBody>('/api/workflows/deploy', {
      client_id: to.client.id,
      workflows: [
        {
          type: 'assignment_rule',
          api_name: 'Lead.To_Queue',
          definition: {
            form: 'assignment',
            entries: [
              {
                criteria: [{ field: 'LeadSource', operator: 'equals', value: 'Web' }],
                assign_to: { queue: 'Web_Leads' },
              },
            ],
          },
          activate: false,
        },
      ],
    })
    expect(rule.status).toBe('deployed')
    const first = await to.rollback(made.id)
    expect(first).toMatchObject({ status: 'deployed', error: null })
    expect(first.rollback?.kept).toMatchObject([
      { full_name: 'Web_Leads', reason: 'It is used by the assignment rule Lead.To_Queue.' },
    ])
    expect(await to.rollback(rule.id)).toMatchObject({ status: 'rolled_back' })
    expect(await to.rollback(made.id)).toMatchObject({ status: 'rolled_back' })
  })

  it('is refused members and objects that it cannot have, by the report and by Salesforce', async () => {
    const members = { users: ['nobody@acme.example'], roles: ['Account_Manager', 'Nobody'] }
    const wish = plan([
      queueOf('Wrong_People', ['Lead'], { members }),
      queueOf('Wrong_Objects', ['Account', 'Nothing__c']),
    ])
    const red = await redOf(wish)
    expect(red.map(({ code, path }) => `${code} ${path}`).toSorted()).toEqual([
      'queue_member_missing queues.0.members',
      'queue_object_missing queues.1.objects',
      'queue_object_not_allowed queues.1.objects',
    ])
    expect(red.map(({ message }) => message).join()).toContain('role Nobody, user nobody@acme')
    const failed = await to.deploy(wish)
    expect(failed).toMatchObject({ status: 'failed', error: { code: 'components_failed' } })
    expect(failed.components.map(({ full_name: name, success }) => [name, success])).toEqual([
      ['Wrong_People', false],
      ['Wrong_Objects', false],
    ])
    expect(await idOf('Wrong_People')).toBe('')
  })
})
