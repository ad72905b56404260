// Mail that flows sent: it is not delivered, but tests can read it.

import { keptByOrg, type Lasting } from '../org/kept.ts'

export interface SentEmail {
  /** ISO 8601. */
  sentAt: string
  flow: string
  version: number
  element: string
  kind: 'emailAlert' | 'emailSimple'
  /** For an alert: `Object.Alert_Name`. */
  name: string
  /** The record it is about: the alert's own, or the one that started the flow. */
  recordId: string
  /** The action's input parameters, as they were when it ran. */
  inputs: Record<string, unknown>
}

const KEPT = 10_000

/** What an org's flows sent, oldest first; the newest 10,000 are kept. */
export class Outbox implements Lasting {
  #sent: SentEmail[] = []

  get all(): readonly SentEmail[] {
    return this.#sent
  }

  /** Returns how to take it back: Salesforce sends nothing before the transaction is committed. */
  send(email: SentEmail): () => void {
    this.#sent.push(email)
    if (this.#sent.length > KEPT) this.#sent.splice(0, this.#sent.length - KEPT)
    return () => {
      this.#sent = this.#sent.filter((other) => other !== email)
    }
  }

  saved(): SentEmail[] {
    return this.#sent
  }

  restore(saved: SentEmail[]): void {
    this.#sent = saved
  }

  clear(): number {
    return this.#sent.splice(0).length
  }
}

export const outboxOf = keptByOrg(() => new Outbox())
