// Two ways to write one flow: as in a file, and as Salesforce returns it.

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type JsonObject } from '../../../salesforce/json.ts'
import { sameFlowContent } from './flow-meaning.ts'
import { normalizedMetadata } from './normalize.ts'

const same = (written: JsonObject, given: JsonObject): boolean =>
  sameFlowContent(normalizedMetadata(written), normalizedMetadata(given))

const assigning = (value: JsonObject | null): JsonObject => ({
  assignments: {
    name: 'Set',
    assignmentItems: { assignToReference: 'x', operator: 'Assign', value },
  },
})
const screen = (members: JsonObject): JsonObject => ({ screens: { name: 'Ask', ...members } })

beforeEach(() => {
  vi.stubEnv('TZ', 'America/New_York')
})
afterEach(() => {
  vi.unstubAllEnvs()
})

describe('the same flow', () => {
  it.each<[string, JsonObject, JsonObject]>([
    ['an API version', { apiVersion: '60.0' }, { apiVersion: 60 }],
    ['a number', assigning({ numberValue: '5.0' }), assigning({ numberValue: 5 })],
    [
      'a number with an exponent',
      assigning({ numberValue: '1E3' }),
      assigning({ numberValue: 1000 }),
    ],
    ['a place on the canvas', { start: { locationX: '050' } }, { start: { locationX: 50 } }],
    ['a boolean', assigning({ booleanValue: '1' }), assigning({ booleanValue: true })],
    [
      'a moment',
      assigning({ dateTimeValue: '2026-01-02T03:04:05.000Z' }),
      assigning({ dateTimeValue: '2026-01-02T03:04:05.000+0000' }),
    ],
    [
      'a moment without a zone, whatever this machine’s is',
      assigning({ dateTimeValue: '2026-01-02T03:04:05' }),
      assigning({ dateTimeValue: '2026-01-02T03:04:05.000+0000' }),
    ],
    ['a date', assigning({ dateValue: '2026-01-02Z' }), assigning({ dateValue: '2026-01-02' })],
    [
      'a time',
      { start: { schedule: { startTime: '08:00:00' } } },
      { start: { schedule: { startTime: '08:00:00.000Z' } } },
    ],
    ['a line end', { description: 'a\r\nb' }, { description: 'a\nb' }],
    [
      'blanks at the ends of a formula',
      { formulas: { expression: ' 1 ' } },
      { formulas: { expression: '1' } },
    ],
    ['an absent value', assigning(null), assigning({ stringValue: null, numberValue: null })],
    ['an empty element', { start: { connector: '' } }, {}],
    [
      'a flag that is off',
      { variables: { name: 'v', isInput: 'false' } },
      { variables: { name: 'v' } },
    ],
    ['a flag that is on by default', screen({ allowBack: true, showFooter: true }), screen({})],
    ['the mode that needs no word', { runInMode: 'DefaultMode' }, {}],
    ['the environment that needs no word', {}, { environments: ['Default'] }],
    [
      'the logic of criteria, whatever its case',
      { start: { filterLogic: '1 and (2 OR 3)' } },
      { start: { filterLogic: '1 AND (2 OR 3)' } },
    ],
    ['all criteria, unsaid', { start: { filterLogic: 'and' } }, { start: {} }],
    [
      'the segments of an action’s name',
      { actionCalls: { name: 'Call', actionName: 'doIt' } },
      { actionCalls: { name: 'Call', actionName: 'doIt', nameSegment: 'doIt', versionSegment: 1 } },
    ],
    [
      'the order of elements',
      { variables: [{ name: 'a' }, { name: 'b' }] },
      { variables: [{ name: 'b' }, { name: 'a' }] },
    ],
    [
      'the order of parameters',
      { actionCalls: { name: 'c', inputParameters: [{ name: 'a' }, { name: 'b' }] } },
      { actionCalls: { name: 'c', inputParameters: [{ name: 'b' }, { name: 'a' }] } },
    ],
  ])('%s', (_what, written, given) => {
    expect(same(written, given)).toBe(true)
    expect(same(given, written)).toBe(true)
  })
})

describe('another flow', () => {
  it.each<[string, JsonObject, JsonObject]>([
    ['an API version', { apiVersion: '60.0' }, { apiVersion: 61 }],
    [
      'false is a value, not the absence of one',
      assigning({ booleanValue: false }),
      assigning(null),
    ],
    ['true and false', assigning({ booleanValue: true }), assigning({ booleanValue: false })],
    ['zero is a value', assigning({ numberValue: 0 }), assigning(null)],
    ['the text "false"', assigning({ stringValue: 'false' }), assigning(null)],
    [
      'a text that looks like a number',
      assigning({ stringValue: '5.0' }),
      assigning({ stringValue: '5' }),
    ],
    [
      'blanks at the end of a value',
      assigning({ stringValue: 'Mr ' }),
      assigning({ stringValue: 'Mr' }),
    ],
    ['a label that looks like a number', { label: '1.0' }, { label: '1' }],
    ['a flag that is off against its default', screen({ allowBack: false }), screen({})],
    ['the mode', { runInMode: 'SystemModeWithSharing' }, {}],
    ['the logic of criteria', { start: { filterLogic: 'or' } }, { start: {} }],
    [
      'decimal places of a formula',
      { formulas: { name: 'f', scale: 0 } },
      { formulas: { name: 'f' } },
    ],
    [
      'the order of outcomes',
      { decisions: { name: 'd', rules: [{ name: 'a' }, { name: 'b' }] } },
      { decisions: { name: 'd', rules: [{ name: 'b' }, { name: 'a' }] } },
    ],
    [
      'the order of assignments',
      {
        assignments: {
          name: 's',
          assignmentItems: [{ assignToReference: 'a' }, { assignToReference: 'b' }],
        },
      },
      {
        assignments: {
          name: 's',
          assignmentItems: [{ assignToReference: 'b' }, { assignToReference: 'a' }],
        },
      },
    ],
    [
      'one element less',
      { variables: [{ name: 'a' }, { name: 'b' }] },
      { variables: [{ name: 'a' }] },
    ],
    ['one of the same twice', { environments: ['Slack'] }, { environments: ['Slack', 'Slack'] }],
  ])('%s', (_what, one, other) => {
    expect(same(one, other)).toBe(false)
    expect(same(other, one)).toBe(false)
  })
})
