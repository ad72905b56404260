import { describe, expect, it } from 'vitest'
import { parsePlan } from '../plan/check.ts'
import { compilePlan } from '../plan/compile.ts'
import { componentsOf } from '../plan/components.ts'
import { storedPlan } from '../plan/schema.ts'
import { JOB_PLAN, LEAD_LAYOUT } from '../plan/testing/samples.ts'
import { COMPONENT_KINDS, componentAt, FILE_KINDS, filePath, kindOf } from './kinds.ts'
import { sameName } from './names.ts'

describe('the kinds of components', () => {
  it('have each a type and a place of their own', () => {
    const types = COMPONENT_KINDS.map(({ type }) => type)
    expect(new Set(types).size).toBe(types.length)
    const places = COMPONENT_KINDS.map((kind) => ('list' in kind ? kind.list : kind.folder))
    expect(new Set(places).size).toBe(places.length)
  })

  it.each(FILE_KINDS.map(({ type, within }) => [type, within?.name] as const))(
    '%s is found again by the path of its file',
    (type, shared) => {
      const path = filePath(type, 'Job__c-A Name %28x%29') ?? ''
      expect(componentAt(path)).toEqual({ type, fullName: shared ?? 'Job__c-A Name %28x%29' })
    },
  )

  it('name every component of a plan with the path of an existing member', () => {
    const plan = parsePlan(JOB_PLAN)
    for (const { type, fullName, path } of componentsOf(plan)) {
      const member = path
        .split('.')
        .reduce<unknown>((value, key) => (value as Record<string, unknown>)[key], plan)
      expect(member, `${type} ${fullName}`).toBeDefined()
    }
  })

  it('have nothing of a plan that is empty, and send nothing for it', () => {
    const plan = storedPlan({})
    expect(componentsOf(plan)).toEqual([])
    expect(compilePlan(plan, { current: new Map() }).files.size).toBe(0)
  })

  it('are compiled into files that stand at their own paths', () => {
    const plan = parsePlan(JOB_PLAN)
    const lead = filePath('Layout', 'Lead-Lead %28Sales%29 Layout') ?? ''
    const { files, components } = compilePlan(plan, { current: new Map([[lead, LEAD_LAYOUT]]) })
    const sent = new Set(
      components.map(({ type, fullName }) => {
        const object = kindOf(type)?.objectOf(fullName) ?? ''
        return sameName(filePath(type, fullName) ?? filePath('CustomObject', object) ?? '')
      }),
    )
    expect(new Set([...files.keys()].map(sameName))).toEqual(sent)
  })
})
