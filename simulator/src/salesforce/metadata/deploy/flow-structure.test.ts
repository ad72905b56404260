// What a flow is refused for by itself, whatever the org has: its words, its names, its elements, its
// formulas.

import { describe, expect, it } from 'vitest'
import { parseMetadataFile } from '../../../org/metadata-xml.ts'
import { checkFlowSchema } from '../flow-schema.ts'
import { checkFlowFormulas } from './flow-formulas.ts'
import { checkFlowStructure } from './flow-structure.ts'
import { file } from './testing/deploys.ts'

const problemOf = (content: string): string | null => {
  const { node } = parseMetadataFile(
    file('Flow', content.includes('<processType>') ? content : `${AUTO}${content}`),
  )
  try {
    checkFlowSchema(node)
    checkFlowStructure(node)
    checkFlowFormulas(node)
    return null
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

const AUTO = '<processType>AutoLaunchedFlow</processType>'
const variable = (name: string, dataType = 'String', more = '') =>
  `<variables><name>${name}</name><dataType>${dataType}</dataType>${more}</variables>`
const formula = (expression: string, dataType = 'String') =>
  `<formulas><name>f</name><dataType>${dataType}</dataType><expression>${expression}</expression></formulas>`
const start = (more: string) =>
  `<start><locationX>0</locationX><locationY>0</locationY>${more}</start>`
const lead = (trigger: string) =>
  start(
    `<object>Lead</object><recordTriggerType>Create</recordTriggerType><triggerType>${trigger}</triggerType>`,
  )
const element = (member: string, name: string, more = '') =>
  `<${member}><name>${name}</name><label>${name}</label><locationX>0</locationX><locationY>0</locationY>${more}</${member}>`
const item = (operator: string) =>
  `<assignmentItems><assignToReference>a</assignToReference><operator>${operator}</operator><value><stringValue>x</stringValue></value></assignmentItems>`

describe('a flow', () => {
  it.each([
    variable('a') + element('assignments', 'Set', item('Assign')),
    '<processType>Flow</processType>' + element('screens', 'Ask'),
    lead('RecordAfterSave') + element('recordCreates', 'Make', '<object>Task</object>'),
    lead('RecordBeforeSave') + element('recordLookups', 'Find', '<object>Account</object>'),
    element('actionCalls', 'Call', '<actionName>x</actionName><versionSegment>1</versionSegment>'),
    variable(
      'b',
      'SObject',
      '<processMetadataValues><name>b</name><value><stringValue>x</stringValue></value></processMetadataValues>',
    ),
    formula('IF(ISBLANK({!a}), "x", TEXT({!b.Amount} + 1))'),
    formula('{!a} + 30', 'Date'),
    formula('{!list[0].Name} &amp; "x"'),
    start('<filterFormula>ISCHANGED({!$Record.Name})</filterFormula>'),
  ])('is taken: %s', (content) => {
    expect(problemOf(content)).toBeNull()
  })

  it.each<[string, string]>([
    [
      '<nonsense>x</nonsense>',
      'Element {http://soap.sforce.com/2006/04/metadata}nonsense invalid at this location in type Flow',
    ],
    [variable('a', 'String', '<size>1</size>'), 'invalid at this location in type FlowVariable'],
    [variable('a', 'Text'), "'Text' is not a valid value for the enum 'FlowDataType'"],
    ['<processType>AutolaunchedFlow</processType>', "the enum 'FlowProcessType'"],
    [lead('AfterSave'), "the enum 'FlowTriggerType'"],
    [element('assignments', 'Set', item('Assigns')), "the enum 'FlowAssignmentOperator'"],
    [variable('a') + variable('A'), 'more than one element or resource named A'],
    [variable('a') + element('assignments', 'a'), 'more than one element or resource named a'],
    [element('assignments', 'Set it'), 'API Name can only contain'],
    [element('assignments', 'a'.repeat(81)), 'maximum length is:80'],
    [element('screens', 'Ask'), 'Ask (screens) is not allowed'],
    [lead('RecordBeforeSave') + element('recordCreates', 'Make'), 'Make (recordCreates)'],
    [lead('RecordBeforeSave') + element('waits', 'Wait'), 'Wait (waits)'],
    [
      start(
        '<object>Lead</object><filterLogic>1 AND 2</filterLogic><filters><field>Name</field><operator>EqualTo</operator></filters>',
      ),
      'The filter logic references an undefined filter: 2.',
    ],
    [
      element(
        'decisions',
        'Ask',
        '<rules><name>Yes</name><conditionLogic>2</conditionLogic><conditions><leftValueReference>a</leftValueReference><operator>IsNull</operator></conditions><label>Yes</label></rules>',
      ),
      'undefined filter: 2',
    ],
    [formula('IF(true, "a", "b"'), 'f (Formula) - The formula expression is invalid: Syntax error'],
    [formula('"x"', 'Number'), 'incompatible with expected data type (Number)'],
    [formula('LEFT({!a})'), 'Incorrect number of parameters'],
    [
      start('<filterFormula>LEN({!$Record.Name})</filterFormula>'),
      'The entry condition formula is invalid: Formula result is data type (Number)',
    ],
    [start('<filterFormula>NOPE()</filterFormula>'), 'Unknown function NOPE'],
  ])('is refused: %s', (content, problem) => {
    expect(problemOf(content)).toContain(problem)
  })
})
