// A Salesforce org with what push/link joins: companies, people, placements, and junctions between them.

import { expect } from 'vitest'
import {
  expectWhole,
  isOver,
  makePushRig,
  map,
  resultsOf,
  settled,
  type PushBody,
  type PushRig,
  type Row,
  type RowResult,
} from './push-support.ts'
import { type SharedRig, sharedRig } from './shared-rig.ts'
import { type TestOrg } from './rig.ts'

const KEY = { type: 'string', length: 64, externalId: true, unique: true, idLookup: true }

export interface LinkRig extends PushRig {
  rig: SharedRig
  org: TestOrg
  /** Ids of accounts by Name, and of contacts by LastName. */
  accounts: Map<string, string>
  contacts: Map<string, string>
  act: SharedRig['simulator']['control']['act']
  list(object: string, where?: Row): Promise<Row[]>
  /** Sends links, and resolves once they have ended. */
  link(links: Row[], options?: Row): Promise<{ push: PushBody; results: RowResult[] }>
}

export const startLinkRig = async (): Promise<LinkRig> => {
  const rig = await sharedRig()
  const { name: acme } = await rig.salesforceOrg()
  const org = await rig.org()
  const act: LinkRig['act'] = (...call) => rig.simulator.control.act(...call)
  const list: LinkRig['list'] = (object, where = {}) =>
    act('records/list', { org: acme, object, where, limit: 100_000 })
  await addFields(act, acme)
  const pushRig = await makePushRig(rig, org, acme)
  await map(org, pushRig.client, {
    canonical_object: 'company',
    sfdc_object: 'Account',
    external_id_field: 'Key__c',
    fields: [
      { canonical_field: 'key', sfdc_field: 'Key__c' },
      { canonical_field: 'legacy', sfdc_field: 'Legacy_Key__c' },
      { canonical_field: 'name', sfdc_field: 'Name', required: true },
    ],
  })
  await map(org, pushRig.client, {
    canonical_object: 'person',
    sfdc_object: 'Contact',
    external_id_field: 'Key__c',
    fields: [
      { canonical_field: 'key', sfdc_field: 'Key__c' },
      { canonical_field: 'last', sfdc_field: 'LastName', required: true },
      { canonical_field: 'employer', sfdc_field: 'AccountId' },
    ],
  })
  await act('records/insert', {
    org: acme,
    object: 'Account',
    rows: [
      { Name: 'One', Key__c: 'one' },
      { Name: 'Two', Key__c: 'two', Legacy_Key__c: 'single' },
      { Name: 'Twin 1', Legacy_Key__c: 'twins' },
      { Name: 'Twin 2', Legacy_Key__c: 'twins' },
    ],
  })
  await act('records/insert', {
    org: acme,
    object: 'Contact',
    rows: Array.from({ length: 60 }, (_, n) => ({ LastName: `P${n}`, Key__c: `p${n}` })),
  })
  const idsBy = async (object: string, name: string) =>
    new Map((await list(object)).map((record) => [String(record[name]), String(record['Id'])]))
  return {
    ...pushRig,
    rig,
    org,
    accounts: await idsBy('Account', 'Name'),
    contacts: await idsBy('Contact', 'LastName'),
    act,
    list,
    link: async (links, options = {}) => {
      const answer = await org.api.post<PushBody>('/api/push/link', {
        client_id: pushRig.client.id,
        links,
        options,
        wait_seconds: 55,
      })
      expect([200, 202], answer.text.slice(0, 1000)).toContain(answer.status)
      const push = isOver(answer.body) ? answer.body : await settled(org.api, answer.body.id)
      const results = await resultsOf(org.api, push.id)
      expectWhole(push, results)
      expect(push.kind).toBe('link')
      return { push, results }
    },
  }
}

const addFields = async (act: LinkRig['act'], acme: string): Promise<void> => {
  await act('schema/add-object', { org: acme, name: 'Membership__c' })
  const fields = [
    { name: 'Key__c', ...KEY },
    { name: 'Role__c', type: 'string', length: 20 },
    ...[
      ['Account__c', 'Account'],
      ['Contact__c', 'Contact'],
      ['Referrer__c', 'Contact'],
    ].map(([name = '', to = '']) => ({
      name,
      type: 'reference',
      referenceTo: [to],
      relationshipName: name.replace('__c', '__r'),
    })),
  ]
  for (const field of fields) {
    await act('schema/add-field', { org: acme, object: 'Membership__c', field })
  }
  for (const object of ['Task', 'Placement_Fee__c']) {
    await act('schema/add-field', { org: acme, object, field: { name: 'Key__c', ...KEY } })
  }
  await act('schema/add-field', {
    org: acme,
    object: 'Placement_Fee__c',
    field: {
      name: 'Payer__c',
      type: 'reference',
      referenceTo: ['Account'],
      relationshipName: 'Payer__r',
    },
  })
}

/** The result of each row: its action, and the code of its error. */
export const told = (results: readonly RowResult[]) =>
  results.map(({ action, errors: [error] }) => [action, error?.code ?? null])

export const company = (match: Row) => ({ object: 'company', match })
export const person = (key: string) => ({ object: 'person', match: { key } })
