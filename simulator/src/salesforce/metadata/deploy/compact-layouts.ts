// CompactLayout. Salesforce: Metadata API guide, "CompactLayout"; Help, "Compact Layouts": ten fields at
// most, none of them a text area, long or rich text area or multi-select picklist, and the one that an
// object shows cannot be deleted. Where no public source has the words of a refusal, they are ours.

import type { SObject } from '../../../org/model.ts'
import { text, texts, type MetadataNode } from '../../../org/metadata-xml.ts'
import { SYSTEM_COMPACT_LAYOUT } from '../bodies.ts'
import { metadataFieldType } from '../custom-field.ts'
import { Problem, type Draft, type Item, type Outcome } from './draft.ts'
import { checkLength, noSuch, required } from './names.ts'
import { checkOnce, deletePart, fieldNamed, partNamed, putPart } from './object-parts.ts'

const FIELDS_MAX = 10
const LABEL_MAX = 80
const UNFIT = ['Html', 'LongTextArea', 'MultiselectPicklist', 'TextArea']

/** Creates or changes a compact layout. */
export const deployCompactLayout = (draft: Draft, item: Item): Outcome =>
  putPart(draft, 'compactLayouts', item, readCompactLayout)

function readCompactLayout(object: SObject, node: MetadataNode) {
  const label = required(node, 'label')
  checkLength('MasterLabel', label, LABEL_MAX)
  const names = texts(node, 'fields')
  for (const name of names) {
    const { describe } = fieldNamed(object, 'fields', name)
    if (UNFIT.includes(metadataFieldType(describe))) {
      throw new Problem(`The field ${describe.name} can't be used in a compact layout`)
    }
  }
  checkOnce(names, 'field')
  if (names.length > FIELDS_MAX) {
    throw new Problem(`A compact layout can have ${FIELDS_MAX} fields at most`, 'LIMIT_EXCEEDED')
  }
  return { label, metadata: node }
}

/** Deletes a compact layout that neither its object nor a record type shows. */
export const deleteCompactLayout = deletePart('compactLayouts', (object, { name }) => {
  const shows = (assigned: unknown) => String(assigned).toLowerCase() === name.toLowerCase()
  const users = [
    ...(object.compactLayout !== null && shows(object.compactLayout)
      ? [`CustomObject - ${object.name}`]
      : []),
    ...object.recordTypes
      .filter(({ metadata }) => shows(metadata?.['compactLayoutAssignment'] ?? ''))
      .map(({ developerName }) => `RecordType - ${object.name}.${developerName}`),
  ]
  if (users.length === 0) return
  throw new Problem(
    `This compact layout is referenced elsewhere in salesforce.com: ${users.join(', ')}`,
    'DEPENDENCY_EXISTS',
  )
})

/**
 * The compact layout that a file assigns: a name, null for Salesforce's own, undefined if the file does
 * not say. `coming` are those in the same file.
 */
export function assignedCompactLayout(
  objectName: string,
  object: SObject | undefined,
  node: MetadataNode,
  coming: readonly string[] = [],
): string | null | undefined {
  const name = text(node, 'compactLayoutAssignment')
  if (name === undefined || name === '') return undefined
  if (name === SYSTEM_COMPACT_LAYOUT) return null
  const there = object && partNamed(object, 'compactLayouts', name)?.name
  const found = there ?? coming.find((each) => each.toLowerCase() === name.toLowerCase())
  if (found !== undefined) return found
  throw noSuch('compactLayoutAssignment', 'CompactLayout', `${objectName}.${name}`)
}
