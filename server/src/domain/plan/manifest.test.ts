import { describe, expect, it } from 'vitest'
import { parsePlan } from './check.ts'
import { type Component } from '../metadata/names.ts'
import { componentsOf } from './components.ts'
import { destructiveChanges, membersOf } from './manifest.ts'
import { type PlanInput } from './schema.ts'
import { JOB_PLAN } from './testing/samples.ts'

const master = (api_name: string, reference_to: string) => ({
  api_name,
  label: 'M',
  type: 'MasterDetail' as const,
  reference_to,
  relationship_name: 'Lines',
})
const object = (api_name: string, fields: NonNullable<PlanInput['objects']>[number]['fields']) => ({
  api_name,
  label: 'L',
  plural_label: 'Ls',
  name_field: { label: 'N', type: 'Text' as const },
  fields,
})

/** Types and names of what is deleted, in their order. */
const listed = (components: readonly Component[], input: PlanInput): string[] =>
  [...destructiveChanges(components, parsePlan(input)).deleteAfter].flatMap(([type, names]) =>
    names.map((name) => `${type} ${name}`),
  )

describe('membersOf', () => {
  it('groups names by type, in the order of reports', () => {
    const components: Component[] = [
      { type: 'Layout', fullName: 'Lead-L' },
      { type: 'CustomField', fullName: 'Lead.B__c' },
      { type: 'CustomField', fullName: 'Lead.A__c' },
    ]
    expect([...membersOf(components)]).toEqual([
      ['CustomField', ['Lead.A__c', 'Lead.B__c']],
      ['Layout', ['Lead-L']],
    ])
  })
})

describe('destructiveChanges', () => {
  it('takes rules and tabs before fields, fields before objects, and the permission set last', () => {
    const all = componentsOf(parsePlan(JOB_PLAN))
    expect(listed(all, JOB_PLAN)).toEqual([
      'CustomTab Job_Posting__c',
      'Layout Lead-Lead %28Sales%29 Layout',
      'CustomField Lead.Score__c',
      'CustomField Job_Posting__c.Company__c',
      'CustomField Lead.Job_Title__c',
      'CustomObject Job_Posting__c',
      'PermissionSet SFDC_Engine_X',
    ])
    const { implied, notDeletable } = destructiveChanges(all, parsePlan(JOB_PLAN))
    expect(implied.map(({ fullName }) => fullName)).toEqual([
      'Job_Posting__c.Job_Title__c',
      'Job_Posting__c.Opens__c',
      'Job_Posting__c.Remote',
      'Job_Posting__c.Title_Given',
    ])
    expect(notDeletable).toEqual([])
  })

  it('takes roll-ups first and details before their masters, even against the alphabet', () => {
    const input: PlanInput = {
      objects: [
        object('A_Master__c', [
          {
            api_name: 'Count__c',
            label: 'C',
            type: 'Summary',
            operation: 'count',
            summary_foreign_key: 'Z_Line__c.Up__c',
          },
          { api_name: 'Plain__c', label: 'P', type: 'Date' },
        ]),
        object('Z_Line__c', [master('Up__c', 'A_Master__c')]),
      ],
      permissions: { permission_set: null, assign_to_connected_user: false },
    }
    expect(listed(componentsOf(parsePlan(input)), input)).toEqual([
      'CustomField A_Master__c.Count__c',
      'CustomObject Z_Line__c',
      'CustomObject A_Master__c',
    ])
  })

  it('names what no API deletes', () => {
    const plan = parsePlan(JOB_PLAN)
    const components: Component[] = [
      { type: 'RecordType', fullName: 'Lead.Remote' },
      { type: 'Profile', fullName: 'Admin' },
    ]
    expect(destructiveChanges(components, plan)).toEqual({
      deleteAfter: new Map(),
      implied: [],
      notDeletable: components,
    })
  })
})
