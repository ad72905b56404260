import * as z from 'zod'
import { describe, expect, it } from 'vitest'
import { FAULTS_MAX, faultsOf, readWith } from './schema-faults.ts'

const schema = z.strictObject({
  client_id: z.uuid(),
  accept: z
    .array(z.enum(['yellow']))
    .max(1)
    .optional(),
  limit: z.int().min(1).max(200).default(50),
  name: z.string().min(1).max(5).optional(),
  check: z.boolean().optional(),
  since: z.iso.datetime().optional(),
  role: z.enum(['org_admin', 'company_admin']).optional(),
  match: z
    .union([
      z.strictObject({ id: z.string() }),
      z.strictObject({ key: z.strictObject({ a: z.string() }) }),
    ])
    .optional(),
  flag: z.union([z.boolean(), z.string()]).optional(),
  kind: z
    .discriminatedUnion('type', [
      z.strictObject({ type: z.literal('a') }),
      z.strictObject({ type: z.literal('b') }),
    ])
    .optional(),
  note: z
    .string()
    .refine((text) => !text.includes('x'), 'must not hold an x')
    .optional(),
})

const client_id = '01931f2a-7c00-7000-8000-00000000000a'

const faults = (value: unknown): [string, string][] => {
  const { issues } = readWith(schema, value)
  return faultsOf(issues ?? []).map(({ path, message }) => [path, message])
}

describe('what is wrong with a value', () => {
  it.each<[unknown, string, string]>([
    [{}, 'client_id', 'client_id is required.'],
    [{ client_id: 3 }, 'client_id', 'client_id must be text, not a number.'],
    [{ client_id: 'x' }, 'client_id', 'client_id must be a UUID.'],
    [{ client_id, accept: 'yellow' }, 'accept', 'accept must be an array, such as ["yellow"].'],
    [{ client_id, accept: ['red'] }, 'accept.0', 'accept.0 must be "yellow".'],
    [{ client_id, limit: '50' }, 'limit', 'limit must be a number, without quotation marks.'],
    [{ client_id, limit: 1.5 }, 'limit', 'limit must be a whole number.'],
    [{ client_id, limit: 0 }, 'limit', 'limit must be at least 1.'],
    [{ client_id, limit: 500 }, 'limit', 'limit must be at most 200.'],
    [{ client_id, name: '' }, 'name', 'name must not be empty.'],
    [{ client_id, name: 'abcdef' }, 'name', 'name must have at most 5 characters.'],
    [
      { client_id, check: 'true' },
      'check',
      'check must be true or false, without quotation marks.',
    ],
    [
      { client_id, since: 'yesterday' },
      'since',
      'since must be a time in ISO 8601 and UTC, such as 2026-11-30T08:00:00Z.',
    ],
    [{ client_id, role: 'admin' }, 'role', 'role must be one of "org_admin", "company_admin".'],
    [
      { client_id, match: { key: { a: 1 } } },
      'match',
      'match matches none of its forms: key.a must be text, not a number.',
    ],
    [{ client_id, flag: [] }, 'flag', 'flag must be true or false or text.'],
    [{ client_id, kind: {} }, 'kind.type', 'type is required: one of "a", "b".'],
    [{ client_id, kind: { type: 'c' } }, 'kind.type', 'type must be one of "a", "b".'],
    [{ client_id, note: 'x' }, 'note', 'note must not hold an x.'],
    [{ client_id, nmae: 1 }, 'nmae', 'nmae is not a known member. Did you mean name?'],
    [{ client_id, zzz: 1 }, 'zzz', 'zzz is not a known member. Check its spelling, or remove it.'],
    ['x', '', 'The body must be a JSON object, not text.'],
    [null, '', 'The body must be a JSON object, not null.'],
  ])('%j: it names the member and what it must be', (value, path, message) => {
    expect(faults(value)).toEqual([[path, message]])
  })

  it('is shown for fifty members at most, whatever there is', () => {
    const many = Object.fromEntries(Array.from({ length: 5_000 }, (_, at) => [`m${at}`, 1]))
    expect(faults({ client_id, ...many })).toHaveLength(FAULTS_MAX)
    // One name as long as a body may be is not compared with those that exist.
    expect(faults({ client_id, ['n'.repeat(1_000_000)]: 1 })[0]?.[1]).toMatch(/Check its spelling/)
    const { issues } = readWith(
      z.array(z.string()),
      Array.from({ length: 5_000 }, () => 1),
    )
    expect(issues).toHaveLength(FAULTS_MAX)
  })
})
