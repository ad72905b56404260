// What a person sees. Results go to standard output, all else to standard error, so that a result can be
// piped. With --json a command prints one JSON value and nothing for people.

import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { STDIN, textOf } from './bytes.ts'
import { usage } from './exit.ts'
import { clean, wrapped } from './text.ts'

type Colour = 'red' | 'green' | 'yellow' | 'dim' | 'bold'

const CODES: Readonly<Record<Colour, readonly [number, number]>> = {
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  dim: [2, 22],
  bold: [1, 22],
}

const BAR_WIDTH = 24
const REDRAW_EVERY_MS = 100
/** Without a terminal a progress line is for a log. */
const LINE_EVERY_MS = 5_000

export interface Progress {
  stage: string
  done: number
  total: number
}

/** Whether a bar stands on the last line: of the screen, whichever Terminal drew it. */
let hasBar = false

export class Terminal {
  readonly json: boolean
  readonly #out: NodeJS.WriteStream
  readonly #err: NodeJS.WriteStream
  #shown = { at: 0, text: '', stage: '' }

  constructor(
    json: boolean,
    out: NodeJS.WriteStream = process.stdout,
    err: NodeJS.WriteStream = process.stderr,
  ) {
    this.json = json
    this.#out = out
    this.#err = err
  }

  /** Whether a person can be asked. */
  get isInteractive(): boolean {
    return !this.json && process.stdin.isTTY && this.#err.isTTY
  }

  paint(colour: Colour, text: string): string {
    if (!this.#out.isTTY || (process.env.NO_COLOR ?? '') !== '') return text
    const [on, off] = CODES[colour]
    return `\u001b[${on}m${text}\u001b[${off}m`
  }

  /** The result: the value with --json, else what people read. */
  result(value: unknown, human: string): void {
    this.#clearBar()
    this.#out.write(`${this.json ? JSON.stringify(value, null, 2) : fitting(this.#out, human)}\n`)
  }

  /** Beside the result: what happens, what to do next. */
  note(text: string): void {
    if (this.json) return
    this.#clearBar()
    this.#err.write(`${fitting(this.#err, text)}\n`)
  }

  /** What went wrong; also with --json, on standard error. */
  error(text: string): void {
    this.#clearBar()
    const red = this.#err.isTTY && !this.json ? this.paint('red', '✗ ') : ''
    this.#err.write(`${fitting(this.#err, red + clean(text))}\n`)
  }

  /** A bar on a terminal, a line now and then elsewhere. */
  progress({ stage, done, total }: Progress): void {
    if (this.json) return
    const isBar = this.#err.isTTY
    const { at, text: before, stage: stageBefore } = this.#shown
    const isSoon = Date.now() - at < (isBar ? REDRAW_EVERY_MS : LINE_EVERY_MS)
    if (isSoon && stage === stageBefore && (done < total || !isBar)) return
    const count = total > 0 ? `${done.toLocaleString('en')} of ${total.toLocaleString('en')}` : ''
    const text = clean(`${stage} ${count}`)
    if (text === before) return
    this.#shown = { at: Date.now(), text, stage }
    if (!isBar) {
      this.#err.write(`${text}\n`)
      return
    }
    const full = total > 0 ? Math.round(Math.min(done / total, 1) * BAR_WIDTH) : 0
    this.#err.write(`\r\u001b[K${'█'.repeat(full)}${'░'.repeat(BAR_WIDTH - full)} ${text}`)
    hasBar = true
  }

  #clearBar(): void {
    if (hasBar) this.#err.write('\r\u001b[K')
    hasBar = false
  }

  /** Columns as wide as their widest cell. */
  table(head: readonly string[], rows: readonly (readonly string[])[]): string {
    const lines = [head, ...rows].map((row) => row.map((cell) => clean(cell).replaceAll('\n', ' ')))
    const widths = head.map((_, at) => Math.max(...lines.map((row) => (row[at] ?? '').length)))
    return lines
      .map((row, line) => {
        const text = row
          .map((cell, at) => cell.padEnd(widths[at] ?? 0))
          .join('  ')
          .trimEnd()
        return line === 0 ? this.paint('dim', text) : text
      })
      .join('\n')
  }

  /** Asks on the terminal; a secret is not shown. */
  async ask(question: string, { secret = false } = {}): Promise<string> {
    this.#clearBar()
    if (!this.isInteractive) throw usage(`${question} cannot be asked here: there is no terminal.`)
    const hidden = new Writable({ write: (_piece, _encoding, done) => done() })
    // Before the question: from then on the terminal shows no key by itself, however soon one is typed.
    const lines = createInterface({
      input: process.stdin,
      output: secret ? hidden : this.#err,
      terminal: true,
    })
    try {
      if (secret) this.#err.write(`${question}: `)
      return await lines.question(secret ? '' : `${question}: `)
    } finally {
      lines.close()
      if (secret) this.#err.write('\n')
    }
  }
}

/** A pipe has no columns, and gets its lines whole. */
const fitting = ({ isTTY, columns }: NodeJS.WriteStream, text: string): string =>
  isTTY && columns > 0 ? wrapped(text, columns) : text

/** What is piped in: for secrets. */
export const readStdin = async (): Promise<string> => {
  const pieces: Buffer[] = []
  for await (const piece of process.stdin) pieces.push(piece as Buffer)
  return textOf(Buffer.concat(pieces), STDIN).trim()
}
