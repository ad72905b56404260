import { describe, expect, it } from 'vitest'
import {
  csvLine,
  csvRows,
  openRowsFile,
  type Row,
  RowsFileError,
  separatorOf,
} from './rows-file.ts'

const file = (name: string, ...parts: BlobPart[]) => new File(parts, name)

async function* pieces(text: string, size: number): AsyncGenerator<string> {
  for (let at = 0; at < text.length; at += size) yield text.slice(at, at + size)
}

const all = async (rows: AsyncIterable<Row>): Promise<Row[]> => {
  const read: Row[] = []
  for await (const row of rows) read.push(row)
  return read
}

const CSV =
  'key,name,notes\r\n1,"Smith, Ann","two\r\nlines"\r\n\r\n2,"say ""hi""",\r\n3,ünïcødé 😀,x'

describe('a CSV file', () => {
  it.each([1, 2, 3, 7, 1_000])('is read the same in pieces of %d characters', async (size) => {
    expect(await all(csvRows(pieces(CSV, size), ','))).toEqual([
      { key: '1', name: 'Smith, Ann', notes: 'two\r\nlines' },
      { key: '2', name: 'say "hi"', notes: null },
      { key: '3', name: 'ünïcødé 😀', notes: 'x' },
    ])
  })

  it('is read from the beginning each time, with the separator that it has, without its BOM', async () => {
    const opened = await openRowsFile(file('leads.csv', '\uFEFFkey;name\n1;a,b\n2;"c;d"\n'))
    expect(opened).toMatchObject({ kind: 'csv', columns: ['key', 'name'] })
    const rows = [
      { key: '1', name: 'a,b' },
      { key: '2', name: 'c;d' },
    ]
    expect(await all(opened.rows())).toEqual(rows)
    expect(await all(opened.rows())).toEqual(rows)
  })

  it.each([
    ['a,b\n1,2\n1\n', 'Line 3: It has 1 cells, the header has 2.'],
    ['a,b\n"x\ny",2\n1,2,3\n', 'Line 4: It has 3 cells, the header has 2.'],
    ['a,,b\n1,2,3\n', 'Line 1: Column 2 has no name.'],
    ['a,b,a\n1,2,3\n', 'Line 1: Two columns have the name “a”.'],
    ['a,b\n"1,2\n', 'Line 2: A quote is never closed.'],
    ['a,b\n"1"x,2\n', 'Line 2: There is text after a closing quote.'],
    ['a,b\n', 'The file has no rows.'],
    ['', 'The file has no rows.'],
  ])('like %j says what is wrong and where', async (text, message) => {
    await expect(openRowsFile(file('x.csv', text))).rejects.toThrow(message)
  })

  it('that is not UTF-8 is refused, not guessed', async () => {
    const latin = new Uint8Array(
      [...'name\nM'].map((char) => char.charCodeAt(0)).concat([0xfc, 0x0a]),
    )
    await expect(openRowsFile(file('x.csv', latin))).rejects.toThrow(RowsFileError)
  })

  it('of 100,000 rows is read without holding them', async () => {
    const body = Array.from({ length: 100_000 }, (_, n) => `${n},name ${n}\n`).join('')
    const { rows, sample } = await openRowsFile(file('x.csv', 'key,name\n', body))
    expect(sample).toHaveLength(50)
    let count = 0
    for await (const row of rows()) if (row['key'] === String(count)) count += 1
    expect(count).toBe(100_000)
  })

  it('knows its separator by the header, outside of quotes', () => {
    expect(separatorOf('"a,b,c";d\n1,1,1,1;2')).toBe(';')
    expect(separatorOf('a\tb\n')).toBe('\t')
    expect(separatorOf('only')).toBe(',')
  })

  it('is written so that it is read the same', async () => {
    const values = ['plain', 'a,b', 'say "hi"', 'two\nlines', ' space ', null, 12, { a: 1 }]
    const text = csvLine(values.map((_, at) => `c${at}`)) + csvLine(values)
    const [row] = await all(csvRows(pieces(text, 5), ','))
    expect(Object.values(row ?? {})).toEqual([
      'plain',
      'a,b',
      'say "hi"',
      'two\nlines',
      ' space ',
      null,
      '12',
      '{"a":1}',
    ])
  })
})

describe('a file of JSON lines', () => {
  it('gives its rows with the columns of them all', async () => {
    const opened = await openRowsFile(file('x.ndjson', '{"a":1}\n\n{"b":[2]}'))
    expect(opened).toMatchObject({ kind: 'ndjson', columns: ['a', 'b'] })
    expect(await all(opened.rows())).toEqual([{ a: 1 }, { b: [2] }])
  })

  it.each([
    ['{"a":1}\n{', 'Line 2: This is not JSON.'],
    ['[1]\n', 'Line 1: A row is an object'],
  ])('like %j says what is wrong and where', async (text, message) => {
    await expect(openRowsFile(file('x.jsonl', text))).rejects.toThrow(message)
  })
})
