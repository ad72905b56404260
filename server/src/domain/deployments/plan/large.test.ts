// The largest plans: what they need of the process, and of PostgreSQL's limits.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDatabase } from '../../../../../test/src/database.ts'
import { createDeploymentsRig, type DeploymentsRig } from '../testing/rig.ts'

let rig: DeploymentsRig

beforeAll(async () => {
  rig = await createDeploymentsRig(await createDatabase())
})
afterAll(() => rig.close())

const planOf = (name: string, objects: number, fields: number) => ({
  objects: Array.from({ length: objects }, (_, object) => ({
    api_name: `${name}_${object}__c`,
    label: `${name} ${object}`,
    plural_label: `${name}s ${object}`,
    name_field: { label: 'Name', type: 'Text' },
    fields: Array.from({ length: fields }, (_field, field) => ({
      api_name: `Field_${field}__c`,
      label: `Field ${field}`,
      type: 'Text',
      length: 40,
    })),
  })),
})

/** The longest time that this thread worked without a pause, however busy the machine is. */
const longestStall = async (work: () => Promise<void>): Promise<number> => {
  let longest = 0
  let last = process.threadCpuUsage()
  const timer = setInterval(() => {
    const { user, system } = process.threadCpuUsage(last)
    longest = Math.max(longest, (user + system) / 1_000)
    last = process.threadCpuUsage()
  }, 5)
  await work()
  clearInterval(timer)
  return longest
}

const deployAndTakeBack = async (plan: ReturnType<typeof planOf>, components: number) => {
  const done = await rig.deploy(plan)
  expect(done).toMatchObject({ status: 'deployed', warnings: [], error: null })
  expect(done.components.length).toBe(components)
  expect(await rig.rollback(done.id)).toMatchObject({
    status: 'rolled_back',
    rollback: { proof: { complete: true, differences: [] } },
  })
}

describe('a large plan', () => {
  it('of one wide object leaves the process free for others', async () => {
    const stall = await longestStall(() => deployAndTakeBack(planOf('Wide', 1, 450), 452))
    // The queue considers a worker dead after 10 s of silence.
    expect(stall).toBeLessThan(5_000)
  })

  it('of more components than a statement of PostgreSQL has parameters for is stored and rolled back', async () => {
    await deployAndTakeBack(planOf('Many', 13, 430), 13 * 431 + 1)
  })
})
