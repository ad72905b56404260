// A terminal as far as sfx uses one: what stands on its lines after what was written to it, as HTML.

interface Style {
  colour: string | null
  bold: boolean
  dim: boolean
}

interface Cell {
  text: string
  style: Style
}

const PLAIN: Style = { colour: null, bold: false, dim: false }
const COLOURS: Readonly<Record<number, string>> = { 31: 'red', 32: 'green', 33: 'yellow', 39: '' }

const styled = (before: Style, code: number): Style => {
  if (code === 0) return PLAIN
  if (code === 1) return { ...before, bold: true }
  if (code === 2) return { ...before, dim: true }
  if (code === 22) return { ...before, bold: false, dim: false }
  const colour = COLOURS[code]
  return colour === undefined ? before : { ...before, colour: colour === '' ? null : colour }
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

const classesOf = ({ colour, bold, dim }: Style): string =>
  [colour, bold ? 'bold' : null, dim ? 'dim' : null].filter((name) => name !== null).join(' ')

/** Control sequences, or a single character (of any plane). */
// oxlint-disable-next-line no-control-regex -- that is what it reads
const PIECES = /\u001b\[([?\d;]*)([A-Za-z])|\u001b.|[\s\S]/gu

export class Screen {
  readonly #columns: number
  #lines: Cell[][] = [[]]
  #row = 0
  #column = 0
  #style = PLAIN

  constructor(columns: number) {
    this.#columns = columns
  }

  write(text: string): void {
    for (const [piece, given = '', command] of text.matchAll(PIECES)) {
      if (command !== undefined) this.#control(given, command)
      else if (piece === '\n') this.#down()
      else if (piece === '\r') this.#column = 0
      else if (piece === '\b') this.#column = Math.max(0, this.#column - 1)
      else if (!piece.startsWith('\u001b') && piece !== '\u0007') this.#put(piece)
    }
  }

  /** The lines as HTML, without the empty ones at the end. */
  html(): string {
    return this.#lines
      .map((cells) => this.#htmlOf(cells))
      .join('\n')
      .trimEnd()
  }

  #put(text: string): void {
    if (this.#column === this.#columns) this.#down()
    const line = this.#line()
    while (line.length < this.#column) line.push({ text: ' ', style: PLAIN })
    line[this.#column] = { text, style: this.#style }
    this.#column += 1
  }

  #down(): void {
    this.#row += 1
    this.#column = 0
    this.#line()
  }

  #line(): Cell[] {
    while (this.#lines.length <= this.#row) this.#lines.push([])
    return this.#lines[this.#row] ?? []
  }

  #control(given: string, command: string): void {
    const count = Number(given === '' ? 1 : given)
    if (command === 'm') {
      for (const code of given.split(';')) this.#style = styled(this.#style, Number(code))
    } else if (command === 'K') this.#line().length = Math.min(this.#line().length, this.#column)
    else if (command === 'J') {
      this.#line().length = Math.min(this.#line().length, this.#column)
      this.#lines.length = this.#row + 1
    } else if (command === 'G') this.#column = count - 1
    else if (command === 'A') this.#row = Math.max(0, this.#row - count)
    else if (command === 'C') this.#column += count
    else if (command === 'D') this.#column = Math.max(0, this.#column - count)
  }

  #htmlOf(cells: readonly Cell[]): string {
    let html = ''
    let open = ''
    for (const { text, style } of cells) {
      const classes = classesOf(style)
      if (classes !== open) {
        html += `${open === '' ? '' : '</span>'}${classes === '' ? '' : `<span class="${classes}">`}`
        open = classes
      }
      html += escaped(text)
    }
    return `${html}${open === '' ? '' : '</span>'}`
  }
}
