// Query, Tooling and Metadata as served by the running simulator, with its small seed.

import { Connection } from '@jsforce/jsforce-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createControl } from '../../control/client.ts'
import { startSimulator, type Simulator } from '../../index.ts'

let simulator: Simulator
let connection: Connection

beforeAll(async () => {
  simulator = await startSimulator({ orgs: [{ name: 'Acme', edition: 'Enterprise' }] })
  const [org] = simulator.orgs
  const { token, instanceUrl } = await createControl(simulator.controlUrl).openSession(
    org?.id ?? '',
    org?.usernames[0],
  )
  connection = new Connection({ instanceUrl, accessToken: token, version: '67.0' })
})
afterAll(() => simulator.close())

const longSoql = `SELECT Id FROM Account WHERE Name IN (${Array.from({ length: 900 }, (_, i) => `'A long account name ${i}'`).join(',')})`

describe('the running simulator', () => {
  it('answers records, Tooling rows and metadata to jsforce', async () => {
    const accounts = await connection.query('SELECT Id, Name, Owner.Name FROM Account')
    expect(accounts.totalSize).toBeGreaterThan(0)
    expect(accounts.records[0]).toMatchObject({ Owner: { attributes: { type: 'User' } } })
    const flows = await connection.tooling.query('SELECT DeveloperName FROM FlowDefinition')
    const listed = await connection.metadata.list([{ type: 'Flow' }], '67.0')
    expect(flows.totalSize).toBeGreaterThan(0)
    expect(listed).toHaveLength(flows.totalSize)
  })

  it('takes a long query inside of a composite, and refuses it as a URI', async () => {
    const url = `/services/data/v67.0/query?q=${encodeURIComponent(longSoql)}`
    expect(url.length).toBeGreaterThan(16_384)
    const direct = await fetch(`${connection.instanceUrl}${url}`, {
      headers: { authorization: `Bearer ${connection.accessToken ?? ''}` },
    })
    expect([414, 431]).toContain(direct.status)
    const { compositeResponse } = await connection.requestPost<{ compositeResponse: unknown[] }>(
      '/services/data/v67.0/composite',
      { compositeRequest: [{ method: 'GET', url, referenceId: 'long' }] },
    )
    expect(compositeResponse).toMatchObject([{ httpStatusCode: 200, body: { totalSize: 0 } }])
  })

  it('reads Metadata of several components in one Tooling composite', async () => {
    const rules = await connection.tooling.query('SELECT Id FROM ValidationRule')
    const compositeRequest = rules.records.map(({ Id }, i) => ({
      method: 'GET',
      url: `/services/data/v67.0/tooling/sobjects/ValidationRule/${String(Id)}`,
      referenceId: `rule${i}`,
    }))
    const { compositeResponse } = await connection.requestPost<{
      compositeResponse: { httpStatusCode: number; body: { FullName: string; Metadata: unknown } }[]
    }>('/services/data/v67.0/tooling/composite', { compositeRequest })
    expect(compositeResponse.length).toBe(rules.totalSize)
    for (const { httpStatusCode, body } of compositeResponse) {
      expect(httpStatusCode).toBe(200)
      expect(body.FullName).toMatch(/^\w+\.\w+$/)
      expect(body.Metadata).toHaveProperty('errorConditionFormula')
    }
  })
})
