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
})
