import { describe, expect, it } from 'vitest'
import { purgeOrder, type Reference } from './order.ts'

const refers = (child: string, parent: string, more: Partial<Reference> = {}): Reference => ({
  child,
  parent,
  columns: [`${parent}_id`],
  is_nullable: false,
  acts: false,
  ...more,
})

describe('the order of a purge', () => {
  it('deletes what refers to others before them, and neither the audit log nor the purge', () => {
    const steps = purgeOrder(
      ['audit_log', 'clients', 'deployments', 'images', 'purges'],
      [
        refers('images', 'deployments'),
        refers('deployments', 'clients'),
        refers('purges', 'clients'),
      ],
    )
    expect(steps).toEqual([
      { do: 'delete', table: 'images' },
      { do: 'delete', table: 'deployments' },
      { do: 'delete', table: 'clients' },
    ])
  })

  it('empties a reference first where tables refer to each other, or one to itself', () => {
    const steps = purgeOrder(
      ['deployments', 'pushes', 'reports'],
      [
        refers('deployments', 'reports', { columns: ['report_id'] }),
        refers('reports', 'deployments', { columns: ['validation_id'], is_nullable: true }),
        refers('pushes', 'pushes', { columns: ['retry_of'], is_nullable: true }),
      ],
    )
    expect(steps.filter((step) => step.do === 'empty')).toEqual([
      { do: 'empty', table: 'pushes', column: 'retry_of' },
      { do: 'empty', table: 'reports', column: 'validation_id' },
    ])
    const deleted = steps.flatMap((step) => (step.do === 'delete' ? [step.table] : []))
    expect(deleted.indexOf('deployments')).toBeLessThan(deleted.indexOf('reports'))
  })

  it('leaves what the database empties itself to the database', () => {
    const own = refers('snapshots', 'snapshots', { is_nullable: true, acts: true })
    expect(purgeOrder(['snapshots'], [own])).toEqual([{ do: 'delete', table: 'snapshots' }])
  })

  it('refuses a schema whose rows can be deleted in no order', () => {
    expect(() => purgeOrder(['a', 'b'], [refers('a', 'b'), refers('b', 'a')])).toThrow(/circle/)
  })
})
