import { describe, expect, it } from 'vitest'
import { isLoopbackAddress, isPublicAddress } from './addresses.ts'

// One of each block of IANA's registries of special-purpose addresses (RFC 6890 and its successors).
const REFUSED: readonly [what: string, address: string][] = [
  ['this network', '0.0.0.0'],
  ['this network', '0.1.2.3'],
  ['private', '10.0.0.1'],
  ['private', '172.16.0.1'],
  ['private', '172.31.255.255'],
  ['private', '192.168.1.1'],
  ['shared', '100.64.0.1'],
  ['shared', '100.127.255.255'],
  ['loopback', '127.0.0.1'],
  ['loopback', '127.255.255.254'],
  ['link-local: the metadata of clouds', '169.254.169.254'],
  ['protocol assignments', '192.0.0.170'],
  ['documentation', '192.0.2.1'],
  ['documentation', '198.51.100.1'],
  ['documentation', '203.0.113.1'],
  ['6to4 relays', '192.88.99.1'],
  ['benchmarking', '198.18.0.1'],
  ['benchmarking', '198.19.255.255'],
  ['multicast', '224.0.0.1'],
  ['multicast', '239.255.255.255'],
  ['reserved', '240.0.0.1'],
  ['broadcast', '255.255.255.255'],
  ['unspecified', '::'],
  ['loopback', '::1'],
  ['IPv4-compatible', '::10.0.0.1'],
  ['IPv4-compatible', '::93.184.216.34'],
  ['IPv4-mapped', '::ffff:127.0.0.1'],
  ['IPv4-mapped', '::ffff:7f00:1'],
  ['IPv4-mapped of a public one', '::ffff:93.184.216.34'],
  ['IPv4-translated', '::ffff:0:10.0.0.1'],
  ['NAT64', '64:ff9b::10.0.0.1'],
  ['NAT64 of a public one', '64:ff9b::93.184.216.34'],
  ['local NAT64', '64:ff9b:1::1'],
  ['discard', '100::1'],
  ['Teredo', '2001:0:4136:e378:8000:63bf:3fff:fdd2'],
  ['benchmarking', '2001:2::1'],
  ['ORCHID', '2001:10::1'],
  ['ORCHIDv2', '2001:20::1'],
  ['documentation', '2001:db8::1'],
  ['documentation', '3fff::1'],
  ['6to4', '2002:0a00:0001::1'],
  ['6to4 of a public one', '2002:5db8:d822::1'],
  ['segment routing', '5f00::1'],
  ['unassigned', '4000::1'],
  ['unique local', 'fc00::1'],
  ['unique local', 'fd12:3456::1'],
  ['link-local', 'fe80::1'],
  ['link-local with a zone', 'fe80::1%eth0'],
  ['site-local', 'fec0::1'],
  ['multicast', 'ff02::1'],
]

describe('an address', () => {
  it.each(REFUSED)('of the kind "%s" is not public: %s', (_, address) => {
    expect(isPublicAddress(address)).toBe(false)
  })

  it.each([
    '93.184.216.34',
    '8.8.8.8',
    '172.15.0.1',
    '172.32.0.1',
    '100.128.0.1',
    '2606:4700::6810:84e5',
  ])('of a host on the internet is public: %s', (address) => {
    expect(isPublicAddress(address)).toBe(true)
  })

  it.each(['', 'localhost', '1.2.3', '0x5db8d822', 'example.com', '93.184.216.34/8'])(
    'that is not one in its usual form is not public: "%s"',
    (text) => {
      expect(isPublicAddress(text)).toBe(false)
    },
  )

  it('is loopback only by itself, not by being mapped to one', () => {
    expect(['127.0.0.1', '::1'].every(isLoopbackAddress)).toBe(true)
    expect(['::ffff:127.0.0.1', '10.0.0.1', 'localhost'].some(isLoopbackAddress)).toBe(false)
  })
})
