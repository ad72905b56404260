// Files that also hold rules of other people, changed in single places: assignment rules of an object,
// and validation rules in an object's file. Pure; every other byte of a file stays.

import { isObject, type JsonObject } from '../../salesforce/json.ts'
import { leaf, listObjects, type XmlValue } from '../../salesforce/xml.ts'
import { sameElement } from '../metadata/equality.ts'
import { findPart, parseObjectFile } from '../metadata/object-file.ts'
import { sameName } from '../metadata/names.ts'
import {
  applyEdits,
  asXmlValue,
  childrenNamed,
  childText,
  type Edit,
  inSchemaOrder,
  insertBehind,
  insertFirst,
  readDocument,
  readRoot,
  removeNode,
  writeElement,
  writeFile,
  type XmlNode,
} from '../metadata/xml-tree.ts'
import { decodedName } from './definition/xml-file.ts'
import {
  assignmentPath,
  findFileText,
  findFlow,
  objectOf,
  objectPath,
  ruleOf,
  type WorkflowName,
  type WorkflowState,
} from './state.ts'

/** A rule as in its file, including name and state; null if it does not exist. */
export const ruleIn = (
  state: WorkflowState,
  type: 'assignment_rule' | 'validation_rule',
  apiName: string,
): JsonObject | null => {
  const [object, name] = [objectOf(apiName), ruleOf(apiName)]
  if (type === 'validation_rule') {
    const text = findFileText(state, objectPath(object))
    return text === null ? null : findPart(parseObjectFile(text), 'validationRules', name)
  }
  const text = findFileText(state, assignmentPath(object))
  if (text === null) return null
  const rules = listObjects(readRoot(text, 'AssignmentRules').assignmentRule)
  return (
    rules.find((rule) => sameName(decodedName(leaf(rule.fullName) ?? '')) === sameName(name)) ??
    null
  )
}

/** Whether the Salesforce org has a flow or rule of this name. */
export const existsIn = (state: WorkflowState, { type, api_name: name }: WorkflowName): boolean =>
  type === 'flow' ? findFlow(state, name) !== null : ruleIn(state, type, name) !== null

export const isActive = (rule: JsonObject | null): boolean => leaf(rule?.active) === 'true'

/** The active assignment rule of the object; null: none. */
export const activeRuleOf = (state: WorkflowState, object: string): string | null => {
  const text = findFileText(state, assignmentPath(object))
  if (text === null) return null
  const rules = listObjects(readRoot(text, 'AssignmentRules').assignmentRule)
  const name = leaf(rules.find(isActive)?.fullName)
  return name === null ? null : decodedName(name)
}

/** The rule with this name and state, its members in the order of Salesforce's schema. */
export const ruleElement = (
  name: string,
  definition: JsonObject,
  active: boolean,
): Record<string, XmlValue> =>
  inSchemaOrder({
    ...(asXmlValue(definition) as Record<string, XmlValue>),
    fullName: name,
    active: String(active),
  })

/** Rules to be written into a file: an element, or null to remove the rule. */
export type RuleChanges = ReadonlyMap<string, Record<string, XmlValue> | null>

const setActive = (rule: XmlNode, text: string, active: boolean): Edit => {
  const [node] = childrenNamed(rule, 'active')
  if (node === undefined) return insertFirst(rule, text, 'active', String(active))
  return {
    start: node.start,
    end: node.end,
    text: writeElement('active', String(active), node.depth),
  }
}

/**
 * The object's assignment rules with these added, replaced or removed, and `active` as the only active
 * one (null: none; undefined: unchanged). Null if nothing changes.
 */
export const mergeAssignmentRules = (
  current: string | null,
  changes: RuleChanges,
  active: string | null | undefined,
): string | null => {
  const text = current ?? writeFile('AssignmentRules', {})
  const { root } = readDocument(text, 'AssignmentRules')
  const rules = childrenNamed(root, 'assignmentRule')
  const nameOf = (rule: XmlNode): string => decodedName(childText(rule, 'fullName') ?? '')
  const edits: Edit[] = []
  const written = new Set<string>()
  for (const rule of rules) {
    const name = sameName(nameOf(rule))
    const change = [...changes].find(([key]) => sameName(key) === name)
    if (change !== undefined) {
      written.add(name)
      if (change[1] === null) edits.push(removeNode(rule, text))
      else if (!isObject(rule.value) || !sameElement(change[1], rule.value)) {
        edits.push({
          start: rule.start,
          end: rule.end,
          text: writeElement('assignmentRule', change[1], rule.depth),
        })
      }
      continue
    }
    const isNow = childText(rule, 'active') === 'true'
    if (active !== undefined && isNow !== (active !== null && sameName(active) === name)) {
      edits.push(setActive(rule, text, !isNow))
    }
  }
  const added = [...changes].flatMap(([name, element]) =>
    element === null || written.has(sameName(name)) ? [] : [element],
  )
  const last = rules.at(-1)
  for (const element of added) {
    edits.push(
      last === undefined
        ? insertFirst(root, text, 'assignmentRule', element)
        : insertBehind(last, 'assignmentRule', element),
    )
  }
  return edits.length === 0 ? null : applyEdits(text, edits)
}

/** An object's file with only these validation rules: what it does not name stays as it is. */
export const validationRulesFile = (rules: readonly Record<string, XmlValue>[]): string =>
  writeFile('CustomObject', { validationRules: rules })
