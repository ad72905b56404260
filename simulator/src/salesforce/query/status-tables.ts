// The tables that say what the values of a status mean: LeadStatus, OpportunityStage and the like.
// Salesforce: Object Reference, objects of these names. They follow the values of the field.

import { findObject } from '../../org/changes.ts'
import { type Org, type PicklistValue } from '../../org/model.ts'
import { categoryName, stageOf } from '../../records/opportunities.ts'
import { type SoqlRow } from '../../soql/schema.ts'
import { auditColumns, auditValues } from './audit.ts'
import { derivedId } from './derived-ids.ts'
import { type ColumnSpec, type VirtualTable } from './tables.ts'

interface StatusTable {
  name: string
  /** `Lead.Status`: the field whose values the rows describe. */
  field: string
  columns: Record<string, ColumnSpec>
  meaning: (value: PicklistValue) => SoqlRow
}

const isDefault = { IsDefault: 'boolean' }
const ofDefault = ({ defaultValue }: PicklistValue) => ({ IsDefault: defaultValue })

const CONTRACT_CODES: Record<string, string> = { 'In Approval Process': 'InApproval' }

const TABLES: readonly StatusTable[] = [
  {
    name: 'LeadStatus',
    field: 'Lead.Status',
    columns: { ...isDefault, IsConverted: 'boolean' },
    meaning: (value) => ({
      ...ofDefault(value),
      IsConverted: value.value === 'Closed - Converted',
    }),
  },
  {
    name: 'CaseStatus',
    field: 'Case.Status',
    columns: { ...isDefault, IsClosed: 'boolean' },
    meaning: (value) => ({ ...ofDefault(value), IsClosed: value.value === 'Closed' }),
  },
  {
    name: 'TaskStatus',
    field: 'Task.Status',
    columns: { ...isDefault, IsClosed: 'boolean' },
    meaning: (value) => ({ ...ofDefault(value), IsClosed: value.value === 'Completed' }),
  },
  {
    name: 'TaskPriority',
    field: 'Task.Priority',
    columns: { ...isDefault, IsHighPriority: 'boolean' },
    meaning: (value) => ({ ...ofDefault(value), IsHighPriority: value.value === 'High' }),
  },
  {
    name: 'ContractStatus',
    field: 'Contract.Status',
    columns: { ...isDefault, StatusCode: 'picklist' },
    meaning: (value) => ({
      ...ofDefault(value),
      StatusCode: CONTRACT_CODES[value.value] ?? value.value,
    }),
  },
  {
    name: 'OpportunityStage',
    field: 'Opportunity.StageName',
    columns: {
      IsActive: 'boolean',
      IsClosed: 'boolean',
      IsWon: 'boolean',
      DefaultProbability: 'percent',
      ForecastCategory: 'picklist',
      ForecastCategoryName: 'picklist',
      Description: 'string',
    },
    meaning: ({ value, active }) => {
      const { isClosed, isWon, probability, forecastCategory } = stageOf(value)
      return {
        IsActive: active,
        IsClosed: isClosed,
        IsWon: isWon,
        DefaultProbability: probability,
        ForecastCategory: forecastCategory,
        ForecastCategoryName: categoryName(forecastCategory),
        Description: null,
      }
    },
  },
]

/** One table per status, one row for each value of its field. */
export const statusTables = (org: Org): VirtualTable[] =>
  TABLES.map(({ name, field, columns, meaning }) => ({
    name,
    columns: {
      Id: 'id',
      ApiName: 'string',
      MasterLabel: 'string',
      SortOrder: 'int',
      ...columns,
      ...auditColumns,
    },
    rows: () =>
      valuesOf(org, field).map((value, at) => ({
        Id: derivedId('01J', `${name} ${value.value}`),
        ApiName: value.value,
        MasterLabel: value.label,
        SortOrder: at + 1,
        ...meaning(value),
        ...auditOf(org, field),
      })),
  }))

/** What a value of this field (`Lead.Status`) means, in the columns of its table; undefined: nothing. */
export const statusMeaning = (path: string, value: PicklistValue): SoqlRow | undefined =>
  TABLES.find(({ field }) => field === path)?.meaning(value)

const fieldOf = (org: Org, path: string) => {
  const [object = '', field = ''] = path.toLowerCase().split('.')
  return findObject(org, object)?.fields.get(field)
}

const valuesOf = (org: Org, path: string): PicklistValue[] =>
  fieldOf(org, path)?.describe.picklistValues ?? []

const auditOf = (org: Org, path: string): SoqlRow => {
  const field = fieldOf(org, path)
  return field === undefined ? {} : auditValues(field)
}
