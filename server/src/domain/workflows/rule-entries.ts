// What Salesforce refuses about the entries of an assignment rule, whatever the Salesforce org has. Source:
// Metadata API guide, "AssignmentRules" and "FilterItem".

import { type JsonObject } from '../../salesforce/json.ts'
import { leaf, listObjects } from '../../salesforce/xml.ts'
import { undefinedIn } from './flow-structure.ts'

const OPERATIONS: ReadonlySet<string> = new Set(
  `equals notEqual lessThan greaterThan lessOrEqual greaterOrEqual contains notContain startsWith includes
  excludes within`.split(/\s+/),
)

/** The faults of a rule's entries, each as a sentence. */
export const entryFaults = (rule: JsonObject): string[] =>
  listObjects(rule.ruleEntry).flatMap((entry, index) => {
    const items = listObjects(entry.criteriaItems)
    const name = `Entry ${index + 1}`
    const logic = leaf(entry.booleanFilter) ?? ''
    return [
      ...(items.length > 0 && leaf(entry.formula) !== null
        ? [`${name} has criteria and a formula. Use one of them.`]
        : []),
      ...items.flatMap(({ operation }) => {
        const word = leaf(operation) ?? ''
        return OPERATIONS.has(word)
          ? []
          : [`${name} compares by ${word === '' ? 'nothing' : word}, which is not an operation.`]
      }),
      ...undefinedIn(logic, items.length).map(
        (number) => `The logic ${logic} of ${name} names criterion ${number}, which is not there.`,
      ),
    ]
  })
