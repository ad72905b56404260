// Hundreds of orgs in one process: what they share, none of them can change for another.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getHeapStatistics, serialize, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bulkClient } from './salesforce/bulk/testing/bulk-client.ts'
import {
  connect,
  deploy,
  fieldZip,
  file,
  zipOf,
} from './salesforce/metadata/deploy/testing/deploys.ts'
import { readWorld } from './saved/file.ts'
import { bodyOf, clientOf, fieldNames, startRig, type Rig } from './testing/rig.ts'

const NAMES = ['North', 'East', 'South'] as const
/** Created after the others were altered. */
const LATER = 'West'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'orgs-'))
})
afterAll(() => rm(folder, { recursive: true }))

type Alteration = (rig: Rig, org: string) => Promise<unknown>

const deployed =
  (zip: () => Buffer): Alteration =>
  async (rig, org) => {
    const { result, failures } = await deploy(await connect(rig, org), zip())
    expect({ failures, success: result.success }).toEqual({ failures: [], success: true })
  }

const tooling: Alteration = async (rig, org) => {
  const client = await clientOf(rig.control, org)
  const made = await client.post('/tooling/sobjects/CustomField', {
    FullName: 'Lead.Tooled__c',
    Metadata: { type: 'Text', label: 'Tooled', length: 20 },
  })
  expect(made.status).toBe(201)
}

const inserted: Alteration = async (rig, org) => {
  const client = await clientOf(rig.control, org)
  const made = await client.post('/sobjects/Lead', { LastName: 'Own', Company: 'Own' })
  expect(made.status).toBe(201)
}

const bulk: Alteration = async (rig, org) => {
  const client = bulkClient(await clientOf(rig.control, org))
  await client.ingest({ object: 'Account', operation: 'insert' }, 'Name\nBulk\n')
}

/** Something of every kind of state: schema, automations, permissions, people, records, limits, settings. */
const ALTERATIONS: Record<string, Alteration> = {
  object: ({ control }, org) => control.act('schema/add-object', { org, name: 'Own__c' }),
  'label of an object': ({ control }, org) =>
    control.act('schema/alter-object', { org, object: 'Account', changes: { label: 'Firm' } }),
  'object that goes': ({ control }, org) =>
    control.act('schema/remove-object', { org, object: 'Placement_Fee__c' }),
  field: ({ control }, org) =>
    control.act('schema/add-field', {
      org,
      object: 'Account',
      field: { name: 'Own__c', type: 'string' },
    }),
  'standard field': ({ control }, org) =>
    control.act('schema/alter-field', {
      org,
      object: 'Lead',
      name: 'Company',
      changes: { length: 100, label: 'Firm' },
    }),
  'value of a standard picklist': ({ control }, org) =>
    control.act('schema/add-picklist-value', {
      org,
      object: 'Lead',
      name: 'Status',
      value: 'Own',
    }),
  'value that goes': ({ control }, org) =>
    control.act('schema/remove-picklist-value', {
      org,
      object: 'Placement__c',
      name: 'Stage__c',
      value: 'Offer',
    }),
  'field that goes': ({ control }, org) =>
    control.act('schema/remove-field', { org, object: 'Lead', name: 'Segment__c' }),
  'people as accounts': ({ control }, org) =>
    control.act('schema/enable-person-accounts', { org, more: ['Patient'] }),
  flow: ({ control }, org) =>
    control.act('automations/add-flow', { org, flow: { name: 'Own', label: 'Own' } }),
  'version of a flow': ({ control }, org) =>
    control.act('automations/add-flow-version', { org, flow: 'Score_Lead', activate: true }),
  'flow switched off': ({ control }, org) =>
    control.act('automations/activate-flow', { org, flow: 'Lead_Set_Segment', version: null }),
  'validation rule': ({ control }, org) =>
    control.act('automations/set-validation-rule', {
      org,
      object: 'Lead',
      name: 'Score_In_Range',
      active: false,
    }),
  'permission set': ({ control }, org) =>
    control.act('permissions/create-set', { org, name: 'Own', fields: ['Lead.Source_Key__c'] }),
  'grant of a field': ({ control }, org) =>
    control.act('permissions/grant-field', {
      org,
      field: 'Account.Region__c',
      set: 'Placement_Manager',
    }),
  'hidden field': ({ control }, org) =>
    control.act('permissions/hide-field', { org, object: 'Account', field: 'Fax' }),
  'system permission': ({ control }, org) =>
    control.act('permissions/grant-system', { org, permission: 'BulkApiHardDelete' }),
  user: ({ control }, org) => control.act('users/create', { org, username: 'own@own.example' }),
  'member of a group': ({ control }, org) =>
    control.act('groups/join', {
      org,
      group: 'Recruiters',
      username: `admin@${org.toLowerCase()}.example`,
    }),
  'duplicate rule': ({ control }, org) =>
    control.act('records/set-duplicate-rule', {
      org,
      object: 'Lead',
      name: 'Standard_Lead_Duplicate_Rule',
      active: true,
    }),
  'many records': ({ control }, org) =>
    control.act('records/fill', {
      org,
      object: 'Contact',
      count: 20,
      template: { LastName: 'Own' },
    }),
  record: inserted,
  'records by Bulk API': bulk,
  'settings and limits': ({ control }, org) =>
    control.act('orgs/update', { org, settings: { sessionMinutes: 5 }, used: 50_000 }),
  'pace of saves': ({ control }, org) => control.act('records/pace', { org, saveMs: 1 }),
  'deployed field': deployed(() =>
    fieldZip('Case.Own__c', '<type>Checkbox</type><defaultValue>false</defaultValue>'),
  ),
  'deployed values': deployed(() =>
    fieldZip(
      'Opportunity.Own__c',
      '<type>Picklist</type><valueSet><valueSetDefinition><sorted>false</sorted><value><fullName>A</fullName><default>false</default><label>A</label></value></valueSetDefinition></valueSet>',
    ),
  ),
  'deployed layout': deployed(() =>
    zipOf(
      { Layout: ['Account-Account Layout'] },
      {
        'layouts/Account-Account Layout.layout': file(
          'Layout',
          '<layoutSections><customLabel>false</customLabel><detailHeading>false</detailHeading><editHeading>true</editHeading><label>Own</label><layoutColumns><layoutItems><behavior>Required</behavior><field>Name</field></layoutItems></layoutColumns><layoutColumns/><style>TwoColumnsTopToBottom</style></layoutSections>',
        ),
      },
    ),
  ),
  'deployed permission set': deployed(() =>
    zipOf(
      { PermissionSet: ['Placement_Manager'] },
      {
        'permissionsets/Placement_Manager.permissionset': file(
          'PermissionSet',
          '<label>Own label</label>',
        ),
      },
    ),
  ),
  'field by Tooling': tooling,
}

/** Every org as it is saved, whole, without its address. */
const savedOrgs = async (name: string): Promise<Map<string, Buffer>> => {
  const found = await readWorld(join(folder, name))
  if (found === null || 'unusable' in found) throw new Error('nothing is saved')
  return new Map(
    found.world.hosts.map(({ org: { instanceUrl: _address, ...org } }) => [
      org.name,
      serialize(org),
    ]),
  )
}

const world = async (name: string, orgs: readonly string[], alter: (rig: Rig) => Promise<void>) => {
  const rig = await startRig({
    orgs: orgs.map((org) => ({ name: org, edition: 'Enterprise' as const })),
    keep: { file: join(folder, name), notice: (text) => expect.unreachable(text) },
  })
  try {
    await alter(rig)
    await rig.control.createOrg({ name: LATER, edition: 'Enterprise' })
  } finally {
    await rig.close()
  }
  return savedOrgs(name)
}

const nothing = async (): Promise<void> => {}

/** The orgs that are not the same in both worlds. */
const changedIn = (
  before: ReadonlyMap<string, Buffer>,
  after: ReadonlyMap<string, Buffer>,
): string[] =>
  [...before].flatMap(([name, bytes]) => (after.get(name)?.equals(bytes) === true ? [] : [name]))

describe('many orgs', () => {
  it('are altered alone: whatever changes in one is in no other, nor in one created later', async () => {
    const untouched = await world('untouched', NAMES, nothing)
    let n = 0
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...NAMES),
        fc.shuffledSubarray(Object.keys(ALTERATIONS), { minLength: 12 }),
        async (altered, names) => {
          const after = await world(`altered-${n++}`, NAMES, async (rig) => {
            for (const name of names) await ALTERATIONS[name]?.(rig, altered)
          })
          expect(changedIn(untouched, after)).toEqual([altered])
        },
      ),
      { numRuns: 3, seed: 11, examples: [['East', Object.keys(ALTERATIONS)]], endOnFailure: true },
    )
  })

  it('are changed by each of these alterations, and the others by none', async () => {
    const alterations = Object.values(ALTERATIONS)
    const names = alterations.map((_, i) => `org-${i}`)
    const before = await world('each before', ['first', ...names, 'last'], nothing)
    const after = await world('each after', ['first', ...names, 'last'], async (rig) => {
      for (const [i, alter] of alterations.entries()) await alter(rig, `org-${i}`)
    })
    expect(changedIn(before, after)).toEqual(names)
  })

  it('are saved and loaded as many, and still share nothing that changes', async () => {
    const start = () =>
      startRig({
        orgs: [{ name: 'North' }, { name: 'East' }],
        keep: { file: join(folder, 'kept'), notice: () => {} },
      })
    await (await start()).close()
    const again = await start()
    try {
      await again.control.act('schema/alter-field', {
        org: 'North',
        object: 'Lead',
        name: 'Company',
        changes: { label: 'Firm' },
      })
      const labelIn = async (org: string) => {
        const { fields } = await bodyOf<{ fields: { name: string; label: string }[] }>(
          await (await clientOf(again.control, org)).get('/sobjects/Lead/describe'),
        )
        return fields.find(({ name }) => name === 'Company')?.label
      }
      expect([await labelIn('North'), await labelIn('East')]).toEqual(['Firm', 'Company'])
    } finally {
      await again.close()
    }
  })

  it('are slowed and broken alone', async () => {
    const rig = await startRig({ orgs: NAMES.map((name) => ({ name })) })
    try {
      const [north, east, south] = await Promise.all(
        NAMES.map((name) => clientOf(rig.control, name)),
      )
      await rig.control.addFault({ org: 'North', times: 1000, kind: { type: 'slow', ms: 60_000 } })
      await rig.control.addFault({
        org: 'East',
        times: 1000,
        kind: { type: 'status', status: 503 },
      })
      let isAnswered = false
      const slow = north?.get('/limits').then(
        () => (isAnswered = true),
        () => {},
      )
      expect((await east?.get('/limits'))?.status).toBe(503)
      expect((await south?.get('/limits'))?.status).toBe(200)
      expect(isAnswered).toBe(false)
      await rig.close()
      await slow
    } finally {
      await rig.close()
    }
  })

  it('have ids that exist in no other, however many there are', async () => {
    const rig = await startRig({ orgs: [{ name: 'Acme' }] })
    try {
      const names = Array.from({ length: 300 }, (_, i) => `Client ${i}`)
      const created = await rig.control.act('orgs/create-many', {
        names,
        seed: { objects: 1, fields: 12 },
      })
      expect(created.map(({ name }) => name)).toEqual(names)
      const prefixes = created.map(({ id }) => id.slice(3, 7))
      expect(new Set(prefixes).size).toBe(names.length)
    } finally {
      await rig.close()
    }
  })

  it('take less than 2 MB each at rest, after a describe', async () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const heapMB = () => {
      collect()
      return getHeapStatistics().used_heap_size / 1e6
    }
    const rig = await startRig({ orgs: [{ name: 'Acme', edition: 'Enterprise' }] })
    try {
      const touch = async (org: string) =>
        expect(await fieldNames(await clientOf(rig.control, org), 'Lead')).toContain('Segment__c')
      await touch('Acme')
      const before = heapMB()
      const names = Array.from({ length: 25 }, (_, i) => `Client ${i}`)
      await rig.control.act('orgs/create-many', { names, edition: 'Enterprise' })
      for (const name of names) await touch(name)
      expect((heapMB() - before) / names.length).toBeLessThan(2)
    } finally {
      await rig.close()
    }
  })
})
