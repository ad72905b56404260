import { describe, expect, it } from 'vitest'
import { firstOf, movedTo, placeOf, sizeOf, type View } from './visible-rows.ts'

const VIEW: View = { top: 100, fit: 14, beyond: 4, offset: 0 }
const COUNT = 500

const drawn = (view: View, count = COUNT): number[] =>
  Array.from({ length: sizeOf(view, count) }, (_, at) => firstOf(view, count) + at)
const places = (view: View): number[] => drawn(view).map((index) => placeOf(view, index))

describe('the rows that are drawn', () => {
  it('are those in sight, wherever the table is scrolled to, and no row is drawn in the place of a second one', () => {
    let view: View = VIEW
    for (const top of [101, 104, 117, 485, 486, 0, 3, 300, 287]) {
      view = movedTo(view, top)
      const rows = drawn(view)
      for (let row = top; row < Math.min(COUNT, top + 15); row++) expect(rows).toContain(row)
      expect(rows[0]).toBeGreaterThanOrEqual(0)
      expect(rows.at(-1)).toBeLessThan(COUNT)
      expect(new Set(places(view)).size).toBe(rows.length)
    }
  })

  it('stay where they are when others come into sight beside them', () => {
    const after = movedTo(VIEW, 102)
    for (const row of drawn(after).filter((row) => drawn(VIEW).includes(row))) {
      expect(placeOf(after, row)).toBe(placeOf(VIEW, row))
    }
  })

  it('take the places of those in sight after a jump, in the same order', () => {
    const inSight = drawn(VIEW).slice(4, 19)
    const after = movedTo(VIEW, 300)
    expect(places(after)).toEqual(inSight.map((row) => placeOf(VIEW, row)))
  })

  it('are all of them where they are few', () => {
    expect(drawn({ ...VIEW, top: 0 }, 3)).toEqual([0, 1, 2])
    expect(drawn({ ...VIEW, top: 0 }, 0)).toEqual([])
  })
})
