// Several deployments as one: chains of what they did to a component, and where somebody came in between.

import { describe, expect, it } from 'vitest'
import { reverse } from '../deployments/plan/reversal.ts'
import { type Changes, type ComponentRow } from '../deployments/rows.ts'
import { storedPlan } from '../plan/schema.ts'
import { chainOf } from './chain.ts'
import { mergePlans, type PlanDeployment } from './merge-plans.ts'

const NO_CHANGES: Changes = { permissionSets: {}, profiles: {}, layouts: {}, assignment: null }

const field = (name: string, length: number) =>
  `<fields><fullName>${name}</fullName><label>${name}</label><length>${length}</length><type>Text</type></fields>`
const object = (...fields: string[]) =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<CustomObject xmlns="http://soap.sforce.com/2006/04/metadata">${fields.join('')}</CustomObject>`

/** The fields of Lead and their lengths. */
type Lead = Record<string, number>

const lead = (fields: Lead) =>
  new Map([
    [
      'objects/Lead.object',
      object(...Object.entries(fields).map(([name, length]) => field(name, length))),
    ],
  ])

/** A deployment that turned one state of Lead into another. */
const deployment = (
  id: string,
  before: Lead,
  after: Lead,
  undone: string[] = [],
): PlanDeployment => {
  const names = Object.keys(after).filter((name) => before[name] !== after[name])
  return {
    id,
    plan: storedPlan({
      objects: [
        {
          api_name: 'Lead',
          fields: names.map((api_name) => ({ api_name, type: 'Text', length: after[api_name] })),
        },
      ],
    }),
    rows: names.map((name, position) => ({
      org_id: '',
      client_id: '',
      deployment_id: id,
      position,
      type: 'CustomField',
      full_name: `Lead.${name}`,
      path: '',
      action: name in before ? 'updated' : 'created',
      reversibility: 'reversible',
      reason: null,
      success: true,
      problem: null,
    })) satisfies ComponentRow[],
    before: { files: lead(before), describes: new Map() },
    after: { files: lead(after), describes: new Map() },
    changes: NO_CHANGES,
    undone: new Set(undone.map((name) => `customfield:lead.${name.toLowerCase()}`)),
  }
}

/** What a rollback of all of them would do in the current state. */
const reversalOf = (deployments: PlanDeployment[], now: Lead) => {
  const merged = mergePlans(deployments, { components: [], changes: [], rolledBack: [] })
  const {
    remove,
    restore,
    kept,
    package: contents,
  } = reverse({
    plan: merged.plan,
    rows: merged.rows.map((row, position) => ({
      ...{ org_id: '', client_id: '', deployment_id: '', position, success: true, problem: null },
      ...row,
    })),
    before: merged.before.files,
    after: merged.after.files,
    now: lead(now),
    rolledBack: [],
    removedBefore: [],
    changes: merged.changes,
    named: null,
    assignments: [],
    beside: { file: () => null, readable: new Map() },
    users: new Map(),
    holding: new Map(),
  })
  const names = (list: readonly { fullName: string }[]) => list.map(({ fullName }) => fullName)
  return {
    remove: names(remove),
    restore: names(restore),
    kept: kept.map(({ component, code }) => [component.fullName, code]),
    left: merged.left.map(({ full_name, code }) => [full_name, code]),
    file: contents.files['objects/Lead.object'] ?? '',
  }
}

describe('deployments over one another', () => {
  it('go back to what was there before the first', () => {
    const done = reversalOf(
      [
        deployment('1', { A__c: 10 }, { A__c: 20 }),
        deployment('2', { A__c: 20 }, { A__c: 30, B__c: 5 }),
        deployment('3', { A__c: 30, B__c: 5 }, { A__c: 40, B__c: 9 }),
      ],
      { A__c: 40, B__c: 9 },
    )
    expect(done).toMatchObject({
      remove: ['Lead.B__c'],
      restore: ['Lead.A__c'],
      kept: [],
      left: [],
    })
    expect(done.file).toContain('<length>10</length>')
  })

  it('stay as others left them: after the last, and between two', () => {
    const after = reversalOf([deployment('1', {}, { A__c: 20 })], { A__c: 21 })
    expect(after).toMatchObject({ remove: [], kept: [['Lead.A__c', 'changed_by_others']] })

    const between = reversalOf(
      [deployment('1', {}, { A__c: 20 }), deployment('2', { A__c: 25 }, { A__c: 30 })],
      { A__c: 30 },
    )
    expect(between).toMatchObject({
      remove: [],
      restore: ['Lead.A__c'],
      left: [['Lead.A__c', 'changed_by_others']],
    })
    expect(between.file).toContain('<length>25</length>')
  })

  it('are each taken out, however many others were changed between them', () => {
    const done = reversalOf(
      [
        deployment('1', { X__c: 1 }, { X__c: 1, A__c: 20 }),
        deployment('2', { X__c: 7, A__c: 20 }, { X__c: 7, A__c: 20, B__c: 30 }),
      ],
      { X__c: 8, A__c: 20, B__c: 30 },
    )
    expect(done).toMatchObject({ remove: ['Lead.A__c', 'Lead.B__c'], kept: [], left: [] })
  })

  it('leave out what an earlier rollback took back', () => {
    const done = reversalOf(
      [
        deployment('1', {}, { A__c: 20, B__c: 5 }, ['A__c']),
        deployment('2', { B__c: 5 }, { A__c: 30, B__c: 5 }),
      ],
      { A__c: 30, B__c: 5 },
    )
    expect(done).toMatchObject({ remove: ['Lead.B__c', 'Lead.A__c'], kept: [], left: [] })
  })
})

describe('a chain', () => {
  const touch = (was: number | null, left: number | null, isKnown = true) => ({
    was,
    left,
    isKnown,
  })
  const same = (a: number | null, b: number | null) => a === b

  it('ends where somebody came in between, and passes over what did nothing', () => {
    expect(chainOf([touch(1, 2), touch(2, 3), touch(3, 4)], same)?.covered).toEqual([])
    expect(chainOf([touch(1, 2), touch(9, 3)], same)?.covered).toEqual([touch(1, 2)])
    expect(chainOf([touch(1, null, false), touch(1, 3)], same)?.covered).toEqual([])
    expect(chainOf([touch(1, null, false), touch(2, 3)], same)?.covered).toHaveLength(1)
    expect(chainOf([], same)).toBeNull()
  })
})
