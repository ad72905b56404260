// Where a webhook goes: a URL that is checked, and its host's addresses that are checked each time that a
// connection is opened, and are then the ones that it is opened to. A name that leads somewhere else a
// moment later (DNS rebinding) gains nothing.

import { Resolver } from 'node:dns/promises'
import { isIP, type LookupFunction } from 'node:net'
import { EngineError } from '../errors.ts'
import { isLoopbackAddress, isPublicAddress } from './addresses.ts'

/** The addresses of a name, all of them. */
export type Resolve = (hostname: string) => Promise<string[]>

/** A URL or an address that nothing may be sent to. */
export class TargetRefused extends Error {
  override name = 'TargetRefused'
}

/** A host without any address. */
export class HostNotFound extends Error {
  override name = 'HostNotFound'
}

const DNS_TIMEOUT_MS = 2_000
const DNS_TRIES = 2
const URL_MAX = 2_000

/**
 * Asks the name servers itself. getaddrinfo would do it in one of the process's four threads for blocking
 * calls, and a few names whose servers do not answer would hold up passwords and files with it; it also
 * reads /etc/hosts, which is about our machine and not about the internet.
 */
const resolveByDns: Resolve = async (hostname) => {
  const resolver = new Resolver({ timeout: DNS_TIMEOUT_MS, tries: DNS_TRIES })
  const answers = await Promise.allSettled([
    resolver.resolve4(hostname),
    resolver.resolve6(hostname),
  ])
  const addresses = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []))
  if (addresses.length > 0) return addresses
  const codes = answers.flatMap((answer) =>
    answer.status === 'rejected' ? [(answer.reason as { code?: string }).code] : [],
  )
  const known = codes.every((code) => code === 'ENOTFOUND' || code === 'ENODATA')
  if (known) throw new HostNotFound(`The host ${hostname} does not exist.`)
  throw new Error(`The name servers gave no answer about ${hostname}.`)
}

const refused = (message: string): EngineError =>
  new EngineError('endpoint_refused', message, {
    errors: [{ path: 'url', code: 'endpoint_refused', message }],
  })

const bare = (hostname: string): string => hostname.replace(/^\[|\]$/g, '')

export interface Targets {
  /**
   * For a URL that a caller gives: throws `endpoint_refused` with the reason. A host whose name servers
   * do not answer is accepted: it is looked up again whenever something is sent.
   */
  accept(url: string): Promise<void>
  /** Before each request: throws {@link TargetRefused} for what no connection is even tried to. */
  check(url: URL): void
  /** For `net.connect`: gives addresses that were checked, or fails with {@link TargetRefused}. */
  readonly lookup: LookupFunction
}

export const createTargets = ({
  allowLoopback,
  resolve = resolveByDns,
}: {
  /** Endpoints on this machine, also by http: for tests and trials. */
  allowLoopback: boolean
  resolve?: Resolve
}): Targets => {
  const isAllowed = (address: string): boolean =>
    isPublicAddress(address) || (allowLoopback && isLoopbackAddress(address))

  const isLocal = (hostname: string): boolean =>
    hostname === 'localhost' || isLoopbackAddress(bare(hostname))

  const addressesOf = async (hostname: string): Promise<string[]> => {
    if (isIP(hostname) !== 0) return [hostname]
    if (hostname === 'localhost' && allowLoopback) return ['127.0.0.1']
    return resolve(hostname)
  }

  /** All of them: one bad address among good ones is no oversight. */
  const checkedAddressesOf = async (hostname: string): Promise<string[]> => {
    const addresses = await addressesOf(hostname)
    if (addresses.length === 0) throw new HostNotFound(`The host ${hostname} does not exist.`)
    if (!addresses.every(isAllowed)) {
      throw new TargetRefused(`The host ${hostname} has an address that is not a public one.`)
    }
    return addresses
  }

  const check = (url: URL): void => {
    const isPlain = url.protocol === 'http:'
    if (url.protocol !== 'https:' && !(isPlain && allowLoopback && isLocal(url.hostname))) {
      throw new TargetRefused('The URL must begin with https://.')
    }
    if (url.username !== '' || url.password !== '') {
      throw new TargetRefused(
        'The URL must not contain a user name or password: requests are signed instead.',
      )
    }
    if (url.hash !== '') throw new TargetRefused('The URL must not contain a fragment (#…).')
    const host = bare(url.hostname)
    if (isIP(host) !== 0 && !isAllowed(host)) {
      throw new TargetRefused(`The address ${host} is not a public one.`)
    }
  }

  return {
    check,
    accept: async (text) => {
      if (text.length > URL_MAX || !URL.canParse(text)) {
        throw refused(`The URL is not valid, or longer than ${URL_MAX} characters.`)
      }
      const url = new URL(text)
      try {
        check(url)
        await checkedAddressesOf(bare(url.hostname))
      } catch (error) {
        if (error instanceof TargetRefused || error instanceof HostNotFound) {
          throw refused(error.message)
        }
      }
    },
    lookup: (hostname, options, callback) => {
      checkedAddressesOf(hostname)
        .then((addresses) => addresses.map((address) => ({ address, family: isIP(address) })))
        .then(
          (found) => {
            const [first] = found
            if (options.all === true) callback(null, found)
            else callback(null, first?.address ?? '', first?.family ?? 0)
          },
          (error: Error) => callback(error, ''),
        )
    },
  }
}
