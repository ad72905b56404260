// Layout and CustomTab: replaced by what is deployed. Salesforce: Metadata API guide, types of these
// names.

import { isCustomMetadataType } from '../../../org/schema.ts'
import type { Layout, SObject, Tab } from '../../../org/model.ts'
import { nodes, text, texts, type MetadataNode } from '../../../org/metadata-xml.ts'
import { NotDone, Problem, type Draft, type Item, type Outcome } from './draft.ts'
import { checkLength, checkUnmanaged, flag, noObject, noSuch, required } from './names.ts'
import { same, typed } from './typed.ts'
import { checkQuickActions } from './quick-actions.ts'
import { checkStandardList } from './standard-lists.ts'
import { checkLayoutLinks } from './web-links.ts'

export function deployLayout(draft: Draft, { fullName, node }: Item): Outcome {
  const { org } = draft
  const dash = fullName.indexOf('-')
  const [objectName, name] = [fullName.slice(0, dash), fullName.slice(dash + 1)]
  const object = draft.object(objectName)
  if (dash < 0 || object === undefined) throw noObject('fullName', objectName)
  checkUnmanaged(org, 'Layout', name)
  checkLength('Name', name, 80)
  const items = nodes(node, 'layoutSections')
    .flatMap((section) => nodes(section, 'layoutColumns'))
    .flatMap((column) => nodes(column, 'layoutItems'))
  const placed = new Set<string>()
  for (const item of items) {
    const field = text(item, 'field')
    if (field === undefined) continue
    checkField(object, field)
    if (placed.has(field.toLowerCase())) {
      throw new Problem(`Layout contains a duplicate item: ${field}`)
    }
    placed.add(field.toLowerCase())
  }
  checkRequired(object, placed)
  checkRelatedLists(draft, object, node)
  checkLayoutLinks(draft, object, node)
  checkQuickActions(draft, node)

  const before = org.layouts.find(
    (each) => `${each.object}-${each.name}`.toLowerCase() === fullName.toLowerCase(),
  )
  const { fullName: _, ...content } = typed(node)
  if (before !== undefined && same(before.metadata, content)) {
    return { id: before.id, created: false, changed: false }
  }
  const made: Layout = {
    id: before?.id ?? org.ids.make('00h'),
    object: object.name,
    name: before?.name ?? name,
    namespace: null,
    metadata: content,
    ...draft.stamps(before),
  }
  draft.keep('layouts')
  org.layouts =
    before === undefined
      ? [...org.layouts, made]
      : org.layouts.map((each) => (each === before ? made : each))
  return { id: made.id, created: before === undefined, changed: true }
}

/** Shown on layouts, as in files of real orgs, but not fields in a describe. */
const SHOWN_ONLY = new Set(['lead.campaignid'])
/** Documented for every org, and hidden from everybody until an administrator shows them. */
const HIERARCHY_TOTAL = /^Campaign\.Hierarchy[A-Z][a-zA-Z]+$/
const STAMPS = new Set(['createdbyid', 'lastmodifiedbyid'])

function checkField(object: SObject, name: string): void {
  const key = name.toLowerCase()
  if (SHOWN_ONLY.has(`${object.name.toLowerCase()}.${key}`)) return
  if (isCustomMetadataType(object.name) && STAMPS.has(key)) return
  const found = object.fields.get(name.toLowerCase())
  if (found === undefined && HIERARCHY_TOTAL.test(`${object.name}.${name}`)) {
    throw new NotDone(`has no field ${object.name}.${name}`)
  }
  if (found === undefined || found.deletedAt) {
    throw noSuch('field', 'CustomField', `${object.name}.${name}`)
  }
}

/** Salesforce: fields that every row needs must be on every layout; checked here for custom fields. */
function checkRequired(object: SObject, placed: ReadonlySet<string>): void {
  for (const { describe, deletedAt } of object.fields.values()) {
    if (!describe.custom || deletedAt || !describe.createable || describe.nillable) continue
    if (describe.type === 'boolean' || placed.has(describe.name.toLowerCase())) continue
    throw new Problem(`Layout must contain an item for required layout field: ${describe.name}`)
  }
}

function checkRelatedLists(draft: Draft, object: SObject, layout: MetadataNode): void {
  const seen = new Set<string>()
  for (const list of nodes(layout, 'relatedLists')) {
    const name = required(list, 'relatedList')
    if (seen.has(name.toLowerCase())) {
      throw new Problem(`Field: relatedLists, value:${name} appears more than once`)
    }
    seen.add(name.toLowerCase())
    checkRelatedList(draft, object, list, name)
  }
}

/**
 * Lists of custom children are named by the child's lookup, `Child__c.Parent__c`. Salesforce's words for
 * a column that does not exist: `Invalid field:CAMPAIGN.NAME in related list:RelatedCampaignList`.
 */
function checkRelatedList(draft: Draft, object: SObject, node: MetadataNode, name: string): void {
  const [childName = '', lookup] = name.split('.')
  if (lookup === undefined) {
    checkStandardList(draft.org, object, name)
    return
  }
  const field = draft.object(childName)?.fields.get(lookup.toLowerCase())
  if (field === undefined || field.deletedAt || !field.describe.referenceTo.includes(object.name)) {
    throw new Problem(`Cannot find related list:${name}`)
  }
  for (const column of texts(node, 'fields')) {
    if (!/^\w+__c$/i.test(column)) continue
    const found = draft.object(childName)?.fields.get(column.toLowerCase())
    if (found === undefined || found.deletedAt) {
      throw new Problem(`Invalid field:${column} in related list:${name}`)
    }
  }
}

const ELSEWHERE = ['auraComponent', 'flexiPage', 'lwcComponent', 'page', 'scontrol']

export function deployTab(draft: Draft, { fullName, node }: Item): Outcome {
  const { org } = draft
  checkUnmanaged(org, 'CustomTab', fullName)
  for (const part of [...ELSEWHERE, 'actionOverrides']) {
    if (node[part] !== undefined) {
      throw new Problem(
        `The simulator deploys tabs of custom objects and of web addresses, not of ${part}`,
      )
    }
  }
  required(node, 'motif')
  if (flag(node, 'customObject') === true) {
    const object = draft.object(fullName)
    if (object === undefined || !object.describe.custom) {
      throw noObject('customObject', fullName)
    }
  } else {
    required(node, 'url')
    required(node, 'label')
  }
  const before = org.tabs.find((tab) => tab.name.toLowerCase() === fullName.toLowerCase())
  const { fullName: _, ...content } = typed(node)
  if (before !== undefined && same(before.metadata, content)) {
    return { id: '', created: false, changed: false }
  }
  const made: Tab = {
    name: before?.name ?? fullName,
    metadata: content,
    ...draft.stamps(before),
  }
  draft.keep('tabs')
  org.tabs =
    before === undefined
      ? [...org.tabs, made]
      : org.tabs.map((each) => (each === before ? made : each))
  return { id: '', created: before === undefined, changed: true }
}
