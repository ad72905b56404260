// How fast rows are prepared: ten fields of the usual types, one of them a lookup by external id.

import { type JsonObject } from '../../../salesforce/json.ts'
import { type MappingDraft } from '../../mappings/mapping.ts'
import { compileMapping } from './prepare.ts'
import { createRowJudge } from './row-judge.ts'

export interface PrepareBench {
  rows: number
  ready: number
  rowsPerSecond: number
}

const field = (name: string, type: string, more: JsonObject = {}): JsonObject => ({
  name,
  label: name,
  type,
  length: 0,
  createable: true,
  updateable: true,
  nillable: true,
  ...more,
})

const text = (name: string, length = 80) => field(name, 'string', { length })

const LEAD: JsonObject = {
  name: 'Lead',
  createable: true,
  updateable: true,
  keyPrefix: '00Q',
  fields: [
    text('External_Key__c', 40),
    text('LastName'),
    text('Company', 255),
    field('Email', 'email', { length: 80 }),
    field('Phone', 'phone', { length: 40 }),
    field('AnnualRevenue', 'currency', { precision: 18, scale: 2 }),
    field('HasOptedOutOfEmail', 'boolean'),
    field('Born__c', 'date'),
    field('Status', 'picklist', {
      length: 255,
      restrictedPicklist: true,
      picklistValues: ['Open', 'Working', 'Closed'].map((value) => ({ value, label: value })),
    }),
    field('Partner__c', 'reference', { referenceTo: ['Account'], relationshipName: 'Partner__r' }),
  ].map((each, at) => (at === 0 ? { ...each, externalId: true, unique: true } : each)),
}

const ACCOUNT: JsonObject = {
  name: 'Account',
  fields: [field('Key__c', 'string', { length: 40, externalId: true })],
}

const map = (canonical_field: string, sfdc_field: string) => ({
  canonical_field,
  sfdc_field,
  required: false,
  default: null,
  value_map: null,
})

const MAPPING: MappingDraft = {
  canonical_object: 'person',
  sfdc_object: 'Lead',
  external_id_field: 'External_Key__c',
  fields: [
    map('key', 'External_Key__c'),
    map('name', 'LastName'),
    map('company', 'Company'),
    map('email', 'Email'),
    map('phone', 'Phone'),
    map('revenue', 'AnnualRevenue'),
    map('opted_out', 'HasOptedOutOfEmail'),
    map('born', 'Born__c'),
    { ...map('status', 'Status'), value_map: { new: 'Open', running: 'Working' } },
    map('partner', 'Partner__r.Key__c'),
  ],
}

const rowOf = (at: number): JsonObject => ({
  key: `row-${at}`,
  name: `Müller ${at}`,
  company: 'Example Company Ltd',
  email: `person.${at}@example.com`,
  phone: '+49 30 1234567',
  revenue: at * 1.25,
  opted_out: at % 2 === 0 ? 'yes' : false,
  born: '1980-02-29',
  status: at % 3 === 0 ? 'new' : 'Closed',
  partner: `P-${at % 500}`,
})

/** Prepares `rows` rows with everything a push does to them: checks, repetitions, the value profile. */
export const prepareBench = (rows = 300_000): PrepareBench => {
  const compiled = compileMapping({
    kind: 'records',
    mapping: MAPPING,
    object: 'person',
    describes: (name) => (name === 'Lead' ? LEAD : name === 'Account' ? ACCOUNT : undefined),
    options: { null_policy: 'skip' },
  })
  if ('faults' in compiled) throw new Error(JSON.stringify(compiled.faults))
  // Rows as parsed from JSON; made beforehand, since parsing is not measured.
  const samples = Array.from({ length: 2_000 }, (_, at) => JSON.stringify(rowOf(at)))
  const input = samples.map((sample) => JSON.parse(sample) as JsonObject)
  const run = (most: number): { ready: number; seconds: number } => {
    const judge = createRowJudge(compiled.preparer)
    let ready = 0
    const started = performance.now()
    for (let at = 0; at < most; at += 1) {
      const row = input[at % input.length]
      if (row !== undefined) row.key = `row-${at}`
      if ('ready' in judge.judge(at, row)) ready += 1
    }
    return { ready, seconds: (performance.now() - started) / 1000 }
  }
  run(Math.min(rows, 20_000))
  const { ready, seconds } = run(rows)
  return { rows, ready, rowsPerSecond: Math.round(rows / seconds) }
}
