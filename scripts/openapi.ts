// Writes docs/openapi.json, docs/errors.md and docs/operation-ids.txt from the code, and the types of the
// client library from the first; with --check says whether they are current. An operation that is gone has to
// be named in CHANGELOG.md first.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { format, type FormatConfig } from 'oxfmt'
import { ERRORS } from '../server/src/errors.ts'
import { describeRoutes } from '../server/src/engine.ts'
import { openApiDocument } from '../server/src/http/openapi.ts'
import { type ApiDocument, clientContract } from './client-contract.ts'
import { idsIn, missedIds } from './operation-ids.ts'

const ROOT = join(import.meta.dirname, '..')
const CONTRACT = 'packages/client/src/contract.ts'

const errorsPage = (): string => {
  const rows = Object.entries(ERRORS).map(
    ([code, { status, title, remedy, retryable }]) =>
      `## ${code}\n\n**${status}. ${title}.** ${remedy}${retryable ? ' The same call may succeed later.' : ''}\n`,
  )
  return [
    '# Errors',
    '',
    'Every error is `application/problem+json` (RFC 9457). Programs look at `code`; it never changes',
    'its meaning. `errors` names the members at fault by their path, `upstream` has the words of',
    'Salesforce or Nango, and `request_id` finds the log lines. This page is generated from the table in',
    '`server/src/errors.ts`. A server shows these codes, and those of work, rows, findings and mappings,',
    'each with its meaning and what to do, at `/docs/errors`.',
    '',
    ...rows,
  ].join('\n')
}

const presentText = (path: string): string => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return '' // absent: stale
  }
}

const document = openApiDocument(describeRoutes())
const ids = idsIn(document)
const gone = missedIds({
  promised: presentText(join(ROOT, 'docs/operation-ids.txt')),
  present: ids,
  changelog: presentText(join(ROOT, 'CHANGELOG.md')),
})
if (gone.length > 0) {
  console.error(
    `Client libraries have a method for each operation, and these are gone: ${gone.join(', ')}. ` +
      'Keep their names (operationId of the route), or tell callers in CHANGELOG.md, with the name in backticks.',
  )
  process.exit(1)
}

const STYLE = JSON.parse(readFileSync(join(ROOT, '.oxfmtrc.json'), 'utf8')) as FormatConfig
const contract = await format(CONTRACT, clientContract(document as unknown as ApiDocument), STYLE)
if (contract.errors.length > 0) throw new Error(JSON.stringify(contract.errors))

const files: [string, string][] = [
  ['docs/openapi.json', `${JSON.stringify(document, null, 2)}\n`],
  ['docs/operation-ids.txt', `${ids.join('\n')}\n`],
  ['docs/errors.md', (await format('errors.md', errorsPage())).code],
  [CONTRACT, contract.code],
]

let stale = false
for (const [name, text] of files) {
  const path = join(ROOT, name)
  if (process.argv.includes('--check')) {
    if (presentText(path) !== text) {
      stale = true
      console.error(`${name} is out of date. Run: npm run openapi`)
    }
  } else {
    writeFileSync(path, text)
  }
}
process.exitCode = stale ? 1 : 0
