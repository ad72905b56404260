// `node scripts/structure.ts`, a part of `npm run check`: imports go in no circle, and functions end
// where they can still be read. Factories may be longer: their length is that of the functions they
// return.

import { join } from 'node:path'
import { circlesOf, readSources, type SourceFile } from './source-files.ts'

/** Lines of a function, the first and the last included. */
const LINES_MAX = 120

/** Circles and functions that were there before this check. The list only gets shorter. */
const STILL_TO_GO: ReadonlySet<string> = new Set([
  'server/src/domain/pushes/gathering.ts: gather is longer than 120 lines',
  'server/src/domain/pushes/transport/bulk-part.ts: surveyPart is longer than 120 lines',
  'server/src/domain/pushes/transport/deliver.ts: deliver is longer than 120 lines',
  'server/src/http/app.ts: createApp is longer than 120 lines',
  'server/src/http/routes/auth.ts: authRoutes is longer than 120 lines',
  'server/src/http/routes/connections.ts: connectionRoutes is longer than 120 lines',
  'server/src/http/routes/deploy.ts: deployRoutes is longer than 120 lines',
  'server/src/http/routes/mappings.ts: mappingRoutes is longer than 120 lines',
  'server/src/http/routes/push.ts: pushRoutes is longer than 120 lines',
  'server/src/http/routes/topology.ts: topologyRoutes is longer than 120 lines',
  'server/src/http/routes/workflow-changes.ts: workflowChangeRoutes is longer than 120 lines',
])

const isTest = ({ path }: SourceFile): boolean => path.endsWith('.test.ts')

/** What is wrong in the sources of one folder, a line each. */
const faultsIn = (folder: string): string[] => {
  const sources = readSources(join(import.meta.dirname, '..', folder))
  const circles = circlesOf(sources).map((circle) => `${folder}: circle of ${circle.join(', ')}`)
  const long = sources
    .filter((source) => !isTest(source))
    .flatMap(({ path, functions }) =>
      functions
        .filter(({ lines, isFactory }) => lines > LINES_MAX && !isFactory)
        .map(({ name }) => `${folder}/${path}: ${name} is longer than ${LINES_MAX} lines`),
    )
  return [...circles, ...long]
}

const found = new Set(['server/src', 'simulator/src'].flatMap(faultsIn))
const fresh = [...found].filter((fault) => !STILL_TO_GO.has(fault))
const gone = [...STILL_TO_GO].filter((fault) => !found.has(fault))
for (const fault of fresh) console.error(fault)
for (const fault of gone)
  console.error(`gone, take it off the list in scripts/structure.ts: ${fault}`)
if (fresh.length + gone.length > 0) process.exitCode = 1
