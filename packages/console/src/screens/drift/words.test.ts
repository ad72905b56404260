import { describe, expect, it } from 'vitest'
import { clientStateOf, differencesInWords } from './words.ts'

describe('what differs', () => {
  it('says what was accepted, and a client with nothing else is not as wanted', () => {
    const changed = { state: 'modified', accepted: false } as const
    const accepted = { state: 'modified', accepted: true } as const
    const wanted = { state: 'in_sync', accepted: false } as const
    expect(differencesInWords([changed, accepted, changed, wanted] as const)).toBe(
      '2 × somebody changed it, 1 × somebody changed it (accepted)',
    )
    const stateOf = (components: readonly object[]) =>
      clientStateOf({ state: 'in_sync', components: components as never })[1]
    expect(stateOf([accepted, wanted])).toBe('As accepted')
    expect(stateOf([wanted])).toBe('As wanted')
  })
})
