// How a flow is built: the names of its elements and resources, which elements its type allows, and words
// that Salesforce does not know. Source: Metadata API guide, "Flow" (v67.0); Help, "Flow Trigger
// Considerations".

import { isObject, type JsonObject } from '../../salesforce/json.ts'
import { leaf, list, listObjects } from '../../salesforce/xml.ts'
import { nameFault, sameName } from '../metadata/names.ts'

/** Names in these are not those of elements or resources. */
const UNNAMED: ReadonlySet<string> = new Set(['customProperties', 'processMetadataValues', 'start'])

const NAME_MAX = 80

/** Before a record is saved, a flow only reads, and changes that record. */
const NOT_BEFORE_SAVE = ['recordCreates', 'recordDeletes', 'screens', 'waits'] as const

/** The names of elements and resources, and of the outcomes of decisions. */
const namesIn = (flow: JsonObject): string[] =>
  Object.keys(flow)
    .filter((member) => !UNNAMED.has(member))
    .flatMap((member) => listObjects(flow[member]))
    .flatMap((element) => [element, ...listObjects(element.rules)])
    .flatMap(({ name }) => leaf(name) ?? [])

/** What Salesforce refuses about the elements of a flow, each as a sentence. */
export const structureFaults = (flow: JsonObject): string[] => {
  const seen = new Set<string>()
  const faults: string[] = []
  for (const name of namesIn(flow)) {
    const fault = nameFault(name, `The element ${name}`, NAME_MAX)
    if (fault !== null && fault.code !== 'name_reserved') faults.push(fault.message)
    if (seen.has(sameName(name))) {
      faults.push(`Two of its elements or resources have the name ${name}. Rename one.`)
    }
    seen.add(sameName(name))
  }
  faults.push(...logicFaults(flow))
  const trigger = isObject(flow.start) ? leaf(flow.start.triggerType) : null
  if (trigger === 'RecordBeforeSave') {
    for (const element of NOT_BEFORE_SAVE.flatMap((member) => listObjects(flow[member]))) {
      faults.push(
        `${leaf(element.name) ?? 'An element'} cannot be part of a flow that runs before the record is saved. Let it run after the save.`,
      )
    }
  } else if (leaf(flow.processType) === 'AutoLaunchedFlow') {
    for (const { name } of listObjects(flow.screens)) {
      faults.push(
        `${leaf(name) ?? 'An element'} is a screen, which an autolaunched flow cannot have. Take it out, or use the process type Flow.`,
      )
    }
  }
  return [...new Set(faults)]
}

/** Numbers in the logic between filters or conditions for which there is none. */
export const undefinedIn = (logic: string, count: number): string[] =>
  (logic.match(/\d+/g) ?? []).filter((number) => Number(number) < 1 || Number(number) > count)

/** Logic that names a condition which is not there, anywhere in the flow. */
const logicFaults = (value: JsonObject): string[] => [
  ...[
    { items: value.conditions, logic: value.conditionLogic },
    { items: value.filters, logic: value.filterLogic },
  ].flatMap(({ items, logic }) =>
    undefinedIn(leaf(logic) ?? '', list(items).length).map(
      (number) => `The logic ${leaf(logic)} names condition ${number}, which is not there.`,
    ),
  ),
  ...Object.values(value).flatMap((member) =>
    list(member).flatMap((item) => (isObject(item) ? logicFaults(item) : [])),
  ),
]

const words = (text: string): string[] => text.trim().split(/\s+/)

const MEMBERS: readonly string[] = words(`
  accessType actionCalls apexPluginCalls apiVersion areMetricsLoggedToDataCloud assignments choices
  collectionFilterCriteria collectionProcessors constants customErrors customProperties dataSpace
  decisions description dynamicChoiceSets environments exitRules experiments formulas fullName groups
  interviewLabel isAdditionalPermissionRequiredToRun isOverridable isTemplate label loops
  migratedFromWorkflowRuleName orchestratedStages overriddenFlow processMetadataValues processType
  recordCreates recordDeletes recordLookups recordRollbacks recordUpdates runInMode screens segment
  sourceTemplate stages start startElementReference status steppedStages steps subflows textTemplates
  timeZoneSidKey transforms triggerOrder variables waits`)

const COMPARISONS = words(`
  None EqualTo NotEqualTo GreaterThan LessThan GreaterThanOrEqualTo LessThanOrEqualTo StartsWith EndsWith
  Contains IsNull IsChanged WasSet WasSelected WasVisited In NotIn IsBlank IsEmpty HasError HasNoValue
  HasValue IsAnniversaryOfToday IsNotAnniversaryOfToday IsToday IsTomorrow IsYesterday IsThisMonth
  IsNextMonth IsLastMonth ThisYear NextYear LastYear IsOn IsBefore IsAfter GreaterThanLastNumberOfDays
  LastNumberOfDays NextNumberOfDays LastNumberOfMonths NextNumberOfMonths LastNumberOfYears`)

const FILTERS = words(`
  EqualTo NotEqualTo GreaterThan LessThan GreaterThanOrEqualTo LessThanOrEqualTo StartsWith EndsWith
  Contains IsNull IsChanged In NotIn`)

const ASSIGNMENTS = words(`
  None Assign Add Subtract AddItem RemoveFirst RemoveBeforeFirst RemoveAfterFirst RemoveAll AddAtStart
  RemoveUncommon AssignCount RemovePosition`)

/** Values of a member that Salesforce lists, by its name and that of the element around it. */
const LISTED: Readonly<Record<string, readonly string[]>> = {
  'assignmentItems.operator': ASSIGNMENTS,
  'conditions.operator': COMPARISONS,
  'filters.operator': FILTERS,
  'mapItems.operator': ASSIGNMENTS,
  'constants.dataType': words('Currency Date Number String Boolean SObject DateTime Time'),
  'formulas.dataType': words('Currency Date Number String Boolean DateTime Time'),
  'variables.dataType': words(
    'Currency Date Number String Boolean SObject DateTime Time Picklist Multipicklist Apex',
  ),
  iterationOrder: words('Asc Desc'),
  recordTriggerType: words('Update Create CreateAndUpdate Delete None'),
  runInMode: words('DefaultMode SystemModeWithSharing SystemModeWithoutSharing'),
  sortOrder: words('Asc Desc'),
  triggerType: words(`
    None Scheduled RecordBeforeSave RecordBeforeDelete RecordAfterSave PlatformEvent EventDrivenJourney
    Segment DataCloudDataChange FormSubmissionEvent Capability AutomationEvent ExternalSystemChange
    DataGraphDataChange Activation AdminAutomationEvent BroadcastNoTrigger OnDemandNoTrigger
    IndivRelatedRecord RecordQuery CampaignMember EnterpriseScaleExternalSystemChange List
    ApiEventTrigger`),
}

/** A word of a flow that Salesforce's reference does not have, and those that stand there. */
export interface UnknownWord {
  word: string
  where: string
  known: readonly string[]
}

/** Members of the flow itself, and listed values anywhere in it, that the reference does not have. */
export const unknownWords = (flow: JsonObject): UnknownWord[] => {
  const found: UnknownWord[] = Object.keys(flow)
    .filter((member) => !MEMBERS.includes(member))
    .map((word) => ({ word, where: 'the flow', known: MEMBERS }))
  const visit = (value: JsonObject, around: string): void => {
    for (const [member, content] of Object.entries(value)) {
      const known = LISTED[`${around}.${member}`] ?? LISTED[member]
      for (const item of list(content)) {
        if (isObject(item)) visit(item, member)
        else if (known !== undefined && typeof item === 'string' && item.trim() !== '') {
          if (!known.includes(item.trim())) found.push({ word: item, where: member, known })
        }
      }
    }
  }
  visit(flow, '')
  return found
}
