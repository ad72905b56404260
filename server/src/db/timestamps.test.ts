import fc from 'fast-check'
import { expect, it } from 'vitest'
import pg from 'pg'
import { createDatabase } from '../../../test/src/database.ts'
import { timestampOf, TYPES } from './timestamps.ts'

const parseAny = pg.types.getTypeParser(pg.types.builtins.TIMESTAMPTZ) as (text: string) => Date

const twoDigits = (value: number) => String(value).padStart(2, '0')

it('reads every time as the driver does, and writes it as Date does', () => {
  const text = fc
    .tuple(
      fc.date({
        min: new Date('0001-01-01T00:00:00Z'),
        max: new Date('9999-12-31T23:59:59Z'),
        noInvalidDate: true,
      }),
      fc.stringMatching(/^(\.\d{1,6})?$/),
      fc.constantFrom('+00', '+05:30', '-03'),
    )
    .map(([day, fraction, zone]) =>
      [
        `${String(day.getUTCFullYear()).padStart(4, '0')}-`,
        `${twoDigits(day.getUTCMonth() + 1)}-${twoDigits(day.getUTCDate())} `,
        day.toISOString().slice(-13, -5),
        fraction,
        zone,
      ].join(''),
    )
  fc.assert(
    fc.property(text, (written) => {
      const read = timestampOf(written)
      // The driver computes the milliseconds of .0569999 in floating point; they are cut, not rounded.
      expect(Math.abs(read.getTime() - parseAny(written).getTime())).toBeLessThanOrEqual(1)
      expect(read.toISOString()).toBe(new Date(read.getTime()).toISOString())
      expect(JSON.stringify(read)).toBe(JSON.stringify(new Date(read.getTime())))
    }),
    { numRuns: 2_000 },
  )
})

it('reads what PostgreSQL writes in any time zone, and what is no time', async () => {
  await using database = await createDatabase()
  const client = new pg.Client({ connectionString: database.url, types: TYPES })
  await client.connect()
  try {
    for (const zone of ['UTC', 'Asia/Kolkata', 'America/New_York']) {
      await client.query(`set timezone = '${zone}'`)
      const { rows } = await client.query<Record<string, unknown>>(
        `select '2026-11-22T09:00:00.0199995Z'::timestamptz as cut, '0050-01-01Z'::timestamptz as early,
           'infinity'::timestamptz as never, 1 as number`,
      )
      const early = new Date('0050-01-01T00:00:00Z')
      expect(rows, zone).toEqual([
        { cut: new Date('2026-11-22T09:00:00.020Z'), early, never: Infinity, number: 1 },
      ])
    }
  } finally {
    await client.end()
  }
})
