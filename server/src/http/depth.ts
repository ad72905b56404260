// How deep JSON may nest: code that later recurses over a value is then safe.

import { EngineError } from '../errors.ts'

export const DEPTH_MAX = 64

export const tooDeep = (path: string): EngineError =>
  new EngineError('validation_failed', `The body nests deeper than ${DEPTH_MAX} levels.`, {
    errors: [{ path, code: 'too_deep', message: `Nest at most ${DEPTH_MAX} levels.` }],
  })

/** Throws validation_failed. */
export const refuseDeep = (value: unknown, path: string): void => {
  if (deeperThan(value, DEPTH_MAX)) throw tooDeep(path)
}

/** Without recursion. */
const deeperThan = (value: unknown, most: number): boolean => {
  let level: unknown[] = [value]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > most) return true
    level = level.flatMap((member) =>
      typeof member === 'object' && member !== null ? (Object.values(member) as unknown[]) : [],
    )
  }
  return false
}

/**
 * Whether the text of a value needs the check: one with fewer opening brackets than this cannot nest
 * deeper.
 */
export const mayBeDeep = (json: string): boolean => {
  let opened = 0
  for (let at = 0; at < json.length; at += 1) {
    const code = json.charCodeAt(at)
    if ((code === 0x7b || code === 0x5b) && ++opened > DEPTH_MAX) return true
  }
  return false
}
