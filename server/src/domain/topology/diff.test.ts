import { describe, expect, it } from 'vitest'
import { type JsonObject } from '../../salesforce/json.ts'
import { hashOf } from './content-hash.ts'
import { diffAutomations, diffDescribes } from './diff.ts'
import { emptyManifest, encodeManifest, readManifest } from './manifest.ts'
import { settledBefore } from './objects.ts'
import { describeOf } from './testing/salesforce-org.ts'

const SAME = { acrossOrgs: false, acrossVersions: false }

const reversed = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(reversed)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([name, member]) => [name, reversed(member)]),
  )
}

const fieldsOf = (object: JsonObject): JsonObject[] => object.fields as JsonObject[]

describe('a manifest', () => {
  const filled = (count: number) => {
    const manifest = emptyManifest()
    for (let i = 0; i < count; i += 1) {
      manifest.objects.set(`Job_${i}__c`, { hash: hashOf(`object ${i}`), fieldsCount: i })
      if (i % 3 === 0) manifest.automations.set(`flow/F_${i}`, hashOf(`flow ${i}`))
    }
    manifest.unreadable.push('X', 'B')
    return manifest
  }

  const read = ({ root, pages }: ReturnType<typeof encodeManifest>) => {
    const texts = new Map([root, ...pages].map(({ hash, text }) => [hash, Buffer.from(text)]))
    const contents = {
      read: async (hashes: readonly string[]) =>
        new Map(hashes.map((hash) => [hash, texts.get(hash) ?? Buffer.alloc(0)])),
    }
    return readManifest(contents, root.hash)
  }

  it.each([0, 1, 500])(
    'of %i objects comes back as it was, however it was filled',
    async (count) => {
      const manifest = filled(count)
      const backwards = { ...manifest, objects: new Map([...manifest.objects].reverse()) }
      expect(encodeManifest(backwards)).toEqual(encodeManifest(manifest))
      expect(await read(encodeManifest(manifest))).toEqual({ ...manifest, unreadable: ['B', 'X'] })
    },
  )

  it('shares all pages but one with a manifest that differs in one object', () => {
    const [before, after] = [filled(500), filled(500)]
    after.objects.set('Job_7__c', { hash: hashOf('another'), fieldsCount: 7 })
    const known = new Set(encodeManifest(before).pages.map(({ hash }) => hash))
    const { pages } = encodeManifest(after)
    expect(pages.length).toBeGreaterThan(30)
    expect(pages.filter(({ hash }) => !known.has(hash))).toHaveLength(1)
  })
})

describe('the diff of two describes', () => {
  const before = describeOf('Job__c', 5)

  it('finds nothing where only the order of fields, picklist values and members moved', () => {
    const after = reversed(before) as JsonObject
    after.fields = [...fieldsOf(after)].reverse().map((field) => ({
      ...field,
      picklistValues: [...(field.picklistValues as unknown[])].reverse(),
    }))
    after.urls = { describe: '/services/data/v67.0/sobjects/Job__c/describe' }
    expect(diffDescribes(before, after, SAME)).toBeNull()
  })

  it('names each changed attribute of a field, and picklist values one by one', () => {
    const after = structuredClone(before)
    const [, status, title] = fieldsOf(after)
    Object.assign(title ?? {}, { length: 255 })
    Object.assign(status ?? {}, {
      picklistValues: [
        { active: false, defaultValue: true, label: 'Open', validFor: null, value: 'Open' },
        { active: true, defaultValue: false, label: 'Filled', validFor: null, value: 'Filled' },
      ],
    })
    after.fields = [...fieldsOf(after).slice(0, 4), { name: 'New__c', type: 'date' }]
    const diff = diffDescribes(before, after, SAME)
    expect(diff?.fields).toEqual([
      {
        api_name: 'Field_0__c',
        change: 'changed',
        attributes: [{ name: 'length', before: 80, after: 255 }],
      },
      { api_name: 'Field_2__c', change: 'removed', attributes: [] },
      { api_name: 'New__c', change: 'added', attributes: [] },
      {
        api_name: 'Status',
        change: 'changed',
        attributes: [
          { name: 'picklistValues[Open].active', before: true, after: false },
          expect.objectContaining({ name: 'picklistValues[Closed]', after: null }),
          expect.objectContaining({ name: 'picklistValues[Filled]', before: null }),
        ],
      },
    ])
    expect(diff?.attributes).toEqual([])
  })

  it('leaves out what each Salesforce org numbers by itself, but only between two of them', () => {
    const after = structuredClone(before)
    after.keyPrefix = 'a7Q'
    after.recordTypeInfos = [
      {
        ...(before.recordTypeInfos as JsonObject[])[0],
        recordTypeId: '012Ws000000AbCdIAK',
      },
    ]
    expect(diffDescribes(before, after, { ...SAME, acrossOrgs: true })).toBeNull()
    expect(diffDescribes(before, after, SAME)).toMatchObject({
      attributes: [{ name: 'keyPrefix' }],
      record_types: [{ api_name: 'Master', change: 'changed' }],
    })
  })

  it('leaves out members that only one of two API versions knows', () => {
    const after = structuredClone(before)
    for (const field of fieldsOf(after)) field.aiPredictionField = false
    expect(diffDescribes(before, after, { ...SAME, acrossVersions: true })).toBeNull()
    expect(diffDescribes(before, after, SAME)?.fields).toHaveLength(5)
  })
})

describe('the diff of two automations', () => {
  const before = {
    active: true,
    last_modified_at: '2026-01-01T00:00:00.000Z',
    definition: { decisions: { name: 'A' }, status: 'Active' },
  }

  it('takes a list of one for a list, and being saved again for no change', () => {
    const after = {
      ...before,
      last_modified_at: '2026-02-01T00:00:00.000Z',
      definition: { decisions: [{ name: 'A' }], status: 'Active' },
    }
    expect(diffAutomations(before, after, SAME)).toEqual([])
  })

  it('counts the order of elements, which is the order of steps', () => {
    const steps = (...names: string[]) => ({
      ...before,
      definition: { decisions: names.map((name) => ({ name })), status: 'Active' },
    })
    expect(diffAutomations(steps('A', 'B'), steps('B', 'A'), SAME)).toMatchObject([
      { name: 'definition.decisions' },
    ])
  })
})

describe("Salesforce's dates", () => {
  it('are asked with later only when they lie before the second in which the pull began', () => {
    const isSettled = settledBefore('Mon, 05 Jan 2026 10:00:05 GMT')
    expect(isSettled('Mon, 05 Jan 2026 10:00:04 GMT')).toBe(true)
    expect(isSettled('2026-01-05T10:00:04.900+0000')).toBe(true)
    expect(isSettled('Mon, 05 Jan 2026 10:00:05 GMT')).toBe(false)
    expect(isSettled('2026-01-05T10:00:05.100+0000')).toBe(false)
    expect(isSettled('no date')).toBe(false)
  })
})
