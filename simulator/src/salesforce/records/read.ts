// A record as REST shows it to this user: stored fields, formula fields, roll-ups, compound fields.

import { type Field, type SObject } from '../../org/model.ts'
import { FormulaNotSimulated, FormulaSyntaxError } from '../../formula/formula.ts'
import { SoqlNotSimulated, type SoqlRow } from '../../soql/schema.ts'
import { type RestContext } from '../rest.ts'
import { notSimulated, refusal } from '../../refusals.ts'
import { fieldReader } from '../query/source.ts'

/**
 * `wanted`: names in any letter case; absent: every field that the user may see. Throws INVALID_FIELD
 * for a name that the user cannot see.
 */
export const shownRecord = (
  { org, viewer, base }: Pick<RestContext, 'org' | 'viewer' | 'base'>,
  object: SObject,
  row: SoqlRow,
  wanted?: readonly string[],
): Record<string, unknown> => {
  const id = String(row['Id'])
  const shown: Record<string, unknown> = {
    attributes: { type: object.name, url: `${base}/sobjects/${object.name}/${id}` },
  }
  const names = wanted === undefined ? undefined : new Set(['id', ...wanted.map(lower)])
  for (const name of wanted ?? []) {
    const field = object.fields.get(lower(name))
    if (field === undefined || !viewer.seesField(object, field)) {
      throw refusal(
        400,
        'INVALID_FIELD',
        `\n${name}\n^\nERROR at Row:1:Column:1\nNo such column '${name}' on entity '${object.name}'.`,
      )
    }
  }
  for (const [name, field] of object.fields) {
    if (names !== undefined && !names.has(name)) continue
    if (!viewer.seesField(object, field)) continue
    shown[field.describe.name] = valueOf(org, object, field, row)
  }
  return shown
}

const lower = (name: string) => name.toLowerCase()

const valueOf = (org: RestContext['org'], object: SObject, field: Field, row: SoqlRow): unknown => {
  const { name } = field.describe
  try {
    return fieldReader(org, object, field)?.(row) ?? row[name] ?? null
  } catch (error) {
    if (
      error instanceof SoqlNotSimulated ||
      error instanceof FormulaNotSimulated ||
      error instanceof FormulaSyntaxError
    )
      throw notSimulated(`the formula of ${object.name}.${name}: ${error.message}`)
    throw error
  }
}
