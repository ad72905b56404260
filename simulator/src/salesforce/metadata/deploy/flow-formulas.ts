// The formulas of a flow: what they call, and what they result in. Salesforce: Help, "Flow Formula
// Considerations" and "Flow Resource: Formula".

import { FUNCTION_NAMES } from '../../../formula/function-names.ts'
import { FormulaSyntaxError, parseFormula } from '../../../formula/parse.ts'
import { typeOfFormula, type ValueType } from '../../../formula/types.ts'
import { child, nodes, text, type MetadataNode } from '../../../org/metadata-xml.ts'
import { Problem } from './draft.ts'
import { required } from './names.ts'

const NOT_IN_FLOWS: ReadonlySet<string> = new Set([
  'GETRECORDIDS',
  'IMAGE',
  'PARENTGROUPVAL',
  'PREVGROUPVAL',
  'PRIORVALUE',
  'REQUIRESCRIPT',
  'VLOOKUP',
])

/** By `dataType`; without one a formula is a number. */
const RESULTS: Readonly<Record<string, ValueType>> = {
  Boolean: 'Boolean',
  Currency: 'Number',
  Date: 'Date',
  DateTime: 'DateTime',
  Number: 'Number',
  String: 'Text',
  Time: 'Time',
}

/** Refuses formulas that cannot be read, call what flows do not have, or result in another type. */
export function checkFlowFormulas(flow: MetadataNode): void {
  for (const formula of nodes(flow, 'formulas')) {
    const why =
      unknownCall(required(formula, 'expression'), NOT_IN_FLOWS) ??
      faultOf(
        required(formula, 'expression'),
        RESULTS[text(formula, 'dataType') ?? 'Number'] ?? 'Unknown',
      )
    if (why === null) continue
    throw new Problem(
      `${required(formula, 'name')} (Formula) - The formula expression is invalid: ${why}`,
    )
  }
  const condition = text(child(flow, 'start'), 'filterFormula') ?? ''
  if (condition.trim() === '') return
  // A condition compares the record with its previous state, as rules do.
  const why = unknownCall(condition, NONE) ?? faultOf(condition, 'Boolean')
  if (why !== null) {
    throw new Problem(`$Record (Start) - The entry condition formula is invalid: ${why}`)
  }
}

const NONE: ReadonlySet<string> = new Set()

const unknownCall = (expression: string, refused: ReadonlySet<string>): string | null => {
  const name = callsIn(expression).find((call) => {
    const key = call.toUpperCase()
    return !FUNCTION_NAMES.has(key) || refused.has(key)
  })
  return name === undefined ? null : `Unknown function ${name}. Check spelling.`
}

/** With the paths of merge fields in their place; null for one with an index, which is not read. */
const plain = (expression: string): string | null => {
  const read = expression.replaceAll(
    /\{!\s*([$A-Za-z][\w.:$]*)\s*\}/g,
    (_, path: string) => ` ${path} `,
  )
  return read.includes('{!') ? null : read
}

const callsIn = (expression: string): string[] => {
  const code = expression.replaceAll(/\/\*[\s\S]*?\*\/|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/g, ' ')
  return [...code.matchAll(/(?<![\w.$:])([A-Za-z_]\w*)\s*\(/g)].map(([, name = '']) => name)
}

/** Of what a formula names, no type is assumed. */
const faultOf = (written: string, expected: ValueType): string | null => {
  const expression = plain(written)
  if (expression === null) return null
  try {
    const given = typeOfFormula(parseFormula(expression), () => 'Unknown')
    return given === 'Unknown' || expected === 'Unknown' || given === expected
      ? null
      : `Formula result is data type (${given}), incompatible with expected data type (${expected}).`
  } catch (error) {
    if (error instanceof FormulaSyntaxError) return error.message
    throw error
  }
}
