// Where this machine has a Chromium: tests and benches of the console drive the system's own.

import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']

const isProgram = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** The program that CHROMIUM names, or the first on the PATH; null if there is none. */
export const chromiumPath = (): string | null => {
  const named = process.env.CHROMIUM
  if (named !== undefined && named !== '') return named
  const folders = (process.env.PATH ?? '').split(delimiter)
  return (
    folders.flatMap((folder) => NAMES.map((name) => join(folder, name))).find(isProgram) ?? null
  )
}
