import { describe, expect, it } from 'vitest'
import { missedIds } from './operation-ids.ts'

describe('an operation that was promised', () => {
  const promised = 'clientsGet\nclientsList\n'

  it('is missed once it is gone or has a different name', () => {
    expect(missedIds({ promised, present: ['clientsGet', 'listClients'], changelog: '' })).toEqual([
      'clientsList',
    ])
  })

  it('may go when callers are told in the changelog, by its whole name', () => {
    const tell = (changelog: string) => missedIds({ promised, present: ['clientsGet'], changelog })
    expect(tell('- `clientsList` is now `clientsFind`.')).toEqual([])
    expect(tell('- `clientsListAll` is new.')).toEqual(['clientsList'])
  })
})
