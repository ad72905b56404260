// When two contents of a flow mean the same, by the types of their members in Salesforce. In a flow, a
// member of the same name has the same type everywhere (Metadata API, WSDL of Flow), so that its name is
// enough to read it.

import { isObject, type JsonObject } from '../../../salesforce/json.ts'
import { list } from '../../../salesforce/xml.ts'

/** The meaning of a member's value, as a text to compare. Undefined: the same as an absent one. */
type Reader = (text: string) => string | undefined

const word: Reader = (text) => text.trim()
const verbatim: Reader = (text) => text

/** Salesforce: XML reads a line end of two characters as one. Only spaces are the file's indentation. */
const prose: Reader = (text) =>
  text.trim() === '' ? undefined : text.replaceAll('\r\n', '\n').replaceAll('\r', '\n')

/** xsd:int and xsd:double: `60.0`, `060` and the number 60 are equal. */
const number: Reader = (text) => {
  const value = Number(text)
  return Number.isFinite(value) ? String(value) : text
}

/** xsd:boolean: `1` is true and `0` is false. */
const boolean: Reader = (text) =>
  ['true', '1'].includes(text.trim())
    ? 'true'
    : ['false', '0'].includes(text.trim())
      ? 'false'
      : text

const WITHOUT_ZONE = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?$/

/** xsd:dateTime, in UTC if it names no zone: the Tooling API returns `+0000` where files have `Z`. */
const moment: Reader = (text) => {
  const ms = Date.parse(WITHOUT_ZONE.test(text) ? `${text}Z` : text)
  return Number.isNaN(ms) ? text : new Date(ms).toISOString()
}

/** xsd:date, with or without a zone: a day has none in Salesforce. */
const day: Reader = (text) => /^\s*(\d{4}-\d\d-\d\d)/.exec(text)?.[1] ?? text

/** xsd:time, with or without milliseconds and `Z`. */
const timeOfDay: Reader = (text) => text.trim().replace(/Z$/, '').replace(/\.0+$/, '')

/** `1 and (2 or 3)`: neither case nor spaces count. */
const logic: Reader = (text) => text.replaceAll(/\s+/g, '').toLowerCase()

const readers = (reader: Reader, names: string): [string, Reader][] =>
  names
    .trim()
    .split(/\s+/)
    .map((name) => [name, reader])

/** Members that are not plain texts. */
const READERS: ReadonlyMap<string, Reader> = new Map([
  ...readers(
    boolean,
    `allowBack allowFinish allowPause areMetricsLoggedToDataCloud assignNullValuesIfNoRecordsFound
    booleanValue canAssigneeEdit debugSimulateStep doesPutEmptyStringAndNullFirst
    doesRequireRecordChangedToMeetCriteria doesUpsert doesUpsertAllOrNone getFirstRecordOnly isActive
    isAdditionalPermissionRequiredToRun isAsync isCollection isFieldError isGoTo isGroupedConditions
    isInput isOutput isOverridable isRequired isReverseValueMapping isTemplate isViewedAsPlainText
    isVisible isWaitUntilCompleted nullsFirst publishSegment requiresAsyncProcessing runAsUser
    sendMsgToOneContactPtPerIndv shouldLock showFooter showHeader storeOutputAutomatically`,
  ),
  ...readers(
    number,
    `apiVersion dayOfMonthToRun duration frequencyNumber limit locationX locationY maxBatchSize
    numberValue offset offsetNumber percentage ruleOrder scale stageOrder testGroupPercentage
    triggerOrder versionSegment`,
  ),
  ...readers(moment, 'dateTimeValue'),
  // Shown, stored or sent as they are: leading and trailing spaces count.
  ...readers(verbatim, 'stringValue text'),
  ...readers(day, 'dateValue endDate resumeDate startDate'),
  ...readers(timeOfDay, 'timeValue endTime resumeTime startTime'),
  ...readers(
    logic,
    'conditionLogic entryConditionLogic exitConditionLogic filterLogic logicalOperator',
  ),
])

/**
 * What an absent member means, where Salesforce's reference says so: it returns some that were never
 * sent, and omits others that were. A name after a dot counts within that member only.
 */
const DEFAULTS: Readonly<Record<string, string>> = {
  allowBack: 'true',
  allowFinish: 'true',
  allowPause: 'true',
  conditionLogic: 'and',
  doesUpsertAllOrNone: 'true',
  environments: 'Default',
  filterLogic: 'and',
  flowTransactionModel: 'CurrentTransaction',
  'formulas.dataType': 'Number',
  'formulas.scale': '2',
  inputsOnNextNavToAssocScrn: 'UseStoredValues',
  iterationOrder: 'Asc',
  'dynamicChoiceSets.limit': '200',
  locationX: '0',
  locationY: '0',
  recordTriggerType: 'None',
  runInMode: 'DefaultMode',
  scale: '0',
  'scheduledPaths.maxBatchSize': '200',
  showFooter: 'true',
  showHeader: 'true',
  versionSegment: '1',
}

/** For these, absent does not mean false. */
const NO_DEFAULT: ReadonlySet<string> = new Set(['booleanValue', 'isVisible'])

const defaultOf = (name: string, parent: string): string | undefined =>
  DEFAULTS[`${parent}.${name}`] ??
  DEFAULTS[name] ??
  (READERS.get(name) === boolean && !NO_DEFAULT.has(name) ? 'false' : undefined)

/**
 * Lists whose order matters: what runs one after the other, what is shown in order, and what a logic
 * refers to by number. All others hold elements and values that are identified by name.
 */
const ORDERED: ReadonlySet<string> = new Set([
  'assignmentItems',
  'choiceReferences',
  'collectionElements',
  'conditions',
  'connectors',
  'customErrorMessages',
  'entryConditions',
  'exitConditions',
  'exitRules',
  'fields',
  'filterOptions',
  'filters',
  'mapItems',
  'relatedRecords',
  'ruleActions',
  'rules',
  'sortOptions',
  'stageSteps',
  'transformValueActions',
  'transformValues',
  'waitEvents',
])

/** Salesforce writes the name of a versioned action a second time, without its version. */
const isRepeated = (name: string, { actionName, nameSegment }: JsonObject): boolean =>
  name === 'nameSegment' && actionName === nameSegment

/** Undefined if the value means the same as an absent one. */
const meaningOf = (name: string, value: unknown, parent: string): unknown => {
  const one = (item: unknown): unknown => {
    if (isObject(item)) return membersOf(item, name)
    if (typeof item !== 'string' && typeof item !== 'number' && typeof item !== 'boolean') return
    const text = prose(String(item))
    return text === undefined ? undefined : (READERS.get(name) ?? word)(text)
  }
  const items = list(value)
    .map(one)
    .filter((item) => item !== undefined)
  if (items.length < 2) return items[0] === defaultOf(name, parent) ? undefined : items[0]
  if (ORDERED.has(name)) return items
  return items.map((item) => JSON.stringify(item)).toSorted()
}

const membersOf = (value: JsonObject, parent: string): JsonObject | undefined => {
  const members = Object.entries(value)
    .filter(([name]) => !isRepeated(name, value))
    .map(([name, member]) => [name, meaningOf(name, member, parent)] as const)
    .filter(([, member]) => member !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
  return members.length === 0 ? undefined : Object.fromEntries(members)
}

/** Whether both contents of a flow do the same in Salesforce, however each is written. */
export const sameFlowContent = (a: JsonObject, b: JsonObject): boolean =>
  JSON.stringify(membersOf(a, '')) === JSON.stringify(membersOf(b, ''))
