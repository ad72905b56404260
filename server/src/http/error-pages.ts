// A page for each code that an answer can carry, at /docs/errors/<code>: problems, faults of work, errors
// of rows, findings of the conflict check and of mappings, causes of a lost connection. Made from the
// same tables as the answers.

import { allCauses } from '../domain/connections/causes.ts'
import { FINDING_TEXTS } from '../domain/conflicts/finding-texts.ts'
import { SEVERITIES, type Severity } from '../domain/conflicts/rule.ts'
import { SAFE_RULES, WARNING_RULES } from '../domain/conflicts/rules/rules.ts'
import { MAPPING_CODES } from '../domain/mappings/finding-codes.ts'
import { ROW_REMEDIES } from '../domain/pushes/remedies.ts'
import { ERRORS, type ErrorCode, FAULTS } from '../errors.ts'
import { escaped, page } from './pages.ts'

interface Entry {
  code: string
  /** Where the code occurs. */
  where: string
  meaning: string
  remedy: string
}

/** Where each group occurs, in the order of the list of all codes. */
const GROUPS = {
  problem: 'Problems: the answer itself',
  fault: 'Faults of work: why it is paused, ended, or warns',
  row: 'Errors of rows: results of a push',
  finding: 'Findings of the conflict check',
  mapping: 'Findings about a mapping',
  cause: 'Causes of a lost connection',
} as const

type Group = keyof typeof GROUPS

const MEANINGS: Readonly<Record<Severity, string>> = {
  red: 'Red: it will fail, destroy data, or stop the pushes of the client',
  yellow: 'Yellow: it works, but changes behaviour, may lose data, or needs attention',
  green: 'Green: it is safe',
}

const SUBJECTS: Readonly<Record<string, string>> = {
  package: 'the deployment as a whole',
  object: 'an object',
  field: 'a field',
  record_type: 'a record type',
  validation_rule: 'a validation rule',
  component: 'a component of the plan',
  workflow: 'a workflow',
}

const problems = (): Entry[] =>
  (Object.keys(ERRORS) as ErrorCode[]).map((code) => {
    const { status, title, remedy, retryable } = ERRORS[code]
    const again = retryable ? ' The same call may succeed later.' : ''
    return {
      code,
      where: `An answer with status ${status}, or the error of work that met it.`,
      meaning: `${title}.${again}`,
      remedy,
    }
  })

const described = (
  table: Readonly<Record<string, { meaning: string; remedy: string }>>,
  where: string,
): Entry[] => Object.entries(table).map(([code, text]) => ({ code, where, ...text }))

const rows = (): Entry[] =>
  [...ROW_REMEDIES].map(([code, remedy]) => ({
    code,
    where: 'An error of one row of a push.',
    meaning: 'The row was not written, or its outcome is not known; its message says why.',
    remedy,
  }))

const findings = (): Entry[] => {
  const byCode = new Map<string, { on: Set<string>; severities: Set<Severity> }>()
  for (const { code, on, severities } of [...WARNING_RULES, ...SAFE_RULES]) {
    const known = byCode.get(code) ?? { on: new Set(), severities: new Set() }
    byCode.set(code, known)
    known.on.add(SUBJECTS[on] ?? on)
    for (const severity of severities) known.severities.add(severity)
  }
  return [...FINDING_TEXTS].map(([code, { meaning, remedy }]) => {
    const { on, severities } = byCode.get(code) ?? ANYWHERE
    const shown = SEVERITIES.filter((severity) => severities.has(severity)).join(' or ')
    return {
      code,
      where: `A ${shown} finding about ${[...on].join(' or ')}.`,
      meaning: `${meaning} ${SEVERITIES.filter((severity) => severities.has(severity))
        .map((severity) => `${MEANINGS[severity]}.`)
        .join(' ')}`,
      remedy: remedy ?? 'Nothing.',
    }
  })
}

/** What the check itself reports, without a rule. */
const ANYWHERE = { on: new Set(['any component']), severities: new Set<Severity>(['yellow']) }

const causes = (): Entry[] =>
  allCauses().map(({ code, message, remedy }) => ({
    code,
    where: 'A possible cause in the health of a connection, or of its error.',
    meaning: message,
    remedy,
  }))

const entries = (): Record<Group, Entry[]> => ({
  problem: problems(),
  fault: described(
    FAULTS,
    'The error or a warning of a snapshot, a report, a deployment, a rollback or a push.',
  ),
  row: rows(),
  finding: findings(),
  mapping: described(
    MAPPING_CODES,
    'A finding about a mapping: in warnings, in findings, or in errors of a refusal.',
  ),
  cause: causes(),
})

const linkTo = ({ code }: Entry): string =>
  `<li><a href="/docs/errors/${encodeURIComponent(code)}"><code>${escaped(code)}</code></a></li>`

const asList = (entry: Entry): string =>
  `<dl><dt>Where</dt><dd>${escaped(entry.where)}</dd><dt>Meaning</dt><dd>${escaped(entry.meaning)}</dd><dt>What to do</dt><dd>${escaped(entry.remedy)}</dd></dl>`

/** The list of all codes, by where they occur. */
export const codesPage = (): string => {
  const groups = (Object.entries(entries()) as [Group, Entry[]][]).map(
    ([group, list]) =>
      `<h2>${escaped(GROUPS[group])}</h2><ul class="codes">${list.map(linkTo).join('')}</ul>`,
  )
  return page('Codes', `<h1>Codes</h1>${groups.join('')}`)
}

/** The page about a code, wherever it may occur; null for one that no answer contains. */
export const codePage = (code: string): string | null => {
  const found = Object.values(entries())
    .flat()
    .filter((entry) => entry.code === code)
  return found.length === 0
    ? null
    : page(code, `<h1><code>${escaped(code)}</code></h1>${found.map(asList).join('')}`)
}
