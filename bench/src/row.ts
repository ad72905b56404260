// A row of the table: what was measured, what it is compared with in the same run, and its goal.

export interface Row {
  bench: string
  figure: string
  against: string
  /** Measured value divided by the value it is compared with. */
  ratio: number
  reach: string
  reached: boolean
}

/** A row that reaches its goal if the ratio is at most (or at least) the bound; 'told' has no goal. */
export const row = (
  bench: string,
  values: { figure: string; against: string; ratio: number },
  bound: { atMost: number } | { atLeast: number } | 'told',
): Row => ({
  bench,
  ...values,
  reach: bound === 'told' ? '–' : 'atMost' in bound ? `≤ ${bound.atMost}` : `≥ ${bound.atLeast}`,
  reached:
    bound === 'told' ||
    ('atMost' in bound ? values.ratio <= bound.atMost : values.ratio >= bound.atLeast),
})

export const printTable = (rows: Row[]): string => {
  const head = ['bench', 'figure', 'against', 'ratio', 'reach', '']
  const cells = rows.map((r) => [
    r.bench,
    r.figure,
    r.against,
    r.ratio.toFixed(3),
    r.reach,
    r.reached ? 'ok' : 'MISSED',
  ])
  const widths = head.map((name, i) =>
    Math.max(name.length, ...cells.map((line) => line[i]?.length ?? 0)),
  )
  const format = (line: string[]) =>
    line
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd()
  return [
    format(head),
    format(widths.map((width) => '-'.repeat(width))),
    ...cells.map(format),
  ].join('\n')
}
