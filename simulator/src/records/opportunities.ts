// What Salesforce calculates for an opportunity by itself. Object Reference, "Opportunity" and
// "OpportunityStage".

import { type Row } from '../org/model.ts'

export interface Stage {
  probability: number
  isClosed: boolean
  isWon: boolean
  forecastCategory: string
}

/** The stages of a new org, with their probabilities. */
const PROBABILITIES: Record<string, number> = {
  Prospecting: 10,
  Qualification: 10,
  'Needs Analysis': 20,
  'Value Proposition': 50,
  'Id. Decision Makers': 60,
  'Perception Analysis': 70,
  'Proposal/Price Quote': 75,
  'Negotiation/Review': 90,
  'Closed Won': 100,
  'Closed Lost': 0,
}

/** The meaning of a stage of this name; one that new orgs do not have counts as open. */
export const stageOf = (name: string): Stage => {
  const isClosed = /^Closed/i.test(name)
  const isWon = /^Closed Won$/i.test(name)
  return {
    probability: PROBABILITIES[name] ?? 0,
    isClosed,
    isWon,
    forecastCategory: isWon ? 'Closed' : isClosed ? 'Omitted' : 'Pipeline',
  }
}

/** The names that people read, and the values behind them. */
const CATEGORIES: Record<string, string> = {
  'Best Case': 'BestCase',
  'Most Likely': 'MostLikely',
  Commit: 'Forecast',
}

export const categoryName = (category: string): string =>
  Object.entries(CATEGORIES).find(([, value]) => value === category)?.[0] ?? category

/** Sets what follows from stage, close date and amount; `changes` are the values asked for. */
export const fillOpportunity = (row: Row, changes: Record<string, unknown>): void => {
  const given = (name: string) => (changes[name] ?? null) !== null
  if (given('StageName')) {
    const stage = stageOf(String(row['StageName']))
    const known = String(row['StageName']) in PROBABILITIES
    row['IsClosed'] = stage.isClosed
    row['IsWon'] = stage.isWon
    if (!given('Probability')) {
      row['Probability'] = known ? stage.probability : (row['Probability'] ?? 0)
    }
    if (!given('ForecastCategoryName')) {
      row['ForecastCategoryName'] = categoryName(stage.forecastCategory)
    }
  }
  const name = row['ForecastCategoryName']
  if (typeof name === 'string') row['ForecastCategory'] = CATEGORIES[name] ?? name
  const { Amount: amount, Probability: probability, CloseDate: close } = row
  row['ExpectedRevenue'] =
    typeof amount === 'number' && typeof probability === 'number'
      ? Math.round(amount * probability) / 100
      : null
  if (typeof close === 'string') fillFiscalPeriod(row, close)
}

/** For a fiscal year that starts in January, as in a new org. */
const fillFiscalPeriod = (row: Row, closeDate: string): void => {
  const [year, month] = closeDate.split('-').map(Number)
  if (year === undefined || month === undefined) return
  const quarter = Math.ceil(month / 3)
  row['FiscalYear'] = year
  row['FiscalQuarter'] = quarter
  row['Fiscal'] = `${year} ${quarter}`
}
