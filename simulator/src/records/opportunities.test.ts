import { afterAll, beforeAll, expect, it } from 'vitest'
import { bodyOf, clientOf, startRig, type Client, type Rig } from '../testing/rig.ts'

let sim: Rig
let admin: Client
beforeAll(async () => {
  sim = await startRig({ seed: 'small' })
  admin = await clientOf(sim.control)
})
afterAll(() => sim.close())

const query = async (soql: string) =>
  bodyOf<{ records: Record<string, unknown>[] }>(
    await admin.get(`/query?q=${encodeURIComponent(soql)}`),
  )

const saved = async (opportunity: Record<string, unknown>) => {
  const whole = { Name: 'Deal', CloseDate: '2026-11-28', ...opportunity }
  const { id } = await bodyOf<{ id: string }>(await admin.post('/sobjects/Opportunity', whole))
  return bodyOf<Record<string, unknown>>(await admin.get(`/sobjects/Opportunity/${id}`))
}

it('an opportunity gets its forecast category, fiscal period and expected revenue', async () => {
  expect(await saved({ StageName: 'Value Proposition', Amount: 1000 })).toMatchObject({
    Probability: 50,
    ForecastCategory: 'Pipeline',
    ForecastCategoryName: 'Pipeline',
    FiscalYear: 2026,
    FiscalQuarter: 4,
    Fiscal: '2026 4',
    ExpectedRevenue: 500,
    IsClosed: false,
  })
  expect(await saved({ StageName: 'Closed Lost', CloseDate: '2026-01-31' })).toMatchObject({
    ForecastCategory: 'Omitted',
    FiscalQuarter: 1,
    IsClosed: true,
    IsWon: false,
    ExpectedRevenue: null,
  })
})

it('a forecast category that is given stays, and its value follows', async () => {
  expect(
    await saved({ StageName: 'Negotiation/Review', ForecastCategoryName: 'Commit' }),
  ).toMatchObject({ ForecastCategory: 'Forecast', ForecastCategoryName: 'Commit' })
})

it('users cannot mark an opportunity as closed themselves', async () => {
  const answer = await admin.post('/sobjects/Opportunity', {
    Name: 'Deal',
    CloseDate: '2026-11-28',
    StageName: 'Prospecting',
    IsClosed: true,
  })
  expect(answer.status).toBe(400)
  expect(await answer.json()).toMatchObject([
    { errorCode: 'INVALID_FIELD_FOR_INSERT_UPDATE', fields: ['IsClosed'] },
  ])
})

it('stages and states can be queried, in the order of their picklists', async () => {
  const stages = await query(
    'SELECT MasterLabel, DefaultProbability, ForecastCategoryName, IsWon FROM OpportunityStage WHERE IsActive = true ORDER BY SortOrder',
  )
  expect(stages.records).toHaveLength(10)
  expect(stages.records[8]).toMatchObject({
    MasterLabel: 'Closed Won',
    DefaultProbability: 100,
    ForecastCategoryName: 'Closed',
    IsWon: true,
  })
  const converted = await query('SELECT ApiName FROM LeadStatus WHERE IsConverted = true')
  expect(converted.records).toMatchObject([{ ApiName: 'Closed - Converted' }])
  for (const name of ['CaseStatus', 'TaskStatus', 'TaskPriority', 'ContractStatus']) {
    const { records } = await query(`SELECT Id, MasterLabel, IsDefault FROM ${name}`)
    expect(records.length).toBeGreaterThan(2)
  }
})
