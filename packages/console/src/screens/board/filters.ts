// The filters of the board, as they stand in the address.

import {
  type Environment,
  type FleetHealthRequest,
  type LeastRisk,
  type RiskCode,
} from '@sfdc-engine-x/client'

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

const LEVELS: Readonly<Record<LeastRisk, true>> = { critical: true, warning: true, notice: true }
const ENVIRONMENTS: Readonly<Record<Environment, true>> = { production: true, sandbox: true }

const isKeyOf = <Key extends string>(
  known: Readonly<Record<Key, unknown>>,
  value: unknown,
): value is Key => typeof value === 'string' && Object.hasOwn(known, value)

const textOf = (value: unknown): string | undefined =>
  // The router reads `q=2026` as a number.
  typeof value === 'string' || typeof value === 'number'
    ? String(value).slice(0, 200) || undefined
    : undefined

/** Whatever stands in the address; what means nothing is left out. */
export const filtersOf = (search: Record<string, unknown>): BoardFilters => {
  const { environment, risk, code } = search
  const [q, tag] = [textOf(search.q), textOf(search.tag)]
  return {
    ...(q === undefined ? {} : { q }),
    ...(tag === undefined ? {} : { tag }),
    ...(isKeyOf(ENVIRONMENTS, environment) ? { environment } : {}),
    ...(isKeyOf(LEVELS, risk) ? { risk } : {}),
    ...(isKeyOf(RISKS, code) ? { code } : {}),
  }
}

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
