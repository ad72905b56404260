import { describe, expect, it } from 'vitest'
import { Secret } from '../../secret.ts'
import { createSealing } from './sealing.ts'

const [old, fresh, other] = ['a', 'b', 'c'].map((letter) => new Secret(letter.repeat(32))) as [
  Secret,
  Secret,
  Secret,
]
const secret = new Secret('whsec_c2VjcmV0')

describe('a sealed secret', () => {
  it('is opened by the key that sealed it, also after that key was replaced by a new one', () => {
    const sealed = createSealing([old]).seal(secret, 'row')
    expect(createSealing([fresh, old]).open(sealed, 'row')?.reveal()).toBe(secret.reveal())
    const again = createSealing([fresh, old]).seal(secret, 'row')
    expect(createSealing([fresh]).open(again, 'row')?.reveal()).toBe(secret.reveal())
  })

  it('is opened by no other key, in no other row, and not after a byte was changed', () => {
    const sealed = createSealing([old]).seal(secret, 'row')
    expect(createSealing([other]).open(sealed, 'row')).toBeNull()
    expect(createSealing([old]).open(sealed, 'another row')).toBeNull()
    for (const at of sealed.keys()) {
      const changed = Buffer.from(sealed)
      changed.writeUInt8(changed.readUInt8(at) ^ 1, at)
      expect(createSealing([old]).open(changed, 'row'), `byte ${at}`).toBeNull()
    }
    expect(createSealing([old]).open(Buffer.alloc(3), 'row')).toBeNull()
  })

  it('tells by its first bytes which key sealed it, and differs each time', () => {
    const sealing = createSealing([old])
    const [one, two] = [sealing.seal(secret, 'row'), sealing.seal(secret, 'row')]
    expect(one.equals(two)).toBe(false)
    expect(one.subarray(0, sealing.keyId.length)).toEqual(sealing.keyId)
    expect(createSealing([fresh]).keyId.equals(sealing.keyId)).toBe(false)
  })
})
