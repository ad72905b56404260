import { describe, expect, it } from 'vitest'
import { encodeCsv, parseCsv, parseCsvRecords } from './csv.ts'
import { rejection, toList } from './testing/misbehaving-server.ts'

async function* pieces(text: string | Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

const read = async (text: string | Uint8Array, size = 3): Promise<string[][]> =>
  (await toList(parseCsv(pieces(text, size)))).flat()

const encode = async (rows: string[][]): Promise<string> =>
  Buffer.concat(await toList(encodeCsv([rows]))).toString('utf8')

const awkward = [
  ['Id', 'Näme', ''],
  ['', '', ''],
  ['a,b', 'c"d', '""'],
  ['line\nend', 'line\r\nend', '\r'],
  [' spaces ', '\ttab', '"'],
  ['ünïcode', '漢字🙂', "'=1+1"],
  ['__proto__', '#N/A', 'x'],
]

describe('CSV', () => {
  it.each([
    [
      'a,b\n1,2\n',
      [
        ['a', 'b'],
        ['1', '2'],
      ],
    ],
    [
      'a,b\r\n1,2',
      [
        ['a', 'b'],
        ['1', '2'],
      ],
    ],
    [
      'a,b\r1,2\r',
      [
        ['a', 'b'],
        ['1', '2'],
      ],
    ],
    [
      'a,b\n\n1,2\r\n\r\n',
      [
        ['a', 'b'],
        ['1', '2'],
      ],
    ],
    ['"a"",b","\n"\n', [['a",b', '\n']]],
    ['"",\n', [['', '']]],
    ['""\n', [['']]],
    [',,\n', [['', '', '']]],
    ['a"b,c\n', [['a"b', 'c']]],
    ['\ufeffa\n', [['a']]],
    ['"a\r\nb"\r\n', [['a\r\nb']]],
    ['', []],
    ['\n\r\n', []],
  ])('%j is read however it is cut', async (text, rows) => {
    for (const size of [1, 2, 3, 1000]) expect(await read(text, size)).toEqual(rows)
  })

  it('is read back as it was written, cut anywhere, inside a character too', async () => {
    const text = await encode(awkward)
    for (const size of [1, 2, 5, 1000]) expect(await read(text, size)).toEqual(awkward)
    expect(await read(await encode([[''], ['a'], ['']]))).toEqual([[''], ['a'], ['']])
  })

  it.each([
    ['ends inside a quoted field', 'a,b\n1,"2'],
    ['has text after a closing quote', 'a\n"b"c\n'],
  ])('that %s is refused', async (_name, text) => {
    expect(await rejection(read(text))).toMatchObject({ failure: { kind: 'malformed' } })
  })

  it('with a row that never ends is refused before it fills the memory', async () => {
    async function* endless() {
      const piece = Buffer.alloc(1_000_000, 'a')
      for (;;) yield piece
    }
    const error = await rejection(toList(parseCsv(endless())))
    expect(error).toMatchObject({ failure: { kind: 'malformed' } })
  })

  it('becomes records by its first row', async () => {
    const text = 'sf__Id,__proto__\n1,x\n'
    const [[record] = []] = await toList(parseCsvRecords(pieces(text, 4), ['sf__Id']))
    expect(Object.entries(record ?? {})).toEqual([
      ['sf__Id', '1'],
      ['__proto__', 'x'],
    ])
    expect(await toList(parseCsvRecords(pieces('', 1), ['sf__Id']))).toEqual([])
  })

  it.each([
    ['a row too short', 'a,b\n1,2\n1\n'],
    ['a row too long', 'a,b\n1,2,3\n'],
    ['not the columns it must have', 'b,c\n1,2\n'],
    ['another thing in place of it', '<html>\n<body>\n'],
  ])('with %s is refused', async (_name, text) => {
    const error = await rejection(toList(parseCsvRecords(pieces(text, 4), ['a'])))
    expect(error).toMatchObject({ failure: { kind: 'malformed' } })
  })

  it('is parsed as it arrives: nothing is held that was not asked for', async () => {
    let produced = 0
    async function* source() {
      for (let n = 0; n < 1000; n += 1) {
        produced += 1
        yield Buffer.from(`${n},x\n`)
      }
    }
    for await (const rows of parseCsv(source())) {
      expect(produced).toBe(Number(rows[0]?.[0]) + 1)
    }
    expect(produced).toBe(1000)
  })
})
