// What the control port reads and changes: every org, the faults, and Nango.

import { type NangoSimulator } from './nango/index.ts'
import { type NewOrg } from './org/create.ts'
import { type Org } from './org/model.ts'
import { type Faults } from './salesforce/faults.ts'
import { type WebhookReceiver } from './receiver/receiver.ts'
import { type Call } from './salesforce/host.ts'
import { type Seed } from './seeds/seed.ts'

export type OrgSpec = NewOrg & { seed?: Seed }

export interface World {
  /** By id. */
  orgs: Map<string, Org>
  faults: Faults
  journal: Call[]
  nango: NangoSimulator
  receiver: WebhookReceiver
  loginUrl: string
  testLoginUrl: string
  addOrg(spec: OrgSpec): Promise<Org>
  /** Gives the org a different host; the old one stays only if requested. */
  moveOrg(org: Org, keepOld: boolean): Promise<void>
  /**
   * Back to the state right after the start: same orgs with the same ids, no sessions, no faults, no
   * connections at Nango. Orgs created since are gone. Addresses stay.
   */
  reset: () => Promise<void>
}
