// What a report says about a component, the deployment says too, and the rollback does: tested with
// generated plans over generated fields and rows, the same in every run. REVERSIBILITY_SEED generates
// others, REVERSIBILITY_ROUNDS more of them.

import { beforeAll, describe, expect, it } from 'vitest'
import { type DeploymentBody } from './deploy-bodies.ts'
import {
  type FieldCase,
  losesOnTheWayBack,
  type Other,
  type Round,
  roundOf,
  type Shape,
} from './reversibility-cases.ts'
import {
  type Report,
  type ReversibilityRig,
  startReversibilityRig,
  type Told,
} from './reversibility-rig.ts'

const seed = Number(process.env.REVERSIBILITY_SEED ?? 1)
const count = Number(process.env.REVERSIBILITY_ROUNDS ?? 4)

let rig: ReversibilityRig
beforeAll(async () => {
  rig = await startReversibilityRig()
})

const fieldOf = (name: string, shape: Shape) => ({
  api_name: name,
  label: name.replace(/__c$/, ''),
  ...shape,
  ...(shape.type === 'Lookup' ? { relationship_name: name.replace(/__c$/, '') } : {}),
})
const fullName = ({ name }: FieldCase): string => `Lead.${name}`

type Moment = 'earlier' | 'later'

/**
 * What the round's plan of a moment says about a component of another kind; null if it leaves it out.
 */
const wordsFor = (other: Other, moment: Moment): string | null => {
  if (other === 'absent' || (other === 'made' && moment === 'earlier')) return null
  return other === 'changed' ? moment : 'same'
}

const objectOf = (n: number, words: string, others: Round['others'], moment: Moment) => ({
  api_name: `R${n}__c`,
  label: `R${n}`,
  plural_label: `R${n}s`,
  description: words,
  name_field: { label: 'Name', type: 'Text' },
  fields: [
    fieldOf('Text__c', { type: 'Text', length: 20 }),
    {
      ...fieldOf('Lead__c', { type: 'Lookup', reference_to: 'Lead' }),
      relationship_name: `R${n}s`,
    },
    ...(wordsFor(others.valueSet, moment) === null
      ? []
      : [fieldOf('Sort__c', { type: 'Picklist', global_value_set: `R${n}` })]),
  ],
  record_types: [{ api_name: 'Sort', label: 'Sort' }],
})

/** Every second set that changes gains a value; the others change their labels. */
const valueSetOf = (n: number, words: string) => ({
  api_name: `R${n}`,
  label: n % 4 < 2 ? 'Label' : words,
  values: words === 'later' && n % 4 < 2 ? ['A', 'B', 'C'] : ['A', 'B'],
})

/** The plan of a moment: the round's fields, and components of other kinds beside them. */
const planOf = (
  { seed: n, others }: Round,
  moment: Moment,
  fields: readonly { name: string; shape: Shape }[],
) => {
  const given = <T>(other: Other, make: (words: string) => T): T[] => {
    const words = wordsFor(other, moment)
    return words === null ? [] : [make(words)]
  }
  const objects = given(others.object, (words) => objectOf(n, words, others, moment))
  const [field] = fields
  return {
    objects: [
      {
        api_name: 'Lead',
        fields: fields.map(({ name, shape }) => fieldOf(name, shape)),
        validation_rules: given(others.rule, (words) => ({
          api_name: `R${n}`,
          error_condition_formula: 'LastName = "never"',
          error_message: words,
        })),
      },
      ...given(others.recordType, (label) => ({
        api_name: 'Account',
        record_types: [{ api_name: `R${n}`, label }],
      })),
      ...objects,
    ],
    global_value_sets: given(others.valueSet, (words) => valueSetOf(n, words)),
    queues: given(others.queue, (label) => ({ api_name: `R${n}`, label, objects: ['Lead'] })),
    permissions: {
      permission_set: wordsFor(others.permissionSet, moment) === null ? `Q${n}` : `R${n}`,
    },
    layouts:
      field === undefined && objects.length === 0
        ? []
        : given(others.layout, (words) => ({
            object: 'Lead',
            layout: 'Lead Layout',
            section: `R${n}`,
            fields: field === undefined ? [] : [field.name],
            related_lists: objects.map(({ api_name }) => ({
              related_list: `${api_name}.Lead__c`,
              fields: words === 'later' ? ['NAME', 'Text__c'] : ['NAME'],
            })),
          })),
    tabs: objects.length === 0 ? [] : given(others.tab, () => `R${n}__c`),
  }
}

const earlier = (round: Round) =>
  planOf(
    round,
    'earlier',
    round.fields.flatMap(({ name, from }) => (from === null ? [] : [{ name, shape: from }])),
  )

const later = (round: Round) =>
  planOf(
    round,
    'later',
    round.fields.map(({ name, to }) => ({ name, shape: to })),
  )

/** Enters the round's values of a moment, all into the same records. */
const enter = async ({ fields }: Round, moment: 'before' | 'after'): Promise<void> => {
  const values: Record<string, unknown> = {}
  for (const one of fields) if (one[moment] !== undefined) values[one.name] = one[moment]
  if (Object.keys(values).length === 0) return
  await rig.fill(values, 2)
}

const refusedIn = ({ findings }: Report): ReadonlySet<string> =>
  new Set(
    findings
      .filter(({ severity }) => severity === 'red')
      .map(({ component }) => component.full_name),
  )

/**
 * Leaves out what Salesforce refuses according to the report, which must not promise a rollback for it.
 */
const withoutRefused = async (round: Round): Promise<Round> => {
  const report = await rig.check(later(round))
  const refused = refusedIn(report)
  for (const { component, level } of report.reversibility) {
    if (refused.has(component.full_name))
      expect([component.full_name, level]).toEqual([component.full_name, 'irreversible'])
  }
  return { ...round, fields: round.fields.filter((one) => !refused.has(fullName(one))) }
}

const toldBy = ({ components }: DeploymentBody): Told[] =>
  components.map(({ type, full_name, reversibility, reason }) => ({
    component: { type, full_name },
    level: reversibility,
    reason: reason ?? '',
  }))

const byName = (told: readonly Told[]): Told[] =>
  told.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
const keyOf = ({ component }: Told): string => `${component.type} ${component.full_name}`

const keysOf = (list: readonly { type: string; full_name: string }[] = []): string[] =>
  list.map(({ type, full_name }) => `${type} ${full_name}`)

/**
 * The report and the deployment say the same, in the same words except for one case: that an object, a
 * record type, a rule, a layout, a tab or a permission set is in place only its file says, which the
 * report does not read.
 */
const expectTold = (deployed: DeploymentBody, { reversibility }: Report): void => {
  const inPlace = new Set(
    deployed.components
      .filter(({ action, type }) => action === 'unchanged' && !READ_BY_REPORT.has(type))
      .map(({ type, full_name }) => `${type} ${full_name}`),
  )
  const compared = (told: readonly Told[]): Told[] =>
    byName(told).map((one) => (inPlace.has(keyOf(one)) ? { ...one, reason: '' } : one))
  expect(compared(toldBy(deployed))).toEqual(compared(reversibility))
}
const READ_BY_REPORT: ReadonlySet<string> = new Set(['CustomField', 'GlobalValueSet', 'Queue'])

/** The rollback does what was said about every component. */
const expectDone = (
  told: readonly Told[],
  { components, status, rollback: done }: DeploymentBody,
) => {
  expect(status).toBe('rolled_back')
  expect(done).toMatchObject({ remaining: [], proof: { complete: true, differences: [] } })
  const acted = new Set(keysOf([...(done?.removed ?? []), ...(done?.restored ?? [])]))
  for (const one of told) {
    const { type, full_name } = one.component
    const key = keyOf(one)
    const planned = components.find((each) => each.type === type && each.full_name === full_name)
    if (planned?.action === 'unchanged') continue
    if (one.level === 'irreversible') {
      const { reason } = one
      expect(done?.kept).toContainEqual(expect.objectContaining({ type, full_name, reason }))
    } else {
      expect([key, acted.has(key)]).toEqual([key, true])
      expect(keysOf(done?.kept)).not.toContain(key)
    }
  }
}

const play = async (drawn: Round): Promise<void> => {
  expect(await rig.deploy(earlier(drawn))).toMatchObject({ status: 'deployed', error: null })
  const round = await withoutRefused(drawn)
  await enter(round, 'before')
  const report = await rig.check(later(round))
  const deployed = await rig.deploy(later(round))
  expect(deployed).toMatchObject({ status: 'deployed', error: null })
  expectTold(deployed, report)
  await enter(round, 'after')

  const isPutBack = (one: FieldCase): boolean => {
    const told = report.reversibility.find(({ component }) => component.full_name === fullName(one))
    return !/does not convert/.test(told?.reason ?? '')
  }
  const losing = round.fields.filter((one) => isPutBack(one) && losesOnTheWayBack(one))
  const first = await rig.rollback(deployed.id)
  if (losing.length === 0) {
    expect(first.status).toBe(200)
    expectDone(report.reversibility, first.body)
  } else {
    expect([first.status, first.body.code]).toEqual([409, 'data_would_be_lost'])
    expect(first.body.errors?.map(({ path }) => path).toSorted()).toEqual(
      losing.map(fullName).toSorted(),
    )
    expectDone(
      report.reversibility,
      (await rig.rollback(deployed.id, { allow_data_loss: true })).body,
    )
  }

  const again = await rig.deploy(earlier(drawn), { check_only: true })
  const still = new Map(again.components.map(({ full_name, action }) => [full_name, action]))
  for (const one of drawn.fields.filter((each) => each.from !== null && isPutBack(each))) {
    expect([fullName(one), still.get(fullName(one))]).toEqual([fullName(one), 'unchanged'])
  }
  const others = again.components.filter(({ type }) => type !== 'CustomField')
  for (const { type, full_name, action } of others) {
    expect([type, full_name, action]).toEqual([type, full_name, 'unchanged'])
  }
}

describe(`report, deployment and rollback (REVERSIBILITY_SEED=${seed})`, () => {
  it.each(Array.from({ length: count }, (_, n) => seed + n))(
    'agree on the plan of seed %i',
    (one) => play(roundOf(one)),
  )
})
