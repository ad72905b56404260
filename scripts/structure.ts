// `node scripts/structure.ts`, a part of `npm run check`: there are no import cycles, and functions are
// short enough to read. Factories may be longer: their length is that of the functions they return.

import { join } from 'node:path'
import { circlesOf, readSources, type SourceFile } from './source-files.ts'

/** Lines of a function, the first and the last included. */
const LINES_MAX = 120

const isTest = ({ path }: SourceFile): boolean => /\.test\.tsx?$/.test(path)

/** What is wrong in the sources of one folder, one line each. */
const faultsIn = (folder: string): string[] => {
  const sources = readSources(join(import.meta.dirname, '..', folder))
  const circles = circlesOf(sources).map(
    (circle) => `${folder}: import cycle of ${circle.join(', ')}`,
  )
  const long = sources
    .filter((source) => !isTest(source))
    .flatMap(({ path, functions }) =>
      functions
        .filter(({ lines, isFactory }) => lines > LINES_MAX && !isFactory)
        .map(({ name }) => `${folder}/${path}: ${name} is longer than ${LINES_MAX} lines`),
    )
  return [...circles, ...long]
}

const found = [
  'server/src',
  'simulator/src',
  'packages/client/src',
  'packages/cli/src',
  'packages/console/src',
].flatMap(faultsIn)
for (const fault of found) console.error(fault)
if (found.length > 0) process.exitCode = 1
