// What is read is text in UTF-8, or refused: a byte that is not would be stored in an org as a wrong character.

import { isUtf8 } from 'node:buffer'
import { readFile } from 'node:fs/promises'
import { usage } from './exit.ts'

const NEWLINE = 0x0a

/** What messages call standard input, which is named `-` on the command line. */
export const STDIN = 'standard input'

const isText = (bytes: Buffer, name: string, before: number): Buffer => {
  if (isUtf8(bytes)) return bytes
  let line = before
  for (let from = 0, end = 0; end >= 0; from = end + 1) {
    end = bytes.indexOf(NEWLINE, from)
    line += 1
    if (!isUtf8(bytes.subarray(from, end < 0 ? bytes.length : end))) break
  }
  throw usage(
    `${name}: line ${line} is not in UTF-8, perhaps in Windows-1252 or UTF-16. Save it as UTF-8 ` +
      '(in Excel: "CSV UTF-8"), then repeat the command.',
  )
}

/** The text of these bytes, without a byte order mark. Throws Exit if they are not UTF-8. */
export const textOf = (bytes: Buffer, name: string): string =>
  isText(bytes, name, 0)
    .toString('utf8')
    .replace(/^\uFEFF/, '')

/** The text of a file; `-` is standard input. Throws Exit if it is not UTF-8. */
export const readText = async (path: string): Promise<string> =>
  path === '-' ? textOf(await readFile('/dev/stdin'), STDIN) : textOf(await readFile(path), path)

/** The same bytes in pieces of whole lines. Throws Exit at the first piece that is not UTF-8. */
export async function* wholeLines(
  bytes: AsyncIterable<Buffer>,
  name: string,
): AsyncGenerator<Buffer, void, undefined> {
  let open: Buffer[] = []
  let lines = 0
  for await (const piece of bytes) {
    const end = piece.lastIndexOf(NEWLINE) + 1
    if (end === 0) {
      open.push(piece)
      continue
    }
    const whole = isText(Buffer.concat([...open, piece.subarray(0, end)]), name, lines)
    for (let at = whole.indexOf(NEWLINE); at >= 0; at = whole.indexOf(NEWLINE, at + 1)) lines += 1
    yield whole
    open = [piece.subarray(end)]
  }
  yield isText(Buffer.concat(open), name, lines)
}
