import { expect, it } from 'vitest'
import { CANARY_FIRST, waveErrors, waveInputOf, withOneMore } from './waves.ts'

it('offers the same waves that the API takes without a strategy', () => {
  const same = { gate: 'manual', max_concurrent: 20, failure_tolerance: 0, soak_seconds: 0 }
  expect(CANARY_FIRST.map((wave) => waveInputOf(wave))).toEqual([
    { ...same, name: 'canary', count: 1, gate: 'auto', soak_seconds: 900 },
    { ...same, name: 'tenth', percent: 10 },
    { ...same, name: 'rest' },
  ])
  expect(waveErrors(CANARY_FIRST).size).toBe(0)
})

it('adds a wave before the rest, under a key of its own', () => {
  const more = withOneMore(CANARY_FIRST)
  expect(more.map(({ size }) => size)).toEqual(['count', 'percent', 'percent', 'rest'])
  expect(new Set(more.map(({ key }) => key)).size).toBe(4)
  expect(waveErrors(more).size).toBe(0)
})

it('lets a wave take the clients that somebody chooses, by their tags or what they are', () => {
  const [canary] = CANARY_FIRST
  if (canary === undefined) throw new Error('three')
  const { selection } = canary
  const chosen = { ...canary, size: 'chosen' } as const
  expect(waveInputOf({ ...chosen, selection: { ...selection, tags: 'ring=early' } })).toMatchObject(
    {
      selector: { tags: { ring: 'early' } },
    },
  )
  const drifted = { ...selection, by: 'drifted', environment: 'sandbox' } as const
  expect(waveInputOf({ ...chosen, selection: drifted }, 'b1')).toMatchObject({
    selector: { drifted: 'b1', environment: 'sandbox' },
  })
  expect(waveErrors([{ ...chosen, concurrent: '' }]).get(1)).toBe('Type a tag, such as tier=gold.')
})

it('says which wave is wrong, and that the last has to take the rest', () => {
  const [canary, tenth, rest] = CANARY_FIRST
  if (canary === undefined || tenth === undefined || rest === undefined) throw new Error('three')
  const errors = waveErrors([{ ...canary, amount: '0' }, { ...tenth, amount: 'many' }, rest])
  expect([...errors.keys()]).toEqual([1, 2])
  expect(errors.get(1)).toBe('The number of clients is a number from 1 to 5000.')
  expect(waveErrors([canary, tenth]).has(null)).toBe(true)
  expect(waveErrors([rest, rest]).has(null)).toBe(true)
})
