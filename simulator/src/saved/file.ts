// The file that a world is saved in: a line of text that says what it is and in which format, then the
// world as V8 serializes it, with its maps, sets, dates and shared references.

import { type FileHandle, open, readFile, rename } from 'node:fs/promises'
import { deserialize, serialize } from 'node:v8'
import { type SavedWorld } from './world.ts'

/** Raise it when what is saved changes its shape, above all org/model.ts: files of others are not read. */
const FORMAT = 3
const TITLE = 'sfdc-engine-x simulated world, format '
const NEWLINE = 0x0a

/** A saved world, or why there is none to go on with; null if nothing was saved yet. */
export type Found = { world: SavedWorld } | { unusable: string } | null

export const bytesOf = (world: SavedWorld): Buffer =>
  Buffer.concat([Buffer.from(`${TITLE}${FORMAT}\n`), serialize(world)])

/** Replaces the file in one step: whenever the process ends, the file holds one state as a whole. */
export const writeWorld = async (file: string, bytes: Buffer): Promise<void> => {
  const next = `${file}.next`
  const handle: FileHandle = await open(next, 'w', 0o600)
  try {
    await handle.writeFile(bytes)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(next, file)
}

export const readWorld = async (file: string): Promise<Found> => {
  const bytes = await readFile(file).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  })
  if (bytes === null) return null
  const end = bytes.indexOf(NEWLINE)
  const title = bytes.toString('utf8', 0, Math.max(end, 0))
  if (!title.startsWith(TITLE)) return { unusable: 'it is not a saved world' }
  const format = title.slice(TITLE.length)
  if (format !== String(FORMAT)) {
    return { unusable: `it has the format ${format}, and this version reads ${FORMAT}` }
  }
  try {
    return { world: deserialize(bytes.subarray(end + 1)) as SavedWorld }
  } catch (error) {
    return { unusable: `it is damaged: ${error instanceof Error ? error.message : String(error)}` }
  }
}
