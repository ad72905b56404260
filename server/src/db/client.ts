// The connections of all pools.

import pg from 'pg'

/**
 * A connection whose loss never ends the process. pg emits `error` for one that the server cuts, and Node ends
 * the process if nobody listens; pg-pool listens to idle connections only, neither to those in use nor to
 * those that are being closed. Whoever has a query under way learns of the loss from that query.
 */
export class Connection extends pg.Client {
  constructor(config?: string | pg.ClientConfig) {
    super(config)
    this.on('error', () => undefined)
  }
}
