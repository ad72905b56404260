// QuickAction: of an object, or global. Salesforce: Metadata API guide, "QuickAction". An action is
// replaced by its file; where no public source has the wording of a refusal, the words are ours.

import type { QuickAction, SObject } from '../../../org/model.ts'
import { child, nodes, text, texts, type MetadataNode } from '../../../org/metadata-xml.ts'
import { isCustomizable } from '../../../org/schema.ts'
import { isUnlistedAction } from '../../../org/standard-actions.ts'
import { NotDone, Problem, type Draft, type Item, type Outcome } from './draft.ts'
import {
  checkDeveloperName,
  checkLength,
  checkUnmanaged,
  flag,
  noObject,
  noSuch,
  oneOf,
  required,
  whole,
} from './names.ts'
import { same, typed } from './typed.ts'

const LABEL_MAX = 80
const DESCRIPTION_MAX = 255
const TYPES = [
  'Canvas',
  'Create',
  'Flow',
  'LightningComponent',
  'LightningWebComponent',
  'LogACall',
  'Post',
  'SendEmail',
  'SocialPost',
  'Update',
  'VisualforcePage',
] as const
const STYLES = ['TwoColumnsTopToBottom', 'TwoColumnsLeftToRight', 'OneColumn', 'CustomLinks']

/** Creates or changes an action. */
export function deployQuickAction(draft: Draft, { fullName, node }: Item): Outcome {
  const { org } = draft
  const [name = '', ...owners] = fullName.split('.').reverse()
  const [ownerName] = owners
  const owner = ownerName === undefined ? undefined : draft.object(ownerName)
  if (ownerName !== undefined && owner === undefined) throw noObject('fullName', ownerName)
  if (owner !== undefined && !isCustomizable(owner)) {
    throw new Problem(`Quick actions cannot be created for ${owner.name}`)
  }
  checkUnmanaged(org, 'QuickAction', name)
  checkDeveloperName('Quick Action', name)
  checkContent(draft, owner, node)
  const found = org.quickActions.get(fullName.toLowerCase())
  const { fullName: _, ...metadata } = typed(node)
  if (found !== undefined && same(found.metadata, metadata)) {
    return { id: found.id, created: false, changed: false }
  }
  const action: QuickAction = {
    id: found?.id ?? org.ids.make('09D'),
    fullName: found?.fullName ?? fullName,
    metadata,
    ...draft.stamps(found),
  }
  draft.put(org.quickActions, fullName.toLowerCase(), action)
  return { id: action.id, created: found === undefined, changed: true }
}

function checkContent(draft: Draft, owner: SObject | undefined, node: MetadataNode): void {
  const type = oneOf('QuickActionType', TYPES, required(node, 'type'))
  if (text(node, 'label') === undefined && text(node, 'standardLabel') === undefined) {
    throw new Problem('Required field is missing: label', 'REQUIRED_FIELD_MISSING')
  }
  checkLength('MasterLabel', text(node, 'label'), LABEL_MAX)
  checkLength('Description', text(node, 'description'), DESCRIPTION_MAX)
  flag(node, 'optionsCreateFeedItem')
  whole(node, 'height')
  whole(node, 'width')
  if (type === 'Flow') {
    const flow = required(node, 'flowDefinition')
    if (!draft.org.flows.has(flow.toLowerCase())) {
      throw noSuch('flowDefinition', 'FlowDefinition', flow)
    }
  }
  if (type === 'VisualforcePage') throw noSuch('page', 'ApexPage', required(node, 'page'))
  if (/^(Canvas|Lightning)/.test(type)) throw new NotDone(`does not deploy actions of type ${type}`)
  const targetName = text(node, 'targetObject') ?? (type === 'Update' ? owner?.name : undefined)
  if (targetName === undefined) {
    if (type === 'Create') required(node, 'targetObject')
    return
  }
  const target = draft.object(targetName)
  if (target === undefined) throw noObject('targetObject', targetName)
  checkLayout(target, child(node, 'quickActionLayout'))
  for (const override of nodes(node, 'fieldOverrides'))
    checkField(target, required(override, 'field'))
}

function checkLayout(target: SObject, layout: MetadataNode | undefined): void {
  if (layout === undefined) return
  oneOf('LayoutSectionStyle', STYLES, required(layout, 'layoutSectionStyle'))
  const items = nodes(layout, 'quickActionLayoutColumns').flatMap((column) =>
    nodes(column, 'quickActionLayoutItems'),
  )
  for (const item of items) {
    const field = text(item, 'field')
    if (field !== undefined) checkField(target, field)
    const behaviour = text(item, 'uiBehavior')
    if (behaviour !== undefined) oneOf('UiBehavior', ['Edit', 'Required', 'Readonly'], behaviour)
  }
}

function checkField(target: SObject, name: string): void {
  const found = target.fields.get(name.toLowerCase())
  if (found === undefined || found.deletedAt) {
    throw noSuch('field', 'CustomField', `${target.name}.${name}`)
  }
}

/** Salesforce Help, "Delete an Action": it is removed from all layouts that show it. */
export function deleteQuickAction(draft: Draft, fullName: string): string | undefined {
  const { org } = draft
  const found = org.quickActions.get(fullName.toLowerCase())
  if (found === undefined) return undefined
  checkUnmanaged(org, 'QuickAction', fullName.replace(/^.*\./, ''))
  draft.put(org.quickActions, fullName.toLowerCase(), undefined)
  draft.keep('layouts')
  org.layouts = org.layouts.map((layout) => {
    const metadata = withoutAction(layout.metadata, found.fullName)
    return same(metadata, layout.metadata) ? layout : { ...layout, metadata }
  })
  return found.id
}

/** The actions of an object go with it. */
export function deleteActionsOf(draft: Draft, object: SObject): void {
  const prefix = `${object.name.toLowerCase()}.`
  for (const key of [...draft.org.quickActions.keys()]) {
    if (key.startsWith(prefix)) draft.put(draft.org.quickActions, key, undefined)
  }
}

const LISTS = {
  quickActionList: { items: 'quickActionListItems', name: 'quickActionName' },
  platformActionList: { items: 'platformActionListItems', name: 'actionName' },
}

function withoutAction(layout: Record<string, unknown>, fullName: string): Record<string, unknown> {
  const left = { ...layout }
  for (const [list, { items, name }] of Object.entries(LISTS)) {
    const shown = child(layout as MetadataNode, list)
    if (shown === undefined) continue
    const kept = nodes(shown, items).filter(
      (item) => text(item, name)?.toLowerCase() !== fullName.toLowerCase(),
    )
    left[list] = { ...shown, [items]: kept }
  }
  return left
}

/**
 * Refuses a layout with an action that does not exist. Salesforce's words: `In field: QuickAction - no
 * QuickAction named VisionModel__c.Train found`.
 */
export function checkQuickActions({ org }: Draft, layout: MetadataNode): void {
  const shown = [
    ...nodes(layout, 'quickActionList')
      .flatMap((list) => nodes(list, 'quickActionListItems'))
      .flatMap((item) => texts(item, 'quickActionName')),
    ...nodes(layout, 'platformActionList')
      .flatMap((list) => nodes(list, 'platformActionListItems'))
      .filter((item) => text(item, 'actionType') === 'QuickAction')
      .flatMap((item) => texts(item, 'actionName')),
  ]
  const missing = shown.find(
    (name) => !org.quickActions.has(name.toLowerCase()) && !isUnlistedAction(name),
  )
  if (missing !== undefined) throw noSuch('QuickAction', 'QuickAction', missing)
}
