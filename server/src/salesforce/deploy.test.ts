import { createServer } from 'node:net'
import { describe, expect, it } from 'vitest'
import { EngineError } from '../errors.ts'
import { buildDeployPackage } from './deploy-package.ts'
import { isFinalStatus, readDeployResult } from './deploy-result.ts'
import {
  awaitDeploy,
  cancelDeploy,
  findDeployRequests,
  getDeploy,
  getSalesforceTime,
  startDeploy,
} from './deploy.ts'
import { isUnknownFate } from './failure.ts'
import { budgetOf } from './testing/budget.ts'
import {
  type Answer,
  json,
  rejection,
  rememberingSessions,
  startRig,
} from './testing/misbehaving-server.ts'
import { pollWaitMs } from './polling.ts'

const ID = '0Af000000000001AAA'
const deployPackage = buildDeployPackage(
  { files: new Map([['flows/A.flow', '<Flow/>']]), members: new Map([['Flow', ['A']]]) },
  'v66.0',
)
const accepted: Answer = (_request, response) =>
  json(response, 201, { id: ID, deployResult: { id: ID, status: 'Pending' } })
const refusal = (errorCode: string, message = 'x') => [{ errorCode, message }]

describe('sending a package', () => {
  it('is one multipart POST: the options as JSON, all or nothing, and the zip byte by byte', async () => {
    await using rig = await startRig(accepted)
    expect(
      await startDeploy(rig.org, deployPackage, {
        checkOnly: true,
        testLevel: 'RunSpecifiedTests',
        runTests: ['A'],
      }),
    ).toBe(ID)
    const [seen] = rig.seen
    expect(seen).toMatchObject({
      method: 'POST',
      url: '/services/data/v66.0/metadata/deployRequest',
    })
    const boundary = /^multipart\/form-data; boundary=(deploy-[0-9a-f]+)$/.exec(
      seen?.headers['content-type'] ?? '',
    )?.[1]
    expect(boundary).toBeDefined()
    const [before, options, file, after] = (seen?.body ?? '').split(`--${boundary}`)
    expect([before, after]).toEqual(['', '--\r\n'])
    expect(options).toMatch(/^\r\nContent-Disposition: form-data; name="json"\r\n/)
    expect(JSON.parse(options?.split('\r\n\r\n')[1] ?? '')).toEqual({
      deployOptions: {
        allowMissingFiles: false,
        autoUpdatePackage: false,
        checkOnly: true,
        ignoreWarnings: false,
        performRetrieve: false,
        purgeOnDelete: false,
        rollbackOnError: true,
        singlePackage: true,
        testLevel: 'RunSpecifiedTests',
        runTests: ['A'],
      },
    })
    expect(file).toContain('name="file"; filename="deploy.zip"\r\nContent-Type: application/zip')
    const zip = Buffer.from(deployPackage.zip).toString('utf8')
    expect(file?.slice(file.indexOf('\r\n\r\n') + 4, -2)).toBe(zip)
    expect(seen?.headers['transfer-encoding']).toBeUndefined()
  })

  it('is repeated with a new stream where Salesforce certainly took nothing', async () => {
    const answers: Answer[] = [
      (_request, response) => json(response, 401, refusal('INVALID_SESSION_ID')),
      (_request, response) => json(response, 500, refusal('ALREADY_IN_PROCESS')),
      accepted,
    ]
    await using rig = await startRig((request, response) => answers.shift()?.(request, response))
    expect(await startDeploy(rig.org, deployPackage)).toBe(ID)
    expect(rig.sessions.renewals).toEqual(['token-1'])
    expect(rig.seen).toHaveLength(3)
    expect(new Set(rig.seen.map(({ body }) => body)).size).toBe(1)
  })

  const lost: [string, Answer][] = [
    ['the connection breaks before an answer', (_request, response) => response.destroy()],
    [
      'the answer is cut',
      (_request, response) => {
        response.writeHead(201, { 'content-length': '500' })
        response.write('{"id":"0Af')
        response.destroy()
      },
    ],
    ['the answer is empty', (_request, response) => response.writeHead(201).end()],
    ['the answer names no id', (_request, response) => json(response, 201, { deployResult: {} })],
    ['a 503 without a word', (_request, response) => response.writeHead(503).end()],
    ['an HTML page', (_request, response) => response.writeHead(502).end('<html>Bad</html>')],
    ['a 420', (_request, response) => response.writeHead(420).end()],
  ]
  it.each(lost)('is sent once and its fate is unknown when %s', async (_name, answer) => {
    await using rig = await startRig(answer)
    const error = await rejection(startDeploy(rig.org, deployPackage))
    expect(isUnknownFate(error)).toBe(true)
    expect(rig.seen).toHaveLength(1)
  })

  it('that never left has no unknown outcome, and that Salesforce refuses is final', async () => {
    const closed = createServer()
    await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve))
    const { port } = closed.address() as { port: number }
    await new Promise((resolve) => closed.close(resolve))
    await using rig = await startRig((_request, response) =>
      json(response, 400, refusal('INVALID_OPERATION')),
    )
    const sessions = rememberingSessions(`http://127.0.0.1:${port}`).source
    const away = await rejection(
      startDeploy(rig.salesforce.org({ ...rig.target, sessions }), deployPackage),
    )
    expect(away).toMatchObject({ failure: { kind: 'connection_not_made' } })
    expect(isUnknownFate(away)).toBe(false)
    const refused = await rejection(startDeploy(rig.org, deployPackage))
    expect(refused).toMatchObject({ upstream: { code: 'INVALID_OPERATION' } })
    expect(isUnknownFate(refused)).toBe(false)
    expect(rig.seen).toHaveLength(1)
  })

  it('with tests named but no test level that runs them is a mistake of the caller', async () => {
    await using rig = await startRig(accepted)
    const sent = startDeploy(rig.org, deployPackage, { runTests: ['A'] })
    expect(await rejection(sent)).toBeInstanceOf(TypeError)
    expect(rig.seen).toEqual([])
  })
})

describe('a deploy result', () => {
  const component = {
    changed: 'true',
    created: 'true',
    deleted: 'false',
    success: 'true',
    componentType: 'CustomField',
    fullName: 'Lead.A__c',
    fileName: 'objects/Lead.object',
    id: '00N000000000001AAA',
    problem: '',
  }
  const failed = {
    ...component,
    created: 'false',
    changed: 'false',
    success: 'false',
    problem: 'no such field',
    problemType: 'Error',
    lineNumber: '7',
    columnNumber: '3',
  }

  it('reads the same from texts, single elements and missing members as from proper JSON', () => {
    const loose = readDeployResult(
      {
        deployResult: {
          id: ID,
          status: 'Failed',
          done: 'true',
          success: 'false',
          checkOnly: 'false',
          numberComponentsTotal: '2',
          numberComponentErrors: '1',
          details: { componentSuccesses: component, componentFailures: failed },
        },
      },
      'v66.0',
    )
    const strict = readDeployResult(
      {
        id: ID,
        deployResult: {
          id: ID,
          status: 'Failed',
          done: true,
          success: false,
          checkOnly: false,
          rollbackOnError: true,
          numberComponentsTotal: 2,
          numberComponentsDeployed: 0,
          numberComponentErrors: 1,
          errorMessage: null,
          details: {
            componentSuccesses: [
              { ...component, created: true, changed: true, deleted: false, success: true },
            ],
            componentFailures: [
              { ...failed, success: false, lineNumber: 7, columnNumber: 3, created: false },
            ],
          },
        },
      },
      'v66.0',
    )
    expect(loose).toEqual(strict)
    expect(strict).toMatchObject({
      done: true,
      success: false,
      applied: 'nothing',
      passing: false,
      failure: null,
      components: { total: 2, deployed: 0, errors: 1 },
      details: {
        components: [
          { outcome: 'created', type: 'CustomField', problem: null },
          { outcome: 'failed', problem: 'no such field', problemType: 'Error', line: 7, column: 3 },
        ],
        tests: null,
      },
    })
  })

  it('leaves the manifests out of the components unless they have something to say', () => {
    const manifest = { ...component, componentType: '', fullName: 'package.xml' }
    const warned = {
      ...manifest,
      fullName: 'Gone__c',
      fileName: 'destructiveChangesPost.xml',
      problem: 'No CustomField named: Gone__c found',
      problemType: 'Warning',
    }
    const { details } = readDeployResult(
      {
        id: ID,
        status: 'Succeeded',
        details: { componentSuccesses: [manifest, component, warned] },
      },
      'v66.0',
    )
    expect(details?.components.map(({ fullName }) => fullName)).toEqual(['Lead.A__c', 'Gone__c'])
    expect(details?.components[1]).toMatchObject({ outcome: 'created', problemType: 'Warning' })
  })

  it('has no details when Salesforce leaves them empty, and test failures when it has them', () => {
    const read = (details: unknown) =>
      readDeployResult({ id: ID, status: 'InProgress', details }, 'v66.0').details
    expect(read('')).toBeNull()
    expect(read(undefined)).toBeNull()
    expect(read({})).toEqual({ components: [], tests: null })
    expect(
      read({
        runTestResult: {
          numTestsRun: '3',
          numFailures: 1,
          failures: { name: 'T', methodName: 'm', message: 'no', stackTrace: '' },
          codeCoverageWarnings: [{ name: null, message: 'too little' }],
        },
      })?.tests,
    ).toEqual({
      run: 3,
      failed: 1,
      failures: [{ className: 'T', methodName: 'm', message: 'no', stackTrace: null }],
      coverageWarnings: [{ name: null, message: 'too little' }],
    })
  })

  it.each([
    ['Succeeded', {}, 'v66.0', 'all'],
    ['Succeeded', { checkOnly: true }, 'v66.0', 'nothing'],
    ['SucceededPartial', {}, 'v66.0', 'some'],
    ['Failed', {}, 'v66.0', 'nothing'],
    ['Failed', { rollbackOnError: false }, 'v66.0', 'unknown'],
    ['FinalizingDeployFailed', {}, 'v66.0', 'unknown'],
    ['Canceled', {}, 'v66.0', 'nothing'],
    ['Canceled', {}, 'v64.0', 'unknown'],
    ['InProgress', {}, 'v66.0', 'unknown'],
    ['Canceling', {}, 'v66.0', 'unknown'],
  ])('with status %s and %j (%s) has applied: %s', (status, members, version, applied) => {
    expect(readDeployResult({ id: ID, status, ...members }, version).applied).toBe(applied)
  })

  it('of an unknown status is classified by done and success', () => {
    const read = (members: object) => readDeployResult({ id: ID, ...members }, 'v66.0')
    expect(read({ status: 'Brewing', done: false })).toMatchObject({ status: 'InProgress' })
    expect(read({ status: 'Brewed', done: 'true', success: 'true' })).toMatchObject({
      status: 'Succeeded',
      success: true,
    })
    expect(read({ done: true })).toMatchObject({ status: 'Failed', success: false, done: true })
    expect([isFinalStatus('Finalizing Deploy'), isFinalStatus('Brewing')]).toEqual([false, false])
    expect(isFinalStatus('SucceededPartial')).toBe(true)
  })

  const lock =
    "null: The changes you requested require salesforce.com to temporarily lock your organization's administration setup. However, the administration setup has already been locked by another change. Please wait for the previous action to finish, then try again later."
  it.each([
    ['the setup lock', { errorStatusCode: 'ALREADY_IN_PROCESS', errorMessage: lock }, [], true],
    ['every component met the lock', {}, ['admin operation already in progress'], true],
    [
      'one met the lock, and what refers to it failed',
      {},
      ['admin operation already in progress', 'no such field'],
      true,
    ],
    ['each failed for good', {}, ['no such field', 'no such object'], false],
    ['a fault of the package', { errorStatusCode: 'INVALID_FIELD', errorMessage: 'x' }, [], false],
    ['no reason at all', {}, [], false],
    [
      'the lock, but part of it was applied',
      { errorStatusCode: 'ALREADY_IN_PROCESS', rollbackOnError: false },
      [],
      false,
    ],
  ])('is passing or final by its cause: %s', (_name, members, problems, passing) => {
    const result = readDeployResult(
      {
        id: ID,
        status: 'Failed',
        ...members,
        details: { componentFailures: problems.map((problem) => ({ ...failed, problem })) },
      },
      'v66.0',
    )
    expect(result.passing).toBe(passing)
  })

  it.each([[null], [''], [{}], [[]], [{ id: ID }], [{ deployResult: { status: 'Failed' } }]])(
    '%j is none',
    (body) => {
      expect(() => readDeployResult(body, 'v66.0')).toThrow(
        expect.objectContaining({ code: 'salesforce_error' }),
      )
    },
  )
})

describe('waiting for a deploy', () => {
  const status = (name: string, more: object = {}): Answer => {
    const deployResult = { id: ID, status: name, done: name === 'Succeeded' }
    return (_request, response) => json(response, 200, { id: ID, deployResult, ...more })
  }
  const inTurn = (answers: Answer[], last: Answer): Answer => {
    const rest = [...answers]
    return (request, response) => (rest.shift() ?? last)(request, response)
  }

  it('looks without details until the end, then once with them, and slows down on the way', async () => {
    await using rig = await startRig(
      inTurn(
        Array.from({ length: 40 }, () => status('InProgress')),
        status('Succeeded'),
      ),
    )
    const seen: string[] = []
    const result = await awaitDeploy(rig.org, ID, { onProgress: (look) => seen.push(look.status) })
    expect(result).toMatchObject({ status: 'Succeeded', done: true })
    expect(seen).toEqual([...Array.from({ length: 40 }, () => 'InProgress'), 'Succeeded'])
    expect(rig.waits).toEqual(Array.from({ length: 40 }, (_, index) => pollWaitMs(index + 1)))
    expect([rig.waits[0], rig.waits[12], rig.waits[39]]).toEqual([250, 5000, 15_000])
    expect(rig.seen.map(({ url }) => /includeDetails=(\w+)/.exec(url)?.[1])).toEqual([
      ...Array.from({ length: 41 }, () => 'false'),
      'true',
    ])
  })

  it('takes no failed look for a failed deploy', async () => {
    const faults: Answer[] = [
      (_request, response) => response.destroy(),
      (_request, response) => response.writeHead(420).end(),
      (_request, response) =>
        json(response, 500, refusal('UNKNOWN', 'Unexpected internal servlet state')),
      (_request, response) => response.writeHead(200).end('<html>maintenance</html>'),
      (_request, response) => json(response, 200, '{"deployResult":{"id":"0A'),
      (_request, response) => json(response, 503, '', { 'retry-after': '40' }),
      (_request, response) => json(response, 200, {}),
    ]
    await using rig = await startRig(inTurn([...faults, status('Pending')], status('Succeeded')))
    expect(await awaitDeploy(rig.org, ID)).toMatchObject({ status: 'Succeeded' })
    expect(rig.waits).toEqual([1000, 1000, 1000, 15_000, 15_000, 40_000, 15_000, 1000])
  })

  it('gives up looking after so many failed looks in a row, with the last one’s reason', async () => {
    await using rig = await startRig((_request, response) => response.writeHead(503).end())
    const error = await rejection(awaitDeploy(rig.org, ID, { errorsMax: 5 }))
    expect(error).toMatchObject({ failure: { kind: 'empty_body', status: 503 } })
    expect(rig.seen).toHaveLength(6)
  })

  it('counts failed looks in a row only', async () => {
    const fault: Answer = (_request, response) => response.writeHead(503).end()
    const look = status('InProgress')
    await using rig = await startRig(
      inTurn([fault, fault, look, fault, fault, look], status('Succeeded')),
    )
    expect(await awaitDeploy(rig.org, ID, { errorsMax: 2 })).toMatchObject({ success: true })
  })

  it('ends at once where looking again cannot help', async () => {
    await using rig = await startRig((_request, response) =>
      json(response, 403, refusal('API_DISABLED_FOR_ORG')),
    )
    expect(await rejection(awaitDeploy(rig.org, ID))).toMatchObject({
      failure: { kind: 'api_disabled' },
    })
    expect(rig.seen).toHaveLength(1)
  })

  it('is not stopped by the budget', async () => {
    await using rig = await startRig(status('Succeeded', { records: [] }))
    const budget = budgetOf(() => {
      throw new EngineError('api_budget_exhausted', 'spent')
    })
    const org = rig.salesforce.org({ ...rig.target, budget })
    expect(await awaitDeploy(org, ID)).toMatchObject({ success: true })
    expect(await cancelDeploy(org, ID)).toMatchObject({ success: true })
    const filter = { since: new Date(), userId: '005', checkOnly: false }
    expect(await findDeployRequests(org, filter)).toEqual([])
    expect(await rejection(startDeploy(org, deployPackage))).toMatchObject({
      code: 'api_budget_exhausted',
    })
  })

  it('ends with the signal’s reason, be it one that looks passing', async () => {
    const stop = new AbortController()
    const reason = new EngineError('unavailable', 'shutting down')
    await using rig = await startRig((request, response) => {
      stop.abort(reason)
      return status('InProgress')(request, response)
    })
    expect(await rejection(awaitDeploy(rig.org, ID, { signal: stop.signal }))).toBe(reason)
    expect(rig.seen).toHaveLength(1)
    const org = rig.salesforce.org({ ...rig.target, signal: stop.signal })
    expect(await rejection(awaitDeploy(org, ID))).toBe(reason)
    expect(rig.seen).toHaveLength(1)
  })

  it('a fault of the listener is its own, not one of the looks', async () => {
    await using rig = await startRig(status('InProgress'))
    const fault = new EngineError('unavailable', 'database')
    const onProgress = () => {
      throw fault
    }
    expect(await rejection(awaitDeploy(rig.org, ID, { onProgress }))).toBe(fault)
    expect(rig.seen).toHaveLength(1)
  })

  it('one look asks once more like any read, and escapes the id', async () => {
    await using rig = await startRig(
      inTurn([(_request, response) => response.writeHead(503).end()], status('Succeeded')),
    )
    expect(await getDeploy(rig.org, 'a/b', { details: true })).toMatchObject({ id: ID })
    expect(rig.seen.map(({ url }) => url)).toEqual(
      Array(2).fill('/services/data/v66.0/metadata/deployRequest/a%2Fb?includeDetails=true'),
    )
  })
})

describe('cancelling a deploy', () => {
  const answering =
    (patch: Answer, state: string): Answer =>
    (request, response) =>
      request.method === 'PATCH'
        ? patch(request, response)
        : json(response, 200, { id: ID, deployResult: { id: ID, status: state } })

  it('asks by PATCH and answers what Salesforce makes of it', async () => {
    await using rig = await startRig((_request, response) =>
      json(response, 202, { id: ID, url: 'https://x', deployResult: { status: 'Canceling' } }),
    )
    expect(await cancelDeploy(rig.org, ID)).toMatchObject({ status: 'Canceling', done: false })
    expect(rig.seen).toHaveLength(1)
    expect(rig.seen[0]).toMatchObject({
      method: 'PATCH',
      url: `/services/data/v66.0/metadata/deployRequest/${ID}`,
      body: '{"deployResult":{"status":"Canceling"}}',
    })
  })

  it('of one that is over answers how it ended', async () => {
    await using rig = await startRig(
      answering(
        (_request, response) => json(response, 400, refusal('INVALID_ID_FIELD')),
        'Succeeded',
      ),
    )
    expect(await cancelDeploy(rig.org, ID)).toMatchObject({ status: 'Succeeded', done: true })
  })

  it('that Salesforce refuses while the deploy goes on is its refusal', async () => {
    await using rig = await startRig(
      answering(
        (_request, response) => json(response, 400, refusal('INVALID_OPERATION', 'finalizing')),
        'Finalizing',
      ),
    )
    expect(await rejection(cancelDeploy(rig.org, ID))).toMatchObject({
      upstream: { code: 'INVALID_OPERATION', message: 'finalizing' },
    })
  })

  it('whose answer is lost looks at the deploy itself', async () => {
    await using rig = await startRig(
      answering((_request, response) => response.destroy(), 'Canceling'),
    )
    expect(await cancelDeploy(rig.org, ID)).toMatchObject({ status: 'Canceling' })
  })
})

describe('finding a deploy whose answer got lost', () => {
  it('asks for this user’s deploys of the same kind from that second on, queued ones too', async () => {
    await using rig = await startRig((_request, response) =>
      json(response, 200, {
        size: 2,
        totalSize: 2,
        done: true,
        records: [
          { Id: ID, Status: 'Pending', CheckOnly: false, CreatedDate: 'd', StartDate: null },
          { Id: '0Af2', Status: 'Succeeded', CheckOnly: false, CompletedDate: 'e' },
        ],
      }),
    )
    const found = await findDeployRequests(rig.org, {
      since: new Date('2026-01-02T03:04:05.678Z'),
      userId: "005'",
      checkOnly: false,
    })
    expect(found).toMatchObject([
      { id: ID, status: 'Pending', done: false, createdDate: 'd', startDate: null },
      { id: '0Af2', done: true, completedDate: 'e' },
    ])
    const url = new URL(rig.seen[0]?.url ?? '', 'http://x')
    expect(url.pathname).toBe('/services/data/v66.0/tooling/query')
    expect(url.searchParams.get('q')).toMatch(
      /WHERE CreatedById = '005\\'' AND CheckOnly = false AND CreatedDate >= 2026-01-02T03:04:05\.000Z /,
    )
  })

  it('uses Salesforce’s clock', async () => {
    await using rig = await startRig((_request, response) =>
      json(response, 200, [], { date: 'Fri, 02 Jan 2026 03:04:05 GMT' }),
    )
    expect(await getSalesforceTime(rig.org)).toEqual(new Date('2026-01-02T03:04:05Z'))
  })
})
