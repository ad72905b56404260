// The plan's own check as rules. A plan that comes through the API has passed it; one that was stored
// before the check became stricter, or was built by hand, gets the same messages here. And what a deploy
// refuses because the plan does not fit what exists.

import { EngineError, type MemberError } from '../../../errors.ts'
import { kindOf } from '../../metadata/kinds.ts'
import { componentsOf } from '../../plan/components.ts'
import { compiledOver, stateOf } from '../compiled.ts'
import {
  type Facts,
  type FindingComponent,
  type RuleGroup,
  rulesFor,
  type Subjects,
  WHOLE_PACKAGE,
} from '../rule.ts'

/** The refusals that a report names with a code of their own, and what to do. */
const REFUSALS: Readonly<Record<string, readonly [group: RuleGroup, remedy: string]>> = {
  name_too_long: ['names', 'Shorten the name.'],
  name_bad_start: ['names', 'Start the name with a letter.'],
  name_bad_character: ['names', 'Use letters a–z, digits and underscores only.'],
  name_double_underscore: ['names', 'Use single underscores.'],
  name_trailing_underscore: ['names', 'Remove the last underscore.'],
  name_reserved: ['names', 'Choose a name that is not a reserved word of SOQL.'],
  name_missing_suffix: ['names', 'Add __c to the name.'],
  duplicate: ['names', 'Keep only one of the two in the plan.'],
  attribute_not_allowed: ['types', 'Leave the attribute out.'],
  attributes_conflict: ['types', 'Keep one of the two attributes.'],
  scale_over_precision: ['types', 'Raise precision or lower scale.'],
  bad_display_format: [
    'types',
    'Include the number once, as up to ten zeros in braces, for example {0000}.',
  ],
  not_supported_yet: ['types', 'Create it in Salesforce by hand.'],
  too_many_master_details: ['relations', 'Make the third master-detail a Lookup.'],
  too_many_relationships: ['relations', 'Remove relationships from the plan.'],
  sharing_model_conflict: ['relations', 'Use ControlledByParent only with a master-detail.'],
  not_a_master_detail: ['relations', 'Roll up over a MasterDetail to this object.'],
}

/** The component of the plan to which the member at a path belongs. */
const ownerOf = ({ plan }: Facts, path: string): FindingComponent => {
  const owner = componentsOf(plan)
    .filter((component) => `${path}.`.startsWith(`${component.path}.`))
    .toSorted((a, b) => b.path.length - a.path.length)
    .at(0)
  if (owner !== undefined) return { type: owner.type, fullName: owner.fullName }
  const object = plan.objects[Number(/^objects\.(\d+)/.exec(path)?.[1])]
  return object === undefined ? WHOLE_PACKAGE : { type: 'CustomObject', fullName: object.api_name }
}

const verdicts = (facts: Facts, remedy: string, wanted: (code: string) => boolean) =>
  facts.planErrors
    .filter(({ code }) => wanted(code))
    .map(({ path, message }) => ({ message, remedy, at: path, component: ownerOf(facts, path) }))

/** What a deploy of the plan refuses about the component as it is in the Salesforce org. */
const misfits = async (
  { component }: Subjects['component'],
  { plan, live }: Facts,
): Promise<readonly MemberError[]> => {
  const kind = kindOf(component.type)
  if (kind === null || 'list' in kind || kind.isToldByItsFile !== true) return []
  if ((await live.lookUp(component.type, component.fullName))?.exists !== true) return []
  const content = await live.contentOf(component.type, component.fullName)
  if (content === null) return []
  try {
    compiledOver(kind, component, stateOf(kind, component, content), plan)
    return []
  } catch (error) {
    if (error instanceof EngineError) return error.errors ?? []
    throw error
  }
}

export const planCheckRules = [
  rulesFor('types')('component', {
    code: 'plan_does_not_fit',
    severities: ['red'],
    judge: async (subject, facts) =>
      (await misfits(subject, facts))
        .filter(({ path }) => path.startsWith(`${subject.path}.`))
        .map(({ path, message }) => ({
          message,
          remedy: 'Correct the plan, or change the component in Salesforce first.',
          at: path.slice(subject.path.length + 1),
        })),
  }),
  ...Object.entries(REFUSALS).map(([code, [group, remedy]]) =>
    rulesFor(group)('package', {
      code,
      severities: ['red'],
      judge: (_, facts) => verdicts(facts, remedy, (found) => found === code),
    }),
  ),
  rulesFor('types')('package', {
    code: 'plan_invalid',
    severities: ['red'],
    judge: (_, facts) =>
      verdicts(facts, 'Correct the plan.', (found) => !Object.hasOwn(REFUSALS, found)),
  }),
]
