// Pushes of up to some thousand rows: 200 per call, each call answered row by row.

import { type SalesforceOrg } from '../../../salesforce/gateway.ts'
import { type ReadyRow } from '../model.ts'
import { createClock, type SalesforceClock } from './clock.ts'
import { deliver } from './deliver.ts'
import { type ItemsState, newItem, restoreItems } from './items.ts'
import { meterCalls } from './meter.ts'
import { type Shipment, type Transport } from './transport.ts'

interface CollectionsState {
  via: 'collections'
  items: ItemsState
}

/**
 * sObject Collections. Shipments are held in memory as a whole (the caller cuts them to 200 rows or a
 * little more) and yield their results at the end. With `all_or_none` a shipment has at most 200 rows,
 * of one object and upserted by one field or updated. One clock may serve several transports.
 */
export const createCollectionsTransport = (clock: SalesforceClock = createClock()): Transport => ({
  async *send(org: SalesforceOrg, shipment: Shipment) {
    const rows: ReadyRow[] = []
    for await (const some of shipment.rows()) rows.push(...some)
    const items = rows.map(newItem)
    const state = shipment.state as CollectionsState | null
    const round = state === null ? 0 : restoreItems(items, state.items)
    const meter = meterCalls(org, shipment.onCalls)
    const stateOf = (kept: ItemsState | null): CollectionsState | null =>
      kept === null ? null : { via: 'collections', items: kept }
    try {
      await deliver(
        {
          org,
          clock,
          shipment,
          save: (kept) => {
            meter.tell()
            return shipment.save(stateOf(kept))
          },
          intend: (kept) => {
            meter.tell()
            return shipment.intend(stateOf(kept))
          },
        },
        items,
        round,
      )
    } finally {
      meter.tell()
    }
    yield items.map(({ result }) => {
      if (result === null) throw new Error('A row was left without a result')
      return result
    })
  },
})
