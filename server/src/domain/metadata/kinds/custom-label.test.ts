import { describe, expect, it } from 'vitest'
import { checkPlan, parsePlan } from '../../plan/check.ts'
import { compilePlan } from '../../plan/compile.ts'
import { type PlanInput, planSchema } from '../../plan/schema.ts'
import { writeParts } from '../parts.ts'
import { type Component } from '../names.ts'
import { type Moment, sceneAt, undone } from '../testing/scenes.ts'
import { type Settled } from '../undoing.ts'

type LabelInput = NonNullable<PlanInput['custom_labels']>[number]

const PATH = 'labels/CustomLabels.labels'
const GREETING: Component = { type: 'CustomLabel', fullName: 'Greeting' }

const planned = (more: Partial<LabelInput> = {}): LabelInput => ({
  api_name: 'Greeting',
  value: 'Hello!',
  ...more,
})
const compile = (labels: LabelInput[], current?: string) =>
  compilePlan(parsePlan({ custom_labels: labels }), {
    current: new Map(current === undefined ? [] : [[PATH, current]]),
  })
const label = (name: string, value: string, more = '') => `    <labels>
        <fullName>${name}</fullName>${more}
        <language>en_US</language>
        <protected>false</protected>
        <shortDescription>${name}</shortDescription>
        <value>${value}</value>
    </labels>`
const file = (...labels: string[]): string => `<?xml version="1.0" encoding="UTF-8"?>
<CustomLabels xmlns="http://soap.sforce.com/2006/04/metadata">
${labels.join('\n')}
</CustomLabels>
`

describe('custom labels', () => {
  it('are made in one file, each a component of its own', () => {
    const { files, members } = compile([
      planned(),
      planned({ api_name: 'Farewell', value: 'Bye', categories: ['Desk', 'Web'] }),
    ])
    expect([...members]).toEqual([['CustomLabel', ['Farewell', 'Greeting']]])
    expect(files.get(PATH)).toBe(
      file(
        label('Greeting', 'Hello!'),
        label('Farewell', 'Bye', '\n        <categories>Desk,Web</categories>'),
      ),
    )
  })

  it('keep what the plan does not say, and only those that change are sent', () => {
    const there = file(label('greeting', 'Hi'), label('Farewell', 'Bye')).replace('en_US', 'de')
    const changed = compile([planned(), planned({ api_name: 'Farewell', value: 'Bye' })], there)
    expect(changed.files.get(PATH)).toBe(file(label('greeting', 'Hello!')).replace('en_US', 'de'))
    expect([...changed.members]).toEqual([['CustomLabel', ['Greeting']]])
    expect(changed.unchanged).toMatchObject([{ fullName: 'Farewell' }])
    expect(compile([planned({ value: 'Hi' })], there).files.size).toBe(0)
  })

  it('report what is wrong with their names and categories', () => {
    const errorsOf = (...custom_labels: LabelInput[]) =>
      checkPlan(planSchema.parse({ custom_labels })).map(({ path, code }) => `${path} ${code}`)
    expect(errorsOf(planned(), planned({ api_name: 'greeting' }))).toEqual([
      'custom_labels.1.api_name duplicate',
    ])
    expect(errorsOf(planned({ api_name: 'a__b' }))).toEqual([
      'custom_labels.0.api_name name_double_underscore',
    ])
    expect(errorsOf(planned({ categories: ['a,b'] }))).toEqual([
      'custom_labels.0.categories bad_text',
    ])
    const long = ['a', 'b', 'c'].map((letter) => letter.repeat(90))
    expect(errorsOf(planned({ categories: long }))).toEqual(['custom_labels.0.categories too_long'])
    for (const language of ['xx', 'en', 'de_DE', 'en_us']) {
      expect(errorsOf(planned({ language }))).toEqual(['custom_labels.0.language unknown_value'])
    }
    expect(
      errorsOf(planned({ language: 'haw' }), planned({ api_name: 'B', language: 'iw' })),
    ).toEqual([])
    expect(() => parsePlan({ custom_labels: [planned({ language: 'English' })] })).toThrow()
  })
})

describe('a custom label rolled back', () => {
  const MADE = file(label('Greeting', 'Hello!'))
  const undo = (
    made: boolean,
    before: string | null,
    now: string,
    users: Component[] = [],
    settled: Partial<Settled> = {},
  ) => {
    const moments: [Moment, Moment, Moment] = [
      { [PATH]: before },
      { [PATH]: MADE },
      { [PATH]: now },
    ]
    const scene = sceneAt(moments, { usersOf: () => users })
    return undone({ component: GREETING, made }, scene, settled)
  }

  it('goes where the deployment made it, whatever became of other labels', () => {
    expect(undo(true, null, file(label('Greeting', 'Hello!'), label('Other', 'x'))).remove).toBe(
      true,
    )
  })

  it('stays while something shows it, and where somebody changed it', () => {
    const field = { type: 'CustomField', fullName: 'Lead.Hint__c' }
    expect(undo(true, null, MADE, [field]).kept).toMatchObject({
      reason: 'It is used by Lead.Hint__c.',
      removable: true,
    })
    // A field that the same rollback deletes no longer shows it.
    expect(undo(true, null, MADE, [field], { isTakenBack: () => true }).remove).toBe(true)
    expect(undo(true, null, file(label('Greeting', 'Yo'))).kept).toMatchObject({ drifted: true })
  })

  it('that was there before is put back as it was, in a file without the others', () => {
    const before = file(label('Greeting', 'Hi'), label('Other', 'x'))
    const { restore } = undo(false, before, MADE)
    expect(restore).toMatchObject({ element: { value: 'Hi' } })
    const element = restore !== null && 'element' in restore ? restore.element : {}
    expect(writeParts([{ component: GREETING, element }]).get(PATH)).toBe(
      file(label('Greeting', 'Hi')),
    )
  })
})
