// What a report says about taking a field back, the deployment says in the same words, and the rollback
// does: for changes of types and sizes, with rows and without.

import { beforeAll, describe, expect, it } from 'vitest'
import { type DeploymentBody } from './deploy-bodies.ts'
import { type SharedRig, sharedRig } from './shared-rig.ts'
import { type TestClient, type TestOrg } from './rig.ts'

let rig: SharedRig
let org: TestOrg
let client: TestClient
let acme: string

beforeAll(async () => {
  rig = await sharedRig()
  acme = (await rig.salesforceOrg('Enterprise')).name
  org = await rig.org()
  client = await org.client()
  await client.connect(acme)
  await client.pull()
  await rig.simulator.control.act('deploys/pace', { org: acme, pendingMs: 0, runMs: 0 })
}, 60_000)

interface Told {
  level: string
  reason: string
}
interface Report {
  reversibility: (Told & { component: { full_name: string } })[]
}
type Type = Record<string, unknown> & { type: string }

const deploy = (plan: unknown, more: Record<string, unknown> = {}) =>
  org.api.post<DeploymentBody>('/api/deploy/custom-objects', {
    client_id: client.id,
    plan,
    wait_seconds: 55,
    ...more,
  })
const rollback = (deploymentId: string, more: Record<string, unknown> = {}) =>
  org.api.post<DeploymentBody>('/api/deploy/rollback', {
    deployment_id: deploymentId,
    wait_seconds: 55,
    ...more,
  })
const plan = (name: string, type: Type) => ({
  objects: [{ api_name: 'Lead', fields: [{ api_name: name, label: 'Field', ...type }] }],
})
const fill = (name: string, value: unknown, count = 2) =>
  rig.simulator.control.act('records/fill', {
    org: acme,
    object: 'Lead',
    count,
    template: { LastName: 'Row', Company: 'Acme', [name]: value },
  })

const reported = async (name: string, type: Type): Promise<Told | undefined> => {
  const { body } = await org.api.post<Report>('/api/conflicts/check', {
    client_id: client.id,
    plan: plan(name, type),
    refresh: true,
    wait_seconds: 55,
  })
  return body.reversibility.find(({ component }) => component.full_name === `Lead.${name}`)
}

/** Is the field as a deploy of this type would make it? */
const isStill = async (name: string, type: Type): Promise<boolean> => {
  const { body } = await deploy(plan(name, type), { check_only: true })
  return (
    body.components.find(({ full_name }) => full_name === `Lead.${name}`)?.action === 'unchanged'
  )
}

/** Makes the field, fills it, changes it, and fills it again; what was said of the change on the way. */
const change = async (
  name: string,
  { from, to, before, after }: { from: Type; to: Type; before?: unknown; after?: unknown },
) => {
  const made = await deploy(plan(name, from))
  expect(made.body).toMatchObject({ status: 'deployed' })
  if (before !== undefined) await fill(name, before)
  const report = await reported(name, to)
  const { body } = await deploy(plan(name, to))
  expect(body).toMatchObject({ status: 'deployed' })
  const component = body.components.find(({ full_name }) => full_name === `Lead.${name}`)
  expect([component?.reversibility, component?.reason]).toEqual([report?.level, report?.reason])
  if (after !== undefined) await fill(name, after, 3)
  return { id: body.id, level: report?.level, reason: report?.reason }
}

const text = (length: number): Type => ({ type: 'Text', length })
const long: Type = { type: 'LongTextArea', length: 1_000 }
const number = (type: string, precision = 18, scale = 0): Type => ({ type, precision, scale })
const listed = (type: string, ...values: string[]): Type => ({ type, values })

describe('a change that loses nothing', { timeout: 120_000 }, () => {
  it.each<[string, Type, Type, unknown]>([
    ['Score__c', number('Number'), number('Currency'), 7],
    ['Share__c', number('Percent', 5, 2), number('Number', 5, 2), 1.25],
    ['Mail__c', text(80), { type: 'Email' }, 'a@acme.test'],
    ['Dial__c', text(40), { type: 'Phone' }, '+49 30 1'],
    ['Link__c', text(255), { type: 'Url' }, 'https://acme.test'],
    ['Area__c', text(255), { type: 'TextArea' }, 'two\nlines'],
  ])('is told as reversible and taken back with its rows: %s', async (name, from, to, value) => {
    const { id, level } = await change(name, { from, to, before: value, after: value })
    expect(level).toBe('reversible')
    const done = await rollback(id)
    expect(done.body).toMatchObject({
      status: 'rolled_back',
      rollback: {
        status: 'complete',
        kept: [],
        proof: { complete: true, differences: [] },
      },
    })
    expect(done.body.rollback?.restored).toContainEqual({
      type: 'CustomField',
      full_name: `Lead.${name}`,
    })
    expect(await isStill(name, from)).toBe(true)
  })
})

describe('a change whose way back may lose', { timeout: 120_000 }, () => {
  it.each<[string, Type, Type, unknown, unknown]>([
    ['Grown__c', text(10), text(80), 'short', 'x'.repeat(50)],
    ['Longer__c', text(10), long, 'short', 'x'.repeat(50)],
    ['Mailed__c', text(20), { type: 'Email' }, 'a@b.test', `${'x'.repeat(30)}@b.test`],
    ['Finer__c', number('Number', 8, 0), number('Number', 10, 2), 5, 1.25],
    ['Wider__c', number('Number', 4, 0), number('Currency', 8, 0), 5, 123_456],
  ])(
    'is told, asks only where records hold what would be lost, and is done when meant: %s',
    async (name, from, to, before, after) => {
      const { id, level, reason } = await change(name, { from, to, before })
      expect([level, reason]).toEqual([
        'reversible_with_data_loss',
        expect.stringContaining('it requires allow_data_loss'),
      ])
      const early = await rollback(id)
      expect(early.body).toMatchObject({ status: 'rolled_back', rollback: { kept: [] } })
      expect(await isStill(name, from)).toBe(true)

      const again = await change(name, { from, to, after })
      const refused = await rollback(again.id)
      expect([refused.status, refused.body.code]).toEqual([409, 'data_would_be_lost'])
      expect(refused.body.errors).toMatchObject([{ path: `Lead.${name}` }])
      expect(refused.body.errors?.[0]?.message).toContain('3 rows')
      expect(await isStill(name, to)).toBe(true)
    },
  )

  it.each<[string, Type, Type, unknown]>([
    ['Grown_Meant__c', text(10), text(80), 'x'.repeat(50)],
    ['Longer_Meant__c', text(10), long, 'x'.repeat(50)],
    ['Dated__c', text(30), { type: 'Date' }, undefined],
  ])('is done when the loss is meant: %s', async (name, from, to, after) => {
    const { id, level } = await change(name, { from, to, after })
    expect(level).toBe('reversible_with_data_loss')
    const done = await rollback(id, { allow_data_loss: true })
    expect(done.body).toMatchObject({
      status: 'rolled_back',
      rollback: { kept: [], proof: { complete: true } },
    })
    expect(await isStill(name, from)).toBe(true)
  })

  it('is none where the field was shortened and no row is filled', async () => {
    const { id, level } = await change('Shortened__c', { from: text(80), to: text(10) })
    expect(level).toBe('reversible')
    expect((await rollback(id)).body).toMatchObject({ status: 'rolled_back' })
    expect(await isStill('Shortened__c', text(80))).toBe(true)
  })
})

describe('a change that cannot be taken back', { timeout: 120_000 }, () => {
  it.each<[string, Type, Type, unknown]>([
    ['Cut__c', long, text(20), 'x'.repeat(50)],
    ['Dialled__c', text(100), { type: 'Phone' }, '1'.repeat(60)],
    ['Unlisted__c', listed('Picklist', 'A'), listed('MultiselectPicklist', 'A', 'B'), 'Other'],
  ])(
    'for what it took from records says so in all three places, and the rest is taken back: %s',
    async (name, from, to, before) => {
      const { id, level, reason } = await change(name, { from, to, before })
      expect([level, reason]).toEqual(['irreversible', expect.stringContaining('in 2 records')])
      const done = await rollback(id, { allow_data_loss: true })
      expect(done.body).toMatchObject({
        status: 'rolled_back',
        rollback: { kept: [{ full_name: `Lead.${name}`, reason }], remaining: [] },
      })
      expect(await isStill(name, from)).toBe(true)
    },
  )

  it('for values that a picklist gained says so in all three places', async () => {
    const { id, level, reason } = await change('Grades__c', {
      from: listed('Picklist', 'A', 'B'),
      to: listed('Picklist', 'A', 'B', 'C'),
    })
    expect([level, reason]).toEqual(['irreversible', expect.stringContaining('deactivates C')])
    expect((await rollback(id)).body).toMatchObject({
      status: 'rolled_back',
      rollback: { kept: [{ full_name: 'Lead.Grades__c', reason }], remaining: [] },
    })
  })

  it('for want of a way back is kept, in the words of the report', async () => {
    const { id, level, reason } = await change('Rich__c', {
      from: text(40),
      to: { type: 'Html', length: 1_000 },
    })
    expect([level, reason]).toEqual(['irreversible', expect.stringContaining('rich text')])
    expect((await rollback(id)).body.rollback).toMatchObject({
      restored: [],
      kept: [{ full_name: 'Lead.Rich__c', reason }],
    })
  })
})
