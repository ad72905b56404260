// How a flow is built: names of its elements and resources, and which elements its type allows.
// Salesforce: Help, "Flow Elements and Resources", "Flow Trigger Considerations"; the words are ours.

import { child, nodes, text, type MetadataNode } from '../../../org/metadata-xml.ts'
import { Problem } from './draft.ts'
import { checkFilterLogic } from './filters.ts'
import { checkDeveloperName } from './names.ts'

/** Names in these are not those of elements or resources. */
const UNNAMED: ReadonlySet<string> = new Set(['customProperties', 'processMetadataValues', 'start'])

const NAME_MAX = 80

/** Help: a flow that runs before the record is saved only reads, and changes that record. */
const NOT_BEFORE_SAVE = ['recordCreates', 'recordDeletes', 'screens', 'waits'] as const

/** Refuses a flow with two elements or resources of one name, or with elements it cannot have. */
export function checkFlowStructure(flow: MetadataNode): void {
  const seen = new Set<string>()
  for (const name of namesIn(flow)) {
    checkDeveloperName('Flow Element', name, NAME_MAX)
    if (seen.has(name.toLowerCase())) {
      throw new Problem(`The flow has more than one element or resource named ${name}`)
    }
    seen.add(name.toLowerCase())
  }
  checkLogic(flow)
  const trigger = text(child(flow, 'start'), 'triggerType')
  const not =
    trigger === 'RecordBeforeSave'
      ? NOT_BEFORE_SAVE
      : text(flow, 'processType') === 'AutoLaunchedFlow'
        ? (['screens'] as const)
        : []
  for (const member of not) {
    const [element] = nodes(flow, member)
    if (element !== undefined) {
      throw new Problem(
        `${text(element, 'name') ?? member} (${member}) is not allowed in a flow of this type`,
      )
    }
  }
}

/** Of elements and resources, and of the outcomes of decisions. */
const namesIn = (flow: MetadataNode): string[] =>
  Object.keys(flow)
    .filter((member) => !UNNAMED.has(member))
    .flatMap((member) => nodes(flow, member))
    .flatMap((element) => [element, ...nodes(element, 'rules')])
    .flatMap((named) => text(named, 'name') ?? [])

/** The logic between conditions, by the name of their list. */
const LOGIC = [
  ['conditions', 'conditionLogic'],
  ['filters', 'filterLogic'],
] as const

/** Refuses logic that names a condition which is not there, anywhere in the flow. */
function checkLogic(node: MetadataNode): void {
  for (const [items, logic] of LOGIC) {
    checkFilterLogic(text(node, logic), nodes(node, items).length)
  }
  for (const member of Object.keys(node)) for (const each of nodes(node, member)) checkLogic(each)
}
