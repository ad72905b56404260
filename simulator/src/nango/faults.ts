// Faults on demand: answers replaced, delayed or cut off, and refreshes refused.
import { type TokenAnswer } from './salesforce-oauth.ts'

/** A fault on the next `times` requests that match. Everything but `path` and `times` is optional. */
export interface FaultRule {
  /** Path without the query; `*` stands for any run of characters. */
  path: string
  method?: string | undefined
  times: number
  /** Answer with this instead of doing the work. A 429 without a body gets Nango's own. */
  status?: number | undefined
  body?: unknown
  retry_after_seconds?: number | undefined
  /** Wait before anything else. */
  delay_ms?: number | undefined
  /** Cut the connection before the work is done, or after it, in place of the answer. */
  close?: 'before' | 'after' | undefined
}

/** Request faults in the order they were set; the first match with uses left applies. */
export class RequestFaults {
  #rules: FaultRule[] = []

  add(rule: FaultRule): void {
    this.#rules.push({ ...rule })
  }

  get pending(): readonly FaultRule[] {
    return this.#rules
  }

  restore(rules: readonly FaultRule[]): void {
    this.#rules = [...rules]
  }

  reset(): void {
    this.#rules = []
  }

  take(method: string, path: string): FaultRule | undefined {
    const rule = this.#rules.find(
      (each) =>
        (each.method === undefined || each.method.toUpperCase() === method) &&
        matches(each.path, path),
    )
    if (rule === undefined) return undefined
    rule.times -= 1
    this.#rules = this.#rules.filter((each) => each.times > 0)
    return rule
  }
}

function matches(pattern: string, path: string): boolean {
  const literal = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${literal.join('.*')}$`).test(path)
}

export interface RefreshFaultRule {
  times: number
  /** Without it, refreshes of any connection are refused. */
  connection_id?: string | undefined
  status: number
  body: unknown
}

/** Refuses the next refreshes as if Salesforce had, without asking Salesforce. */
export class RefreshFaults {
  #rules: RefreshFaultRule[] = []

  add(rule: RefreshFaultRule): void {
    this.#rules.push({ ...rule })
  }

  get pending(): readonly RefreshFaultRule[] {
    return this.#rules
  }

  restore(rules: readonly RefreshFaultRule[]): void {
    this.#rules = [...rules]
  }

  reset(): void {
    this.#rules = []
  }

  take(connectionId: string): TokenAnswer | undefined {
    const rule = this.#rules.find(
      (each) => each.connection_id === undefined || each.connection_id === connectionId,
    )
    if (rule === undefined) return undefined
    rule.times -= 1
    this.#rules = this.#rules.filter((each) => each.times > 0)
    return {
      ok: false,
      error: {
        name: 'Error',
        message: `Response Error: ${rule.status}`,
        provider_error_payload: rule.body,
      },
    }
  }
}
