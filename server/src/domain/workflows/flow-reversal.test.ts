import { describe, expect, it } from 'vitest'
import {
  type FlowQuestion,
  type FlowReversal,
  isAsLeft,
  isFlowUndone,
  lostDraft,
  madeVersions,
  putBack,
  reverseFlow,
  strangeness,
} from './flow-reversal.ts'
import { Keep } from './kept.ts'
import { type FlowState } from './state.ts'

/** A flow with these versions by number and label; the content of the others was not read. */
const flow = (
  active: number | null,
  versions: Record<number, string | null>,
  definition = '300',
): FlowState => {
  const numbers = Object.keys(versions).map(Number)
  return {
    api_name: 'Mine',
    definition_id: definition,
    label: 'Mine',
    managed: false,
    active,
    latest: numbers.at(-1) ?? null,
    versions: numbers.map((number) => ({
      id: `${definition}-${number}`,
      number,
      status: number === active ? 'Active' : 'Draft',
    })),
    contents: Object.fromEntries(
      Object.entries(versions).flatMap(([number, label]) =>
        label === null ? [] : [[number, { label, processType: 'Flow', apiVersion: '66.0' }]],
      ),
    ),
  }
}

const question = (times: Partial<FlowQuestion>): FlowQuestion => ({
  was: null,
  left: null,
  is: null,
  kind: 'workflows',
  action: 'updated',
  isNamed: false,
  apiVersion: 'v66.0',
  ...times,
})

const done = (reversal: FlowReversal) =>
  reversal === null || reversal instanceof Keep
    ? expect.fail(`kept: ${reversal?.reason ?? 'nothing left of it'}`)
    : reversal
const kept = (reversal: unknown) =>
  reversal instanceof Keep ? reversal : expect.fail('taken back')

const LIVE = flow(1, { 1: 'Live' })
const OURS = flow(2, { 1: 'Live', 2: 'Ours' })

describe('a flow that the deployment made', () => {
  const made = flow(1, { 1: 'Ours' })

  it('is switched off and removed with every version', () => {
    const { outcome, transition } = done(
      reverseFlow(question({ action: 'created', left: made, is: made })),
    )
    expect(outcome).toBe('remove')
    expect(transition).toMatchObject({
      activate: [{ flow: 'Mine', version: null }],
      deleteVersions: [{ id: '300-1' }],
      files: {},
    })
  })

  it('that is gone leaves nothing to do', () => {
    expect(reverseFlow(question({ action: 'created', left: made }))).toBeNull()
  })

  it('that somebody changed is kept, and goes all the same when it is named', () => {
    const is = flow(1, { 1: 'Theirs' })
    const asked = question({ action: 'created', left: made, is })
    expect(kept(reverseFlow(asked))).toMatchObject({
      reason: 'Changed by somebody else since.',
      changed: 'it',
      removable: true,
    })
    expect(done(reverseFlow({ ...asked, isNamed: true })).outcome).toBe('remove')
  })
})

describe('a flow that the deployment deleted', () => {
  const deleted = (times: Partial<FlowQuestion>) => question({ action: 'deleted', ...times })

  it('is made again from the version that was active, and switched on', () => {
    const { outcome, transition } = done(reverseFlow(deleted({ was: LIVE })))
    expect(outcome).toBe('restore')
    expect(transition.files['flows/Mine.flow']).toContain('Live')
    expect(transition.activate).toEqual([{ flow: 'Mine', version: 'newest', above: 0 }])
  })

  it('is only switched on where an earlier rollback brought it back', () => {
    const back = flow(null, { 1: 'Live' }, '301')
    const { transition } = done(reverseFlow(deleted({ was: LIVE, is: back })))
    expect(transition).toMatchObject({ activate: [{ flow: 'Mine', version: 1 }], files: {} })
  })

  it.each([
    ['runs', flow(1, { 1: 'Live' }, '301')],
    ['has other content', flow(null, { 1: 'Theirs' }, '301')],
    ['has more versions', flow(null, { 1: 'Live', 2: 'Theirs' }, '301')],
  ])('is kept for good where the one of that name %s', (_what, is) => {
    expect(kept(reverseFlow(deleted({ was: LIVE, is })))).toMatchObject({
      reason: 'Somebody has created it again since.',
      removable: false,
    })
  })
})

describe('a flow that the deployment changed', () => {
  it('runs as before, and the version of the deployment goes', () => {
    const { outcome, transition } = done(reverseFlow(question({ was: LIVE, left: OURS, is: OURS })))
    expect(outcome).toBe('restore')
    expect(transition).toMatchObject({
      files: {},
      activate: [{ flow: 'Mine', version: 1 }],
      deleteVersions: [{ id: '300-2', number: 2 }],
    })
  })

  it('keeps its versions where the deployment only switched it', () => {
    const left = flow(null, { 1: 'Live' })
    const asked = question({ kind: 'workflow_activation', was: LIVE, left, is: left })
    expect(done(reverseFlow(asked)).transition).toMatchObject({
      activate: [{ flow: 'Mine', version: 1 }],
      deleteVersions: [],
    })
  })

  it('that is gone is kept for good', () => {
    expect(kept(reverseFlow(question({ was: LIVE, left: OURS })))).toMatchObject({
      reason: 'Deleted by somebody else since.',
      changed: 'nobody',
      removable: false,
    })
  })

  it('is kept where the version that ran before was deleted, and created again where it is named', () => {
    // Known from before and after, except for the missing version.
    const is = flow(2, { 2: 'Ours' })
    const asked = question({ was: LIVE, left: OURS, is })
    expect(kept(reverseFlow(asked)).reason).toContain('Version 1, which was active before')
    const { transition } = done(reverseFlow({ ...asked, isNamed: true }))
    expect(transition.files['flows/Mine.flow']).toContain('Live')
    expect(transition.activate).toEqual([{ flow: 'Mine', version: 'newest', above: 2 }])
    expect(transition.deleteVersions).toMatchObject([{ number: 2 }])
  })

  it('and somebody removed and restored runs as before, from its content', () => {
    const is = flow(1, { 1: 'Ours' }, '301')
    const { outcome, transition } = done(reverseFlow(question({ was: LIVE, left: OURS, is })))
    expect(outcome).toBe('restore')
    expect(transition.files['flows/Mine.flow']).toContain('Live')
    expect(transition).toMatchObject({
      activate: [{ flow: 'Mine', version: 'newest', above: 1 }],
      deleteVersions: [{ id: '301-1', number: 1 }],
    })
  })

  it('in state only, and was removed and restored since, runs in the version of the same content', () => {
    const left = flow(null, { 1: 'Live', 2: 'Ours' })
    const is = flow(null, { 1: 'Ours' }, '301')
    const asked = question({ kind: 'workflow_activation', was: OURS, left, is })
    expect(done(reverseFlow(asked)).transition).toMatchObject({
      files: {},
      activate: [{ flow: 'Mine', version: 1 }],
      deleteVersions: [],
    })
  })

  it('gets its draft back in place of the one that was written over it', () => {
    const was = flow(1, { 1: 'Live', 2: 'Their draft' })
    const left = flow(1, { 1: 'Live', 2: 'Ours' })
    const { transition } = done(reverseFlow(question({ was, left, is: left })))
    expect(transition.files['flows/Mine.flow']).toContain('Their draft')
    expect(transition.deleteVersions).toEqual([])
  })
})

describe('strangeness', () => {
  it.each<[string, Partial<FlowQuestion>, string | null]>([
    ['as it was left', { left: OURS }, null],
    ['not looked at after', { left: null }, 'It is not known how the deployment left it.'],
    ['not looked at after, and deleted', { left: null, action: 'deleted' }, null],
    ['otherwise than left', { left: flow(2, { 2: 'Other' }) }, 'Changed by somebody else since.'],
    ['otherwise, and named', { left: flow(2, { 2: 'Other' }), isNamed: true }, null],
  ])('of a flow that is %s', (_what, times, reason) => {
    const asked = { ...question({ was: LIVE, ...times }), is: OURS }
    expect(strangeness(asked)?.reason ?? null).toBe(reason)
  })
})

describe('putBack', () => {
  const steps = (was: FlowState, is: FlowState | null) => {
    const found = putBack(was, is, '66.0')
    return found instanceof Keep
      ? found.reason
      : { files: Object.keys(found.files), to: found.activate }
  }

  it.each<[string, FlowState, FlowState | null, unknown]>([
    [
      'does nothing where the same version runs',
      LIVE,
      flow(1, { 1: 'Live', 2: 'x' }),
      { files: [], to: [] },
    ],
    [
      'switches to the version that ran',
      LIVE,
      OURS,
      { files: [], to: [{ flow: 'Mine', version: 1 }] },
    ],
    [
      'switches off what was off',
      flow(null, { 1: 'Live' }),
      LIVE,
      { files: [], to: [{ flow: 'Mine', version: null }] },
    ],
    [
      'makes a draft again, which was never on',
      flow(null, { 1: 'Draft' }),
      null,
      { files: ['flows/Mine.flow'], to: [] },
    ],
    [
      'makes a draft again and switches off what runs',
      flow(null, { 1: 'Draft' }),
      flow(2, { 2: 'x' }),
      { files: ['flows/Mine.flow'], to: [{ flow: 'Mine', version: null }] },
    ],
    [
      'does nothing for a flow without versions',
      flow(null, {}),
      flow(null, {}),
      { files: [], to: [] },
    ],
    [
      'gives up where the content was not read',
      flow(1, { 1: null }),
      null,
      'Its content could not be read before the deployment.',
    ],
  ])('%s', (_what, was, is, expected) => {
    expect(steps(was, is)).toEqual(expected)
  })
})

describe('lostDraft', () => {
  const was = flow(1, { 1: 'Live', 2: 'Draft' })
  const over = flow(1, { 1: 'Live', 2: 'Ours' })

  it.each([
    ['was written over', over, over, 'Draft'],
    ['was written over and is back', over, was, null],
    ['was left alone', was, was, null],
    ['nobody looked at after', null, over, null],
  ])('of a draft that %s', (_what, left, is, label) => {
    expect(lostDraft({ was, left, is })?.label ?? null).toBe(label)
  })
})

describe('madeVersions', () => {
  it('are those that were there after and not before, of a deploy', () => {
    const later = flow(2, { 1: 'Live', 2: 'Ours', 3: 'Theirs' })
    const times = { was: LIVE, left: OURS, is: later }
    expect(madeVersions({ kind: 'workflows', ...times })).toEqual(new Set(['300-2']))
    expect(madeVersions({ kind: 'workflow_activation', ...times })).toEqual(new Set())
  })

  it('are all that are new where nobody looked after', () => {
    const asked = { kind: 'workflows', was: LIVE, left: null, is: OURS } as const
    expect(madeVersions(asked)).toEqual(new Set(['300-2']))
  })
})

describe('isAsLeft', () => {
  it.each<[string, FlowState, boolean]>([
    ['left', OURS, true],
    ['half-way back', flow(1, { 1: 'Live', 2: 'Ours' }), true],
    ['back', LIVE, true],
    ['with a version of others', flow(2, { 1: 'Live', 2: 'Ours', 3: 'x' }), false],
    ['with a draft edited in place', flow(2, { 1: 'Live', 2: 'Edited' }), false],
    ['switched off', flow(null, { 1: 'Live', 2: 'Ours' }), false],
    ['made anew alike', flow(1, { 1: 'Ours' }, '301'), true],
    ['made anew otherwise', flow(1, { 1: 'x' }, '301'), false],
    ['made anew and off', flow(null, { 1: 'Ours' }, '301'), false],
    ['made anew, half-way back', flow(1, { 1: 'Ours', 2: 'Live' }, '301'), true],
    ['made anew, and back', flow(2, { 2: 'Live' }, '301'), true],
    ['made anew, with a version of others', flow(1, { 1: 'Ours', 2: 'x' }, '301'), false],
  ])('a flow that is %s', (_what, is, expected) => {
    expect(isAsLeft(LIVE, OURS, is)).toBe(expected)
  })
})

describe('isFlowUndone', () => {
  it.each<[string, string, FlowState | null, FlowState | null, boolean]>([
    ['neither there before nor now', 'created', null, null, true],
    ['made and there', 'created', null, OURS, false],
    ['back', 'updated', LIVE, LIVE, true],
    ['back beside versions of others', 'updated', LIVE, flow(1, { 1: 'Live', 3: 'x' }), true],
    ['switched back, ours still there', 'updated', LIVE, flow(1, { 1: 'Live', 2: 'Ours' }), false],
    ['deleted and brought back', 'deleted', LIVE, flow(1, { 1: 'Live' }, '301'), true],
    [
      'deleted and brought back, still off',
      'deleted',
      LIVE,
      flow(null, { 1: 'Live' }, '301'),
      false,
    ],
    ['deleted', 'deleted', LIVE, null, false],
  ])('of a flow that is %s', (_what, action, was, is, expected) => {
    expect(isFlowUndone('workflows', { was, left: OURS, is }, action)).toBe(expected)
  })
})
