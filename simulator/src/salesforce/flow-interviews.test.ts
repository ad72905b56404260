// Paused and waiting interviews: how they appear, which deletions they prevent, and how that ends.
// Tested with jsforce.

import type { Connection } from '@jsforce/jsforce-node'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { bodyOf, clientOf, startRig, type Rig } from '../testing/rig.ts'
import { connect, file, deploy, problemOf, zipOf } from './metadata/deploy/testing/deploys.ts'

const FLOW = 'Lead_Set_Segment'

let sim: Rig
let jsforce: Connection
beforeAll(async () => {
  sim = await startRig()
})
beforeEach(async () => {
  await sim.control.reset()
  jsforce = await connect(sim, 'Acme')
})
afterAll(() => sim.close())

const versions = async (): Promise<string[]> => {
  const { records } = await jsforce.tooling.query(
    `SELECT Id FROM Flow WHERE Definition.DeveloperName = '${FLOW}' ORDER BY VersionNumber`,
  )
  return records.map(({ Id }) => Id ?? '')
}
const pause = async (version: number, status: 'Paused' | 'Waiting' = 'Paused') => {
  const spec = { org: 'Acme', flow: FLOW, version, status, element: 'Wait_A_Day' }
  return (await sim.control.act('automations/add-interview', spec)).id
}
const switchOff = () =>
  deploy(
    jsforce,
    zipOf(
      { FlowDefinition: [FLOW] },
      {
        [`flowDefinitions/${FLOW}.flowDefinition`]: file(
          'FlowDefinition',
          '<activeVersionNumber>0</activeVersionNumber>',
        ),
      },
    ),
  )
const without = (name: string) =>
  zipOf(
    {},
    {
      'destructiveChanges.xml': file(
        'Package',
        `<types><members>${name}</members><name>Flow</name></types>`,
      ),
    },
  )

describe('a paused interview', () => {
  it('is found by its version and its flow, with the element at which it stopped', async () => {
    const id = await pause(1)
    const { records } = await jsforce.query(
      `SELECT Id, InterviewLabel, InterviewStatus, CurrentElement, FlowVersionViewId, FlowVersionView.VersionNumber, Owner.Name FROM FlowInterview WHERE FlowVersionView.FlowDefinitionView.ApiName = '${FLOW}'`,
    )
    expect(records).toMatchObject([
      {
        Id: id,
        InterviewStatus: 'Paused',
        CurrentElement: 'Wait_A_Day',
        FlowVersionViewId: (await versions())[0],
        FlowVersionView: { VersionNumber: 1 },
      },
    ])
    expect(id).toMatch(/^0Fo\w{15}$/)
  })

  it.each(['Paused', 'Waiting'] as const)(
    'blocks the deletion of its version by Tooling, which names it, until it is deleted: %s',
    async (status) => {
      const ids = [await pause(1, status), await pause(1, status)]
      const [first = '', second = ''] = await versions()
      const remove = (id: string) => jsforce.tooling.sobject('Flow').destroy(id)
      await expect(remove(first)).rejects.toMatchObject({
        errorCode: 'DELETE_FAILED',
        message: expect.stringContaining(
          ids.map((id) => `Flow Interview - ${id}`).join(', '),
        ) as string,
      })
      // A different version of the same flow is not affected.
      await remove(second)
      await jsforce.sobject('FlowInterview').destroy(ids[0] ?? '')
      await expect(remove(first)).rejects.toMatchObject({ errorCode: 'DELETE_FAILED' })
      await sim.control.act('automations/end-interview', { org: 'Acme', id: ids[1] ?? '' })
      await remove(first)
      expect(await versions()).toHaveLength(1)
    },
  )

  it('blocks destructive changes of its flow and of its version, not of others', async () => {
    expect((await switchOff()).failures).toEqual([])
    const id = await pause(1)
    const refused = 'insufficient access rights on cross-reference id'
    expect(await problemOf(jsforce, without(FLOW))).toBe(refused)
    expect(await problemOf(jsforce, without(`${FLOW}-1`))).toBe(refused)
    expect(await problemOf(jsforce, without(`${FLOW}-2`))).toBeUndefined()
    await jsforce.sobject('FlowInterview').destroy(id)
    expect(await problemOf(jsforce, without(`${FLOW}-1`))).toBeUndefined()
    expect(await versions()).toHaveLength(1)
  })

  it('is deleted by its owner or an administrator, and comes back with its transaction', async () => {
    const id = await pause(1)
    const { usernames = [] } = (await sim.control.orgs()).find(({ name }) => name === 'Acme') ?? {}
    const other = await connect(
      sim,
      'Acme',
      usernames.find((name) => name.startsWith('restricted')),
    )
    await expect(other.sobject('FlowInterview').destroy(id)).rejects.toMatchObject({
      errorCode: 'INSUFFICIENT_ACCESS_OR_READONLY',
    })
    const url = '/services/data/v66.0/sobjects'
    const client = await clientOf(sim.control)
    const answer = await client.post('/composite', {
      allOrNone: true,
      compositeRequest: [
        { method: 'DELETE', url: `${url}/FlowInterview/${id}`, referenceId: 'gone' },
        { method: 'POST', url: `${url}/Lead`, referenceId: 'bad', body: { Company: 'a' } },
      ],
    })
    expect(JSON.stringify(await bodyOf(answer))).toContain('REQUIRED_FIELD_MISSING')
    const count = async () => (await jsforce.query('SELECT Id FROM FlowInterview')).totalSize
    expect(await count()).toBe(1)
    await jsforce.sobject('FlowInterview').destroy(id)
    expect(await count()).toBe(0)
    await expect(jsforce.sobject('FlowInterview').destroy(id)).rejects.toMatchObject({
      errorCode: 'NOT_FOUND',
    })
  })
})

describe('an active flow', () => {
  it('is refused in destructive changes, whole and by its active version', async () => {
    const { records } = await jsforce.query(
      `SELECT VersionNumber, IsActive FROM FlowDefinitionView WHERE ApiName = '${FLOW}'`,
    )
    expect(records).toMatchObject([{ IsActive: true }])
    const active = String(records[0]?.['VersionNumber'])
    const before = await versions()
    for (const name of [FLOW, `${FLOW}-${active}`]) {
      expect(await problemOf(jsforce, without(name))).toBe(
        'insufficient access rights on cross-reference id',
      )
    }
    expect(await versions()).toEqual(before)
    expect((await switchOff()).failures).toEqual([])
    // A bare name deletes nothing, even of an inactive flow.
    expect(await problemOf(jsforce, without(FLOW))).toMatch(/^insufficient access/)
    expect(await versions()).toEqual(before)
    expect(await problemOf(jsforce, without(`${FLOW}-${active}`))).toBeUndefined()
    expect(await versions()).toHaveLength(before.length - 1)
  })
})

describe('versions of a flow', () => {
  it('are 50 at most: a change is refused until one is deleted', async () => {
    for (let number = (await versions()).length; number < 50; number++) {
      await sim.control.act('automations/add-flow-version', { org: 'Acme', flow: FLOW })
    }
    const [first = ''] = await versions()
    const [{ Metadata } = { Metadata: {} }] = (
      await jsforce.tooling.query(`SELECT Metadata FROM Flow WHERE Id = '${first}'`)
    ).records
    const post = () =>
      jsforce.tooling.sobject('Flow').create({
        FullName: FLOW,
        Metadata: { ...(Metadata as object), description: 'changed' },
      })
    await expect(post()).rejects.toThrow('50 versions')
    await jsforce.tooling.sobject('Flow').destroy(first)
    await post()
    expect(await versions()).toHaveLength(50)
  })
})
