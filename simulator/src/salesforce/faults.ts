// Faults on demand: what goes wrong, where, and how many times. Rules are used up in the order in which
// they were added.

import { type Org } from '../org/model.ts'
import { type RestAnswer, type RestRequest } from './rest.ts'
import { invalidSession, limitExceeded } from '../refusals.ts'

export interface FaultRule {
  /** The org's id; absent: every org. */
  org?: string
  method?: string
  /** Matched against path and query; `*` matches anything. Absent: every path. */
  path?: string
  /** How many requests it hits; default 1. */
  times?: number
  /** Skip so many matching requests first. */
  after?: number
  /** The share of matching requests: 0.25 hits every fourth. Default: all. */
  rate?: number
  kind:
    | {
        type: 'status'
        status: number
        body?: 'json' | 'empty' | 'html'
        errorCode?: string
        message?: string
        headers?: Record<string, string>
      }
    | { type: 'slow'; ms: number }
    /** The REST answer, with `find` replaced by other words. */
    | { type: 'reword'; find: string; put: string }
    /** The answer stops in the middle of its body. */
    | { type: 'cut' }
    /** The connection closes: before anything is done, or after it was done, without an answer. */
    | { type: 'close'; when: 'before' | 'after' }
    | { type: 'limit'; which: 'total' | 'concurrent' }
    | { type: 'dead-session'; shape: 'rest' | 'bad-oauth-token' | 'not-valid-for-rest' | 'bulk' }
}

export interface Armed {
  rule: FaultRule
  left: number
  skip: number
  /** Requests that matched after those skipped. */
  passed: number
}

export type Strike = FaultRule['kind']

export class Faults {
  #armed: Armed[] = []

  add(rule: FaultRule): void {
    this.#armed.push({ rule, left: rule.times ?? 1, skip: rule.after ?? 0, passed: 0 })
  }

  /** Removes the rules on this org, or all. */
  clear(orgId?: string): void {
    this.#armed = this.#armed.filter(({ rule }) => orgId !== undefined && rule.org !== orgId)
  }

  saved(): readonly Armed[] {
    return this.#armed
  }

  restore(saved: readonly Armed[]): void {
    this.#armed = [...saved]
  }

  get pending(): (FaultRule & { left: number })[] {
    return this.#armed.map(({ rule, left }) => ({ ...rule, left }))
  }

  /**
   * The first rule that applies to this request, used up by one. To a part of a series only rules with a
   * path apply, and only kinds that are answers.
   */
  take(
    org: Org,
    request: { method: string; path: string; query?: URLSearchParams },
    isPart = false,
  ): Strike | null {
    const target = request.path + (request.query?.size ? `?${request.query.toString()}` : '')
    for (const armed of this.#armed) {
      const { rule } = armed
      if (rule.org !== undefined && rule.org !== org.id) continue
      if (rule.method !== undefined && rule.method !== request.method) continue
      if (rule.path !== undefined && !wildcard(rule.path).test(target)) continue
      if (isPart && (rule.path === undefined || !ANSWERS.has(rule.kind.type))) continue
      if (armed.skip > 0) {
        armed.skip--
        continue
      }
      armed.passed++
      const { rate = 1 } = rule
      if (Math.floor(armed.passed * rate) === Math.floor((armed.passed - 1) * rate)) continue
      armed.left--
      if (armed.left <= 0) this.#armed = this.#armed.filter((other) => other !== armed)
      return rule.kind
    }
    return null
  }

  /**
   * The answer that a rule on a part of a series gives, or null. Only rules with a path apply to parts.
   */
  answerFor(org: Org, request: RestRequest): RestAnswer | null {
    const strike = this.take(org, request, true)
    return strike === null ? null : answerOf(strike)
  }
}

const ANSWERS = new Set<Strike['type']>(['status', 'limit', 'dead-session'])

/** `*` matches anything. */
export const wildcard = (pattern: string): RegExp =>
  new RegExp(
    `^${pattern
      .split('*')
      .map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, String.raw`\$&`))
      .join('.*')}$`,
  )

const errors = (status: number, errorCode: string, message: string): RestAnswer => ({
  status,
  body: [{ message, errorCode }],
})

/** The text of an answer with replaced words; `isJson`: words are written as in a JSON string. */
export const reword = (
  text: string,
  { find, put }: { find: string; put: string },
  isJson: boolean,
): string => {
  const written = (words: string) => (isJson ? JSON.stringify(words).slice(1, -1) : words)
  return text.replaceAll(written(find), () => written(put))
}

/** The answer of a fault; null for those that are not an answer. */
export const answerOf = (strike: Strike): RestAnswer | null => {
  switch (strike.type) {
    case 'status': {
      const headers = strike.headers ?? {}
      if (strike.body === 'empty') return { status: strike.status, headers, bytes: Buffer.alloc(0) }
      if (strike.body === 'html') {
        return {
          status: strike.status,
          headers: { ...headers, 'content-type': 'text/html; charset=UTF-8' },
          bytes: Buffer.from(
            '<html><head><title>Server Error</title></head><body><h1>We are down for maintenance.</h1></body></html>',
          ),
        }
      }
      return {
        ...errors(
          strike.status,
          strike.errorCode ?? 'UNKNOWN_EXCEPTION',
          strike.message ?? 'An unexpected error occurred.',
        ),
        headers,
      }
    }
    case 'limit':
      return limitExceeded(strike.which).fault
    case 'dead-session':
      switch (strike.shape) {
        case 'rest':
          return invalidSession().fault
        case 'not-valid-for-rest':
          return errors(
            401,
            'INVALID_SESSION_ID',
            'This session is not valid for use with the REST API',
          )
        case 'bulk':
          // Salesforce: Bulk API 1 has its own shape, code and status for it.
          return {
            status: 400,
            body: { exceptionCode: 'InvalidSessionId', exceptionMessage: 'Invalid session id' },
          }
        case 'bad-oauth-token':
          return {
            status: 403,
            headers: { 'content-type': 'text/html;charset=UTF-8' },
            bytes: Buffer.from('Bad_OAuth_Token'),
          }
      }
      break
    default:
  }
  return null
}
