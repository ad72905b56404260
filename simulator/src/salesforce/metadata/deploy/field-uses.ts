// What else uses a custom field, so that it cannot be deleted: assignment rules, roll-ups and their filters,
// lookup filters, default values, dependent picklists. Salesforce: Help, "Delete Custom Fields".

import type { Field, SObject } from '../../../org/model.ts'
import type { Dependent } from '../../tooling/dependencies.ts'
import { liveFields } from '../bodies.ts'
import { dependentsOn } from './dependencies.ts'
import type { Draft } from './draft.ts'

const sameName = (left: string, right: string) => left.toLowerCase() === right.toLowerCase()

/** Uses that Tooling's MetadataComponentDependency does not know. */
export function otherUsesOf({ org }: Draft, object: SObject, field: Field): Dependent[] {
  const { name } = field.describe
  const path = `${object.name}.${name}`
  const mention = new RegExp(String.raw`(?<!\w)${path.replace('.', String.raw`\.`)}(?!\w)`, 'i')
  const rules = org.assignmentRules
    .filter(({ object: on, entries }) =>
      entries.some(
        ({ criteriaItems, formula = '' }) =>
          criteriaItems.some((item) => sameName(item.field, path)) ||
          mention.test(formula) ||
          (on === object.name &&
            new RegExp(String.raw`(?<![\w.])${name}(?!\w)`, 'i').test(formula)),
      ),
    )
    .map((rule) => ({ type: 'AssignmentRule', name: rule.name }))
  const fields = [...org.objects.values()]
    .filter(({ deletedAt }) => deletedAt === undefined)
    .flatMap((other) => liveFields(other).map((each) => ({ other, each })))
    .filter(({ other, each }) => {
      if (each === field) return false
      const parts = ['summaryForeignKey', 'summarizedField', 'summaryFilterItems', 'lookupFilter']
      const text = JSON.stringify(parts.map((part) => each.metadata?.[part] ?? null))
      const source = other === object && sameSource(text, name)
      return mention.test(text) || source || isInDefault(each, object, name, mention)
    })
    .map(({ each }) => ({ type: 'CustomField', name: each.describe.name }))
  const dependents = dependentsOn(object, name).map(({ describe }) => ({
    type: 'CustomField',
    name: describe.name,
  }))
  return [...rules, ...fields, ...dependents]
}

/** In a lookup filter, `$Source` is the record that has the lookup. */
const sameSource = (text: string, name: string): boolean =>
  new RegExp(String.raw`\$Source\.${name}(?!\w)`, 'i').test(text)

/** The formula of a default value names custom settings, and fields of the user. */
function isInDefault(field: Field, object: SObject, name: string, mention: RegExp): boolean {
  const formula = field.describe.defaultValueFormula
  if (typeof formula !== 'string') return false
  const user = new RegExp(String.raw`\$User\.${name}(?!\w)`, 'i')
  return mention.test(formula) || (object.name === 'User' && user.test(formula))
}
