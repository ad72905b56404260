// Which hosts may ever be given an access token. Names are compared as written, before any URL parser
// can turn `2130706433`, `ﬃ` or a back-slash into something else.

import { EngineError } from '../errors.ts'
import { clip } from '../text.ts'

/** My Domain login hosts: one or more labels precede these. */
const LOGIN_PARENTS = ['my.salesforce.com', 'my.salesforce.mil', 'my.sfcrmproducts.cn']
const LOGIN_HOSTS = ['login.salesforce.com', 'test.salesforce.com']
/** Instances without My Domain, such as `na1.salesforce.com`, are directly under this one. */
const INSTANCE_PARENTS = [...LOGIN_PARENTS, 'salesforce.com']

const LABEL = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?'
const NAME = new RegExp(`^${LABEL}(?:\\.${LABEL})*$`)
const IPV6 = /^\[[0-9a-f:]{2,39}\]$/
const AUTHORITY = /^(?<host>\[[^\]]*\]|[^:]*)(?::(?<port>\d{1,5}))?$/
const PRINTABLE_ASCII = /^[\x21-\x7e]+$/

interface Authority {
  host: string
  port: string | null
}

export interface HostPolicy {
  /**
   * The base URL of a login host (`login.salesforce.com`, a My Domain, or an allow-listed
   * `host[:port]`). Throws EngineError `host_refused` for anything else, a URL included.
   */
  loginBase(host: string): URL
  /** The base URL of an instance (`https://acme.my.salesforce.com`). Throws `host_refused`. */
  instanceBase(url: string): URL
}

const parseAuthority = (text: string): Authority | null => {
  // Before lower-casing: some non-ASCII letters (the Kelvin sign) lower-case into ASCII.
  if (text.length > 260 || !PRINTABLE_ASCII.test(text)) return null
  const groups = AUTHORITY.exec(text.toLowerCase())?.groups
  const host = groups?.host
  if (host === undefined || host.length > 253) return null
  if (!NAME.test(host) && !IPV6.test(host)) return null
  const port = groups?.port ?? null
  if (port !== null && (Number(port) < 1 || Number(port) > 65_535)) return null
  return { host, port }
}

/** `under('a.b.com', ['b.com'])`: at least one whole label more. */
const under = (host: string, parents: string[]): boolean =>
  parents.some((parent) => host.endsWith(`.${parent}`))

const isLoopback = (host: string): boolean => {
  if (host === '[::1]' || host === 'localhost' || host.endsWith('.localhost')) return true
  const quad = /^127\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(host)
  return quad !== null && quad.slice(1).every((part) => Number(part) <= 255)
}

const refused = (what: string): EngineError =>
  new EngineError('host_refused', `${what} is not a Salesforce host that this server may talk to.`)

/** The error names a refused value, so it must not contain what somebody put before an `@`. */
const shown = (value: string): string => {
  const clean = clip(value, 120).replace(/[^\x20-\x7e]/g, '?')
  return clean.includes('@') ? 'The URL with user information' : `"${clean}"`
}

/**
 * `allowlist` holds further hosts as `host[:port]`; without a port any port counts. Only loopback hosts
 * named there may be called over plain http. Throws an Error that names every bad entry.
 */
export const createHostPolicy = (allowlist: readonly string[]): HostPolicy => {
  // An IPv6 address without brackets is taken as a host without port.
  const parsed = allowlist.map((entry) => ({
    entry,
    authority: parseAuthority(
      /^[0-9a-fA-F]*(:[0-9a-fA-F]*){2,}$/.test(entry) ? `[${entry}]` : entry,
    ),
  }))
  const bad = parsed.filter(({ authority }) => authority === null).map(({ entry }) => entry)
  if (bad.length > 0) {
    throw new Error(`Not a host[:port] in the host allow-list: ${bad.join(', ')}`)
  }
  const allowed = parsed.flatMap(({ authority }) => (authority === null ? [] : [authority]))

  const isAllowed = ({ host, port }: Authority, scheme: 'http' | 'https'): boolean =>
    allowed.some(
      (entry) =>
        entry.host === host &&
        (entry.port === null || entry.port === (port ?? (scheme === 'http' ? '80' : '443'))),
    )

  const build = (scheme: 'http' | 'https', { host, port }: Authority, original: string): URL => {
    const url = new URL(`${scheme}://${host}${port === null ? '' : `:${port}`}`)
    // A second check: the parser must have read exactly the host that was compared.
    if (url.hostname !== host) throw refused(shown(original))
    return url
  }

  return {
    loginBase(text) {
      const authority = parseAuthority(text)
      if (authority === null) throw refused(shown(text))
      const { host, port } = authority
      if (port === null && (LOGIN_HOSTS.includes(host) || under(host, LOGIN_PARENTS))) {
        return build('https', authority, text)
      }
      const scheme = isLoopback(host) ? 'http' : 'https'
      if (isAllowed(authority, scheme)) return build(scheme, authority, text)
      throw refused(shown(text))
    },

    instanceBase(text) {
      // Only one slash may follow the authority; user info fails as part of the host name.
      const match = /^(https?):\/\/([^/?#\\@]+)\/?$/i.exec(text)
      const authority = match?.[2] === undefined ? null : parseAuthority(match[2])
      if (authority === null) throw refused(shown(text))
      const scheme = match?.[1]?.toLowerCase() === 'http' ? 'http' : 'https'
      const { host, port } = authority
      if (scheme === 'https' && port === null) {
        if (LOGIN_HOSTS.includes(host) || under(host, INSTANCE_PARENTS)) {
          return build(scheme, authority, text)
        }
      }
      const schemeAllowed = scheme === 'https' || isLoopback(host)
      if (schemeAllowed && isAllowed(authority, scheme)) return build(scheme, authority, text)
      throw refused(shown(text))
    },
  }
}
