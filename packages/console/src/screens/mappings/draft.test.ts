import { describe, expect, it } from 'vitest'
import { type Mapping } from '@sfdc-engine-x/client'
import { bodyOf, draftOf, EMPTY, namesIn, takeProposal, takeSuggestion } from './draft.ts'

const MAPPING: Pick<Mapping, 'canonical_object' | 'sfdc_object' | 'external_id_field' | 'fields'> =
  {
    canonical_object: 'lead',
    sfdc_object: 'Lead',
    external_id_field: 'Agency_Key__c',
    fields: [
      {
        canonical_field: 'seats',
        sfdc_field: 'Seats__c',
        required: true,
        default: 3,
        value_map: null,
      },
      {
        canonical_field: 'source',
        sfdc_field: 'LeadSource',
        required: false,
        default: null,
        value_map: { website: 'Web', none: null, '1': true },
      },
    ],
  }

describe('a mapping that is edited', () => {
  it('is sent as it was where nothing was changed', () => {
    expect(bodyOf(draftOf(MAPPING))).toEqual(MAPPING)
  })

  it('without an external id says so', () => {
    expect(bodyOf({ ...draftOf(MAPPING), external_id_field: ' ' }).external_id_field).toBeNull()
  })

  it('takes a proposal for a field that it has, or adds the field', () => {
    const proposal = { sfdc_field: 'Origin__c', required: true, value_map: { web: 'Web' } }
    const { fields } = bodyOf(takeProposal(draftOf(MAPPING), 'source', proposal))
    expect(fields).toHaveLength(2)
    expect(fields[1]).toEqual({
      canonical_field: 'source',
      sfdc_field: 'Origin__c',
      required: false,
      default: null,
      value_map: { web: 'Web' },
    })
    expect(bodyOf(takeProposal(draftOf(MAPPING), 'new', proposal)).fields[2]).toMatchObject({
      canonical_field: 'new',
      sfdc_field: 'Origin__c',
      required: true,
    })
  })

  it('takes the whole suggestion, but keeps the object that somebody wrote', () => {
    const suggestion = {
      client_id: 'c',
      canonical_object: 'lead',
      snapshot_version: 1,
      sfdc_object: 'Lead',
      objects: [],
      external_ids: [],
      fields: [],
      required_unmapped: [],
      draft: MAPPING,
    }
    expect(bodyOf(takeSuggestion({ ...EMPTY, canonical_object: 'lead' }, suggestion))).toEqual({
      ...MAPPING,
      fields: MAPPING.fields.map((field) => ({ ...field, default: null })),
    })
    expect(takeSuggestion({ ...EMPTY, sfdc_object: 'Contact' }, suggestion).sfdc_object).toBe(
      'Contact',
    )
    expect(takeSuggestion(EMPTY, { ...suggestion, draft: null })).toBe(EMPTY)
  })
})

describe('names of fields that were pasted', () => {
  it('are one a line, or a header', () => {
    expect(namesIn('key\n last_name \n\nkey')).toEqual(['key', 'last_name'])
    expect(namesIn('"key";"last name"')).toEqual(['key', 'last_name'])
    expect(namesIn('E-Mail, Größe (cm), 2nd Phone, External_Key__c')).toEqual([
      'E-Mail',
      'gro_e_cm',
      'nd_phone',
      'External_Key__c',
    ])
  })
})
