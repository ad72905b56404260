// The networks of a caller. Whoever has one IPv6 address has at least a whole /64, and a provider's
// customer often a /56 or a /48 (RFC 6177), so limits by address count these networks.

import { isIPv6 } from 'node:net'

/** Prefixes in bits, narrowest network first. */
const PREFIXES = [64, 56, 48] as const

/**
 * The networks around an address, the narrowest first; an IPv4 address, or any other name, is its own
 * network.
 */
export const networksOf = (address: string): [nearest: string, ...wider: string[]] => {
  if (!isIPv6(address) || address.includes('.')) return [address]
  const [head = '', tail] = address.split('::')
  const groups = (part: string) => part.split(':').filter((group) => group !== '')
  const known = [...groups(head), ...groups(tail ?? '')].length
  const filled = [...groups(head), ...Array<string>(8 - known).fill('0'), ...groups(tail ?? '')]
  const numbers = filled.slice(0, 4).map((group) => Number.parseInt(group, 16))
  const [nearest = address, ...wider] = PREFIXES.map((bits) => {
    const kept = numbers.map((number, at) => {
      const own = Math.min(16, Math.max(0, bits - at * 16))
      return number & (0xffff << (16 - own)) & 0xffff
    })
    return `${kept.map((number) => number.toString(16)).join(':')}/${bits}`
  })
  return [nearest, ...wider]
}
