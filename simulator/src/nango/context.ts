// What the route files share: the parts of one running Nango simulator.
import { type Gatekeeper } from './auth.ts'
import { type RefreshFaults, type RequestFaults } from './faults.ts'
import { type Journal } from './journal.ts'
import { type TokenRefresher } from './refresh.ts'
import { type SalesforceOAuth } from './salesforce-oauth.ts'
import { type NangoStore } from './store.ts'
import { type WebhookSender } from './webhooks.ts'

export interface NangoContext {
  /** Own origin; known once the server listens. */
  url: string
  readonly store: NangoStore
  readonly gate: Gatekeeper
  readonly salesforce: SalesforceOAuth
  readonly refresher: TokenRefresher
  readonly webhooks: WebhookSender
  readonly requestFaults: RequestFaults
  readonly refreshFaults: RefreshFaults
  readonly journal: Journal
  /** Empties everything except the configuration; also resets faults, counters and the clock. */
  reset(): void
}
