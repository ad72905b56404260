// One component without a zip, as Tooling and the CRUD calls send it. The same deployers, checks and
// texts apply as in a deployment.

import { childTypes, deploysByParts, nameOfChild } from '../component.ts'
import { ComponentCatalogue } from '../catalogue.ts'
import { nodes, text, type MetadataNode, type MetadataValue } from '../../../org/metadata-xml.ts'
import { deployerOf, type Deployer } from './deployers.ts'
import { deleteComponent, Missing } from './deletions.ts'
import { NotDone, Problem, type Draft, type Item, type Outcome } from './draft.ts'
import { noSuch } from './names.ts'

/** Whether the component must be new, must already exist, or either. */
export type SaveMode = 'create' | 'update' | 'upsert'

export interface SingleComponent {
  type: string
  fullName: string
  /** Its complete metadata: what it leaves out is removed. */
  node: MetadataNode
}

/**
 * Creates or changes a component, or an object with its fields, record types and rules. Throws
 * `Problem`.
 */
export function saveComponent(draft: Draft, given: SingleComponent, mode: SaveMode): Outcome {
  const { type, fullName } = given
  const deploy = deployerOf(type)
  if (deploy === undefined) throw new NotDone(`does not save ${type}`)
  if (fullName === '') {
    throw new Problem('Required fields are missing: [FullName]', 'REQUIRED_FIELD_MISSING')
  }
  const known = isThere(draft, type, fullName)
  if (mode === 'create' && known) throw alreadyThere(type, fullName)
  if (mode === 'update' && !known) throw noSuch('fullName', type, fullName)
  const item = itemOf(type, fullName, withoutNulls(given.node))
  const outcome = deploy(draft, item)
  return deploysByParts(type) ? { ...outcome, changed: saveChildren(draft, item) } : outcome
}

/** Deletes a component. Throws `Problem`, also if it does not exist. */
export function removeComponent(draft: Draft, type: string, fullName: string): Outcome {
  try {
    return deleteComponent(draft, type, fullName)
  } catch (error) {
    if (!(error instanceof Missing)) throw error
    // Recorded so for fields.
    throw type === 'CustomField'
      ? new Problem(
          'This custom field does not exist or is not accessible',
          'INVALID_CROSS_REFERENCE_KEY',
        )
      : noSuch('fullName', type, fullName)
  }
}

const itemOf = (type: string, fullName: string, node: MetadataNode): Item => ({
  type,
  fullName,
  fileName: '',
  node,
})

function isThere(draft: Draft, type: string, fullName: string): boolean {
  if (type === 'CustomObject') return draft.object(fullName) !== undefined
  if (type === 'CustomField') {
    const [object = '', field = ''] = fullName.split('.')
    const found = draft.object(object)?.fields.get(field.toLowerCase())
    return found !== undefined && found.deletedAt === undefined
  }
  return new ComponentCatalogue(draft.org).find(type, fullName) !== undefined
}

function alreadyThere(type: string, fullName: string): Problem {
  const [object = '', name = ''] = fullName.split('.')
  const message =
    type === 'CustomField'
      ? `There is already a field named ${name.replace(/__c$/i, '')} on ${object}.`
      : `There is already a ${type} named ${fullName}`
  return new Problem(message, 'DUPLICATE_DEVELOPER_NAME')
}

/** The parts of an object may refer to each other in any order. */
function saveChildren(draft: Draft, { type, fullName: parent, node }: Item): boolean {
  for (const child of childTypes.filter((each) => each.parent === type)) {
    const deploy = deployerOf(child.xmlName)
    if (deploy === undefined) continue
    let waiting = nodes(node, child.element).map((each) =>
      itemOf(child.xmlName, nameOfChild(child, parent, text(each, 'fullName') ?? ''), each),
    )
    while (waiting.length > 0) {
      const refused = attempt(draft, waiting, deploy)
      const [first] = refused
      if (first && refused.length === waiting.length) throw first.problem
      waiting = refused.map(({ item }) => item)
    }
  }
  return true
}

function attempt(draft: Draft, items: readonly Item[], deploy: Deployer) {
  const refused: { item: Item; problem: Problem }[] = []
  for (const item of items) {
    try {
      deploy(draft, item)
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem
      refused.push({ item, problem })
    }
  }
  return refused
}

/** JSON has null for what metadata leaves out. */
function withoutNulls(node: MetadataNode): MetadataNode {
  return Object.fromEntries(
    Object.entries(node)
      .filter(([, value]) => value !== null && value !== undefined)
      .map(([name, value]) => [name, valueWithoutNulls(value)]),
  )
}

function valueWithoutNulls(value: MetadataValue): MetadataValue {
  if (Array.isArray(value)) return (value as readonly MetadataValue[]).map(valueWithoutNulls)
  return typeof value === 'object' && value !== null ? withoutNulls(value as MetadataNode) : value
}
