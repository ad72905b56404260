import { describe, expect, it } from 'vitest'
import { leftOver } from './deploy.ts'

const nothing = { flows: [], files: {} }

describe('what a deployment of workflows did not bring about', () => {
  it.each([
    ['validation_rule', 'Account.Has_Phone', 'ValidationRule'],
    ['assignment_rule', 'Lead.Inbound', 'AssignmentRule'],
    ['flow', 'My_Flow', 'Flow'],
  ] as const)(
    'names a %s by its own type where its state cannot be told',
    (type, name, metadata) => {
      const plan = { activation: { type, api_name: name, active: true } }
      // Somebody deleted it: there is nothing left to decide about.
      expect(leftOver({ kind: 'workflow_activation', plan }, nothing, '66.0')).toEqual([
        { type: metadata, fullName: name },
      ])
    },
  )
})
