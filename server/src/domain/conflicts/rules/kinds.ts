// The findings that each kind of component defines for its own components.

import { COMPONENT_KINDS } from '../../metadata/kinds.ts'
import { type Asked } from '../../metadata/kinds/kind.ts'
import { sameName } from '../../metadata/names.ts'
import { type Facts, type Rule, rulesFor } from '../rule.ts'
import { fieldIn } from '../subjects.ts'

const askedOf = ({ plan, objectExists, describeOf, plannedField, live }: Facts): Asked => ({
  plan,
  objectExists,
  fieldExists: async (object, field) => {
    const describe = describeOf(object)
    if (describe === null) return null
    if (plannedField(object, field) !== null || fieldIn(describe, field) !== null) return true
    // There may be fields that the connected user does not see.
    const all = await live.allFields(object)
    return all && all.some((name) => sameName(name) === sameName(field))
  },
  lookUp: (type, fullName) => live.lookUp(type, fullName),
  recordExists: (records, name) => live.recordExists(records, name),
  describeOf,
  contentOf: (type, fullName) => live.contentOf(type, fullName),
})

const rulesOf = (isSafe: boolean): Rule[] =>
  COMPONENT_KINDS.flatMap(({ type, rules = [] }) =>
    rules
      .filter(({ severity }) => (severity === 'green') === isSafe)
      .map(({ code, severity, judge }) =>
        rulesFor(isSafe ? 'safe' : 'access')('component', {
          code,
          severities: [severity],
          judge: ({ component, path }, facts) =>
            component.type === type ? judge({ ...component, path }, askedOf(facts)) : null,
        }),
      ),
  )

/** Those that may warn. */
export const kindWarnings = rulesOf(false)

/** Those that say why a component is safe. */
export const kindReassurances = rulesOf(true)
