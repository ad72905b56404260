// What is wrong with a mapping, with what to do about it.

import { type MemberError } from '../../errors.ts'
import { type MappingCode } from './finding-codes.ts'

export interface Finding {
  /** error: pushes fail, all or those that meet it. warning: it works, but perhaps not as intended. */
  severity: 'error' | 'warning'
  /** Stable: callers may act on it. */
  code: MappingCode
  /** Dotted, from the mapping: `fields.0.value_map.Open`, `external_id_field`. */
  path: string
  message: string
  remedy: string
}

/** A finding without its path, as the checks of one field return it. */
export type Fault = Omit<Finding, 'path'> & { at?: string }

export const error = (code: MappingCode, message: string, remedy: string): Fault => ({
  severity: 'error',
  code,
  message,
  remedy,
})

export const warning = (code: MappingCode, message: string, remedy: string): Fault => ({
  severity: 'warning',
  code,
  message,
  remedy,
})

/** `fault` at a path; its own `at` names a member below it. */
export const placed = (path: string, { at, ...fault }: Fault): Finding => ({
  ...fault,
  path: [path, at].filter((part) => part !== undefined && part !== '').join('.'),
})

/** Findings as the members at fault of a problem, whose paths begin with `prefix`. */
export const asErrors = (
  findings: readonly (MemberError & { remedy: string })[],
  prefix = '',
): MemberError[] =>
  findings.map(({ path, code, message, remedy }) => ({
    path: `${prefix}${path}`,
    code,
    message: `${message} ${remedy}`,
  }))

/** The first few of many names. */
export const some = (names: readonly string[], most = 5): string =>
  names.length <= most
    ? names.join(', ')
    : `${names.slice(0, most).join(', ')} and ${names.length - most} more`
