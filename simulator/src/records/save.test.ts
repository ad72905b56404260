// What a save promises to the modules that use it: Bulk, flows, trees.

import { describe, expect, it } from 'vitest'
import { createOrg, grantField, profileNamed } from '../org/create.ts'
import { makeField } from '../org/schema.ts'
import { viewerOf } from '../org/visibility.ts'
import { seedSmall } from '../seeds/small.ts'
import { computedValue } from './formulas.ts'
import { saveRecords, type RowOutcome, type SaveRequest } from './save.ts'
import { recordStateOf } from './state.ts'

const start = () => {
  const org = createOrg({ name: 'Save', edition: 'Enterprise' }, 0)
  seedSmall(org)
  const [user] = [...org.users.values()]
  if (user === undefined) throw new Error('no user')
  const state = recordStateOf(org)
  const save = (
    request: Partial<SaveRequest> & Pick<SaveRequest, 'object' | 'operation' | 'rows'>,
    allOrNone = false,
  ) =>
    saveRecords(
      { org, user, viewer: viewerOf(org, user) },
      {
        options: { allOrNone, assignmentRule: 'none', allowDuplicates: false },
        ...request,
      },
    )
  const object = (name: string) => {
    const found = org.objects.get(name.toLowerCase())
    if (found === undefined) throw new Error(name)
    return found
  }
  const count = (name: string) => state.store.rows(object(name)).size
  return { org, state, save, object, count }
}

const ids = (outcomes: RowOutcome[]) => outcomes.map((each) => (each.success ? each.id : ''))
const codes = (outcomes: RowOutcome[]) =>
  outcomes.map((each) => (each.success ? 'ok' : each.errors[0]?.statusCode))

describe('a save', () => {
  it('leaves no lock behind, whether it goes well or not', async () => {
    const { state, save } = start()
    await save({ operation: 'insert', object: 'Account', rows: [{ Name: 'a' }, {}] })
    await save({ operation: 'insert', object: 'Account', rows: [{ Name: 'a' }, {}] }, true)
    await expect(save({ operation: 'insert', object: 'Nope', rows: [{}] })).rejects.toThrow()
    expect(state.locks.size).toBe(0)
  })

  it('that rolls everything back leaves rows and indexes as they were', async () => {
    const { save, count } = start()
    const [first = ''] = ids(
      await save({
        operation: 'insert',
        object: 'Lead',
        rows: [{ LastName: 'a', Company: 'a', Source_Key__c: 'one' }],
      }),
    )
    const before = count('Lead')
    const outcomes = await save(
      {
        operation: 'upsert',
        externalIdField: 'Source_Key__c',
        object: 'Lead',
        rows: [
          { Source_Key__c: 'one', Title: 'x' },
          { Source_Key__c: 'two', LastName: 'b', Company: 'b' },
          { Source_Key__c: 'three' },
        ],
      },
      true,
    )
    const rolledBack = 'ALL_OR_NONE_OPERATION_ROLLED_BACK'
    expect(codes(outcomes)).toEqual([rolledBack, rolledBack, 'REQUIRED_FIELD_MISSING'])
    expect(count('Lead')).toBe(before)
    const again = await save({
      operation: 'upsert',
      externalIdField: 'source_key__c',
      object: 'lead',
      rows: [{ Source_Key__c: 'one' }, { Source_Key__c: 'two', LastName: 'b', Company: 'b' }],
    })
    expect(again.map((each) => each.success && each.created)).toEqual([false, true])
    expect(ids(again)[0]).toBe(first)
  })

  it('refuses rows of one request that have the same unique value', async () => {
    const { save } = start()
    const row = { LastName: 'a', Company: 'a', Source_Key__c: 'same' }
    const outcomes = await save({ operation: 'insert', object: 'Lead', rows: [row, row] })
    expect(codes(outcomes)).toEqual(['ok', 'DUPLICATE_VALUE'])
  })

  it('deletes for good, so that nothing can be taken out of the bin', async () => {
    const { save, count } = start()
    const [Id = ''] = ids(
      await save({ operation: 'insert', object: 'Account', rows: [{ Name: 'a' }] }),
    )
    const before = count('Account')
    expect(codes(await save({ operation: 'delete', object: 'Account', rows: [{ Id }] }))).toEqual([
      'ok',
    ])
    expect(count('Account')).toBe(before)
    const hard = await save({ operation: 'hardDelete', object: 'Account', rows: [{ Id }] })
    expect(codes(hard)).toEqual(['ok'])
    expect(count('Account')).toBe(before - 1)
    const back = await save({ operation: 'undelete', object: 'Account', rows: [{ Id }] })
    expect(codes(back)).toEqual(['INVALID_CROSS_REFERENCE_KEY'])
  })

  it('finds rows that a seed wrote after the index was made', async () => {
    const { org, state, save, object } = start()
    const lead = object('Lead')
    const key = lead.fields.get('source_key__c')
    if (key === undefined) throw new Error('no key')
    expect(state.store.idsWith(lead, key, 'late')).toEqual([])
    org.records.get('lead')?.set('00QAx0000000zzzAAA', {
      Id: '00QAx0000000zzzAAA',
      LastName: 'late',
      Company: 'late',
      Source_Key__c: 'late',
    })
    const [outcome] = await save({
      operation: 'upsert',
      externalIdField: 'Source_Key__c',
      object: 'Lead',
      rows: [{ Source_Key__c: 'late', Title: 'x' }],
    })
    expect(outcome).toEqual({ success: true, id: '00QAx0000000zzzAAA', created: false })
  })

  it('of two hundred rows among two hundred thousand stays cheap', async () => {
    const { org, state, save, object } = start()
    const lead = object('Lead')
    for (let n = 0; n < 200_000; n++) {
      state.store.put(lead, {
        Id: org.ids.make('00Q'),
        LastName: 'x',
        Company: 'x',
        Source_Key__c: `k${n}`,
      })
    }
    const upsert = async (from: number) => {
      const outcomes = await save({
        operation: 'upsert',
        externalIdField: 'Source_Key__c',
        object: 'Lead',
        rows: Array.from({ length: 200 }, (_, n) => ({
          Source_Key__c: `k${from + n}`,
          Title: 'y',
        })),
      })
      expect(outcomes.every(({ success }) => success)).toBe(true)
    }
    await upsert(0)
    const { user: before } = process.cpuUsage()
    for (let n = 1; n <= 20; n++) await upsert(n * 1000)
    const ms = (process.cpuUsage().user - before) / 1000 / 20
    // A scan of all rows takes more than this for each of the two hundred.
    expect(ms).toBeLessThan(60)
  })
})

describe('an automation', () => {
  const options = { allOrNone: false, assignmentRule: 'none', allowDuplicates: false } as const
  const lead = (LastName: string) => ({ LastName, Company: 'x' })

  it('before the save changes the row, whose values are checked like any others', async () => {
    const { org, state, save } = start()
    state.automation = {
      beforeSave: (_org, { object, event, before, after }) => {
        expect([object, event, before]).toEqual(['Lead', 'create', null])
        after['Enrichment_Score__c'] = after['LastName'] === 'bad' ? 101 : 50
        after['Title'] = after['LastName'] === 'long' ? 'x'.repeat(200) : 'set'
      },
    }
    const outcomes = await save({
      operation: 'insert',
      object: 'Lead',
      rows: [lead('good'), lead('bad'), lead('long')],
    })
    expect(codes(outcomes)).toEqual(['ok', 'FIELD_CUSTOM_VALIDATION_EXCEPTION', 'STRING_TOO_LONG'])
    const [id = ''] = ids(outcomes)
    expect(org.records.get('lead')?.get(id)).toMatchObject({
      Enrichment_Score__c: 50,
      Title: 'set',
    })
  })

  it('that fails rolls its own saves and the row back, and no other row', async () => {
    const { state, save, count } = start()
    state.automation = {
      afterSave: async (_org, nested, { object, after }) => {
        if (object !== 'Lead') return undefined
        await nested({
          operation: 'insert',
          object: 'Account',
          rows: [{ Name: after['Company'] }],
          options,
        })
        return after['LastName'] === 'bad' ? new Error('The flow failed.') : undefined
      },
    }
    const before = [count('Lead'), count('Account')]
    const outcomes = await save({
      operation: 'insert',
      object: 'Lead',
      rows: [lead('good'), lead('bad')],
    })
    expect(codes(outcomes)).toEqual(['ok', 'CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY'])
    expect([count('Lead'), count('Account')]).toEqual(before.map((n) => n + 1))
    expect(state.locks.size).toBe(0)
  })

  it('that sets itself off for ever ends', async () => {
    const { state, save, count } = start()
    state.automation = {
      afterSave: async (_org, nested) => {
        const [outcome] = await nested({
          operation: 'insert',
          object: 'Account',
          rows: [{ Name: 'again' }],
          options,
        })
        return outcome?.success === false ? new Error(outcome.errors[0]?.message) : undefined
      },
    }
    const before = count('Account')
    const outcomes = await save({ operation: 'insert', object: 'Account', rows: [{ Name: 'x' }] })
    expect(codes(outcomes)).toEqual(['CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY'])
    expect(count('Account')).toBe(before)
  })
})

describe('a roll-up summary', () => {
  it('sums up what is there at the moment, filtered, without what is deleted', async () => {
    const { org, save, object } = start()
    const placement = object('Placement__c')
    const admin = profileNamed(org, 'System Administrator')
    const add = (name: string, metadata: Record<string, unknown>) => {
      const spec = { name, type: 'double', custom: true, calculated: true, scale: 2 }
      const summaryForeignKey = 'Placement_Fee__c.Placement__c'
      const field = {
        ...makeField(org, spec),
        metadata: { type: 'Summary', summaryForeignKey, ...metadata },
      }
      placement.fields.set(name.toLowerCase(), field)
      if (admin !== undefined) grantField(admin.grants, 'Placement__c', name)
      return field
    }
    const total = add('Total__c', {
      summaryOperation: 'sum',
      summarizedField: 'Placement_Fee__c.Amount__c',
    })
    const large = add('Large__c', {
      summaryOperation: 'count',
      summaryFilterItems: [
        { field: 'Placement_Fee__c.Amount__c', operation: 'greaterThan', value: '10' },
      ],
    })
    const [parent = ''] = ids(
      await save({ operation: 'insert', object: 'Placement__c', rows: [{}] }),
    )
    const fees = ids(
      await save({
        operation: 'insert',
        object: 'Placement_Fee__c',
        rows: [5, 20.25, 30].map((Amount__c) => ({ Placement__c: parent, Amount__c })),
      }),
    )
    const read = () => {
      const row = org.records.get('placement__c')?.get(parent)
      if (row === undefined) throw new Error('no row')
      return [total, large].map((field) => computedValue(org, placement, field, row))
    }
    expect(read()).toEqual([55.25, 2])
    await save({ operation: 'delete', object: 'Placement_Fee__c', rows: [{ Id: fees[2] }] })
    expect(read()).toEqual([25.25, 1])
  })
})
