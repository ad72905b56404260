// From a source map to the table that server/src/source-lines.ts reads.

interface Mappings {
  sources: readonly string[]
  mappings: string
}

const DIGITS = new Map(
  [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'].map((digit, value) => [
    digit,
    value,
  ]),
)

/** The numbers of one segment: Base64 digits of five bits each, the lowest first, the sign in the lowest bit. */
const numbersOf = (segment: string): number[] => {
  const numbers: number[] = []
  let value = 0
  let shift = 0
  for (const digit of segment) {
    const bits = DIGITS.get(digit) ?? 0
    value += (bits & 31) << shift
    shift += 5
    if (bits & 32) continue
    numbers.push(value & 1 ? -(value >> 1) : value >> 1)
    value = 0
    shift = 0
  }
  return numbers
}

/** Sources as `pathOf` tells them. Lines that nothing maps have an empty row. */
export const lineTable = (
  { sources, mappings }: Mappings,
  pathOf: (source: string) => string,
): string => {
  // All but the column count on from the line before.
  let [source, line] = [0, 0]
  const rows = mappings.split(';').map((row) => {
    let column = 0
    let last = ''
    const stretches: string[] = []
    for (const segment of row === '' ? [] : row.split(',')) {
      const [columns = 0, ofSource = 0, ofLine = 0] = numbersOf(segment)
      column += columns
      source += ofSource
      line += ofLine
      const place = `${source},${line + 1}`
      if (place !== last) stretches.push(`${column},${place}`)
      last = place
    }
    return stretches.join(' ')
  })
  return `${[JSON.stringify(sources.map(pathOf)), ...rows].join('\n')}\n`
}
