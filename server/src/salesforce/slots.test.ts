import { expect, it } from 'vitest'
import { rejection } from './misbehaving-server.ts'
import { createSlots } from './slots.ts'

it('a slot given back twice frees one place only, and waiters enter in their order', async () => {
  const slots = createSlots(1)
  const first = await slots.take('a', undefined)
  const entered: string[] = []
  const wait = async (name: string): Promise<() => void> => {
    const release = await slots.take('a', undefined)
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
  const slots = createSlots(1)
  await slots.take('a', undefined)
  expect(await slots.take('b', undefined)).toBeTypeOf('function')
})

it('an aborted waiter leaves with the reason and without a slot', async () => {
  const slots = createSlots(1)
  const release = await slots.take('a', undefined)
  const stop = new AbortController()
  const waiting = slots.take('a', stop.signal)
  const reason = new Error('enough')
  stop.abort(reason)
  expect(await rejection(waiting)).toBe(reason)
  release()
  expect(await slots.take('a', undefined)).toBeTypeOf('function')
})
