import { expect, it } from 'vitest'
import { rejection } from './testing/misbehaving-server.ts'
import { createPlaces } from './places.ts'

it('a place given back twice frees one place only, and waiters enter in their order', async () => {
  const places = createPlaces(1)
  const first = await places.take('a', undefined)
  const entered: string[] = []
  const wait = async (name: string): Promise<() => void> => {
    const release = await places.take('a', undefined)
    entered.push(name)
    return release
  }
  const second = wait('second')
  const third = wait('third')
  first()
  first()
  const releaseSecond = await second
  expect(entered).toEqual(['second'])
  releaseSecond()
  await third
  expect(entered).toEqual(['second', 'third'])
})

it('keys do not wait for one another', async () => {
  const places = createPlaces(1)
  await places.take('a', undefined)
  expect(await places.take('b', undefined)).toBeTypeOf('function')
})

it('an aborted waiter leaves with the reason and without a place', async () => {
  const places = createPlaces(1)
  const release = await places.take('a', undefined)
  const stop = new AbortController()
  const waiting = places.take('a', stop.signal)
  const reason = new Error('enough')
  stop.abort(reason)
  expect(await rejection(waiting)).toBe(reason)
  release()
  expect(await places.take('a', undefined)).toBeTypeOf('function')
})
