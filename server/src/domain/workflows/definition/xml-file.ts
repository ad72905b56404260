// The requested automation from a metadata file as Salesforce returns it.

import { SalesforceError } from '../../../salesforce/failure.ts'
import { isObject, type JsonObject } from '../../../salesforce/json.ts'
import { leaf, listObjects, parseXml } from '../../../salesforce/xml.ts'
import { sameName } from '../../metadata/names.ts'
import { readMetadataJson } from './normalize.ts'
import { refuse } from './refusal.ts'
import { type WorkflowType } from './schema.ts'

/** Root elements; for files with several rules, also the element of one rule. */
const ROOTS: Readonly<Record<WorkflowType, Readonly<Record<string, string | null>>>> = {
  flow: { Flow: null },
  assignment_rule: { AssignmentRule: null, AssignmentRules: 'assignmentRule' },
  validation_rule: { ValidationRule: null, CustomObject: 'validationRules' },
}

/** What is inside CDATA or a comment is not an element, whatever it looks like. */
const TAG = /<!\[CDATA\[[\s\S]*?\]\]>|<!--[\s\S]*?-->|<([\w:.-]+)(\s[^<>]*)>(?:\s*<\/\1\s*>)?/g
const NIL = /[\s:]nil\s*=\s*["'](?:true|1)["']/

/** An element with xsi:nil is a member without a value, while an empty one is an empty text. */
const withoutNil = (text: string): string =>
  text.replace(TAG, (element: string, _name?: string, attributes?: string) =>
    attributes !== undefined && NIL.test(attributes) ? '' : element,
  )

export const decodedName = (name: string): string => {
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}

const parsed = (text: string): JsonObject => {
  try {
    // Well-formedness is checked on the whole text.
    parseXml(text)
    return parseXml(withoutNil(text))
  } catch (error) {
    if (!(error instanceof SalesforceError)) throw error
    throw refuse(
      'xml',
      'malformed_xml',
      `${error.failure.message} Send the metadata file as Salesforce returns it.`,
    )
  }
}

/**
 * The automation's content as JSON, every member kept. From a file with several rules, the one with the
 * workflow's name. Throws Refusal for what is not well-formed, has a DTD, or is of another type.
 */
export const readWorkflowXml = (type: WorkflowType, text: string, apiName: string): JsonObject => {
  const document = parsed(text)
  const roots = ROOTS[type]
  const [root] = Object.keys(document)
  if (root === undefined || !Object.hasOwn(roots, root)) {
    const wanted = Object.keys(roots).join(' or ')
    throw refuse(
      'xml',
      'wrong_root',
      `The root element is ${root ?? 'missing'}; the file of a ${type} has ${wanted}. Send the file that fits the type.`,
    )
  }
  const content = document[root]
  if (!isObject(content)) {
    throw refuse('xml', 'empty_file', 'The file has no content. Send all of it.')
  }
  const element = roots[root] ?? null
  if (element === null) return readMetadataJson(content, 'xml')
  const name = apiName.slice(apiName.indexOf('.') + 1)
  const rules = listObjects(content[element])
  // Salesforce writes some characters of full names as %XX.
  const found = rules.find(
    (rule) => sameName(decodedName(leaf(rule.fullName) ?? '')) === sameName(decodedName(name)),
  )
  if (found === undefined) {
    const there = rules.map((rule) => leaf(rule.fullName) ?? '').join(', ')
    throw refuse(
      'xml',
      'rule_not_in_file',
      `The file contains no rule ${name}${there === '' ? '' : `, but ${there}`}. Name one of its rules in api_name.`,
    )
  }
  const { fullName: _found, ...rule } = found
  return readMetadataJson(rule, 'xml')
}
