// Which addresses a webhook may be sent to. Endpoints are named by callers, and a request of ours comes
// from inside the operator's network: nothing in there, and nothing beside us, may be reached through it.

import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

/** Where addresses are given out that the internet routes to one host (RFC 4291, IANA's registry). */
const GLOBAL_UNICAST = ipaddr.parseCIDR('2000::/3') as [ipaddr.IPv6, number]

/**
 * True only for an address of a host on the internet. Not for private, loopback, link-local, shared
 * (100.64.0.0/10), multicast, broadcast, documentation, benchmarking and reserved ones, nor for IPv6
 * addresses that carry an IPv4 address of whatever kind (mapped, NAT64, 6to4, Teredo): a translator on the
 * way would unpack it.
 */
export const isPublicAddress = (text: string): boolean => {
  if (isIP(text) === 0) return false
  const address = ipaddr.parse(text)
  if (address.range() !== 'unicast') return false
  return !(address instanceof ipaddr.IPv6) || address.match(GLOBAL_UNICAST)
}

/** 127.0.0.0/8 or ::1, and not an address that only maps to one. */
export const isLoopbackAddress = (text: string): boolean =>
  isIP(text) !== 0 && ipaddr.parse(text).range() === 'loopback'
