// The members of a flow by their types. Salesforce: Metadata API guide, "Flow", and the WSDL of its
// complex types: a member of the same name has the same type everywhere in a flow. Files hold texts;
// Tooling returns numbers, booleans, and moments with `+0000`.

import { msOf } from '../../formula/values.ts'
import type { MetadataNode, MetadataValue } from '../../org/metadata-xml.ts'
import { Problem } from './deploy/draft.ts'

const names = (written: string): ReadonlySet<string> => new Set(written.trim().split(/\s+/))

const BOOLEANS = names(`allowBack allowFinish allowPause areMetricsLoggedToDataCloud
  assignNullValuesIfNoRecordsFound booleanValue canAssigneeEdit debugSimulateStep
  doesPutEmptyStringAndNullFirst doesRequireRecordChangedToMeetCriteria doesUpsert doesUpsertAllOrNone
  getFirstRecordOnly isActive isAdditionalPermissionRequiredToRun isAsync isCollection isFieldError
  isGoTo isGroupedConditions isInput isOutput isOverridable isRequired isReverseValueMapping isTemplate
  isViewedAsPlainText isVisible isWaitUntilCompleted nullsFirst publishSegment requiresAsyncProcessing
  runAsUser sendMsgToOneContactPtPerIndv shouldLock showFooter showHeader storeOutputAutomatically`)
const INTS = names(`dayOfMonthToRun duration frequencyNumber limit locationX locationY maxBatchSize
  offset offsetNumber percentage ruleOrder scale stageOrder testGroupPercentage triggerOrder
  versionSegment`)
const DOUBLES = names('apiVersion numberValue')
const MOMENTS = names('dateTimeValue')

const mapped = (
  node: MetadataNode,
  leaf: (name: string, value: string | number | boolean) => MetadataValue,
): MetadataNode => {
  const each = (name: string, value: MetadataValue): MetadataValue => {
    if (Array.isArray(value)) {
      return (value as readonly MetadataValue[]).map((item) => each(name, item))
    }
    if (value === null || value === undefined) return value
    if (typeof value === 'object') return mapped(value as MetadataNode, leaf)
    return leaf(name, value)
  }
  return Object.fromEntries(Object.entries(node).map(([name, value]) => [name, each(name, value)]))
}

const invalid = (value: string, type: string): Problem =>
  new Problem(`'${value}' is not a valid value for the type xsd:${type}`)

/** A flow's file in Tooling's form. Throws Problem for a text that is not of the member's type. */
export const typedFlow = (node: MetadataNode): MetadataNode =>
  mapped(node, (name, given) => {
    const value = String(given)
    // An element without content has no value.
    if (value === '') return given
    if (BOOLEANS.has(name)) {
      if (/^(?:true|1)$/.test(value)) return true
      if (/^(?:false|0)$/.test(value)) return false
      throw invalid(value, 'boolean')
    }
    if (INTS.has(name)) {
      if (!/^[+-]?\d+$/.test(value)) throw invalid(value, 'int')
      return Number(value)
    }
    if (DOUBLES.has(name)) {
      if (!Number.isFinite(Number(value))) throw invalid(value, 'double')
      return Number(value)
    }
    if (MOMENTS.has(name)) {
      const ms = msOf(value)
      if (Number.isNaN(ms)) throw invalid(value, 'dateTime')
      return new Date(ms).toISOString().replace('Z', '+0000')
    }
    return value
  })

/** In the form of a file: doubles with a decimal place, moments in UTC. */
export const writtenFlow = (node: MetadataNode): MetadataNode =>
  mapped(node, (name, value) => {
    if (DOUBLES.has(name) && Number.isInteger(value)) return Number(value).toFixed(1)
    return MOMENTS.has(name) ? String(value).replace(/\+0000$/, 'Z') : value
  })
