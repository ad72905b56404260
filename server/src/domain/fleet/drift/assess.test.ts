// What a run takes from the snapshots of many clients, with real snapshots in a real database.

import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDatabase, type TestDatabase } from '../../../../../test/src/database.ts'
import { type Database, openDatabase } from '../../../db/database.ts'
import { newId } from '../../../db/ids.ts'
import { Secret } from '../../../secret.ts'
import { storeSnapshot } from '../../search/testing/worlds.ts'
import { seedOrg } from '../../testing/tenant.ts'
import { createTopology, type Topology } from '../../topology/topology.ts'
import { createAssessor } from './assess.ts'

let database: TestDatabase
let db: Database

beforeAll(async () => {
  database = await createDatabase()
  db = openDatabase({ url: new Secret(database.url), onIdleError: () => undefined })
})
afterAll(async () => {
  await db.close()
  await database[Symbol.asyncDispose]()
})

const rig = async () => {
  const { tenant } = await seedOrg(database)
  const topology = createTopology({ db, logger: pino({ level: 'silent' }) } as never)
  const read: string[] = []
  const counted: Pick<Topology, 'newestComplete'> = {
    newestComplete: async (...of) => {
      const snapshot = await topology.newestComplete(...of)
      if (snapshot === null) return null
      return {
        ...snapshot,
        eachObject: (names, use) => {
          read.push(...names)
          return snapshot.eachObject(names, use)
        },
      }
    },
  }
  const { assess } = createAssessor({ db, topology: counted }, tenant, new Map())
  const bound = { version: 1, parameters: {}, overrides: [], sfdcOrgId: null }
  return {
    read,
    /** A blueprint that wants this field on leads. */
    blueprint: async (field: string): Promise<string> => {
      const [id, fields] = [newId(), [{ api_name: field, label: 'F', type: 'Text', length: 40 }]]
      await database.query(
        `insert into blueprints (id, org_id, slug, name) values ($1, $2, $3, 'B')`,
        [id, tenant.orgId, id],
      )
      await database.query(
        `insert into blueprint_versions (id, org_id, blueprint_id, version, content_hash, content, parameters)
         values ($1, $2, $3, 1, '', $4, '[]')`,
        [
          newId(),
          tenant.orgId,
          id,
          JSON.stringify({ plan: { objects: [{ api_name: 'lead', fields }] } }),
        ],
      )
      return id
    },
    /** A client whose Salesforce org has its own prefixes of keys, and two fields. */
    client: async (keyPrefix: string, length: number): Promise<string> => {
      const id = newId()
      await database.query(`insert into clients (id, org_id, name) values ($1, $2, 'C')`, [
        id,
        tenant.orgId,
      ])
      const fields = ['A__c', 'B__c'].map((name) => ({
        ...{ name, label: 'F', type: 'string', length, custom: true, nillable: true },
        ...{ unique: false, externalId: false, calculated: false },
      }))
      const objects = { Lead: { name: 'Lead', label: 'Lead', keyPrefix, fields } }
      await storeSnapshot(db, tenant, id, { objects, automations: [] })
      return id
    },
    states: async (client_id: string, blueprint_id: string) =>
      (await assess({ ...bound, client_id, blueprint_id }, null)).components
        .filter(({ type }) => type === 'CustomField')
        .map(({ full_name: name, state }) => `${name} ${state}`),
  }
}

describe('a run', () => {
  it('reads an object once that several clients have, whatever ids their Salesforce orgs gave it', async () => {
    const { read, blueprint, client, states } = await rig()
    const [one, twin, other] = [
      await client('00Q', 40),
      await client('00R', 40),
      await client('00Q', 90),
    ]
    const wanted = await blueprint('A__c')
    expect(await states(one, wanted)).toEqual(['lead.A__c in_sync'])
    expect(await states(twin, wanted)).toEqual(['lead.A__c in_sync'])
    expect(read).toEqual(['Lead'])
    expect(await states(other, wanted)).toEqual(['lead.A__c not_applied'])
    expect(read).toEqual(['Lead', 'Lead'])
    // What is kept of it for one blueprint is not what a different one is compared with.
    expect(await states(one, await blueprint('B__c'))).toEqual(['lead.B__c in_sync'])
  })
})
