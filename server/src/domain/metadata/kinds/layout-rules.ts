// What the conflict check says about a page layout and about what a plan adds to it.

import { asText, isObject, type JsonObject } from '../../../salesforce/json.ts'
import { listObjects } from '../../../salesforce/xml.ts'
import { type Plan, type PlanLayout } from '../../plan/schema.ts'
import { listed } from '../../words.ts'
import { layoutFullName, ownerOf, memberOf, sameName } from '../names.ts'
import { type Asked, type KindRule, type PlanComponent, type Word } from './kind.ts'

/** Everything that is added to the layout, by name. */
const placedBy = ({ fields, related_lists = [], buttons = [], quick_actions = [] }: PlanLayout) => [
  ...fields,
  ...related_lists.map(({ related_list }) => related_list),
  ...buttons,
  ...quick_actions,
]

type Judge = (
  layout: PlanLayout,
  asked: Asked,
  fullName: string,
) => Word | null | Promise<Word | null>

/** A rule about a layout: the first finding for one of the plan's members for it. */
const rule = (code: string, severity: KindRule['severity'], judge: Judge): KindRule => ({
  code,
  severity,
  judge: async ({ path, fullName }: PlanComponent, asked) => {
    for (const [index, one] of asked.plan.layouts.entries()) {
      if (sameName(layoutFullName(one.object, one.layout)) !== sameName(fullName)) continue
      const word = await judge(one, asked, fullName)
      if (word === null) continue
      // The finding has the path of the first member; for a later one there is no path below it.
      const { at: _at, ...rest } = word
      return path === `layouts.${index}` ? word : rest
    }
    return null
  },
})

/** The object of a list named by the lookup of a custom object; null for a standard list. */
const childOf = (relatedList: string): string | null =>
  relatedList.includes('.') ? ownerOf(relatedList) : null

/** The objects whose records the related lists of a layout show. */
export const childrenIn = ({ related_lists = [] }: PlanLayout): string[] =>
  related_lists.flatMap(({ related_list }) => childOf(related_list) ?? [])

const plannedField = ({ objects }: Plan, object: string, field: string) =>
  objects
    .filter(({ api_name }) => sameName(api_name) === sameName(object))
    .flatMap(({ fields }) => fields)
    .find(({ api_name }) => sameName(api_name) === sameName(field))

/** Whether a field is known to be in neither the plan nor the Salesforce org. */
const isMissing = async (
  object: string,
  field: string,
  { plan, objectExists, fieldExists }: Asked,
): Promise<boolean> => {
  if (plannedField(plan, object, field) !== undefined) return false
  return !objectExists(object) || (await fieldExists(object, field)) === false
}

const describedField = (describe: JsonObject | null, name: string): JsonObject | undefined =>
  (Array.isArray(describe?.fields) ? (describe.fields as unknown[]) : [])
    .filter(isObject)
    .find((field) => sameName(asText(field.name) ?? '') === sameName(name))

/** The objects that a lookup refers to; null if not known. */
const targetsOf = (object: string, field: string, { plan, describeOf }: Asked): string[] | null => {
  const planned = plannedField(plan, object, field)
  if (planned !== undefined) return 'reference_to' in planned ? [planned.reference_to] : []
  const described = describedField(describeOf(object), field)
  if (described === undefined) return null
  const { referenceTo } = described
  return Array.isArray(referenceTo) ? referenceTo.map(String) : []
}

const relatedListMissing: Judge = async ({ object, layout, related_lists = [] }, asked) => {
  for (const [at, { related_list: name }] of related_lists.entries()) {
    const child = childOf(name)
    if (child === null) continue
    const targets = targetsOf(child, memberOf(name), asked)
    const isOther = targets !== null && !targets.some((one) => sameName(one) === sameName(object))
    if (!isOther && !(await isMissing(child, memberOf(name), asked))) continue
    return {
      message: `The layout ${layout} cannot show the related list ${name}: ${child} has no lookup ${memberOf(name)} to ${object}.`,
      remedy: 'Correct its name, or add the lookup to the plan.',
      at: `related_lists.${at}.related_list`,
    }
  }
  return null
}

const columnMissing: Judge = async ({ layout, related_lists = [] }, asked) => {
  for (const [at, { related_list: name, fields, sort_field: sorted }] of related_lists.entries()) {
    const child = childOf(name)
    if (child === null) continue
    // Standard columns have special names (NAME, LAST_UPDATE), which no Salesforce page lists.
    const custom = [...fields, ...(sorted === undefined ? [] : [sorted])].filter((field) =>
      /^\w+__c$/i.test(field),
    )
    for (const field of custom) {
      if (!(await isMissing(child, field, asked))) continue
      return {
        message: `The related list ${name} of the layout ${layout} cannot show ${field}: ${child} has no such field.`,
        remedy: 'Correct the column, or add the field to the plan.',
        at: `related_lists.${at}.fields`,
      }
    }
  }
  return null
}

/**
 * Salesforce's own related lists, with the child relationships of the objects that can show them. Names
 * as in layouts of real orgs; no Salesforce page lists them.
 */
const STANDARD_LISTS: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries({
    RelatedAccountSalesTeam: ['AccountTeamMembers'],
    RelatedActivityList: ['OpenActivities'],
    RelatedAssetList: ['Assets'],
    RelatedAttachmentList: ['Attachments'],
    RelatedCampaignHierarchyList: ['ChildCampaigns'],
    RelatedCampaignList: ['CampaignMembers'],
    RelatedCampaignMemberList: ['CampaignMembers'],
    RelatedCampaignMemberStatusList: ['CampaignMemberStatuses'],
    RelatedCaseList: ['Cases'],
    RelatedCommentsList: ['CaseComments'],
    RelatedContactList: ['Contacts'],
    RelatedContentNoteList: ['ContentDocumentLinks', 'AttachedContentNotes'],
    RelatedContractList: ['Contracts'],
    RelatedEmailStatusList: ['EmailStatuses'],
    RelatedEntityHistoryList: ['Histories', 'Feeds'],
    RelatedFileList: ['ContentDocumentLinks', 'AttachedContentDocuments'],
    RelatedHistoryList: ['ActivityHistories'],
    RelatedLineItemList: ['OpportunityLineItems'],
    RelatedNoteList: ['NotesAndAttachments', 'Notes', 'Attachments'],
    // A contact has opportunities through its roles in them.
    RelatedOpportunityList: ['Opportunities', 'OpportunityContactRoles'],
    RelatedOrderList: ['Orders'],
    RelatedProcessHistoryList: ['ProcessSteps', 'ProcessInstances'],
    RelatedQuoteList: ['Quotes'],
  }).map(([name, children]) => [sameName(name), children]),
)

/** A describe says what an object has, but not which of it the connected user only does not see. */
const relatedListUncertain: Judge = ({ object, layout, related_lists = [] }, { describeOf }) => {
  const children = new Set(
    listObjects(describeOf(object)?.childRelationships).map(({ relationshipName }) =>
      sameName(asText(relationshipName) ?? ''),
    ),
  )
  for (const [at, { related_list: name }] of related_lists.entries()) {
    if (childOf(name) !== null) continue
    const shown = STANDARD_LISTS.get(sameName(name)) ?? []
    if (shown.some((child) => children.has(sameName(child)))) continue
    return {
      message: `It is not known whether ${object} has the related list ${name}; if not, Salesforce refuses the layout ${layout}.`,
      remedy: `Make sure that ${object} has the list in Salesforce, for example that activities or history tracking are enabled for it.`,
      at: `related_lists.${at}.related_list`,
    }
  }
  return null
}

const isUnknown = async (type: string, fullName: string, { lookUp }: Asked): Promise<boolean> =>
  (await lookUp(type, fullName))?.exists === false

const buttonMissing: Judge = async ({ object, layout, buttons = [] }, asked) => {
  for (const [at, button] of buttons.entries()) {
    if (!(await isUnknown('WebLink', `${object}.${button}`, asked))) continue
    return {
      message: `The layout ${layout} cannot show the button ${button}: ${object} has no such button or link.`,
      remedy: 'Create the button in Salesforce, correct its name, or leave it out.',
      at: `buttons.${at}`,
    }
  }
  return null
}

/**
 * Actions that every Salesforce org has, listed or not: those of its feed, and the global ones of layouts
 * in real orgs.
 */
const OWN_ACTIONS =
  /^(?:FeedItem\..*|LogACall|SendEmail|New(?:Account|Case|Contact|Event|Group|Lead|Note|Opportunity|Task))$/i

const actionMissing: Judge = async ({ layout, quick_actions = [] }, asked) => {
  for (const [at, name] of quick_actions.entries()) {
    if (OWN_ACTIONS.test(name)) continue
    if (!(await isUnknown('QuickAction', name, asked))) continue
    return {
      message: `The layout ${layout} cannot show the quick action ${name}, which does not exist in this Salesforce org.`,
      remedy: 'Create the action in Salesforce, correct its name, or leave it out.',
      at: `quick_actions.${at}`,
    }
  }
  return null
}

export const layoutRules: readonly KindRule[] = [
  rule('layout_missing', 'red', async ({ object, layout }, asked, fullName) => {
    // A new object gets the layout that the plan names.
    if (!asked.objectExists(object)) return null
    const found = await asked.lookUp('Layout', fullName)
    return found === null || found.exists
      ? null
      : {
          message: `${object} has no page layout ${layout} in this Salesforce org.`,
          remedy: 'Correct the name of the layout; layouts are created for new objects only.',
          at: 'layout',
        }
  }),
  rule('layout_managed', 'red', async ({ object, layout }, { lookUp }, fullName) =>
    (await lookUp('Layout', fullName))?.managed === true
      ? {
          message: `The layout ${layout} of ${object} belongs to an installed package and is locked.`,
          remedy: 'Clone it in Salesforce and use the clone.',
          at: 'layout',
        }
      : null,
  ),
  rule('layout_after_missing', 'red', async ({ object, layout, after }, { fieldExists }) =>
    after !== undefined && /__c$/i.test(after) && (await fieldExists(object, after)) === false
      ? {
          message: `The layout ${layout} cannot show ${after}: ${object} has no such field.`,
          remedy: 'Use a field that the layout shows, or leave `after` out.',
          at: 'after',
        }
      : null,
  ),
  rule('related_list_missing', 'red', relatedListMissing),
  rule('related_list_column_missing', 'red', columnMissing),
  rule('related_list_uncertain', 'yellow', relatedListUncertain),
  rule('layout_button_missing', 'red', buttonMissing),
  rule('layout_action_missing', 'red', actionMissing),
  rule('layout_merged', 'green', (planned, { objectExists }) =>
    objectExists(planned.object)
      ? {
          message: `${planned.layout} gets ${listed(placedBy(planned))}; everything else on it stays in place.`,
        }
      : null,
  ),
  rule('layout_new', 'green', ({ object, layout }, { objectExists }) =>
    objectExists(object) ? null : { message: `${layout} is created with its object ${object}.` },
  ),
]
