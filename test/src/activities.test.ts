// Custom fields of activities through the public API: defined on Activity, seen on tasks and events.

import { beforeAll, expect, it } from 'vitest'
import { actionsOf, planning, type Planning } from './planning.ts'

let to: Planning

beforeAll(async () => {
  to = await planning()
})

const plan = {
  objects: [
    {
      api_name: 'Activity',
      fields: [{ api_name: 'Score__c', label: 'Score', type: 'Number', precision: 5, scale: 0 }],
    },
  ],
}
const seenOn = async (object: string) =>
  (await (await to.connected()).describe(object)).fields.some(({ name }) => name === 'Score__c')

it('come to tasks and events, are there the second time, and go with what they hold', async () => {
  const { findings, reversibility } = await to.check(plan)
  expect(findings.filter(({ severity }) => severity !== 'green')).toEqual([])
  expect(reversibility.map(({ component }) => component.full_name)).toContain('Activity.Score__c')
  const made = await to.deploy(plan)
  expect(made.status).toBe('deployed')
  expect([await seenOn('Task'), await seenOn('Event')]).toEqual([true, true])
  await to.client.pull()
  expect((await to.check(plan)).findings.map(({ code }) => code)).toContain('field_unchanged')
  expect(actionsOf(await to.deploy(plan))).toContain('Activity.Score__c unchanged')

  const { id } = await (
    await to.connected()
  ).create('Event', {
    Subject: 'Meeting',
    DurationInMinutes: 30,
    ActivityDateTime: '2026-11-30T09:00:00Z',
    Score__c: 7,
  })
  expect(id).toBeDefined()
  expect(await to.refusedRollback(made.id)).toMatchObject({
    code: 'data_would_be_lost',
    errors: [{ path: 'Activity.Score__c' }],
  })
  const back = await to.rollback(made.id, { allow_data_loss: true })
  expect(back.status).toBe('rolled_back')
  expect([await seenOn('Task'), await seenOn('Event')]).toEqual([false, false])
})

it('are red where Salesforce has no such type of field', async () => {
  const field = { api_name: 'Notes__c', label: 'Notes', length: 999, visible_lines: 3 }
  for (const api_name of ['Activity', 'OpportunityLineItem']) {
    const { findings } = await to.check({
      objects: [{ api_name, fields: [{ ...field, type: 'LongTextArea' }] }],
    })
    expect(findings).toContainEqual(
      expect.objectContaining({ severity: 'red', code: 'field_type_not_available' }),
    )
  }
})
