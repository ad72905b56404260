// Mappings as the conflict check sees them.

import { type Tenant } from '../../db/database.ts'
import { type LastPush, type MappingFacts } from '../conflicts/facts.ts'
import { type Mapping } from './mapping.ts'
import { writtenField } from './sfdc-field.ts'

/** What was last sent with a mapping; null if nothing was. Fields are named by `writtenField`. */
export type LastPushOf = (tenant: Tenant, mappingId: string) => Promise<LastPush | null>

export const factsOf = (mapping: Mapping, lastPush: LastPush | null): MappingFacts => ({
  canonical_object: mapping.canonical_object,
  sfdc_object: mapping.sfdc_object,
  external_id_field: mapping.external_id_field,
  // A lookup by external id writes the field that holds the parent's id: that is what a plan changes.
  fields: mapping.fields.map((field) => ({
    canonical_field: field.canonical_field,
    sfdc_field: writtenField(field.sfdc_field),
    required: field.required,
    has_default: field.default !== null,
  })),
  lastPush,
})
