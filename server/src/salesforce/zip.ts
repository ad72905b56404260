// The zip of a retrieve: decoded from the SOAP answer without ever holding its text, then file by file.

import { unzipSync } from 'fflate'
import { malformed, SalesforceError, tooLarge } from './failure.ts'

export interface ZipEntry {
  /** With `/` between its parts, never absolute and without `..`. */
  path: string
  bytes: Uint8Array
}

/** Salesforce: Metadata API guide, limits: 39 MB compressed, 600 MB unzipped, 10,000 files. */
const ZIP_BYTES_MAX = 48 * 1024 ** 2
const UNZIPPED_BYTES_MAX = 600 * 1024 ** 2
const FILE_BYTES_MAX = 64 * 1024 ** 2
/** How much is inflated at once; a larger file is inflated alone. */
const GROUP_BYTES = 4 * 1024 ** 2
/** How much may precede the zip: the file properties of 10,000 files, several times over. */
const PRELUDE_CHARS_MAX = 64 * 1024 ** 2

const OPENING = /<(?:\w+:)?zipFile(?:\s[^>]*)?>/
/** Longer than any opening tag, so that one cut between two pieces is still found. */
const OPENING_CHARS_MAX = 256

const broken = (what: string): SalesforceError => new SalesforceError(malformed(what))

/**
 * Decodes the base64 of `<zipFile>` from a checkRetrieveStatus answer while it streams in. Throws
 * SalesforceError `malformed` when there is none or it breaks off, `too_large` beyond 48 MiB.
 */
export const decodeZipElement = async (body: AsyncIterable<unknown>): Promise<Uint8Array> => {
  const pieces: Buffer[] = []
  let size = 0
  let skipped = 0
  let inside = false
  let closed = false
  let carry = ''

  const decode = (text: string): void => {
    const bytes = Buffer.from(text, 'base64')
    size += bytes.byteLength
    if (size > ZIP_BYTES_MAX) throw new SalesforceError(tooLarge(ZIP_BYTES_MAX, 200))
    pieces.push(bytes)
  }

  for await (const chunk of body) {
    // Base64 and tags are ASCII; one byte is one character here, whatever surrounds them.
    let text = carry + Buffer.from(chunk as Uint8Array).toString('latin1')
    carry = ''
    if (closed) continue
    if (!inside) {
      const match = OPENING.exec(text)
      if (match === null) {
        carry = text.slice(-OPENING_CHARS_MAX)
        skipped += text.length - carry.length
        if (skipped > PRELUDE_CHARS_MAX) throw broken('The retrieve answer holds no zip file.')
        continue
      }
      inside = true
      text = text.slice(match.index + match[0].length)
    }
    const end = text.indexOf('<')
    closed = end >= 0
    const base64 = (closed ? text.slice(0, end) : text).replace(/\s+/g, '')
    // Four characters are three bytes: an incomplete group waits for the next piece.
    const whole = closed ? base64.length : base64.length - (base64.length % 4)
    decode(base64.slice(0, whole))
    carry = base64.slice(whole)
  }
  if (!closed)
    throw broken(inside ? 'The zip file breaks off.' : 'The retrieve answer holds no zip file.')
  return Buffer.concat(pieces)
}

interface Listed {
  name: string
  size: number
}

const listEntries = (zip: Uint8Array): Listed[] => {
  const entries: Listed[] = []
  let total = 0
  unzipSync(zip, {
    filter: ({ name, originalSize }) => {
      if (!name.endsWith('/')) {
        entries.push({ name, size: originalSize })
        total += originalSize
        if (originalSize > FILE_BYTES_MAX) throw new SalesforceError(tooLarge(FILE_BYTES_MAX, 200))
        if (total > UNZIPPED_BYTES_MAX) throw new SalesforceError(tooLarge(UNZIPPED_BYTES_MAX, 200))
      }
      return false
    },
  })
  return entries
}

/** Entries in their order, cut into runs of about `GROUP_BYTES`. */
const groupEntries = (entries: readonly Listed[]): Listed[][] => {
  const groups: Listed[][] = []
  let last: Listed[] = []
  let size = 0
  for (const entry of entries) {
    if (last.length > 0 && size + entry.size > GROUP_BYTES) {
      groups.push(last)
      last = []
      size = 0
    }
    last.push(entry)
    size += entry.size
  }
  if (last.length > 0) groups.push(last)
  return groups
}

// Salesforce: without singlePackage everything is under a folder of the package's name; an
// unpackaged retrieve uses `unpackaged`.
const normalise = (name: string): string => name.replace(/^unpackaged\//, '')

const isSafe = (path: string): boolean =>
  !path.startsWith('/') && !path.includes('\\') && !path.split('/').includes('..')

/**
 * The files of a zip, inflated a few at a time. Throws SalesforceError `malformed` for a damaged zip or
 * a path that leads elsewhere, `too_large` beyond Salesforce's own limits (checked before inflating).
 */
export function* unzip(zip: Uint8Array): Generator<ZipEntry, void, undefined> {
  try {
    for (const group of groupEntries(listEntries(zip))) {
      const wanted = new Map(group.map(({ name, size }) => [name, size]))
      const files = unzipSync(zip, { filter: ({ name }) => wanted.has(name) })
      for (const [name, bytes] of Object.entries(files)) {
        const path = normalise(name)
        if (!isSafe(path)) throw broken('The zip names a path outside of itself.')
        if (bytes.byteLength !== wanted.get(name)) throw broken('A file of the zip is damaged.')
        yield { path, bytes }
      }
    }
  } catch (error) {
    if (error instanceof SalesforceError) throw error
    throw broken('The zip file is damaged.')
  }
}
