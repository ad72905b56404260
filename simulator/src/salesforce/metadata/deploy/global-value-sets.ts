// GlobalValueSet: values that picklists of several objects share. Salesforce: Metadata API guide,
// "GlobalValueSet" and "CustomValue"; Help, "Custom Picklists" on how many there may be.

import type { GlobalValue, GlobalValueSet } from '../../../org/model.ts'
import { nodes, text, type MetadataNode } from '../../../org/metadata-xml.ts'
import { dependentsOf } from '../../tooling/dependencies.ts'
import { globalValueSetFields } from '../bodies.ts'
import { putValues } from './dependencies.ts'
import { Problem, type Draft, type Item, type Outcome } from './draft.ts'
import { checkDeveloperName, checkLength, flag, required } from './names.ts'
import { same } from './typed.ts'
import { leftOut, readValues, valuesOf } from './value-set.ts'

const NAME_MAX = 80
const DESCRIPTION_MAX = 255
/** Active and inactive values together. */
const VALUES_MAX = 1000
const SETS_MAX = 500

/** Creates or changes a set, and with it the values of every field that uses it. */
export function deployGlobalValueSet(draft: Draft, { fullName, node }: Item): Outcome {
  const { org } = draft
  checkDeveloperName('Global Value Set', fullName, NAME_MAX)
  const key = fullName.toLowerCase()
  const found = org.globalValueSets.get(key)
  if (found === undefined && org.globalValueSets.size >= SETS_MAX) {
    throw new Problem(`An org can have ${SETS_MAX} global value sets at most`, 'LIMIT_EXCEEDED')
  }
  const content = readSet(node, found)
  if (found !== undefined && same(content, contentOf(found))) {
    return { id: found.id, created: false, changed: false }
  }
  const set: GlobalValueSet = {
    id: found?.id ?? org.ids.make('0Nt'),
    developerName: found?.developerName ?? fullName,
    ...content,
    ...draft.stamps(found),
  }
  draft.put(org.globalValueSets, key, set)
  passOn(draft, set)
  return {
    id: set.id,
    created: found === undefined,
    changed: true,
    // For a new set, Salesforce returns the name with its own suffix (forcedotcom/cli#2870).
    ...(found === undefined && { fullName: `${set.developerName}__gvs` }),
  }
}

/**
 * Returns the id of what was deleted, undefined if it did not exist. The words of the refusal are ours.
 */
export function deleteGlobalValueSet(draft: Draft, fullName: string): string | undefined {
  const { org } = draft
  const key = fullName.toLowerCase()
  const found = org.globalValueSets.get(key)
  if (found === undefined) return undefined
  const users = [...dependentsOf(org, found.id)].map(({ type, name }) => `${type} - ${name}`)
  if (users.length > 0) {
    throw new Problem(
      `This global value set is referenced elsewhere in salesforce.com: ${users.join(', ')}`,
      'DEPENDENCY_EXISTS',
    )
  }
  draft.put(org.globalValueSets, key, undefined)
  return found.id
}

type Content = Pick<GlobalValueSet, 'label' | 'description' | 'sorted' | 'values'>

const contentOf = ({ label, description, sorted, values }: GlobalValueSet): Content => ({
  label,
  description,
  sorted,
  values,
})

function readSet(node: MetadataNode, before: GlobalValueSet | undefined): Content {
  const label = required(node, 'masterLabel')
  checkLength('MasterLabel', label, NAME_MAX)
  const description = text(node, 'description') ?? null
  checkLength('Description', description ?? undefined, DESCRIPTION_MAX)
  required(node, 'sorted')
  const sorted = flag(node, 'sorted') === true
  const details = nodes(node, 'customValue')
  const listed = readValues(node, 'customValue').map((value, n): GlobalValue => {
    const about = text(details[n], 'description') ?? null
    checkLength('Description', about ?? undefined, DESCRIPTION_MAX)
    return { ...value, color: text(details[n], 'color') ?? null, description: about }
  })
  const values = [...listed, ...leftOut(before?.values ?? [], listed)]
  if (values.length > VALUES_MAX) {
    throw new Problem(
      `A global value set can have ${VALUES_MAX} values at most, inactive ones included`,
      'LIMIT_EXCEEDED',
    )
  }
  return { label, description, sorted, values: sorted ? values.toSorted(byLabel) : values }
}

const byLabel = (left: GlobalValue, right: GlobalValue) =>
  left.label.localeCompare(right.label, 'en', { sensitivity: 'base' })

/** The set's fields take over its values, and so do the fields that they control. */
function passOn(draft: Draft, set: GlobalValueSet): void {
  for (const { object, field } of globalValueSetFields(draft.org, set)) {
    draft.edit(object)
    putValues(object, field, valuesOf(set))
  }
}
