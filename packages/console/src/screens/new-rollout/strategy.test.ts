import { expect, it } from 'vitest'
import { AS_EVER, atNight, strategyError, strategyOf } from './strategy.ts'

it('is what the API does without a strategy, as long as nothing is changed', () => {
  expect(strategyOf(AS_EVER, [])).toEqual({
    waves: [],
    mode: 'strict',
    connection_grace_seconds: 86_400,
  })
  expect(strategyError(AS_EVER)).toBeNull()
})

it('sends only in the hours of a time zone, and says what is not one', () => {
  const window = { from: '22:00', to: '05:30', zone: 'Europe/Berlin' }
  expect(strategyOf({ ...AS_EVER, window, mode: 'soft', acceptsYellow: true }, [])).toMatchObject({
    window,
    mode: 'soft',
    accept: ['yellow'],
  })
  expect(strategyError({ ...AS_EVER, window: atNight() })).toBeNull()
  expect(strategyError({ ...AS_EVER, window: { ...window, zone: 'Berlin' } })).toMatch(/“Berlin”/)
  expect(strategyError({ ...AS_EVER, window: { ...window, to: '22:00' } })).toMatch(/different end/)
  expect(strategyError({ ...AS_EVER, graceHours: 'long' })).toMatch(/from 1 to 168/)
})
