// The state machine of rollouts, played with everything that can happen to targets, in every order.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type Decision,
  decide,
  decideRollback,
  limitOf,
  SYSTEMIC,
  type View,
  type Wave,
} from './advance.ts'
import { type PauseReason, type TargetState, TARGET_STATES, totalOf } from './model.ts'

interface Target {
  wave: number
  state: TargetState
  code: string | null
  acknowledged: boolean
  /** Its deployment, or its claim. */
  underWay: boolean
}

interface Game {
  state: 'running' | 'paused' | 'ended'
  reason: PauseReason | null
  waves: Omit<Wave, 'counts' | 'underWay' | 'due' | 'failures' | 'unknown' | 'common'>[]
  targets: Target[]
  isOpen: boolean
  at: number
  /** Every decision that changed something. */
  log: Decision[]
}

const countsOf = (targets: readonly Target[]): Record<string, number> => {
  const counts: Record<string, number> = {}
  for (const { state } of targets) counts[state] = (counts[state] ?? 0) + 1
  return counts
}

const isFailure = ({ state, acknowledged }: Target): boolean =>
  (state === 'failed' || state === 'unknown') && !acknowledged

const waveOf = (game: Game, wave: Game['waves'][number]): Wave => {
  const mine = game.targets.filter((target) => target.wave === wave.position)
  const failures = mine.filter(isFailure)
  const byCode = Map.groupBy(failures, ({ code }) => code ?? '')
  const [common] = [...byCode].toSorted(([, a], [, b]) => b.length - a.length)
  return {
    ...wave,
    counts: countsOf(mine),
    underWay: mine.filter(({ underWay }) => underWay).length,
    due: mine.filter(
      ({ state, underWay }) => (state === 'queued' || state === 'waiting') && !underWay,
    ).length,
    failures: failures.length,
    unknown: failures.filter(({ state }) => state === 'unknown').length,
    common: common === undefined ? null : { code: common[0], count: common[1].length },
  }
}

const viewOf = (game: Game, mode: View['mode']): View => ({
  state: game.state === 'paused' ? 'paused' : 'running',
  pauseReason: game.reason,
  mode,
  waves: game.waves.map((wave) => waveOf(game, wave)),
  window: { isOpen: game.isOpen, changesAt: null },
  now: new Date(game.at),
  scale: 1,
})

/** Carries decisions out until one waits; checks what each promises. */
const advance = (game: Game, mode: View['mode']): void => {
  for (let turn = 0; turn < 100; turn += 1) {
    if (game.state === 'ended') return
    const view = viewOf(game, mode)
    const decision = decide(view)
    if (decision.do !== 'wait') game.log.push(decision)
    const wave = view.waves.find(({ position }) => 'wave' in decision && position === decision.wave)
    switch (decision.do) {
      case 'wait':
        return
      case 'begin': {
        expect(game.state, 'nothing begins in a pause').toBe('running')
        expect(game.isOpen, 'nothing begins outside the window').toBe(true)
        expect(wave?.state).toBe('open')
        const begun = game.targets.filter(
          ({ state, wave: at, underWay }) =>
            at === decision.wave && (state === 'queued' || state === 'waiting') && !underWay,
        )
        for (const target of begun.slice(0, decision.count)) target.underWay = true
        const after = waveOf(game, game.waves[decision.wave - 1] ?? never())
        expect(after.failures).toBeLessThanOrEqual(after.failureTolerance)
        expect(after.underWay, 'the limit').toBeLessThanOrEqual(limitOf(after, mode))
        return
      }
      case 'open': {
        const before = game.waves.filter(({ position }) => position < decision.wave)
        expect(before.every(({ state }) => state === 'closed')).toBe(true)
        const opened = game.waves[decision.wave - 1] ?? never()
        const isOfNobody = (at: number) =>
          game.targets.every((target) => target.wave !== at || target.state === 'skipped')
        expect(opened.gate === 'auto' || opened.isApproved || isOfNobody(opened.position)).toBe(
          true,
        )
        const last = isOfNobody(opened.position)
          ? undefined
          : before.findLast(({ position }) => !isOfNobody(position))
        if (last !== undefined) {
          expect(game.at).toBeGreaterThanOrEqual(
            (last.closedAt?.getTime() ?? 0) + last.soakSeconds * 1000,
          )
        }
        opened.state = 'open'
        for (const target of game.targets) {
          if (target.wave === decision.wave && target.state === 'ready') target.state = 'queued'
        }
        break
      }
      case 'close': {
        const mine = game.targets.filter(({ wave: at }) => at === decision.wave)
        expect(mine.some(({ underWay }) => underWay)).toBe(false)
        expect(mine.every(({ state }) => ['deployed', 'failed', 'skipped'].includes(state))).toBe(
          true,
        )
        const closed = game.waves[decision.wave - 1] ?? never()
        closed.state = 'closed'
        closed.closedAt = new Date(game.at)
        break
      }
      case 'pause':
        game.state = 'paused'
        game.reason = decision.reason
        // What was claimed and not sent is begun anew when it goes on.
        break
      case 'go_on':
        game.state = 'running'
        game.reason = null
        break
      case 'finish':
        expect(game.waves.every(({ state }) => state === 'closed')).toBe(true)
        game.state = 'ended'
        return
    }
  }
  throw new Error('the decisions do not come to an end')
}

const never = (): never => {
  throw new Error('no such wave')
}

type Happening =
  | { what: 'end'; as: 'deployed' | 'failed' | 'unknown'; code: string; pick: number }
  | { what: 'wait'; pick: number }
  | { what: 'settle'; pick: number }
  | { what: 'person'; does: 'pause' | 'resume' | 'approve' | 'skip' }
  | { what: 'clock'; seconds: number }
  | { what: 'window'; isOpen: boolean }

const happening: fc.Arbitrary<Happening> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      what: fc.constant('end' as const),
      as: fc.constantFrom(
        'deployed' as const,
        'deployed' as const,
        'deployed' as const,
        'failed' as const,
        'unknown' as const,
      ),
      code: fc.constantFrom('a', 'b', 'c', 'd'),
      pick: fc.nat(100),
    }),
  },
  fc.record({ what: fc.constant('wait' as const), pick: fc.nat(100) }),
  fc.record({ what: fc.constant('settle' as const), pick: fc.nat(100) }),
  fc.record({
    what: fc.constant('person' as const),
    does: fc.constantFrom('pause' as const, 'resume' as const, 'approve' as const, 'skip' as const),
  }),
  fc.record({ what: fc.constant('clock' as const), seconds: fc.nat(120) }),
  fc.record({ what: fc.constant('window' as const), isOpen: fc.boolean() }),
)

const happen = (game: Game, event: Happening): void => {
  const busy = game.targets.filter(({ underWay }) => underWay)
  const one = <T>(list: readonly T[], pick: number): T | undefined => list[pick % list.length]
  switch (event.what) {
    case 'end': {
      const target = one(busy, event.pick)
      if (target === undefined) return
      target.underWay = false
      target.state = event.as
      target.code = event.code
      target.acknowledged = false
      return
    }
    case 'wait': {
      const target = one(busy, event.pick)
      if (target === undefined) return
      target.underWay = false
      target.state = 'waiting'
      return
    }
    case 'settle': {
      const unknown = game.targets.filter(({ state }) => state === 'unknown')
      const target = one(unknown, event.pick)
      if (target !== undefined) target.state = 'deployed'
      return
    }
    case 'clock':
      game.at += event.seconds * 1000
      return
    case 'window':
      game.isOpen = event.isOpen
      return
    case 'person':
      return act(game, event.does)
  }
}

const act = (game: Game, does: 'pause' | 'resume' | 'approve' | 'skip'): void => {
  if (game.state === 'ended') return
  if (does === 'pause') {
    game.state = 'paused'
    game.reason = 'user'
  }
  if (does === 'resume' && game.state === 'paused') {
    if (game.reason === 'gate' || game.reason === 'soak' || game.reason === 'window') return
    for (const target of game.targets) {
      if (isFailure(target)) target.acknowledged = true
    }
    game.state = 'running'
    game.reason = null
  }
  if (does === 'approve' && game.reason === 'gate') {
    const next = game.waves.find(({ state }) => state === 'pending')
    if (next !== undefined) next.isApproved = true
    game.state = 'running'
    game.reason = null
  }
  if (does === 'skip') {
    for (const target of game.targets) {
      if (target.state === 'unknown' && !target.underWay) target.state = 'skipped'
    }
  }
}

const newGame = (
  sizes: readonly number[],
  options: readonly { tolerance: number; soak: number; gate: 'auto' | 'manual'; most: number }[],
): Game => ({
  state: 'running',
  reason: null,
  waves: sizes.map((_, at) => ({
    position: at + 1,
    state: 'pending',
    maxConcurrent: options[at]?.most ?? 1,
    failureTolerance: options[at]?.tolerance ?? 0,
    soakSeconds: options[at]?.soak ?? 0,
    gate: options[at]?.gate ?? 'auto',
    isApproved: false,
    closedAt: null,
  })),
  targets: sizes.flatMap((size, at) =>
    Array.from({ length: size }, () => ({
      wave: at + 1,
      state: 'ready' as const,
      code: null,
      acknowledged: false,
      underWay: false,
    })),
  ),
  isOpen: true,
  at: Date.parse('2026-11-29T09:00:00Z'),
  log: [],
})

const games = fc
  .array(
    fc.record({
      size: fc.integer({ min: 1, max: 8 }),
      tolerance: fc.nat(4),
      soak: fc.nat(100),
      gate: fc.constantFrom('auto' as const, 'manual' as const),
      most: fc.integer({ min: 1, max: 6 }),
    }),
    { minLength: 1, maxLength: 4 },
  )
  .map((waves) =>
    newGame(
      waves.map(({ size }) => size),
      waves,
    ),
  )

describe('a rollout, whatever happens in whatever order,', () => {
  it('keeps its limits, opens no wave before the one before is closed, and accounts for every target', () => {
    fc.assert(
      fc.property(
        games,
        fc.constantFrom('strict' as const, 'soft' as const),
        fc.array(happening, { maxLength: 120 }),
        (game, mode, events) => {
          const total = game.targets.length
          advance(game, mode)
          for (const event of events) {
            happen(game, event)
            advance(game, mode)
            expect(totalOf(countsOf(game.targets))).toBe(total)
            expect(game.waves.filter(({ state }) => state === 'open').length).toBeLessThanOrEqual(1)
          }
        },
      ),
      { numRuns: 500 },
    )
  })

  it('comes to an end if everything ends, somebody approves, and the clock goes on', () => {
    fc.assert(
      fc.property(games, fc.array(happening, { maxLength: 60 }), (game, events) => {
        advance(game, 'strict')
        for (const event of events) {
          happen(game, event)
          advance(game, 'strict')
        }
        for (let round = 0; round < 400 && game.state !== 'ended'; round += 1) {
          happen(game, { what: 'window', isOpen: true })
          happen(game, { what: 'clock', seconds: 120 })
          happen(game, { what: 'end', as: 'deployed', code: 'a', pick: round })
          act(game, 'skip')
          act(game, 'approve')
          act(game, 'resume')
          advance(game, 'strict')
        }
        expect(game.state).toBe('ended')
      }),
      { numRuns: 300 },
    )
  })
})

const view = (wave: Partial<Wave>, more: Partial<View> = {}): View => ({
  state: 'running',
  pauseReason: null,
  mode: 'strict',
  window: { isOpen: true, changesAt: null },
  now: new Date('2026-11-29T09:00:00Z'),
  scale: 1,
  waves: [
    {
      position: 1,
      state: 'open',
      maxConcurrent: 20,
      failureTolerance: 5,
      soakSeconds: 0,
      gate: 'auto',
      isApproved: false,
      closedAt: null,
      counts: { queued: 30 },
      underWay: 0,
      due: 30,
      failures: 0,
      unknown: 0,
      common: null,
      ...wave,
    },
  ],
  ...more,
})

describe('what is decided', () => {
  it('a wave of nobody is over at once, and waits for no clock and no person', () => {
    const [wave] = view({}).waves as [Wave]
    const closed = {
      ...wave,
      state: 'closed',
      soakSeconds: 900,
      closedAt: new Date(),
      due: 0,
    } as const
    const after = (counts: Wave['counts'], next: Partial<Wave> = {}) =>
      decide(
        view(
          {},
          {
            waves: [
              { ...closed, counts },
              { ...wave, position: 2, state: 'pending', counts: { ready: 3 }, ...next },
            ],
            now: new Date(),
          },
        ),
      )
    expect(after({ deployed: 1, excluded: 2 })).toMatchObject({ do: 'pause', reason: 'soak' })
    expect(after({ excluded: 2, skipped: 1 })).toEqual({ do: 'open', wave: 2 })
    const nobody = { counts: { skipped: 2 }, gate: 'manual' } as const
    expect(after({ deployed: 1 }, nobody)).toEqual({ do: 'open', wave: 2 })
  })

  it('strict: after failures, no more under way than the tolerance has left, plus one', () => {
    expect(decide(view({}))).toEqual({ do: 'begin', wave: 1, count: 20 })
    expect(decide(view({ failures: 3 }))).toEqual({ do: 'begin', wave: 1, count: 3 })
    expect(decide(view({ failures: 3, underWay: 2 }))).toEqual({ do: 'begin', wave: 1, count: 1 })
    expect(decide(view({ failures: 3 }, { mode: 'soft' }))).toMatchObject({ count: 20 })
    expect(decide(view({ failures: 6 }, { mode: 'soft' }))).toMatchObject({
      do: 'pause',
      reason: 'tolerance',
    })
  })

  it('systemic: the same error in three targets pauses, tolerance or not', () => {
    const failures = SYSTEMIC
    const common = { code: 'components_failed', count: SYSTEMIC }
    expect(decide(view({ failures, common }))).toEqual({
      do: 'pause',
      reason: 'systemic',
      until: null,
      detail: { wave: 1, code: 'components_failed', targets: SYSTEMIC },
    })
    expect(decide(view({ failures, common: { ...common, count: 2 } }))).toMatchObject({
      do: 'begin',
    })
  })

  it('an unknown fate pauses at once, and holds the wave open until it is settled', () => {
    const counts = { queued: 3, unknown: 1 } as const
    expect(decide(view({ counts, failures: 1, unknown: 1 }))).toMatchObject({
      do: 'pause',
      reason: 'unknown_fate',
    })
    // Somebody has seen it and went on: the others go on, and then it waits again.
    expect(decide(view({ counts, due: 3 }))).toMatchObject({ do: 'begin', count: 3 })
    expect(decide(view({ counts: { deployed: 3, unknown: 1 }, due: 0 }))).toMatchObject({
      do: 'pause',
      reason: 'unknown_fate',
    })
  })

  it('a wave with a blocked or unchecked target waits for a person, whatever its gate', () => {
    const pending = { state: 'pending' as const, due: 0 }
    expect(decide(view({ ...pending, counts: { ready: 2, blocked: 1 } }))).toMatchObject({
      do: 'pause',
      reason: 'gate',
      detail: { wave: 1, blocked: 1 },
    })
    expect(decide(view({ ...pending, counts: { ready: 2, pending: 1 } }))).toMatchObject({
      reason: 'gate',
      detail: { unchecked: 1 },
    })
    expect(decide(view({ ...pending, counts: { ready: 2 } }))).toEqual({ do: 'open', wave: 1 })
  })

  it('a rollback takes the last wave first, and no other before nothing of it is left', () => {
    const wave = (position: number, left: number, underWay = 0) => ({
      position,
      maxConcurrent: 2,
      underWay,
      due: left,
      left,
    })
    expect(decideRollback([wave(1, 1), wave(2, 5)])).toEqual({ do: 'begin', wave: 2, count: 2 })
    expect(decideRollback([wave(1, 1), wave(2, 5, 2)])).toEqual({ do: 'wait' })
    expect(decideRollback([wave(1, 1), wave(2, 0, 1)])).toEqual({ do: 'wait' })
    expect(decideRollback([wave(1, 1), wave(2, 0)])).toEqual({ do: 'begin', wave: 1, count: 1 })
    expect(decideRollback([wave(1, 0), wave(2, 0)])).toEqual({ do: 'finish' })
  })

  it('counts every state of a target', () => {
    const all = Object.fromEntries(TARGET_STATES.map((state) => [state, 1]))
    expect(totalOf(all)).toBe(TARGET_STATES.length)
  })
})
