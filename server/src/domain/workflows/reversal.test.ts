import { describe, expect, it } from 'vitest'
import { type JsonObject } from '../../salesforce/json.ts'
import { isUndone, reversalTransition, type ReversalInput } from './reversal.ts'
import { type FlowState, type WorkflowState } from './state.ts'
import { activationTransition, deployTransition, removalTransition } from './transition.ts'

const content = (label: string): JsonObject => ({ label, processType: 'Flow', apiVersion: '66.0' })

const flowOf = (
  numbers: readonly number[],
  active: number | null,
  contents: Record<string, string>,
): FlowState => ({
  api_name: 'Mine',
  definition_id: '300',
  label: 'Mine',
  managed: false,
  active,
  latest: numbers.at(-1) ?? null,
  versions: numbers.map((number) => ({ id: `301-${number}`, number, status: 'Draft' })),
  contents: Object.fromEntries(
    Object.entries(contents).map(([number, label]) => [number, content(label)]),
  ),
})
const of = (flow: FlowState | null): WorkflowState => ({
  flows: flow === null ? [] : [flow],
  files: {},
})
const wanted = (label: string, activate: boolean | 'keep') => [
  {
    type: 'flow' as const,
    api_name: 'Mine',
    definition: { label, processType: 'Flow' },
    activate,
  },
]

const input = (
  times: { before: FlowState | null; after: FlowState | null; now: FlowState | null },
  more: Partial<ReversalInput> = {},
): ReversalInput => ({
  kind: 'workflows',
  rows: [
    { type: 'Flow', full_name: 'Mine', action: times.before === null ? 'created' : 'updated' },
  ],
  before: of(times.before),
  after: of(times.after),
  now: of(times.now),
  named: null,
  apiVersion: 'v66.0',
  ...more,
})

describe('taking back a flow', () => {
  it('that was made keeps it where somebody edited the draft in place', () => {
    const after = flowOf([1], null, { 1: 'Ours' })
    const now = flowOf([1], null, { 1: 'Theirs' })
    expect(reversalTransition(input({ before: null, after, now }))).toMatchObject({
      remove: [],
      kept: [{ reason: 'Changed by somebody else since.', removable: true }],
      transition: { deleteVersions: [] },
    })
    expect(reversalTransition(input({ before: null, after, now: after })).remove).toHaveLength(1)
  })

  it('restores a draft that the deploy wrote over instead of making a new version', () => {
    const before = flowOf([1, 2], 1, { 1: 'Live', 2: 'Draft of theirs' })
    const after = flowOf([1, 2], 1, { 1: 'Live', 2: 'Ours' })
    const found = input({ before, after, now: after })
    expect(isUndone(found, found.rows[0] ?? expect.fail())).toBe(false)
    const { restore, transition } = reversalTransition(found)
    expect(restore).toHaveLength(1)
    expect(transition.files['flows/Mine.flow']).toContain('Draft of theirs')
    expect(transition.deleteVersions).toEqual([])
    const done = input({ before, after, now: before })
    expect(isUndone(done, done.rows[0] ?? expect.fail())).toBe(true)
  })

  it('whose outcome is not known says that, and touches nothing', () => {
    const now = flowOf([1], 1, { 1: 'Ours' })
    const found = reversalTransition(input({ before: null, after: null, now }))
    expect(found.kept).toMatchObject([{ reason: expect.stringContaining('not known') as string }])
    expect(found.kept[0]?.changed).toBeNull()
  })

  it('does not count what others saved since, once ours is gone', () => {
    const before = flowOf([1], 1, { 1: 'Live' })
    const after = flowOf([1, 2], 2, { 2: 'Ours' })
    const now = flowOf([1, 3], 1, { 1: 'Live', 3: 'Theirs' })
    expect(reversalTransition(input({ before, after, now }))).toMatchObject({
      remove: [],
      restore: [],
      kept: [],
    })
  })

  it('goes on where an earlier rollback stopped between switching and deleting', () => {
    const before = flowOf([1], 1, { 1: 'Live' })
    const after = flowOf([1, 2], 2, { 2: 'Ours' })
    const now = flowOf([1, 2], 1, { 1: 'Live', 2: 'Ours' })
    expect(reversalTransition(input({ before, after, now }))).toMatchObject({
      kept: [],
      transition: { activate: [], deleteVersions: [{ number: 2 }] },
    })
  })
})

describe('a deploy of a flow', () => {
  it('that runs already in this form leaves the draft that somebody began above it', () => {
    const state = of(flowOf([1, 2], 1, { 1: 'Live', 2: 'Draft' }))
    for (const activate of [true, 'keep'] as const) {
      const { rows, transition } = deployTransition(wanted('Live', activate), state, '66.0')
      expect(rows).toMatchObject([{ action: 'unchanged' }])
      expect(transition).toMatchObject({ files: {}, activate: [] })
    }
    const off = deployTransition(wanted('Live', false), state, '66.0')
    expect(off.transition.activate).toMatchObject([{ version: null }])
  })

  it('activates only a version above all that were there', () => {
    const state = of(flowOf([1, 7], 1, { 1: 'Live', 7: 'Draft' }))
    const { transition } = deployTransition(wanted('New', true), state, '66.0')
    expect(transition.activate).toEqual([{ flow: 'Mine', version: 'newest', above: 7 }])
  })
})

describe('switching and removing', () => {
  const state = of(flowOf([1, 2, 3], 2, { 2: 'Live', 3: 'Draft' }))

  it('refuses a version that means nothing', () => {
    const flow = { type: 'flow' as const, api_name: 'Mine' }
    for (const wrong of [
      { ...flow, active: false, version: 1 },
      { type: 'validation_rule' as const, api_name: 'Lead.X', active: true, version: 1 },
    ]) {
      expect(() => activationTransition(wrong, state)).toThrow('Leave version out')
    }
    expect(activationTransition({ ...flow, active: true }, state).rows).toMatchObject([
      { action: 'unchanged' },
    ])
  })

  it('deletes the version that a rollback needs last', () => {
    const { transition } = removalTransition([{ type: 'flow', api_name: 'Mine' }], state)
    expect(transition.deleteVersions.map(({ number }) => number)).toEqual([1, 3, 2])
  })
})
