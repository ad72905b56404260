// Changes of failed rows, which a retry sends with other values.

import { EngineError } from '../../errors.ts'
import { clip } from '../../text.ts'
import { type InputRow } from './intention.ts'
import { type RowResult } from './model.ts'

/** A failed row in which some members are different. */
export interface MendedRow {
  index: number
  set: Record<string, unknown>
}

/**
 * Puts the mended members in place of those that failed, row by row. `rest` names what belongs to no row: then
 * nothing may be sent.
 */
export const mending = (mended: readonly MendedRow[]) => {
  const open = new Map(mended.map((change, at) => [change.index, { ...change, at }]))
  if (open.size !== mended.length) {
    const seen = new Set<number>()
    const at = mended.findIndex(({ index }) => seen.size === seen.add(index).size)
    throw refused(at, 'duplicate', `Row ${mended[at]?.index ?? ''} is named twice.`)
  }
  return {
    mend: (index: number, row: unknown): Pick<InputRow, 'row' | 'mended'> => {
      const change = open.get(index)
      if (change === undefined) return { row }
      open.delete(index)
      const members = Object.keys(change.set)
      return { row: { ...(row as object), ...change.set }, mended: { change: change.at, members } }
    },
    /** Throws bad_request for a change that met no row. */
    requireUsed: (): void => {
      const [left] = open.values()
      if (left === undefined) return
      throw refused(
        left.at,
        'not_failed',
        `Row ${left.index} is not among the failed rows of this push. Take it out of changes.`,
      )
    },
  }
}

/**
 * Throws bad_request if a change sets a member that its row cannot have: whoever wrote it meant another one, and
 * the row would fail while all others are sent.
 */
export const requireKnown = (
  { change, members }: NonNullable<InputRow['mended']>,
  { errors }: RowResult,
): void => {
  for (const { code, fields, message, remedy } of errors) {
    if (code !== 'UNKNOWN_FIELD') continue
    const member = members.find((name) => fields.includes(clip(name, 100)))
    if (member !== undefined) {
      throw refused(change, 'unknown_field', `${message} ${remedy}`, `set.${member}`)
    }
  }
}

const refused = (at: number, code: string, message: string, member = 'index'): EngineError =>
  new EngineError('bad_request', message, {
    errors: [{ path: `changes.${at}.${member}`, code, message }],
  })
