// What the checks of a plan share: where they put what they find.

/** Remembers what was found, and where. */
export interface Findings {
  add: (path: readonly (string | number)[], code: string, message: string) => void
}
