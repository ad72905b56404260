// WebLink: a custom button or link. Salesforce: Metadata API guide, "WebLink"; Object reference,
// "WebLink" on lengths. Of the merge fields in an address, those that name a field of an object are
// checked.

import type { SObject } from '../../../org/model.ts'
import { nodes, text, texts, type MetadataNode } from '../../../org/metadata-xml.ts'
import { NotDone, Problem, type Draft, type Item, type Outcome } from './draft.ts'
import { checkLength, flag, noSuch, oneOf, required, whole } from './names.ts'
import { deletePart, partNamed, putPart } from './object-parts.ts'

const LABEL_MAX = 240
const DESCRIPTION_MAX = 1_000
const ENCODINGS = [
  'UTF-8',
  'ISO-8859-1',
  'Shift_JIS',
  'ISO-2022-JP',
  'EUC-JP',
  'ks_c_5601-1987',
  'Big5',
  'GB2312',
  'Big5-HKSCS',
  'x-SJIS_0213',
]
const OPENINGS = ['newWindow', 'sidebar', 'noSidebar', 'replace', 'onClickJavaScript']
const FLAGS = [
  'hasMenubar',
  'hasScrollbars',
  'hasToolbar',
  'isResizable',
  'requireRowSelection',
  'showsLocation',
  'showsStatus',
]

/** Creates or changes a button or link. */
export const deployWebLink = (draft: Draft, item: Item): Outcome =>
  putPart(draft, 'webLinks', item, (_object, node) => readWebLink(draft, item.fullName, node))

function readWebLink(draft: Draft, fullName: string, node: MetadataNode) {
  const label = text(node, 'masterLabel') ?? fullName.slice(fullName.indexOf('.') + 1)
  checkLength('MasterLabel', label, LABEL_MAX)
  checkLength('Description', text(node, 'description'), DESCRIPTION_MAX)
  oneOf('WebLinkAvailability', ['online', 'offline'], required(node, 'availability'))
  oneOf('WebLinkDisplayType', ['link', 'button', 'massActionButton'], required(node, 'displayType'))
  oneOf('WebLinkWindowType', OPENINGS, required(node, 'openType'))
  const encoding = text(node, 'encodingKey')
  if (encoding !== undefined) oneOf('Encoding', ENCODINGS, encoding)
  const position = text(node, 'position')
  if (position !== undefined) oneOf('WebLinkPosition', ['fullScreen', 'none', 'topLeft'], position)
  for (const element of FLAGS) flag(node, element)
  for (const element of ['height', 'width']) whole(node, element)
  required(node, 'protected')
  flag(node, 'protected')
  checkContent(draft, node)
  return { label, metadata: { ...node, masterLabel: label } }
}

function checkContent(draft: Draft, node: MetadataNode): void {
  const linkType = oneOf(
    'WebLinkType',
    ['url', 'sControl', 'javascript', 'page', 'flow'],
    required(node, 'linkType'),
  )
  if (linkType === 'flow') throw new NotDone('does not deploy links to flows')
  // Visualforce pages and s-controls are not simulated.
  if (linkType === 'page') throw noSuch('page', 'ApexPage', required(node, 'page'))
  if (linkType === 'sControl') throw noSuch('scontrol', 'Scontrol', required(node, 'scontrol'))
  const url = required(node, 'url')
  for (const [, objectName = '', name = ''] of url.matchAll(/\{!\s*([A-Za-z]\w*)\.(\w+)\s*\}/g)) {
    const object = draft.object(objectName)
    if (object === undefined) continue
    if (!isMergeField(object, name)) {
      throw new Problem(`Field ${objectName}.${name} does not exist. Check spelling.`)
    }
  }
}

/** Salesforce: for a lookup `X__c` the merge field is the name of its record, and `XId__c` the id. */
function isMergeField({ fields }: SObject, name: string): boolean {
  const live = (each: string) => {
    const field = fields.get(each.toLowerCase())
    return field?.deletedAt === undefined ? field?.describe : undefined
  }
  const lookup = live(name.replace(/Id__c$/i, '__c'))
  return live(name) !== undefined || (/Id__c$/i.test(name) && lookup?.type === 'reference')
}

/** Deletes a button or link that no layout shows. The words of the refusal are ours. */
export const deleteWebLink = (draft: Draft, fullName: string): string | undefined =>
  deletePart('webLinks', (object, { name }) => {
    const users = draft.org.layouts
      .filter((layout) => {
        const on = draft.object(layout.object)
        const shown = on ? linksOf(draft, on, layout.metadata as MetadataNode) : []
        return shown.some(
          ({ owner, name: used }) => owner === object && used.toLowerCase() === name.toLowerCase(),
        )
      })
      .map((layout) => `Layout - ${layout.object}-${layout.name}`)
    if (users.length === 0) return
    throw new Problem(
      `This custom button or link is referenced elsewhere in salesforce.com: ${users.join(', ')}`,
      'DEPENDENCY_EXISTS',
    )
  })(draft, fullName)

interface LayoutLink {
  /** The element that names it. */
  element: string
  owner: SObject
  name: string
}

/**
 * The buttons and links that a layout shows: those of its object, and those of its related lists of
 * custom children.
 */
function linksOf(draft: Draft, object: SObject, layout: MetadataNode): LayoutLink[] {
  const links = nodes(layout, 'layoutSections')
    .flatMap((section) => nodes(section, 'layoutColumns'))
    .flatMap((column) => nodes(column, 'layoutItems'))
    .flatMap((item) => texts(item, 'customLink'))
    .map((name) => ({ element: 'customLink', owner: object, name }))
  const buttons = texts(layout, 'customButtons').map((name) => ({
    element: 'customButtons',
    owner: object,
    name,
  }))
  const inLists = nodes(layout, 'relatedLists').flatMap((list) => {
    const [childName = '', lookup] = (text(list, 'relatedList') ?? '').split('.')
    const owner = lookup === undefined ? undefined : draft.object(childName)
    if (owner === undefined) return []
    return texts(list, 'customButtons').map((name) => ({ element: 'customButtons', owner, name }))
  })
  return [...links, ...buttons, ...inLists]
}

/** Links that an org has from the start: layouts of unrelated orgs' packages show them and bring none. */
const FROM_THE_START: ReadonlySet<string> = new Set(['campaign.viewcampaigninfluencereport'])

/**
 * Refuses a layout that shows a button or link that does not exist. Salesforce's words: `In field:
 * customLink
 * - no WebLink named Opportunity.DeliveryStatus found`.
 */
export function checkLayoutLinks(draft: Draft, object: SObject, layout: MetadataNode): void {
  for (const { element, owner, name } of linksOf(draft, object, layout)) {
    if (FROM_THE_START.has(`${owner.name}.${name}`.toLowerCase())) continue
    if (partNamed(owner, 'webLinks', name) === undefined) {
      throw noSuch(element, 'WebLink', `${owner.name}.${name}`)
    }
  }
}
