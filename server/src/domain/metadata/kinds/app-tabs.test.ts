import { describe, expect, it } from 'vitest'
import { checkPlan, parsePlan } from '../../plan/check.ts'
import { compilePlan } from '../../plan/compile.ts'
import { type PlanInput, planSchema } from '../../plan/schema.ts'
import { type Component } from '../names.ts'
import { sceneAt, undone } from '../testing/scenes.ts'
import { type Settled } from '../undoing.ts'

type AppInput = NonNullable<PlanInput['app_tabs']>[number]

const PATH = 'applications/Desk.app'
const DESK: Component = { type: 'CustomApplication', fullName: 'Desk' }

const planned = (more: Partial<AppInput> = {}): AppInput => ({
  app: 'Desk',
  tabs: ['Job__c', 'standard-Lead'],
  ...more,
})
const compile = (one: AppInput, current?: string) =>
  compilePlan(parsePlan({ app_tabs: [one] }), {
    current: new Map(current === undefined ? [] : [[PATH, current]]),
  })
const file = (...tabs: string[]): string => `<?xml version="1.0" encoding="UTF-8"?>
<CustomApplication xmlns="http://soap.sforce.com/2006/04/metadata">
    <formFactors>Large</formFactors>
    <label>Desk</label>
${tabs.map((tab) => `    <tabs>${tab}</tabs>\n`).join('')}    <uiType>Lightning</uiType>
</CustomApplication>
`

describe('tabs of an app', () => {
  it('are added behind those that it shows, which stay where they are', () => {
    const { files, members } = compile(planned(), file('standard-home', 'standard-Account'))
    expect([...members]).toEqual([['CustomApplication', ['Desk']]])
    expect(files.get(PATH)).toBe(
      file('standard-home', 'standard-Account', 'Job__c', 'standard-Lead'),
    )
    expect(compile(planned(), file()).files.get(PATH)).toBe(file('Job__c', 'standard-Lead'))
  })

  it('are added behind the tab that the plan names', () => {
    const wish = planned({ after: 'standard-Home' })
    expect(compile(wish, file('standard-home', 'standard-lead')).files.get(PATH)).toBe(
      file('standard-home', 'Job__c', 'standard-lead'),
    )
    expect(() => compile(wish, file())).toThrow('The app Desk does not show standard-Home.')
  })

  it('are not sent where the app shows all of them, and refused where there is no app', () => {
    const { unchanged } = compile(planned(), file('standard-lead', 'job__c'))
    expect(unchanged).toMatchObject([DESK])
    expect(() => compile(planned())).toThrow('The Salesforce org has no app Desk.')
  })

  it('report what is wrong with them', () => {
    const errorsOf = (...app_tabs: AppInput[]) =>
      checkPlan(planSchema.parse({ app_tabs })).map(
        ({ path, code }) => `${path.replace('app_tabs.', '')} ${code}`,
      )
    expect(errorsOf(planned(), planned({ app: 'desk' }))).toEqual(['1.app duplicate'])
    expect(errorsOf(planned({ app: 'My Desk', tabs: ['A__c', 'a__c'] }))).toEqual([
      '0.app name_bad_character',
      '0.tabs.1 duplicate',
    ])
    expect(errorsOf(planned({ after: 'job__c' }))).toEqual(['0.after attributes_conflict'])
  })
})

describe('tabs of an app rolled back', () => {
  const [BEFORE, LEFT] = [file('standard-home'), file('standard-home', 'Job__c', 'standard-Lead')]
  const undo = (now: string, settled: Partial<Settled> = {}) =>
    undone(
      { component: DESK, made: false },
      sceneAt([{ [PATH]: BEFORE }, { [PATH]: LEFT }, { [PATH]: now }]),
      settled,
    )

  it('are taken out, and what others did since stays', () => {
    expect(undo(LEFT).restore).toEqual({ file: BEFORE })
    const since = file('standard-Lead', 'standard-home', 'standard-Case', 'Job__c')
    expect(undo(since).restore).toEqual({ file: file('standard-home', 'standard-Case') })
    expect(undo(BEFORE)).toMatchObject({ restore: null, kept: null })
  })

  it('stay where the tab itself stays', () => {
    expect(undo(LEFT, { stays: ({ fullName }) => fullName === 'Job__c' }).restore).toEqual({
      file: file('standard-home', 'Job__c'),
    })
  })
})
