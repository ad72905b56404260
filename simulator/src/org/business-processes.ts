// Which objects have business processes, and of which field. Salesforce: Metadata API guide,
// "RecordType": required in record types of leads, opportunities, solutions and cases.

import type { BusinessProcess, RecordType, SObject } from './model.ts'

const STATUS_FIELDS: Readonly<Record<string, string>> = {
  Case: 'Status',
  Lead: 'Status',
  Opportunity: 'StageName',
  Solution: 'Status',
}

/** The picklist whose values a process of this object selects; undefined where there are no processes. */
export const statusFieldOf = ({ name }: SObject): string | undefined =>
  Object.hasOwn(STATUS_FIELDS, name) ? STATUS_FIELDS[name] : undefined

export const processNamed = (object: SObject, name: string): BusinessProcess | undefined =>
  object.businessProcesses.find((each) => each.name.toLowerCase() === name.toLowerCase())

/** 019…, as in the rows of record types. */
export const processIdOf = (object: SObject, { businessProcess }: RecordType): string | null =>
  object.businessProcesses.find(({ name }) => name === businessProcess)?.id ?? null
