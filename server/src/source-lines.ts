// Stacks of the server's one file (`built.js`), told in lines of the sources. A source map would say it too, but
// to read this one takes 0.3 s and 150 MB, so the build writes a table beside the file.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './root.ts'

const DIST = join(ROOT, 'server/dist')
export const TABLE_SUFFIX = '.lines'

/** A place in the file, as a stack names it; line and column are counted from one. */
const PLACE = /^([\w.-]+\.cjs):(\d+):(\d+)/

/** Not split into rows: it has as many as the file has lines. */
const rowOf = (table: string, row: number): string => {
  let start = 0
  for (let i = 0; i < row; i++) {
    start = table.indexOf('\n', start) + 1
    if (start === 0) return ''
  }
  return table.slice(start, table.indexOf('\n', start))
}

/**
 * Where a line and a column of the file come from. The table's first row lists the sources, as JSON. Row n is
 * line n of the file: `column,source,line` for each stretch of it that comes from one line, with the column
 * counted from zero.
 */
const originOf = (table: string, line: number, column: number): string | undefined => {
  const stretches = rowOf(table, line)
    .split(' ')
    .map((stretch) => stretch.split(',').map(Number))
  const [, source = -1, at] = stretches.findLast(([from = 0]) => from < column) ?? []
  const path = (JSON.parse(rowOf(table, 0)) as string[])[source]
  return path === undefined ? undefined : `${join(ROOT, path)}:${at}`
}

const readTable = (name: string): string => {
  try {
    return readFileSync(join(DIST, name + TABLE_SUFFIX), 'utf8')
  } catch {
    return '[]\n' // a later build has removed it
  }
}

/** The error's stack with the places in the sources, where they are known. */
export const stackOf = ({ stack }: Error): string | undefined => stack && inSources(stack)

const inSources = (stack: string): string => {
  const [start = '', ...places] = stack.split(`${DIST}/`)
  const tables = new Map<string, string>()
  const told = places.map((text) => {
    const [place = '', name = '', line, column] = PLACE.exec(text) ?? []
    if (name === '') return `${DIST}/${text}`
    const table = tables.get(name) ?? readTable(name)
    tables.set(name, table)
    const origin = originOf(table, Number(line), Number(column))
    return origin === undefined ? `${DIST}/${text}` : origin + text.slice(place.length)
  })
  return [start, ...told].join('')
}
