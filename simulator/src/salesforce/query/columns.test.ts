import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bodyOf, clientOf, startRig, type Client, type Rig } from '../../testing/rig.ts'

let sim: Rig
let admin: Client
beforeAll(async () => {
  sim = await startRig()
  admin = await clientOf(sim.control)
})
afterAll(() => sim.close())

interface Column {
  columnName: string
  displayName: string
  aggregate: boolean
  joinColumns: Column[]
  [key: string]: unknown
}

const columnsOf = async (soql: string, resource = '/query') => {
  const answer = await admin.get(`${resource}?q=${encodeURIComponent(soql)}&columns=true`)
  expect(answer.status).toBe(200)
  return bodyOf<{ columnMetadata: Column[]; [key: string]: unknown }>(answer)
}

describe('?columns=true', () => {
  it('describes each field that the query selects, and no rows', async () => {
    const { columnMetadata, ...rest } = await columnsOf(
      'SELECT id, Name, NumberOfEmployees, IsDeleted, Region__c, OwnerId FROM Account',
    )
    expect(rest).toEqual({
      entityName: 'Account',
      groupBy: false,
      idSelected: true,
      keyPrefix: '001',
    })
    expect(columnMetadata[0]).toEqual({
      aggregate: false,
      apexType: 'Id',
      booleanType: false,
      columnName: 'Id',
      custom: false,
      displayName: 'Id',
      foreignKeyName: null,
      insertable: false,
      joinColumns: [],
      numberType: false,
      textType: true,
      updatable: false,
    })
    expect(columnMetadata.map(({ apexType }) => apexType)).toEqual([
      'Id',
      'String',
      'Integer',
      'Boolean',
      'String',
      'Id',
    ])
    expect(columnMetadata[4]).toMatchObject({ custom: true, insertable: true })
    expect(columnMetadata[5]).toMatchObject({ foreignKeyName: 'Owner', updatable: true })
  })

  it('nests parents and child rows', async () => {
    const { columnMetadata } = await columnsOf(
      'SELECT Owner.Name, Name, (SELECT LastName, Account.Name FROM Contacts) FROM Account',
    )
    const tree = (column: Column): unknown =>
      column.joinColumns.length === 0
        ? column.columnName
        : [column.columnName, column.aggregate, column.joinColumns.map(tree)]
    expect(columnMetadata.map(tree)).toEqual([
      ['Owner', false, ['Name']],
      'Name',
      ['Contacts', true, ['LastName', ['Account', false, ['Name']]]],
    ])
  })

  it('names functions by alias or number, with what was written', async () => {
    const { columnMetadata, groupBy } = await columnsOf(
      'SELECT Industry, COUNT(Id), MAX(AnnualRevenue) most FROM Account GROUP BY Industry',
    )
    expect(groupBy).toBe(true)
    expect(
      columnMetadata.map(({ columnName, displayName, aggregate }) => [
        columnName,
        displayName,
        aggregate,
      ]),
    ).toEqual([
      ['Industry', 'Industry', false],
      ['expr0', 'COUNT(Id)', true],
      ['most', 'MAX(AnnualRevenue)', true],
    ])
  })

  it('works in Tooling, and refuses what the query itself would be refused for', async () => {
    const { entityName } = await columnsOf('SELECT Id, Name FROM ApexTrigger', '/tooling/query')
    expect(entityName).toBe('ApexTrigger')
    const answer = await admin.get('/query?q=SELECT+Nope+FROM+Account&columns=true')
    expect(answer.status).toBe(400)
    expect(await answer.json()).toMatchObject([{ errorCode: 'INVALID_FIELD' }])
  })
})
