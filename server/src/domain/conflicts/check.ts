// The conflict check: every rule about every component of a plan, before anything is changed.

import { estimateApiCalls } from './estimate.ts'
import { type ConflictFacts, LiveMemory } from './facts.ts'
import { withMasterLabels } from './master-labels.ts'
import { type ComponentReversibility, reversibilityOf } from './reversibility.ts'
import {
  type Facts,
  type Finding,
  type FindingComponent,
  type Rule,
  SEVERITIES,
  type Severity,
  type Subject,
} from './rule.ts'
import { SAFE_RULES, WARNING_RULES } from './rules/rules.ts'
import { readFacts, subjectsOf, withLive } from './subjects.ts'
import { listed } from '../words.ts'

export interface ConflictCheck {
  /** Worst first, then in the order of the plan. */
  findings: Finding[]
  /** Of the worst finding. */
  severity: Severity
  counts: Record<Severity, number>
  /** One entry for each component of the plan, in its order. */
  reversibility: ComponentReversibility[]
  /** Estimate of the Salesforce API calls that the deploy would take. */
  apiCallEstimate: number
}

const keyOf = ({ type, fullName }: FindingComponent): string => `${type}:${fullName}`.toLowerCase()

const join = (path: string, at: string | undefined): string =>
  [path, at ?? ''].filter((part) => part !== '').join('.')

const findingsOf = async (rule: Rule, subject: Subject, facts: Facts): Promise<Finding[]> =>
  (await rule.judge(subject, facts)).map((verdict) => ({
    severity: verdict.severity ?? rule.severities[0],
    code: rule.code,
    message: verdict.message,
    component: verdict.component ?? subject.component,
    path: join(subject.path, verdict.at),
    remedy: verdict.remedy ?? null,
  }))

/** What the rules found for one subject, and what Salesforce did not return about it. */
const judge = async (subject: Subject, facts: Facts, memory: LiveMemory): Promise<Finding[]> => {
  const untold = new Set<string>()
  const watched = withLive(
    facts,
    memory.watch((question, answer) => {
      if (answer === null) untold.add(question)
    }),
  )
  const findings = (
    await Promise.all(WARNING_RULES.map((rule) => findingsOf(rule, subject, watched)))
  ).flat()
  if (untold.size > 0) {
    findings.push({
      severity: 'yellow',
      code: 'not_checked',
      message: `Salesforce did not return ${listed([...untold].toSorted())}, so ${subject.component.fullName} could not be fully checked.`,
      component: subject.component,
      path: subject.path,
      remedy: 'Make sure the connected user can read setup and data, then check again.',
    })
  }
  return findings
}

const sorted = (findings: readonly Finding[], subjects: readonly Subject[]): Finding[] => {
  const places = new Map(subjects.map(({ component }, index) => [keyOf(component), index]))
  const place = ({ component }: Finding): number => places.get(keyOf(component)) ?? subjects.length
  return findings.toSorted(
    (a, b) =>
      SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity) ||
      place(a) - place(b) ||
      compare(a.code, b.code) ||
      compare(a.path, b.path) ||
      compare(a.message, b.message),
  )
}

// Not by locale: a report is the same on every machine.
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

const deduplicated = (findings: readonly Finding[]): Finding[] => [
  ...new Map(
    findings.map((finding) => [
      [finding.code, keyOf(finding.component), finding.path, finding.message].join('\n'),
      finding,
    ]),
  ).values(),
]

const reversibilityFor = async (
  subject: Subject,
  facts: Facts,
): Promise<ComponentReversibility[]> => {
  const answer = await reversibilityOf(subject, facts)
  return answer === null ? [] : [{ component: subject.component, ...answer }]
}

/**
 * Evaluates every rule for plan and workflows. Each component has at least one finding; a green one says
 * why it is safe. The same facts give the same report. Rejects if a live fact rejects.
 */
export const checkPlan = async (given: ConflictFacts): Promise<ConflictCheck> => {
  const memory = new LiveMemory(given.live)
  const live = memory.watch(() => undefined)
  const snapshot = await withMasterLabels(given.snapshot, given.plan, live)
  const facts = withLive(readFacts({ ...given, snapshot }), live)
  const subjects = subjectsOf(facts)

  // All at once, though green findings may not be needed: their questions share the calls of the others.
  const [warnings, reassurances, reversibility] = await Promise.all([
    Promise.all(subjects.map((subject) => judge(subject, facts, memory))),
    Promise.all(
      subjects.flatMap((subject) => SAFE_RULES.map((rule) => findingsOf(rule, subject, facts))),
    ),
    Promise.all(subjects.map((subject) => reversibilityFor(subject, facts))),
  ])
  const warned = new Set(
    warnings
      .flat()
      .filter(({ severity }) => severity !== 'green')
      .map(({ component }) => keyOf(component)),
  )
  const findings = sorted(
    deduplicated([
      ...warnings.flat(),
      ...reassurances.flat().filter(({ component }) => !warned.has(keyOf(component))),
    ]),
    subjects,
  )

  const count = (severity: Severity): number =>
    findings.filter((finding) => finding.severity === severity).length
  return {
    findings,
    severity: findings[0]?.severity ?? 'green',
    counts: { green: count('green'), yellow: count('yellow'), red: count('red') },
    reversibility: reversibility.flat(),
    apiCallEstimate: estimateApiCalls(facts.plan, facts.workflows),
  }
}
