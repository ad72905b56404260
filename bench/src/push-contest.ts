// What all contenders of the push bench share: the rows, in the form that each needs, and how they are
// measured.

import { type Site } from './site.ts'

/** Accounts `company-1` and so on. */
export const PARENTS = 500

export interface Placement {
  key: string
  salary: number
  start: string
  stage: string
  notes: string
  remote: boolean
  company?: string
}

export interface Measured {
  ms: number
  calls: number
}

export const placement = (prefix: string, n: number): Placement => ({
  key: `${prefix}-${n}`,
  salary: 40_000 + n / 4,
  start: '2026-11-02',
  stage: 'Proposed',
  notes: `Placed by "the bench", number ${n}`,
  remote: n % 2 === 0,
})

/** As above, each with one of the parents. */
export const placements = (prefix: string, count: number): Placement[] =>
  Array.from({ length: count }, (_, n) => ({
    ...placement(prefix, n),
    company: `company-${1 + (n % PARENTS)}`,
  }))

export const asRecord = ({ key, salary, start, stage, notes, remote, company }: Placement) => ({
  External_Key__c: key,
  Salary__c: salary,
  Start_Date__c: start,
  Stage__c: stage,
  Notes__c: notes,
  Is_Remote__c: remote,
  ...(company === undefined ? {} : { Company__r: { Key__c: company } }),
})

const HEADER = 'External_Key__c,Salary__c,Start_Date__c,Stage__c,Notes__c,Is_Remote__c\n'

export function* csv(prefix: string, count: number): Generator<string> {
  yield HEADER
  for (let n = 0; n < count; n += 1) {
    const { key, salary, start, stage, notes, remote } = placement(prefix, n)
    yield `${key},${salary},${start},${stage},"${notes.replaceAll('"', '""')}",${remote}\n`
  }
}

export function* lines(clientId: string, prefix: string, count: number): Generator<string> {
  yield `${JSON.stringify({ client_id: clientId, object: 'placement', wait_seconds: 0 })}\n`
  for (let n = 0; n < count; n += 1) yield `${JSON.stringify(placement(prefix, n))}\n`
}

/** Pieces of some size instead of one per line. */
export function* chunked(pieces: Iterable<string>): Generator<Buffer> {
  let some: string[] = []
  for (const piece of pieces) {
    if (some.push(piece) < 500) continue
    yield Buffer.from(some.join(''))
    some = []
  }
  if (some.length > 0) yield Buffer.from(some.join(''))
}

/** The median by time of several runs, with the fastest and the slowest. */
export interface Contest extends Measured {
  leastMs: number
  mostMs: number
}

/**
 * Runs the contenders in turn, each time in the opposite order, so that a neighbour's load meets all of
 * them. Each gets the number of the run.
 */
export const contest = async <Name extends string>(
  site: Site,
  runs: number,
  contenders: Record<Name, (run: number) => Promise<unknown>>,
): Promise<Record<Name, Contest>> => {
  const names = Object.keys(contenders) as Name[]
  const all = new Map<Name, Measured[]>(names.map((name) => [name, []]))
  for (let run = 0; run < runs; run += 1) {
    for (const name of run % 2 === 0 ? names : names.toReversed()) {
      all.get(name)?.push(await measured(site, () => contenders[name](run)))
    }
  }
  const result: Partial<Record<Name, Contest>> = {}
  for (const [name, of] of all) {
    const sorted = of.toSorted((a, b) => a.ms - b.ms)
    const [least, middle, most] = [sorted[0], sorted[runs >> 1], sorted.at(-1)]
    if (least === undefined || middle === undefined || most === undefined) {
      throw new RangeError('A contest needs at least one run')
    }
    result[name] = { ...middle, leastMs: least.ms, mostMs: most.ms }
  }
  return result as Record<Name, Contest>
}

/** Time and Salesforce calls of this work. */
export const measured = async (
  { control }: Site,
  work: () => Promise<unknown>,
): Promise<Measured> => {
  await control.clearJournal()
  const started = performance.now()
  await work()
  const ms = performance.now() - started
  const calls = (await control.journal('Acme')).reduce((sum, call) => sum + call.calls, 0)
  return { ms, calls }
}
