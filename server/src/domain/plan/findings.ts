// What the checks of a plan share: how they report what they find.

import { sameName } from '../metadata/names.ts'

type Path = readonly (string | number)[]

/** Records what was found, and where. */
export interface Findings {
  add: (path: Path, code: string, message: string) => void
}

/** Reports every name that occurs earlier in the list, case-insensitively. */
export const reportDuplicates = (
  names: readonly string[],
  what: (name: string) => string,
  path: (index: number) => Path,
  findings: Findings,
): void => {
  const seen = new Set<string>()
  for (const [index, name] of names.entries()) {
    if (seen.has(sameName(name))) {
      findings.add(path(index), 'duplicate', `${what(name)} is in the plan twice. Keep one.`)
    }
    seen.add(sameName(name))
  }
}
