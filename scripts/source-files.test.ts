import { describe, expect, it } from 'vitest'
import { circlesOf, parse } from './source-files.ts'

const importsOf = (text: string) => parse('a.ts', text).imports

describe('the imports of a source', () => {
  it.each([
    ["import { a } from './b.ts'", ['./b.ts']],
    ["import {\n  type A,\n  b,\n} from './b.ts'", ['./b.ts']],
    ["import type { A } from './b.ts'", ['./b.ts']],
    ["import './b.ts'", ['./b.ts']],
    ["export * from './b.ts'", ['./b.ts']],
    ["const a = await import('./b.ts')", ['./b.ts']],
    ["let a: import('./b.ts').A", ['./b.ts']],
    ["const a = \"import { b } from './b.ts'\" // from './c.ts'", []],
  ])('%s', (text, expected) => expect(importsOf(text)).toEqual(expected))
})

describe('circles', () => {
  const sources = (imports: Record<string, string[]>) =>
    Object.entries(imports).map(([path, targets]) =>
      parse(path, targets.map((target) => `import '${target}'`).join('\n')),
    )

  it('are reported completely, each once, and across folders', () => {
    const found = circlesOf(
      sources({
        'a.ts': ['./x/b.ts'],
        'x/b.ts': ['./c.ts'],
        'x/c.ts': ['../a.ts', './b.ts'],
        'd.ts': ['./a.ts', './e.ts'],
        'e.ts': ['./d.ts'],
        'f.ts': ['./a.ts', './nowhere.ts', 'a.ts'],
      }),
    )
    expect(found).toEqual([
      ['a.ts', 'x/b.ts', 'x/c.ts'],
      ['d.ts', 'e.ts'],
    ])
  })

  it('are none where two ways lead to one file', () => {
    expect(
      circlesOf(sources({ 'a.ts': ['./b.ts', './c.ts'], 'b.ts': ['./c.ts'], 'c.ts': [] })),
    ).toEqual([])
  })
})

describe('functions', () => {
  it('have the name that holds them, and their lines', () => {
    const { functions } = parse(
      'a.ts',
      'const one = () => {\n}\nfunction two() {\n}\nclass C {\n  three() {}\n}\nlist.map(() => 1)\n',
    )
    expect(functions.map(({ name, lines }) => [name, lines])).toEqual([
      ['one', 2],
      ['two', 2],
      ['three', 1],
      ['(anonymous)', 1],
    ])
  })

  it.each([
    ['export const createA = () => {\n  const b = () => 1\n  return { b }\n}', true],
    ['function startA() {\n  return { stop: () => undefined } satisfies A\n}', true],
    ['const openA = async () => {\n  function close() {}\n  return close\n}', true],
    ['const createA = () => {\n  const b = { c: () => 1 }\n  return b.c()\n}', false],
    ['const createA = () => [1].map((a) => {\n  return () => a\n})', false],
    ['const makeA = () => {\n  return { b: () => 1 }\n}', false],
    ['const created = () => () => 1', false],
  ])('are factories where they are named so and return closures: %s', (text, expected) =>
    expect(parse('a.ts', text).functions[0]?.isFactory).toBe(expected),
  )
})
