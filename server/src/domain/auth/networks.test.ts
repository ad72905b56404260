import { describe, expect, it } from 'vitest'
import { networksOf } from './networks.ts'

describe('the networks of an address', () => {
  it.each([
    ['203.0.113.9', ['203.0.113.9']],
    ['::ffff:203.0.113.9', ['::ffff:203.0.113.9']],
    ['2001:db8:0:7::1', ['2001:db8:0:7/64', '2001:db8:0:0/56', '2001:db8:0:0/48']],
    ['2001:0DB8:1:abcd:a:b:c:d', ['2001:db8:1:abcd/64', '2001:db8:1:ab00/56', '2001:db8:1:0/48']],
    ['::1', ['0:0:0:0/64', '0:0:0:0/56', '0:0:0:0/48']],
    ['change-password:x', ['change-password:x']],
  ])('%s', (address, networks) => {
    expect(networksOf(address)).toEqual(networks)
  })
})
