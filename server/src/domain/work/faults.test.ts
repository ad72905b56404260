// The table of faults as a pure function, and as docs/architecture.md shows it.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type WorkFault } from '../../db/tables/work.ts'
import { EngineError } from '../../errors.ts'
import { NangoError } from '../../nango/failure.ts'
import { FAILURE_KINDS, makeFailure, SalesforceError } from '../../salesforce/failure.ts'
import { type CauseName, CAUSES, causeOf, decide, inWords, PATIENCE, toldOf } from './faults.ts'

const NOW = new Date('2026-03-01T12:00:00.000Z')
const hoursAgo = (hours: number): WorkFault => ({
  code: 'salesforce_error',
  message: '',
  waiting: {
    for: 'time',
    since: new Date(NOW.getTime() - hours * 3_600_000).toISOString(),
    until: null,
    next_try_at: NOW.toISOString(),
  },
})
const salesforce = (kind: (typeof FAILURE_KINDS)[number]) =>
  new SalesforceError(makeFailure(kind, { code: 'CODE', message: 'words', status: 500 }))
const away = salesforce('server_unavailable')

const ask = (error: unknown, more: Partial<Parameters<typeof decide>[0]> = {}) =>
  decide({
    kind: 'deploy',
    error,
    sent: false,
    waiting: null,
    now: NOW,
    scale: 1,
    ...more,
  })

describe('the cause of a fault', () => {
  it.each([
    [new Error('a bug'), 'unforeseen'],
    [away, 'salesforce_away'],
    [salesforce('limit_total'), 'budget_spent'],
    [salesforce('api_disabled'), 'connection_lost'],
    [salesforce('session_dead'), 'connection_lost'],
    [salesforce('version_unsupported'), 'setup_wrong'],
    [salesforce('other'), 'refused'],
    [new NangoError('unavailable', { status: 503, code: 'x', message: '' }), 'nango_away'],
    [new NangoError('no_scope', { status: 403, code: 'x', message: '' }), 'setup_wrong'],
    [new EngineError('connection_revoked', ''), 'connection_revoked'],
    [new EngineError('deployment_in_progress', ''), 'other_work'],
    [new EngineError('payload_too_large', ''), 'refused'],
  ] as const)('%s is %s', (error, cause) => expect(causeOf(error)).toBe(cause))

  it('of Salesforce waits where the failure passes, whatever its kind', () => {
    for (const kind of FAILURE_KINDS) {
      const error = salesforce(kind)
      if (error.failure.passing) expect([kind, causeOf(error)]).toEqual([kind, 'salesforce_away'])
    }
  })
})

describe('work that waits', () => {
  it('is tried again after as long as it has waited, a minute at most', () => {
    const pauses = [0, 1, 7, 40, 3_600].map((seconds) => {
      const decision = ask(away, { waiting: hoursAgo(seconds / 3_600) })
      return decision.do === 'hold' ? decision.afterSeconds : null
    })
    expect(pauses).toEqual([1, 1, 7, 40, 60])
  })

  it('says since when, until when, for what, and when it is tried again', () => {
    expect(ask(away, { waiting: hoursAgo(1) })).toMatchObject({
      do: 'hold',
      fault: {
        code: 'salesforce_error',
        message: 'Salesforce answered 500 (CODE): words.',
        upstream: { service: 'salesforce', code: 'CODE', message: 'words' },
        waiting: {
          for: 'time',
          since: '2026-03-01T11:00:00.000Z',
          until: '2026-03-02T11:00:00.000Z',
          next_try_at: '2026-03-01T12:01:00.000Z',
        },
      },
    })
  })

  it('ends with the fault when its patience is over, and says how long it was tried', () => {
    expect(ask(away, { waiting: hoursAgo(24) })).toEqual({
      do: 'end',
      fault: { ...toldOf(away), message: `${away.message} It was tried for 24 hours.` },
    })
  })

  it.each(Object.keys(CAUSES) as CauseName[])('never ends for %s once it was sent', (cause) => {
    const errors = [
      away,
      ...FAILURE_KINDS.map(salesforce),
      new EngineError('connection_revoked', ''),
      new EngineError('client_inactive', ''),
    ].filter((error) => causeOf(error) === cause)
    for (const error of errors) {
      const decision = ask(error, { sent: true, waiting: hoursAgo(10_000) })
      expect(decision).toMatchObject({ do: 'hold', fault: { waiting: { until: null } } })
    }
  })
})

/** What docs/architecture.md has to show, generated from the code. */
const tables = (): string => {
  const outcomes = {
    wait: 'waits',
    wait_for_person: 'waits for a person',
    end: 'ends at once',
    bug: 'is tried five times, then ends',
  }
  const rows = Object.values(CAUSES).map(({ what, outcome }) => [what, outcomes[outcome]])
  const patience = Object.entries(PATIENCE).map(([kind, { wait, wait_for_person: person }]) => [
    kind,
    inWords(wait),
    inWords(person),
  ])
  return [
    table(['what work meets', 'what the work does'], rows),
    table(['work', 'waits at most', 'for a person at most'], patience),
  ].join('\n\n')
}

const table = (head: string[], rows: string[][]): string => {
  const all = [head, ...rows]
  const widths = head.map((_, at) => Math.max(...all.map((row) => (row[at] ?? '').length)))
  const line = (cells: string[]) =>
    `| ${cells.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(' | ')} |`
  return [
    line(head),
    `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`,
    ...rows.map(line),
  ].join('\n')
}

it('is in docs/architecture.md as it is', () => {
  const docs = join(import.meta.dirname, '../../../../docs/architecture.md')
  expect(readFileSync(docs, 'utf8')).toContain(tables())
})
