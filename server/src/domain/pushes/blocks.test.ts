import { describe, expect, it } from 'vitest'
import { BLOCK_ROWS, cutBlocks, type IncomingRow } from './blocks.ts'

const row = (index: number, lockKeys: string[] = [], object = 'Lead'): IncomingRow => ({
  ready: {
    index,
    key: `k${index}`,
    object,
    operation: 'upsert',
    matchField: 'Key__c',
    matchValue: `k${index}`,
    fields: { Name: `n${index}` },
    lockKeys,
  },
  source: `{"n":${index}}`,
})

const rowsOf = (count: number, keysOf: (index: number) => string[]): IncomingRow[] =>
  Array.from({ length: count }, (_, index) => row(index, keysOf(index)))

const indices = (blocks: ReturnType<typeof cutBlocks>): number[] =>
  blocks.flatMap(({ rows }) => rows.map(({ ready }) => ready.index))

describe('cutting rows into blocks', () => {
  it('keeps every row exactly once, in as few blocks as can be, whatever they share', () => {
    for (const count of [1, 199, 200, 201, 1_000, 1_999, 2_000]) {
      for (const keysOf of [
        () => [],
        () => ['acme'],
        (index: number) => [`p${index % 7}`],
        (index: number) => [`p${index % 700}`, `q${index % 3}`],
        (index: number) => [`p${Math.floor(Math.sqrt(index))}`],
      ]) {
        const blocks = cutBlocks(rowsOf(count, keysOf))
        expect(indices(blocks).toSorted((a, b) => a - b)).toEqual(
          Array.from({ length: count }, (_, index) => index),
        )
        expect(blocks).toHaveLength(Math.ceil(count / BLOCK_ROWS))
      }
    }
  })

  it('puts the children of one parent into one block where they fit', () => {
    const blocks = cutBlocks(rowsOf(1_000, (index) => [`p${index % 20}`]))
    const homes = new Map<string, Set<number>>()
    for (const [at, block] of blocks.entries()) {
      for (const { ready } of block.rows) {
        const key = ready.lockKeys[0] ?? ''
        homes.set(key, (homes.get(key) ?? new Set()).add(at))
      }
    }
    expect([...homes.values()].map(({ size }) => size)).toEqual(Array(20).fill(1))
    expect(blocks.flatMap(({ chains }) => chains)).toEqual([])
  })

  it('chains blocks that share a parent of many rows, and no others', () => {
    const blocks = cutBlocks(rowsOf(1_000, (index) => (index < 500 ? ['acme'] : [])))
    const chained = blocks.filter(({ chains }) => chains.length > 0)
    expect(chained).toHaveLength(3)
    expect(new Set(chained.flatMap(({ chains }) => chains)).size).toBe(1)
  })

  it('never mixes objects or ways of writing in a block', () => {
    const rows = Array.from({ length: 300 }, (_, index) =>
      row(index, [], index % 2 === 0 ? 'Lead' : 'Contact'),
    )
    const blocks = cutBlocks(rows)
    expect(blocks.map(({ object, rows: { length } }) => [object, length])).toEqual([
      ['Lead', 150],
      ['Contact', 150],
    ])
  })
})
