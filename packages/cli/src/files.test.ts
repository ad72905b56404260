// Files of rows: what is read is what is in them, failed rows come back in the format of their file, and
// nothing that a stranger wrote acts on the terminal.

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Exit } from './exit.ts'
import { columnsOf, failedPath, readDocument, readRows, type Row, writeFailed } from './files.ts'
import { readConfig, writeConfig } from './profiles.ts'
import { clean } from './text.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sfx-files-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const write = async (name: string, text: string | Buffer): Promise<string> => {
  const path = join(folder, name)
  await writeFile(path, text)
  return path
}

const all = async (path: string): Promise<Row[]> => {
  const rows: Row[] = []
  for await (const row of readRows(path)()) rows.push(row)
  return rows
}

const AWKWARD = [
  { key: 'a', text: 'comma, "quotes" and\nlines', more: ' kept ' },
  { key: 'b', text: null, more: '=1+1' },
  { key: 'c', text: 'Größe 🚀', more: "'" },
]

describe('rows', () => {
  it('of CSV keep every value, and an empty cell is null', async () => {
    const path = await write(
      'rows.csv',
      '\uFEFFkey, text,more\r\na,"comma, ""quotes"" and\nlines", kept \r\nb,,=1+1\r\n\r\nc,Größe 🚀,\'\r\n',
    )
    expect(await all(path)).toEqual(AWKWARD)
    expect(await all(path), 'read again').toEqual(AWKWARD)
  })

  it('that failed are written in the format of their file, and can be pushed as they are', async () => {
    const csv = await write(
      'again.csv',
      'key,text,more\na,"comma, ""quotes"" and\nlines", kept \nx,,\nb,,=1+1\nc,Größe 🚀,\'\n',
    )
    const lines = await write(
      'again.ndjson',
      AWKWARD.map((row) => `${JSON.stringify(row)}\n`).join('\n'),
    )
    const failures = async function* (...indexes: number[]) {
      for (const index of indexes) yield { index, error: 'E: "bad", no', remedy: 'Do\nthis' }
    }
    expect(failedPath(csv)).toBe(join(folder, 'again.failed.csv'))
    expect(await writeFailed(csv, failedPath(csv), failures(0, 2, 3))).toBe(3)
    expect(await all(failedPath(csv))).toEqual(AWKWARD)
    expect(await readFile(failedPath(csv), 'utf8')).toContain(',"E: ""bad"", no","Do\nthis"')
    expect(await writeFailed(lines, failedPath(lines), failures(0, 1, 2))).toBe(3)
    expect(await all(failedPath(lines))).toEqual(AWKWARD)
    await expect(writeFailed(csv, join(folder, 'x'), failures(9))).rejects.toThrow('has changed')
  })

  it('that cannot be read are refused by file and line', async () => {
    const cases: [string, string, string][] = [
      ['short.csv', 'a,b\n1,2\n3\n', 'short.csv: Invalid Record Length'],
      ['twice.csv', 'key,name, name\n1,2,3\n', 'twice.csv: two columns are called name'],
      ['nameless.csv', 'key,,name\n1,2,3\n', 'nameless.csv: column 2 has no name'],
      ['semicolons.csv', 'key;name\n1;2\n', 'semicolons.csv: the cells are separated by ;'],
      ['bad.ndjson', '{"a":1}\n{"a":', 'bad.ndjson: line 2 is not JSON'],
      ['list.jsonl', '1\n', 'list.jsonl: line 1 is not an object'],
    ]
    for (const [name, text, message] of cases) {
      await expect(all(await write(name, text)), name).rejects.toThrow(message)
    }
    await expect(async () => all(join(folder, 'rows.xlsx'))).rejects.toThrow(
      '.csv, .ndjson or .jsonl',
    )
    await expect(all(join(folder, 'nowhere.csv'))).rejects.toThrow('ENOENT')
  })
})

describe('what is not UTF-8', () => {
  // A character of several bytes that two reads of the file share is none of it: reads are 64 KiB.
  const long = `key,name\n${`a,${'ä€🚀'.repeat(9)}\n`.repeat(3_000)}`

  it('is refused by file and line wherever it is read, and nothing of it is replaced', async () => {
    const latin = (text: string) => Buffer.concat([Buffer.from(long), Buffer.from(text, 'latin1')])
    const csv = await write('latin.csv', latin('b,Müller\n'))
    const message = 'latin.csv: line 3002 is not in UTF-8'
    await expect(all(csv)).rejects.toThrow(message)
    await expect(all(csv)).rejects.toThrow(Exit)
    const lines = Buffer.from('{"name":"Maier"}\n{"name":"Müller"}\n', 'latin1')
    await expect(all(await write('latin.ndjson', lines))).rejects.toThrow('line 2 is not in UTF-8')
    const head = Buffer.from('key,Größe\na,1\n', 'latin1')
    await expect(columnsOf(await write('head.csv', head))).rejects.toThrow('head.csv: line 1')
    const plan = await write('latin.yaml', Buffer.from('label: x\nname: Größe\n', 'latin1'))
    await expect(readDocument(plan)).rejects.toThrow('latin.yaml: line 2 is not in UTF-8')
    const wide = await write('wide.csv', Buffer.from('\uFEFFkey,name\na,b\n', 'utf16le'))
    await expect(all(wide)).rejects.toThrow('wide.csv: line 1')
  })

  it('is not confused with characters of several bytes, wherever a read of the file ends', async () => {
    const rows = await all(await write('long.csv', long))
    expect(rows).toHaveLength(3_000)
    expect(new Set(rows.map(({ name }) => name))).toEqual(new Set(['ä€🚀'.repeat(9)]))
  })
})

it('a plan is YAML or JSON, and a broken one is refused with its line', async () => {
  expect(await readDocument(await write('plan.json', '{"objects":[]}'))).toEqual({ objects: [] })
  await expect(readDocument(await write('plan.yaml', 'a: 1\nb: [2'))).rejects.toThrow('line 2')
  await expect(readDocument(await write('list.yaml', '- 1'))).rejects.toBeInstanceOf(Exit)
})

it('what a stranger wrote cannot act on the terminal', () => {
  expect(clean('a\u001b[2J\u001b]0;x\u0007b\u202ec\u200bd\r\ne\u009b1m')).toBe('a[2J]0;xbcd\ne1m')
})

it('credentials that others can read are not used', async () => {
  const path = join(folder, 'deep/config.json')
  writeConfig({ profiles: { a: { url: 'https://a.example', token: 't' } } }, path)
  expect(readConfig(path).profiles.a?.token).toBe('t')
  const loose = await write('loose.json', '{"profiles":{}}')
  expect(() => readConfig(loose)).toThrow('chmod 600')
})
