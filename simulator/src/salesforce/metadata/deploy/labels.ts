// CustomLabel: a named text. Salesforce: Metadata API guide, "CustomLabels"; Tooling API guide,
// "ExternalString" on names, lengths and the language; Help, "Create and Edit Custom Labels": 5,000
// labels in an org. A file names some labels, and those that it leaves out stay as they are.

import { LANGUAGES } from '../../../documented.ts'
import type { CustomLabel } from '../../../org/model.ts'
import { nodes, text, type MetadataNode } from '../../../org/metadata-xml.ts'
import { dependentsOf } from '../../tooling/dependencies.ts'
import { Problem, type Draft, type Item, type Outcome } from './draft.ts'
import { checkDeveloperName, checkLength, checkUnmanaged, flag, required } from './names.ts'
import { same } from './typed.ts'

const NAME_MAX = 80
const VALUE_MAX = 1_000
const SHORT_DESCRIPTION_MAX = 80
const CATEGORIES_MAX = 255
const LABELS_MAX = 5_000

/** The file of all labels: each label is a component of its own, and this one contains nothing else. */
export function deployLabels(_draft: Draft, { fullName, node }: Item): Outcome {
  if (fullName !== 'CustomLabels') {
    throw new Problem(`The simulator has one file of labels, CustomLabels, and not ${fullName}`)
  }
  const names = nodes(node, 'labels').map((each) => required(each, 'fullName').toLowerCase())
  const again = names.find((name, at) => names.indexOf(name) !== at)
  if (again !== undefined) throw new Problem(`Duplicate label: ${again}`)
  return { id: '', created: false, changed: false }
}

/** Creates or changes one label. */
export function deployLabel(draft: Draft, { fullName, node }: Item): Outcome {
  const { org } = draft
  checkUnmanaged(org, 'CustomLabel', fullName)
  checkDeveloperName('Custom Label', fullName, NAME_MAX)
  const key = fullName.toLowerCase()
  const found = org.customLabels.get(key)
  const content = readLabel(node)
  // The rule is Salesforce's, the words are ours.
  if (found !== undefined && found.language !== content.language) {
    throw new Problem(`Cannot change the language of the custom label ${found.name}`)
  }
  if (found !== undefined && same(content, contentOf(found))) {
    return { id: found.id, created: false, changed: false }
  }
  if (found === undefined && org.customLabels.size >= LABELS_MAX) {
    throw new Problem('custom label limit exceeded', 'LIMIT_EXCEEDED')
  }
  const label: CustomLabel = {
    id: found?.id ?? org.ids.make('101'),
    name: found?.name ?? fullName,
    ...content,
    ...draft.stamps(found),
  }
  draft.put(org.customLabels, key, label)
  return { id: label.id, created: found === undefined, changed: true }
}

/**
 * Returns the id of what was deleted, undefined if it did not exist. The words of the refusal are ours.
 */
export function deleteLabel(draft: Draft, fullName: string): string | undefined {
  const { org } = draft
  const found = org.customLabels.get(fullName.toLowerCase())
  if (found === undefined) return undefined
  const users = [...dependentsOf(org, found.id)].map(({ type, name }) => `${type} - ${name}`)
  if (users.length > 0) {
    throw new Problem(
      `This custom label is referenced elsewhere in salesforce.com: ${users.join(', ')}`,
      'DEPENDENCY_EXISTS',
    )
  }
  draft.put(org.customLabels, fullName.toLowerCase(), undefined)
  return found.id
}

type Content = Pick<
  CustomLabel,
  'language' | 'isProtected' | 'shortDescription' | 'value' | 'categories'
>

const contentOf = (label: CustomLabel): Content => ({
  language: label.language,
  isProtected: label.isProtected,
  shortDescription: label.shortDescription,
  value: label.value,
  categories: label.categories,
})

function readLabel(node: MetadataNode): Content {
  const value = required(node, 'value')
  checkLength('Value', value, VALUE_MAX)
  const shortDescription = required(node, 'shortDescription')
  checkLength('MasterLabel', shortDescription, SHORT_DESCRIPTION_MAX)
  const categories = text(node, 'categories') ?? null
  checkLength('Category', categories ?? undefined, CATEGORIES_MAX)
  required(node, 'protected')
  return {
    language: languageOf(required(node, 'language')),
    isProtected: flag(node, 'protected') === true,
    shortDescription,
    value,
    categories: categories === '' ? null : categories,
  }
}

function languageOf(code: string): string {
  if (LANGUAGES.has(code)) return code
  throw new Problem(
    `Language: bad value for restricted picklist field: ${code}`,
    'INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST',
  )
}
