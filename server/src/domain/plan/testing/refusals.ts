// Plans with one fault each, and the expected refusals.

import { EngineError, type MemberError } from '../../../errors.ts'
import { parsePlan } from '../check.ts'

/** Every fault that refuses the input; none where it is accepted. */
export const faults = (input: unknown): MemberError[] => {
  try {
    parsePlan(input)
  } catch (error) {
    if (error instanceof EngineError && error.code === 'invalid_plan') return error.errors ?? []
    throw error
  }
  return []
}
/** Path and code of each fault. */
export const codes = (input: unknown): string[] =>
  faults(input).map(({ path, code }) => `${path} ${code}`)

/** A plan that adds these fields to Lead. */
export const onLead = (...fields: object[]) => ({ objects: [{ api_name: 'Lead', fields }] })
/** A custom object with these fields. */
export const custom = (more: object = {}, ...fields: object[]) => ({
  api_name: 'Part__c',
  label: 'Part',
  plural_label: 'Parts',
  name_field: { label: 'Name', type: 'Text' },
  fields,
  ...more,
})
export const text = (api_name: string) => ({ api_name, label: 'X', type: 'Text' })
export const master = (api_name: string, more: object = {}) => ({
  api_name,
  label: 'M',
  type: 'MasterDetail',
  reference_to: 'Account',
  relationship_name: api_name.replace('__c', 's'),
  ...more,
})
export const picklist = (more: object) =>
  onLead({ api_name: 'P__c', label: 'P', type: 'Picklist', ...more })
/** A roll-up on Account over a detail that also has a lookup and a text. */
export const summary = (more: object) => ({
  objects: [
    { api_name: 'Account', fields: [{ api_name: 'S__c', label: 'S', type: 'Summary', ...more }] },
    custom({}, master('Up__c'), text('T__c'), {
      api_name: 'L__c',
      label: 'L',
      type: 'Lookup',
      reference_to: 'Account',
      relationship_name: 'Ls',
    }),
  ],
})
