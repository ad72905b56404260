// A long list of rows is checked a few rows at a time, and its faults are those of the whole list.

import { setImmediate } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { type MemberError, EngineError } from '../errors.ts'
import { checked, checkedWithRows } from './checked.ts'

const schema = z.strictObject({
  name: z.string(),
  rows: z
    .array(z.strictObject({ key: z.string(), fields: z.record(z.string(), z.unknown()) }))
    .min(1),
})
const good = (n: number) => ({ key: `k${n}`, fields: { a: n } })
const bad = { key: 1, fields: {} }

const faultsOf = async (check: () => unknown): Promise<readonly MemberError[] | undefined> => {
  const error: unknown = await (async () => check())().then(
    () => null,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof EngineError)) throw new Error(`not refused: ${String(error)}`)
  return error.errors
}

describe('a body with a long list of rows', () => {
  it('is what its schema makes of it', async () => {
    for (const count of [1, 10, 11, 995]) {
      const body = { name: 'x', rows: Array.from({ length: count }, (_, n) => good(n)) }
      expect(await checkedWithRows(schema, body, 'rows')).toEqual(checked(schema, body))
    }
  })

  it('has the faults of the whole list, each at the position of its row', async () => {
    for (const places of [
      [0],
      [3, 17, 480],
      [700, 704, 1_199],
      Array.from({ length: 60 }, (_, n) => n * 3),
    ]) {
      const rows: unknown[] = Array.from({ length: 1_200 }, (_, n) => good(n))
      for (const place of places) rows[place] = bad
      const body = { name: 'x', rows }
      const whole = await faultsOf(() => checked(schema, body))
      expect(await faultsOf(() => checkedWithRows(schema, body, 'rows'))).toEqual(whole)
    }
  })

  it('names what is wrong beside the rows once', async () => {
    const rows = Array.from({ length: 100 }, (_, n) => (n === 55 ? bad : good(n)))
    const faults = await faultsOf(() => checkedWithRows(schema, { rows, other: 1 }, 'rows'))
    expect(faults?.map(({ path }) => path).toSorted()).toEqual(['name', 'other', 'rows.55.key'])
  })

  it('lets others have their turn between rows of many members', async () => {
    const fields = Object.fromEntries(Array.from({ length: 2_000 }, (_, n) => [`m${n}`, n]))
    const body = { name: 'x', rows: Array.from({ length: 500 }, () => ({ key: 'k', fields })) }
    let turns = 0
    let isChecked = false
    const others = (async () => {
      while (!isChecked) {
        await setImmediate()
        turns += 1
      }
    })()
    await checkedWithRows(schema, body, 'rows')
    isChecked = true
    await others
    expect(turns).toBeGreaterThan(10)
  })
})
