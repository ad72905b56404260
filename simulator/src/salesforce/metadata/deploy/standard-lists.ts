// Related lists that Salesforce itself has, as layouts of real orgs name them, and which objects have them.
// Salesforce: Metadata API guide, "Layout", RelatedListItem; Object Reference on what refers to what.

import { childRelationships } from '../../../org/child-relationships.ts'
import type { Org, SObject } from '../../../org/model.ts'
import { isCustomMetadataType } from '../../../org/schema.ts'
import { NotDone, Problem } from './draft.ts'

/**
 * Lists of what any object can have: activities, files, notes, history, approvals. A custom object has them
 * if its settings say so, which the simulator does not keep.
 */
const GENERAL = new Set(
  `RelatedActivityList RelatedHistoryList RelatedFileList RelatedNoteList RelatedAttachmentList
  RelatedContentNoteList RelatedEntityHistoryList RelatedProcessHistoryList`
    .toLowerCase()
    .split(/\s+/),
)

/** Lists of records, by the objects whose standard fields refer to what has the list. */
const LISTS: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries({
    RelatedAssetList: ['Asset'],
    RelatedCampaignHierarchyList: ['Campaign'],
    RelatedCampaignList: ['CampaignMember'],
    RelatedCampaignMemberList: ['CampaignMember'],
    RelatedCampaignMemberStatusList: ['CampaignMemberStatus'],
    RelatedCaseList: ['Case'],
    RelatedCommentsList: ['CaseComment'],
    RelatedContactList: ['Contact'],
    RelatedContactRoleList: ['AccountContactRole', 'OpportunityContactRole', 'ContractContactRole'],
    RelatedContractList: ['Contract'],
    RelatedLineItemList: ['OpportunityLineItem'],
    // A contact has opportunities through its roles in them.
    RelatedOpportunityList: ['Opportunity', 'OpportunityContactRole'],
    RelatedOrderList: ['Order'],
    RelatedQuoteList: ['Quote'],
  }).map(([name, children]) => [name.toLowerCase(), children]),
)

/** A membership joins a campaign and a person: each of them has a list of the others. */
const ONLY_OF: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries({
    RelatedCampaignMemberList: ['Campaign'],
    RelatedCampaignList: ['Contact', 'Lead'],
    RelatedEmailStatusList: ['Contact', 'Lead'],
  }).map(([name, parents]) => [name.toLowerCase(), parents]),
)

/**
 * Refuses a list that the object does not have, in Salesforce's words; one that the simulator does not know
 * in its own.
 */
export function checkStandardList(org: Org, object: SObject, name: string): void {
  const key = name.toLowerCase()
  if (GENERAL.has(key) && !isCustomMetadataType(object.name)) return
  const children = LISTS.get(key)
  const parents = ONLY_OF.get(key)
  if (!GENERAL.has(key) && children === undefined && parents === undefined) {
    throw new NotDone(`does not know the related list ${name}`)
  }
  const has =
    (parents === undefined || parents.includes(object.name)) &&
    (children === undefined || refersTo(org, object, children))
  if (GENERAL.has(key) || !has) throw new Problem(`Cannot find related list:${name}`)
}

/** Whether a standard field of one of these objects refers to this one. */
function refersTo(org: Org, object: SObject, children: readonly string[]): boolean {
  const relationships = childRelationships(org, object) as { childSObject: string; field: string }[]
  return relationships.some(
    ({ childSObject, field }) => children.includes(childSObject) && !field.endsWith('__c'),
  )
}
