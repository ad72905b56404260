import { expect, it } from 'vitest'
import { pacedWaitMs, pollWaitMs } from './polling.ts'

it('looks again when the rest is nearly done, by the pace so far', () => {
  expect(pacedWaitMs(3, 0.5, 1000)).toBe(800)
  expect(pacedWaitMs(3, 0.99, 1000)).toBe(250)
  expect(pacedWaitMs(3, 0.1, 1000)).toBe(2000)
})

it('waits as usual where the pace is not known, and for long work', () => {
  for (const share of [0, 1, 1.5, Number.NaN]) {
    expect(pacedWaitMs(4, share, 1000)).toBe(pollWaitMs(4))
  }
  expect(pacedWaitMs(13, 0.5, 60_000)).toBe(pollWaitMs(13))
})
