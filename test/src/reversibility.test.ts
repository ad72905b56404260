// What a report says about rolling a field back, the deployment says in the same words, and the rollback
// does: for changes of types and sizes, with and without rows. All fields change in the same two
// deployments, the first taken back before records hold what the way back would lose, the second after.

import { beforeAll, describe, expect, it } from 'vitest'
import { type DeploymentBody } from './deploy-bodies.ts'
import {
  type Report,
  type ReversibilityRig,
  startReversibilityRig,
  type Told,
} from './reversibility-rig.ts'

type Type = Record<string, unknown> & { type: string }

interface Change {
  name: string
  from: Type
  to: Type
  /** The values of records before the change, and those that others get after it. */
  before?: unknown
  after?: unknown
}

const text = (length: number): Type => ({ type: 'Text', length })
const long: Type = { type: 'LongTextArea', length: 1_000 }
const number = (type: string, precision = 18, scale = 0): Type => ({ type, precision, scale })
const listed = (type: string, ...values: string[]): Type => ({ type, values })
/** The same value in records from before the change and from after it. */
const both = (value: unknown) => ({ before: value, after: value })

const LOSING_NOTHING: Change[] = [
  { name: 'Score__c', from: number('Number'), to: number('Currency'), ...both(7) },
  { name: 'Share__c', from: number('Percent', 5, 2), to: number('Number', 5, 2), ...both(1.25) },
  { name: 'Mail__c', from: text(80), to: { type: 'Email' }, ...both('a@acme.test') },
  { name: 'Dial__c', from: text(40), to: { type: 'Phone' }, ...both('+49 30 1') },
  { name: 'Link__c', from: text(255), to: { type: 'Url' }, ...both('https://acme.test') },
  { name: 'Area__c', from: text(255), to: { type: 'TextArea' }, ...both('two\nlines') },
  { name: 'Shortened__c', from: text(80), to: text(10) },
]
/** The rollback loses what records are given after the change. */
const LOSING_LATER: Change[] = [
  { name: 'Grown__c', from: text(10), to: text(80), before: 'short', after: 'x'.repeat(50) },
  { name: 'Longer__c', from: text(10), to: long, before: 'short', after: 'x'.repeat(50) },
  {
    name: 'Mailed__c',
    from: text(20),
    to: { type: 'Email' },
    before: 'a@b.test',
    after: `${'x'.repeat(30)}@b.test`,
  },
  {
    name: 'Finer__c',
    from: number('Number', 8, 0),
    to: number('Number', 10, 2),
    before: 5,
    after: 1.25,
  },
]
/** Salesforce refuses the rollback of this one, even if the loss is accepted. */
const WIDER: Change = {
  name: 'Wider__c',
  from: number('Number', 4, 0),
  to: number('Currency', 8, 0),
  before: 5,
  after: 123_456,
}
/** May also lose something, but no record has a value. */
const DATED: Change = { name: 'Dated__c', from: text(30), to: { type: 'Date' } }
/** The change itself makes records lose something. */
const LOSING_AT_ONCE: Change[] = [
  { name: 'Cut__c', from: long, to: text(20), before: 'x'.repeat(50) },
  { name: 'Dialled__c', from: text(100), to: { type: 'Phone' }, before: '1'.repeat(60) },
  {
    name: 'Unlisted__c',
    from: listed('Picklist', 'A'),
    to: listed('MultiselectPicklist', 'A', 'B'),
    before: 'Other',
  },
]
const GRADES: Change = {
  name: 'Grades__c',
  from: listed('Picklist', 'A', 'B'),
  to: listed('Picklist', 'A', 'B', 'C'),
}
const RICH: Change = { name: 'Rich__c', from: text(40), to: { type: 'Html', length: 1_000 } }

const inAll = (changes: readonly Change[], moment: 'from' | 'to') => ({
  objects: [
    {
      api_name: 'Lead',
      fields: changes.map(({ name, ...change }) => ({
        api_name: name,
        label: 'Field',
        ...change[moment],
      })),
    },
  ],
})
const valuesOf = (changes: readonly Change[], moment: 'before' | 'after') =>
  Object.fromEntries(changes.map((change) => [change.name, change[moment]]))

/** What was said about a change of fields along the way. */
interface Changed {
  report: Report
  deployed: DeploymentBody
}

let rig: ReversibilityRig
beforeAll(async () => {
  rig = await startReversibilityRig()
})

/** Creates the fields, fills two records, and changes the fields. */
const change = async (changes: readonly Change[]): Promise<Changed> => {
  expect(await rig.deploy(inAll(changes, 'from'))).toMatchObject({ status: 'deployed' })
  await rig.fill(valuesOf(changes, 'before'), 2)
  const report = await rig.check(inAll(changes, 'to'))
  const deployed = await rig.deploy(inAll(changes, 'to'))
  expect(deployed).toMatchObject({ status: 'deployed' })
  return { report, deployed }
}

const fullName = (name: string): string => `Lead.${name}`

/** What report and deployment say about the field, the same in both. */
const toldOf = ({ report, deployed }: Changed, name: string): Pick<Told, 'level' | 'reason'> => {
  const told = report.reversibility.find(({ component }) => component.full_name === fullName(name))
  const component = deployed.components.find(({ full_name }) => full_name === fullName(name))
  expect([name, component?.reversibility, component?.reason]).toEqual([
    name,
    told?.level,
    told?.reason,
  ])
  return { level: told?.level ?? '', reason: told?.reason ?? '' }
}

/** The fields that are as a deploy of this plan would make them. */
const inPlace = async (changes: readonly Change[], moment: 'from' | 'to'): Promise<string[]> => {
  const { components } = await rig.deploy(inAll(changes, moment), { check_only: true })
  return components.filter(({ action }) => action === 'unchanged').map(({ full_name }) => full_name)
}

const KEPT_WITH_REASON = [...LOSING_AT_ONCE, GRADES, RICH]

describe('a change rolled back before records hold what the rollback would lose', () => {
  const changes = [...LOSING_NOTHING, ...LOSING_LATER, WIDER, ...KEPT_WITH_REASON]
  let changed: Changed
  let back: DeploymentBody
  let inPlaceAgain: string[]

  beforeAll(async () => {
    changed = await change(changes)
    await rig.fill(valuesOf(LOSING_NOTHING, 'after'), 3)
    back = (await rig.rollback(changed.deployed.id)).body
    inPlaceAgain = await inPlace(changes, 'from')
  })

  it('is rolled back completely except for what is irreversible, with proof', () => {
    expect(back).toMatchObject({
      status: 'rolled_back',
      rollback: {
        status: 'complete',
        remaining: [],
        proof: { complete: true, differences: [] },
      },
    })
    expect(back.rollback?.kept.map((kept) => kept.full_name).toSorted()).toEqual(
      KEPT_WITH_REASON.map(({ name }) => fullName(name)).toSorted(),
    )
  })

  it.each(LOSING_NOTHING)(
    'is reported as reversible, and rolled back with its rows: $name',
    (one) => {
      expect(toldOf(changed, one.name).level).toBe('reversible')
      expect(back.rollback?.restored).toContainEqual({
        type: 'CustomField',
        full_name: fullName(one.name),
      })
      expect(inPlaceAgain).toContain(fullName(one.name))
    },
  )

  it.each([...LOSING_LATER, WIDER])(
    'is said to lose what may be entered later: $name',
    ({ name }) => {
      expect(toldOf(changed, name)).toEqual({
        level: 'reversible_with_data_loss',
        reason: expect.stringContaining('it requires allow_data_loss') as string,
      })
      expect(inPlaceAgain).toContain(fullName(name))
    },
  )

  it.each([
    ...LOSING_AT_ONCE.map(({ name }) => [name, 'in 2 records'] as const),
    [GRADES.name, 'deactivates C'] as const,
    [RICH.name, 'rich text'] as const,
  ])('is reported as irreversible, and is kept for the stated reason: %s', (name, reason) => {
    const told = toldOf(changed, name)
    expect(told).toEqual({
      level: 'irreversible',
      reason: expect.stringContaining(reason) as string,
    })
    expect(back.rollback?.kept).toContainEqual(
      expect.objectContaining({ full_name: fullName(name), reason: told.reason }),
    )
  })

  it.each(LOSING_AT_ONCE)('is rolled back, all but what records lost: $name', ({ name }) => {
    expect(inPlaceAgain).toContain(fullName(name))
  })

  it('is not rolled back if that is impossible', () => {
    expect(back.rollback?.restored.map(({ full_name }) => full_name)).not.toContain(
      fullName(RICH.name),
    )
  })
})

describe('a change rolled back when records hold what the rollback would lose', () => {
  const changes = [...LOSING_LATER, DATED, ...LOSING_AT_ONCE]
  let changed: Changed

  beforeAll(async () => {
    changed = await change(changes)
    await rig.fill(valuesOf(LOSING_LATER, 'after'), 3)
  })

  const refusedFor = async (id: string, losing: readonly Change[]): Promise<void> => {
    const refused = await rig.rollback(id)
    expect([refused.status, refused.body.code]).toEqual([409, 'data_would_be_lost'])
    expect(refused.body.errors?.map(({ path }) => path).toSorted()).toEqual(
      losing.map(({ name }) => fullName(name)).toSorted(),
    )
    for (const { path, message } of refused.body.errors ?? [])
      expect([path, message]).toEqual([path, expect.stringContaining('3 rows')])
  }

  it('is refused with the fields and their rows, and nothing is changed', async () => {
    await refusedFor(changed.deployed.id, LOSING_LATER)
    expect(await inPlace(changes, 'to')).toEqual(
      expect.arrayContaining(changes.map(({ name }) => fullName(name))),
    )
  })

  it('is refused with its rows for a number with more digits', async () => {
    const { deployed } = await change([WIDER])
    await rig.fill(valuesOf([WIDER], 'after'), 3)
    await refusedFor(deployed.id, [WIDER])
    expect(await inPlace([WIDER], 'to')).toContain(fullName(WIDER.name))
  })

  it('is done when the loss is meant, and keeps only what the change itself took', async () => {
    expect(toldOf(changed, DATED.name).level).toBe('reversible_with_data_loss')
    const { body } = await rig.rollback(changed.deployed.id, { allow_data_loss: true })
    expect(body).toMatchObject({
      status: 'rolled_back',
      rollback: { remaining: [], proof: { complete: true } },
    })
    const kept = LOSING_AT_ONCE.map(({ name }) => {
      const { level, reason } = toldOf(changed, name)
      expect([name, level]).toEqual([name, 'irreversible'])
      expect(reason).toContain('in 2 records')
      return expect.objectContaining({ full_name: fullName(name), reason }) as unknown
    })
    expect(body.rollback?.kept).toHaveLength(kept.length)
    expect(body.rollback?.kept).toEqual(expect.arrayContaining(kept))
    expect(await inPlace(changes, 'from')).toEqual(
      expect.arrayContaining(changes.map(({ name }) => fullName(name))),
    )
  })
})
