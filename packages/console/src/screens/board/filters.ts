// The filters of the board, as they stand in the address.

import {
  type Environment,
  type FleetHealthRequest,
  type LeastRisk,
  type RiskCode,
} from '@sfdc-engine-x/client'
import { textParam, wordParam } from '../../app/params.ts'

export interface BoardFilters {
  /** A part of the name. */
  q?: string
  /** `tier=gold`. */
  tag?: string
  environment?: Environment
  risk?: LeastRisk
  code?: RiskCode
}

/** What is wrong, in few words; the message of the risk says more. */
export const RISKS: Readonly<Record<RiskCode, string>> = {
  never_connected: 'Never connected',
  authorization_pending: 'Waiting for the authorization',
  revoked: 'Connection revoked',
  expired: 'Authorization expired',
  connection_error: 'Connection not usable',
  refresh_failing: 'Refresh refused',
  refresh_due: 'Authorization about to expire',
  api_budget_exhausted: 'API calls used up',
  api_budget_low: 'API calls running low',
  missing_permissions: 'Permissions missing',
  no_snapshot: 'No snapshot',
  snapshot_old: 'Snapshot is old',
  work_waiting: 'Work waits for a person',
  work_failed: 'Work failed',
  drifted: 'Drifted from a blueprint',
}

const LEVELS: readonly LeastRisk[] = ['critical', 'warning', 'notice']
const ENVIRONMENTS: readonly Environment[] = ['production', 'sandbox']
const CODES = Object.keys(RISKS) as RiskCode[]

/** Whatever stands in the address. */
export const filtersOf = (search: Record<string, unknown>): BoardFilters => ({
  ...textParam('q', search),
  ...textParam('tag', search),
  ...wordParam('environment', ENVIRONMENTS, search),
  ...wordParam('risk', LEVELS, search),
  ...wordParam('code', CODES, search),
})

/** `tier=gold` as key and value; null while somebody is still typing it. */
export const tagOf = (text: string): Record<string, string> | null => {
  const [, key, value] = /^([a-z][\w.-]*)=(.+)$/.exec(text) ?? []
  return key === undefined || value === undefined ? null : { [key]: value }
}

/** As the API takes it. */
export const requestOf = ({
  q,
  tag,
  environment,
  risk,
  code,
}: BoardFilters): FleetHealthRequest => {
  const tags = tag === undefined ? null : tagOf(tag)
  const selector = {
    ...(tags === null ? {} : { tags }),
    ...(environment === undefined ? {} : { environment }),
  }
  return {
    ...(Object.keys(selector).length === 0 ? {} : { selector }),
    ...(q === undefined ? {} : { query: q }),
    ...(risk === undefined ? {} : { risk }),
    ...(code === undefined ? {} : { code }),
  }
}
