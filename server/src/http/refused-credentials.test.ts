import { describe, expect, it } from 'vitest'
import { createRefusedCredentials } from './refused-credentials.ts'

const rig = () => {
  let time = 0
  let looks = 0
  const credentials = createRefusedCredentials(() => time)
  const ask = async (token: string, address: string) => {
    try {
      return await credentials.admit(token, address, async () => {
        looks++
        return token.startsWith('good') ? token : null
      })
    } catch (error) {
      return (error as { code: string }).code
    }
  }
  const guess = async (count: number, address: string) => {
    for (let at = 0; at < count; at++) await ask(`guess ${at}`, address)
  }
  return {
    ask,
    guess,
    looks: () => looks,
    pass: (ms: number) => {
      time += ms
    },
  }
}

describe('credentials that are none', () => {
  it('are looked at sixty times a minute from one network, then no more', async () => {
    const { ask, guess, looks, pass } = rig()
    await guess(100, '203.0.113.9')
    expect(looks()).toBe(60)
    expect(await ask('guess', '203.0.113.9')).toBe('rate_limited')
    expect(await ask('guess', '203.0.113.10')).toBeNull()
    pass(60_001)
    expect(await ask('guess', '203.0.113.9')).toBeNull()
  })

  it('meet the same limit when they are sent all at once', async () => {
    const { ask, looks } = rig()
    await Promise.all(Array.from({ length: 200 }, (_, at) => ask(`guess ${at}`, '203.0.113.9')))
    expect(looks()).toBe(60)
  })

  it('do not stop new valid ones that are sent all at once', async () => {
    const { ask } = rig()
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, at) => ask(`good ${at}`, '203.0.113.9')),
    )
    expect(answers).not.toContain('rate_limited')
  })

  it('count for an IPv6 network as a whole', async () => {
    const { ask, guess } = rig()
    await guess(30, '2001:db8:0:1::1')
    await guess(30, '2001:db8:0:1::2')
    expect(await ask('guess', '2001:db8:0:1::3')).toBe('rate_limited')
    expect(await ask('guess', '2001:db8:0:2::3')).toBeNull()
  })

  it('stop nobody who shares the address and whose credential was good, as long as it is', async () => {
    const { ask, guess } = rig()
    expect(await ask('good one', '203.0.113.9')).toBe('good one')
    await guess(100, '203.0.113.9')
    expect(await ask('good one', '203.0.113.9')).toBe('good one')
    expect(await ask('good but new', '203.0.113.9')).toBe('rate_limited')
  })
})
