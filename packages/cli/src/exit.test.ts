// What an exit code says to a script.

import {
  ConflictError,
  ForbiddenError,
  InvalidRequestError,
  OperationFailedError,
  type Problem,
  StillRunningError,
  UnauthenticatedError,
} from '@sfdc-engine-x/client'
import { expect, it } from 'vitest'
import { codeOf, EXIT, Exit, messageOf } from './exit.ts'

const problem = (status: number, code: Problem['code']): Problem => ({
  ...{ type: 'about:blank', title: 'T', detail: 'It is so.', status, code },
  ...{ request_id: 'r-1', remedy: 'Do this.', doc_url: '/docs/errors/x' },
})
const more = { docUrl: 'https://engine.example/docs/errors/x' }
const work = { kind: 'push', id: 'p-1', client_id: 'c-1' } as const

it('each kind of ending has its own, and a verdict is not a failure', () => {
  const cases: [unknown, number][] = [
    [new Exit(EXIT.partly), 6],
    [new ConflictError(problem(409, 'conflicts_found'), more), 3],
    [new ConflictError(problem(409, 'topology_drifted'), more), 5],
    [new ConflictError(problem(409, 'deployment_in_progress'), more), 1],
    [new InvalidRequestError(problem(400, 'invalid_plan'), more), 2],
    [new UnauthenticatedError(problem(401, 'unauthenticated'), more), 4],
    [new ForbiddenError(problem(403, 'forbidden'), more), 4],
    [new StillRunningError(work, 'timeout', { status: 'in_progress' }), 8],
    [new OperationFailedError(work, {}, null), 1],
    [new Error('a fault of our own'), 1],
  ]
  for (const [error, code] of cases) expect([error, codeOf(error)]).toEqual([error, code])
})

it('a refusal is told with its remedy, its request and its page', () => {
  const told = messageOf(new ConflictError(problem(409, 'already_exists'), more))
  expect(told).toBe(
    'It is so.\nDo this. (already_exists)\nRequest r-1; more: https://engine.example/docs/errors/x',
  )
  const causes = ['The app is blocked.', 'The user is frozen.'].map((message) => ({
    ...{ path: '', code: 'x', message },
  }))
  const wrong = [{ path: 'push_id', code: 'x', message: 'push_id must be a UUID.' }]
  expect(
    messageOf(
      new InvalidRequestError({ ...problem(422, 'validation_failed'), errors: wrong }, more),
    ),
    'a member is named once',
  ).toContain('It is so.\n  push_id must be a UUID.\n')
  const unready = { ...problem(409, 'connection_not_ready'), errors: causes }
  expect(messageOf(new ConflictError(unready, more)), 'causes that are about no member').toContain(
    'It is so.\n  The app is blocked.\n  The user is frozen.\n',
  )
})

it('names options where the server names members of a body', () => {
  const lost = { ...problem(409, 'data_would_be_lost'), remedy: 'Repeat with allow_data_loss.' }
  expect(messageOf(new ConflictError(lost, more))).toContain('Repeat with --allow-data-loss.')
  const rows = { ...problem(400, 'all_or_none_too_large'), title: 'Too many rows for all_or_none' }
  expect(messageOf(new InvalidRequestError({ ...rows, detail: rows.title }, more))).toContain(
    'Too many rows for --all-or-none',
  )
  const active = { ...problem(400, 'client_inactive'), remedy: 'See /api/workflows/set-active.' }
  expect(messageOf(new InvalidRequestError(active, more))).toContain(
    'See sfx workflows activate or deactivate.',
  )
})
