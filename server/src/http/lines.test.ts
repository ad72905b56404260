import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { type JsonLine, openLines, readJsonLines } from './lines.ts'

const LIMITS = { lineBytes: 64, idleMs: 5_000 }

const all = async (pieces: (string | Buffer)[], limits = LIMITS): Promise<JsonLine[]> => {
  const lines: JsonLine[] = []
  const body = Readable.from(
    pieces.map((piece) => Buffer.from(piece)),
    { objectMode: false },
  )
  for await (const batch of readJsonLines(body, limits)) lines.push(...batch)
  return lines
}

const codeOf = async (pieces: (string | Buffer)[], limits = LIMITS): Promise<unknown> => {
  try {
    return await all(pieces, limits)
  } catch (error) {
    return (error as { code?: unknown }).code
  }
}

describe('lines of JSON', () => {
  it('are the same however the bytes are cut', async () => {
    const text = '{"a":1}\r\n\n  {"b":"ü→😀"}\n[3]\n"last"'
    const bytes = Buffer.from(text)
    const whole = await all([text])
    expect(whole.map(({ value, number }) => [number, value])).toEqual([
      [1, { a: 1 }],
      [3, { b: 'ü→😀' }],
      [4, [3]],
      [5, 'last'],
    ])
    for (let at = 1; at < bytes.length; at += 1) {
      expect(await all([bytes.subarray(0, at), bytes.subarray(at)])).toEqual(whole)
    }
    const single = Array.from(bytes, (byte) => Buffer.from([byte]))
    expect(await all(single)).toEqual(whole)
  })

  it('are refused by the number of the line where one is not JSON or not UTF-8', async () => {
    await expect(all(['{}\n{}\n{"a":\n'])).rejects.toMatchObject({
      code: 'invalid_json',
      errors: [{ path: 'lines.3' }],
    })
    expect(await codeOf([Buffer.from([0x22, 0xff, 0x22, 0x0a])])).toBe('invalid_json')
  })

  it('may be as long as the limit and no longer, ended or not', async () => {
    const line = (length: number) => `"${'x'.repeat(length - 2)}"`
    expect(await codeOf([line(64), '\n'])).toHaveLength(1)
    expect(await codeOf([line(65), '\n'])).toBe('payload_too_large')
    expect(await codeOf([line(40), line(40)])).toBe('payload_too_large')
  })

  it('come few at a time, however many arrive together', async () => {
    const many = Buffer.from('{}\n'.repeat(20_000))
    let lines = 0
    for await (const batch of readJsonLines(Readable.from([many]), LIMITS)) {
      expect(batch.length).toBeLessThanOrEqual(500)
      lines += batch.length
    }
    expect(lines).toBe(20_000)
  })

  it('that are blank are no way to send without end', async () => {
    async function* blanks() {
      for (;;) yield Buffer.from(' \n'.repeat(16))
    }
    const endless = readJsonLines(Readable.from(blanks()), LIMITS)
    await expect(endless.next()).rejects.toMatchObject({ code: 'payload_too_large' })
    // However many there are between rows.
    expect(await all(['{}\n\n \r\n'.repeat(100)])).toHaveLength(100)
  })

  it('are not waited for when the peer falls silent', async () => {
    const silent = new Readable({ read: () => undefined })
    silent.push('{"a":1}\n')
    const { first, rest } = await openLines(silent, { lineBytes: 64, idleMs: 20 })
    expect(first?.value).toEqual({ a: 1 })
    const more = async () => {
      for await (const batch of rest) expect(batch).toEqual([])
    }
    await expect(more()).rejects.toMatchObject({ code: 'bad_request' })
  })

  it('give the first apart from the others', async () => {
    const body = Readable.from([Buffer.from('{"first":1}\n1\n2\n'), Buffer.from('3\n')])
    const { first, rest } = await openLines(body, LIMITS)
    expect(first?.value).toEqual({ first: 1 })
    const values: unknown[] = []
    for await (const batch of rest) values.push(...batch.map(({ value }) => value))
    expect(values).toEqual([1, 2, 3])
    expect((await openLines(Readable.from([Buffer.from('\n\n')]), LIMITS)).first).toBeNull()
  })
})
