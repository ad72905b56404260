// What the suites about faults during pushes share: a Salesforce org for each case, so that cases run in
// parallel, rows of which some are permanently bad, and a comparison of the end of a push with that org.

import { expect } from 'vitest'
import { type ActionInput } from '../../simulator/src/control/routes.ts'
import {
  expectTrue,
  expectWhole,
  makePushRig,
  placement,
  type PushBody,
  resultsOf,
  type Row,
  type RowResult,
  settled,
} from './push-support.ts'
import { type AnyRig, createSalesforceOrg, type TestOrg } from './rig.ts'

export type Rule = Omit<ActionInput<'faults/add'>, 'org'>

export const COLLECTION = '*/composite/sobjects/*'
/** Where records are looked up by their keys. */
export const LOOK_UPS = ['*/query*', '*/composite']
export const PARENTS = 10

/** Every fiftieth breaks a validation rule of the Salesforce org: no attempt can succeed. */
export const isBad = (n: number): boolean => n % 50 === 49

export const rowsOf = (count: number, { prefix = 'row', from = 0 } = {}): Row[] =>
  Array.from({ length: count }, (_, at) => {
    const n = at + from
    const row: Row = { ...placement(prefix, n), company: `company-${1 + (n % PARENTS)}` }
    return isBad(n) ? { ...row, stage: 'hired' } : row
  })

/** Only the bad rows failed, with Salesforce's code. */
export const expectOnlyBad = (results: readonly RowResult[]): void => {
  const failed = results.filter(({ success }) => !success)
  expect(failed.map(({ index, errors }) => [index, errors[0]?.code])).toEqual(
    results.flatMap(({ index }) =>
      isBad(index) ? [[index, 'FIELD_CUSTOM_VALIDATION_EXCEPTION']] : [],
    ),
  )
}

/** How many rows have the same answer to a question. */
export const tally = <T>(
  results: readonly RowResult[],
  ask: (result: RowResult) => T,
): Record<string, number> => {
  const counts: Record<string, number> = {}
  for (const result of results) {
    const key = String(ask(result))
    counts[key] = (counts[key] ?? 0) + 1
  }
  return counts
}

export const codeOf = ({ errors }: RowResult): string => errors[0]?.code ?? 'ok'

export const status = (code: number, errorCode?: string): Rule['kind'] => ({
  type: 'status',
  status: code,
  ...(errorCode === undefined ? { body: 'html' } : { errorCode }),
})

/** A client of a Salesforce org of its own with ten companies, and what tests do with them. */
export const makeCase = async (rig: AnyRig, org: TestOrg) => {
  const { simulator } = rig
  const { control } = simulator
  const { name } = await createSalesforceOrg(control)
  const pushRig = await makePushRig(rig, org, name)
  await control.act('records/fill', {
    org: name,
    object: 'Account',
    count: PARENTS,
    template: { Name: 'Company {n}', Key__c: 'company-{n}' },
  })
  // A save waits only 20 ms for a foreign lock here, not 10 seconds.
  await control.act('records/pace', { org: name, lockWaitMs: 20 })
  const asked = (method: string, path: string) =>
    control.act('journal', { org: name, method, path })

  return {
    pushRig,
    control,
    name,
    asked,
    writes: () => asked('PATCH', COLLECTION),
    fault: (rule: Rule) => control.addFault({ org: name, ...rule }),
    jobs: () => control.act('bulk/list', { org: name }),
    /** Holds the companies' records as another transaction would. */
    lock: async (...companies: number[]): Promise<void> => {
      const ids: string[] = []
      for (const n of companies) {
        const [found] = await control.act('records/list', {
          org: name,
          object: 'Account',
          where: { Key__c: `company-${n}` },
        })
        ids.push(String(found?.['Id']))
      }
      const { locked } = await control.act('records/lock', { org: name, ids })
      expect(locked).toBe(companies.length)
    },
    unlock: () => control.act('records/unlock', { org: name }),

    /** Sends rows and waits for nothing. */
    start: async (records: Row[], transport: 'collections' | 'bulk'): Promise<string> => {
      const answer = await org.api.post<PushBody>('/api/push/records', {
        client_id: pushRig.client.id,
        object: 'placement',
        records,
        options: { transport },
        wait_seconds: 0,
      })
      expect([200, 202], answer.text.slice(0, 500)).toContain(answer.status)
      return answer.body.id
    },

    /** Waits for the end of a push and checks that every result is true for the Salesforce org. */
    finish: async (
      id: string,
      rows: readonly Row[],
      { before = [], prefix = 'row' }: { before?: readonly Row[]; prefix?: string } = {},
    ): Promise<{ push: PushBody; results: RowResult[] }> => {
      const push = await settled(org.api, id)
      const results = await resultsOf(org.api, id)
      expectWhole(push, results)
      expect(push).toMatchObject({ total: rows.length, error: null })
      await expectTrue(simulator, pushRig, { prefix: `${prefix}-`, rows, results, before })
      return { push, results }
    },
  }
}

export type FaultCase = Awaited<ReturnType<typeof makeCase>>
