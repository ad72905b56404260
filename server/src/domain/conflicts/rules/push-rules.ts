// Validation rules of the plan against this client's pushes. A formula is not evaluated here; the three
// simplest conditions are recognised, since they are most of what people write.

import { sameName } from '../../metadata/names.ts'
import { mentions } from '../definitions.ts'
import { type MappingFacts } from '../facts.ts'
import { rulesFor } from '../rule.ts'
import { listed, plural, share } from '../../words.ts'

const rule = rulesFor('data-path')

const IS_BLANK = /^ISBLANK\(\s*(?:TEXT\(\s*)?(\w+)\s*\)?\s*\)$/i
const TOO_LONG = /^LEN\(\s*(\w+)\s*\)\s*>\s*(\d+)$/i
const COMPARED = /^(\w+)\s*(<|>)\s*(-?\d+(?:\.\d+)?)$/

/** Rows of the last push that the formula would have refused; `atLeast` where only one is certain. */
interface Refused {
  rows: number
  atLeast: boolean
}

const judgeFormula = (formula: string, mapping: MappingFacts): Refused | 'unknown' => {
  const push = mapping.lastPush
  const profile = (field: string) =>
    Object.entries(push?.fields ?? {}).find(([name]) => sameName(name) === sameName(field))?.[1]
  const text = formula.trim()

  const [, blank] = IS_BLANK.exec(text) ?? []
  if (blank !== undefined) {
    const sends = mapping.fields.some(({ sfdc_field }) => sameName(sfdc_field) === sameName(blank))
    if (!sends && push !== null) return { rows: push.rows, atLeast: false }
    const found = profile(blank)
    return found === undefined ? 'unknown' : { rows: found.empty, atLeast: false }
  }
  const [, long, max] = TOO_LONG.exec(text) ?? []
  if (long !== undefined) {
    const found = profile(long)
    if (found === undefined) return 'unknown'
    return { rows: (found.longest ?? 0) > Number(max) ? 1 : 0, atLeast: true }
  }
  const [, number, sign, bound] = COMPARED.exec(text) ?? []
  if (number !== undefined) {
    const found = profile(number)
    if (found === undefined || found.smallest === null || found.largest === null) return 'unknown'
    const hit = sign === '<' ? found.smallest < Number(bound) : found.largest > Number(bound)
    return { rows: hit ? 1 : 0, atLeast: true }
  }
  return 'unknown'
}

export const pushRules = [
  rule('validation_rule', {
    code: 'push_refused_by_rule',
    severities: ['red', 'yellow'],
    judge: ({ rule: planned, object, component }, { mappingsTo }) => {
      if (!planned.active) return null
      const formula = planned.error_condition_formula
      return mappingsTo(object.api_name).flatMap((mapping) => {
        const refused = judgeFormula(formula, mapping)
        const rows = mapping.lastPush?.rows ?? 0
        if (refused !== 'unknown') {
          return refused.rows === 0
            ? []
            : [
                {
                  message: `${component.fullName} would reject rows of ${mapping.canonical_object}: ${refused.atLeast ? `at least one of ${plural(rows, 'row')}` : `${plural(refused.rows, 'row')} (${share(refused.rows, rows)})`} of the last push would have failed.`,
                  remedy: 'Correct the values at the source, or plan the rule as inactive.',
                  at: 'error_condition_formula',
                },
              ]
        }
        const used = mapping.fields
          .map(({ sfdc_field }) => sfdc_field)
          .filter((field) => mentions({ formula }, field))
        return [
          {
            severity: 'yellow' as const,
            message: `${component.fullName} is evaluated for every row that ${mapping.canonical_object} pushes${used.length > 0 ? `, by ${listed(used)}` : ''}; how many it will reject is not known beforehand.`,
            remedy: 'Push a few rows first, or plan the rule as inactive.',
            at: 'error_condition_formula',
          },
        ]
      })
    },
  }),
  rule('workflow', {
    code: 'push_meets_new_automation',
    severities: ['yellow'],
    judge: ({ workflow }, { mappingsTo }) => {
      if (workflow.activate !== true || workflow.type === 'assignment_rule') return null
      const { start } = workflow.definition
      const object =
        workflow.type === 'flow'
          ? typeof start === 'object' && start !== null && 'object' in start
            ? String(start.object)
            : null
          : (workflow.api_name.split('.')[0] ?? null)
      const mappings = object === null ? [] : mappingsTo(object)
      return mappings.length === 0
        ? null
        : {
            message: `${workflow.api_name} would run on the ${object ?? ''} records that ${listed(mappings.map(({ canonical_object }) => canonical_object))} pushes, and may change or refuse them.`,
            remedy: 'Push a few rows first.',
            at: 'activate',
          }
    },
  }),
]
