// Tested with a third-party client for the real Salesforce.

import { Connection } from '@jsforce/jsforce-node'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { clientOf, startRig, type Rig } from '../../testing/rig.ts'

let sim: Rig
let jsforce: Connection
beforeAll(async () => {
  sim = await startRig()
})
beforeEach(async () => {
  await sim.control.reset()
  const { token, instanceUrl } = await clientOf(sim.control)
  jsforce = new Connection({ instanceUrl, accessToken: token, version: '66.0' })
  jsforce.bulk2.pollInterval = 20
})
afterAll(() => sim.close())

describe('jsforce in bulk', () => {
  it('deletes nothing, and that is not a failure', async () => {
    const results = await jsforce.bulk2.loadAndWaitForResults({
      object: 'Account',
      operation: 'delete',
      input: [],
    })
    expect(results).toEqual({ successfulResults: [], failedResults: [], unprocessedRecords: [] })
  })

  it('loads records and gets to know what became of each of them', async () => {
    const input = [
      { External_Key__c: 'a', Salary__c: 1, Start_Date__c: '2026-01-01' },
      { External_Key__c: 'b', Salary__c: 'much', Start_Date__c: null },
      { External_Key__c: 'c, "d"', Salary__c: 3, Is_Remote__c: true },
    ]
    const results = await jsforce.bulk2.loadAndWaitForResults({
      object: 'Placement__c',
      operation: 'upsert',
      externalIdFieldName: 'External_Key__c',
      input,
    })
    expect(
      results.successfulResults.map((row) => [
        String((row as Record<string, unknown>)['External_Key__c']),
        row.sf__Created,
      ]),
    ).toEqual([
      ['a', 'true'],
      ['c, "d"', 'true'],
    ])
    expect(results.failedResults).toMatchObject([
      {
        External_Key__c: 'b',
        sf__Error:
          "INVALID_FIELD:Failed to deserialize field at col 2. Due to, 'much' is not a valid value for the type xsd:double:Salary__c --",
      },
    ])
    expect(results.unprocessedRecords).toEqual([])
  })

  it('updates and deletes what it queried', async () => {
    await jsforce.bulk2.loadAndWaitForResults({
      object: 'Lead',
      operation: 'insert',
      input: 'LastName,Company\nOne,Court\nTwo,Court\n',
    })
    const rows = async () => {
      const stream = await jsforce.bulk2.query(
        "SELECT Id, LastName, Title FROM Lead WHERE Company = 'Court'",
      )
      return (await stream.toArray()) as { Id: string; LastName: string; Title: string }[]
    }
    const made = await rows()
    expect(made.map(({ LastName, Title }) => [LastName, Title])).toEqual([
      ['One', ''],
      ['Two', ''],
    ])
    await jsforce.bulk2.loadAndWaitForResults({
      object: 'Lead',
      operation: 'update',
      input: made.map(({ Id }) => ({ Id, Title: 'Judge' })),
    })
    expect((await rows()).map(({ Title }) => Title)).toEqual(['Judge', 'Judge'])
    const { successfulResults } = await jsforce.bulk2.loadAndWaitForResults({
      object: 'Lead',
      operation: 'delete',
      input: made.map(({ Id }) => ({ Id })),
    })
    expect(successfulResults).toHaveLength(2)
    expect(await rows()).toEqual([])
  })

  it('returns why a job failed', async () => {
    await expect(
      jsforce.bulk2.loadAndWaitForResults({
        object: 'Lead',
        operation: 'insert',
        input: [{ LastName: 'x', Compny: 'y' }],
      }),
    ).rejects.toThrow('InvalidBatch : Field name not found : Compny')
    await expect(jsforce.bulk2.query('SELECT Nope FROM Lead')).rejects.toMatchObject({
      errorCode: 'API_ERROR',
    })
  })
})
