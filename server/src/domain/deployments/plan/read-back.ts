// A deploy is done when it was read back: what the plan creates exists, and the connected user sees it.

import { soql } from '../../../salesforce/escape.ts'
import { type SalesforceOrg } from '../../../salesforce/gateway.ts'
import { asText, type JsonObject } from '../../../salesforce/json.ts'
import { toolingQuery } from '../../../salesforce/tooling.ts'
import { listObjects } from '../../../salesforce/xml.ts'
import { type WorkWarning } from '../../../db/tables/work.ts'
import { fieldEqualsDescribe } from '../../metadata/fields/describe-equality.ts'
import { sameName } from '../../metadata/names.ts'
import { type Plan } from '../../plan/schema.ts'
import { wantedAssignment } from './assignment.ts'

const findDescribe = (describes: ReadonlyMap<string, JsonObject>, name: string) =>
  [...describes].find(([key]) => sameName(key) === sameName(name))?.[1]

export interface ReadBack {
  /** Fields of the plan that were not found; they may show up a moment later. */
  missing: string[]
  /** Fields that exist but differ from the plan. */
  differing: WorkWarning[]
}

/**
 * Looks for every field of the plan: in the describes, which show what the connected user may see, or,
 * if the plan assigns no permission set, by the Tooling API, which shows what exists.
 */
export const readBack = async (
  org: SalesforceOrg,
  plan: Plan,
  describes: ReadonlyMap<string, JsonObject>,
): Promise<ReadBack> => {
  const result: ReadBack = { missing: [], differing: [] }
  const mustBeVisible = wantedAssignment(plan) !== null
  for (const object of plan.objects) {
    const described = listObjects(findDescribe(describes, object.api_name)?.fields)
    const fieldNamed = (wanted: string): JsonObject | null =>
      described.find(({ name }) => sameName(String(name)) === sameName(wanted)) ?? null
    const unseen: string[] = []
    for (const field of object.fields) {
      const found = fieldNamed(field.api_name)
      if (found === null) {
        unseen.push(field.api_name)
        continue
      }
      for (const { attribute, planned, found: is } of fieldEqualsDescribe(
        field,
        found,
        fieldNamed,
      )) {
        result.differing.push({
          code: 'field_differs',
          message: `${object.api_name}.${field.api_name}: ${attribute} is ${JSON.stringify(is)}, but ${JSON.stringify(planned)} was planned.`,
        })
      }
    }
    const present =
      unseen.length === 0 || mustBeVisible ? new Set() : await definedFields(org, object.api_name)
    for (const name of unseen) {
      if (!present.has(sameName(name))) result.missing.push(`${object.api_name}.${name}`)
    }
  }
  return result
}

const definedFields = async (org: SalesforceOrg, object: string): Promise<Set<string>> => {
  const names = new Set<string>()
  // Salesforce: FieldDefinition can be read for only one entity at a time.
  const text = soql`SELECT QualifiedApiName FROM FieldDefinition WHERE EntityDefinition.QualifiedApiName = ${object}`
  for await (const record of toolingQuery(org, text)) {
    names.add(sameName(asText(record.QualifiedApiName) ?? ''))
  }
  return names
}
