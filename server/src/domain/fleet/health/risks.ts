// What is wrong with a client, or will be: pure, from what is stored about it. Each risk says what to do, and
// what to write to the client's Salesforce administrator where it is for them to do.

import { type Fault } from '../../../db/tables/work.ts'
import { askedOf, causeInWords, causesOf, type LostCause } from '../../connections/causes.ts'
import { type ClientFacts } from './facts.ts'

export const RISK_LEVELS = ['critical', 'warning', 'notice', 'none'] as const
export type RiskLevel = (typeof RISK_LEVELS)[number]

export const RISK_CODES = [
  'never_connected',
  'authorization_pending',
  'revoked',
  'expired',
  'connection_error',
  'refresh_failing',
  'refresh_due',
  'api_budget_exhausted',
  'api_budget_low',
  'missing_permissions',
  'no_snapshot',
  'snapshot_old',
  'work_waiting',
  'work_failed',
  'drifted',
] as const
export type RiskCode = (typeof RISK_CODES)[number]

export interface Risk {
  code: RiskCode
  level: Exclude<RiskLevel, 'none'>
  message: string
  /** What the agency does. */
  remedy: string
  /** To send to the client's Salesforce administrator; null where they can do nothing. */
  for_admin: string | null
  /** What may be behind it, most likely first; one alone where Salesforce or Nango said which. */
  possible_causes: LostCause[]
}

/** Salesforce: the app rules of 2026 end a refresh token that nobody used for so long. */
export const IDLE_DAYS_MAX = 30
const IDLE_DAYS_WARNED = 25
const SNAPSHOT_DAYS = { notice: 7, warning: 30 }
/** A share of the daily allowance that has to be left beside the reserve. */
const API_SHARE_LEFT = 0.1

const DAY_MS = 86_400_000

export const daysSince = (time: Date | null, now: Date): number | null =>
  time === null ? null : Math.max(0, Math.floor((now.getTime() - time.getTime()) / DAY_MS))

/** Days since the grant was given or, as far as this server knows, last refreshed. */
export const idleDays = ({ connection }: ClientFacts, now: Date): number | null => {
  const times = [connection?.connected_at, connection?.last_refreshed_at].filter(
    (time) => time != null,
  )
  return times.length === 0
    ? null
    : daysSince(new Date(Math.max(...times.map((time) => time.getTime()))), now)
}

const org = ({ connection }: ClientFacts): string =>
  connection?.sfdc_org_id == null
    ? 'your Salesforce org'
    : `your Salesforce org ${connection.sfdc_org_id}`

const NEW_LINK = 'send a new link: /api/fleet/reconsent/create'

const causesBehind = ({ code, message }: Fault): LostCause[] => {
  const named = causeInWords(message)
  return named === null ? causesOf(code) : [named]
}

/** What the administrator is asked to do first, up to the word that leads on; at most three steps, so that somebody reads them. */
const pleaseCheck = (causes: readonly LostCause[]): string => {
  const steps = askedOf(causes).slice(0, 3)
  if (steps.length === 0) return 'To connect it again, '
  if (steps.length === 1) return steps.map((step) => `${step} Then `).join('')
  return `Please check, one after the other: ${steps.map((step, at) => `${at + 1}. ${step} `).join('')}Then `
}

const pieces = (count: number): string => `${count} piece${count === 1 ? '' : 's'} of work`

const risk = (
  code: RiskCode,
  level: Risk['level'],
  message: string,
  remedy: string,
  for_admin: string | null = null,
  possible_causes: LostCause[] = [],
): Risk => ({ code, level, message, remedy, for_admin, possible_causes })

const ofLostGrant = (facts: ClientFacts, error: Fault): Risk => {
  const causes = causesBehind(error)
  const [only] = causes.length === 1 ? causes : []
  return risk(
    'expired',
    'critical',
    `The Salesforce grant has ended (${error.code}): ${only?.message ?? error.message}`,
    only === undefined
      ? `Rule out possible_causes with the client's administrator, then ${NEW_LINK}.`
      : `${only.remedy} If that does not help, ${NEW_LINK}.`,
    `We can no longer reach ${org(facts)}. ${pleaseCheck(causes)}please open the link that we send you and log in as the user that we work with.`,
    causes,
  )
}

/** Faults of a connection that keep its grant. */
const OF_FAULTS: Readonly<Record<string, { remedy: string; forAdmin: string | null }>> = {
  salesforce_org_changed: {
    remedy: 'Connect the client again, with allow_other_org if the change is intended.',
    forAdmin: null,
  },
  host_refused: {
    remedy:
      "Check the Salesforce org's My Domain; a private host must be in SFDC_INSTANCE_HOST_ALLOWLIST.",
    forAdmin: null,
  },
  missing_scope: {
    remedy: `Give the app the scope api in Salesforce and in Nango, then ${NEW_LINK}.`,
    forAdmin:
      'Please open the link that we send you and allow the access that Salesforce lists: it was given without the API.',
  },
  api_disabled: {
    remedy: "Ask the client's administrator to enable the API, then refresh the connection.",
    forAdmin:
      'Please enable the API for the user that we work with: the permission "API Enabled" in its profile or a permission set, and an edition with API access.',
  },
}

const connectionRisks = (facts: ClientFacts): Risk[] => {
  const { connection, refusal } = facts
  if (connection === null) {
    return [
      risk(
        'never_connected',
        'notice',
        'The client was never connected to Salesforce.',
        'Send a link: /api/connections/create.',
      ),
    ]
  }
  const error = connection.error ?? { code: 'refresh_refused', message: 'No reason is known.' }
  switch (connection.status) {
    case 'pending':
      return [
        risk(
          'authorization_pending',
          'notice',
          refusal === null
            ? 'A link was created, and nobody has authorized yet.'
            : `What was authorized was not accepted (${refusal.code}): ${refusal.message}`,
          'Send a new link: a link is valid for half an hour. If the browser showed a refusal, see possible_causes.',
          'Please open the link that we send you and log in as the user that we shall work with.',
          causesOf('not_authorized'),
        ),
      ]
    case 'revoked':
      return [
        risk('revoked', 'notice', 'The connection was revoked.', `To connect again, ${NEW_LINK}.`),
      ]
    case 'expired':
      return [ofLostGrant(facts, error)]
    case 'error': {
      const { remedy, forAdmin } = OF_FAULTS[error.code] ?? {
        remedy: `Read the message, then ${NEW_LINK}.`,
        forAdmin: null,
      }
      const message = `The connection cannot be used (${error.code}): ${error.message}`
      return [risk('connection_error', 'critical', message, remedy, forAdmin, causesBehind(error))]
    }
    case 'connected':
      return []
  }
}

const refreshRisks = (facts: ClientFacts, now: Date): Risk[] => {
  const { connection } = facts
  if (connection?.status !== 'connected') return []
  const risks: Risk[] = []
  if (connection.refresh_refused_count > 0) {
    const causes = causesOf('refresh_refused')
    risks.push(
      risk(
        'refresh_failing',
        'warning',
        `Refreshing the grant was refused ${connection.refresh_refused_count} ${connection.refresh_refused_count === 1 ? 'time' : 'times'} since ${connection.refresh_refused_since?.toISOString() ?? 'a while ago'}; after ten minutes of that it counts as ended.`,
        "Rule out possible_causes with the client's administrator, then refresh: /api/connections/refresh.",
        `Salesforce refuses to renew our access to ${org(facts)}. ${pleaseCheck(causes)}please tell us, and we try again.`,
        causes,
      ),
    )
  }
  const idle = idleDays(facts, now)
  if (idle !== null && idle >= IDLE_DAYS_WARNED) {
    risks.push(
      risk(
        'refresh_due',
        'warning',
        `This server has not refreshed the grant for ${idle} days; Salesforce ends one that nobody uses for ${IDLE_DAYS_MAX}. Nango refreshes by itself while it runs.`,
        'Refresh it: /api/connections/refresh.',
      ),
    )
  }
  return risks
}

const apiRisks = ({ usage }: ClientFacts): Risk[] => {
  if (usage === null || usage.max <= 0) return []
  const { used, max, reserve, forecast } = usage
  const raise =
    'Please tell us whether other tools use unusually many API calls in your Salesforce org, or have its daily allowance raised.'
  if (usage.is_exhausted) {
    const message = `${used} of ${max} daily API calls are used; ${reserve} are kept for others, and work waits.`
    const remedy = 'Wait: Salesforce counts a rolling 24 hours. Or have the allowance raised.'
    return [risk('api_budget_exhausted', 'critical', message, remedy, raise)]
  }
  const spare = max - reserve - Math.max(used, forecast)
  if (spare >= max * API_SHARE_LEFT) return []
  return [
    risk(
      'api_budget_low',
      'warning',
      `${used} of ${max} daily API calls are used, ${forecast} are expected in 24 hours, and ${reserve} are kept for others.`,
      'Put off large pushes and full pulls, or have the allowance raised.',
      raise,
    ),
  ]
}

const stateRisks = (facts: ClientFacts, now: Date): Risk[] => {
  const { connection, drift, snapshot, work } = facts
  const risks: Risk[] = []
  const missing = snapshot?.missing_permissions ?? []
  if (missing.length > 0) {
    const list = missing.map((name) => `"${name}"`).join(', ')
    risks.push(
      risk(
        'missing_permissions',
        'warning',
        `The connected user lacked ${list} at the last pull.`,
        'Have them granted in a permission set, then pull again.',
        `Please grant the user that we work with these permissions in a permission set: ${list}.`,
      ),
    )
  }
  const age = daysSince(snapshot?.completed_at ?? null, now)
  if (age === null) {
    if (connection?.status === 'connected') {
      const message = 'There is no complete snapshot, so nothing is known of the Salesforce org.'
      risks.push(risk('no_snapshot', 'notice', message, 'Pull one: /api/topology/pull.'))
    }
  } else if (age >= SNAPSHOT_DAYS.notice) {
    risks.push(
      risk(
        'snapshot_old',
        age >= SNAPSHOT_DAYS.warning ? 'warning' : 'notice',
        `The newest snapshot is ${age} days old.`,
        'Pull a new one: /api/topology/pull.',
      ),
    )
  }
  if (work.waiting_for_person > 0) {
    risks.push(
      risk(
        'work_waiting',
        'warning',
        `${pieces(work.waiting_for_person)} ${work.waiting_for_person === 1 ? 'waits' : 'wait'} for somebody to act.`,
        'See their error.waiting: /api/work/list with states ["paused"].',
      ),
    )
  }
  if (work.failed > 0) {
    risks.push(
      risk(
        'work_failed',
        'notice',
        `${pieces(work.failed)} failed, wholly or in part, in the last 7 days.`,
        'See /api/work/list with states ["failed", "partial"].',
      ),
    )
  }
  if (drift !== null && drift.drifted > 0) {
    risks.push(
      risk(
        'drifted',
        'notice',
        `The client differs from ${drift.drifted} of ${drift.blueprints} blueprint${drift.blueprints === 1 ? '' : 's'} that it is bound to.`,
        'See /api/fleet/drift/results; accept it, or bring the client back with a rollout.',
      ),
    )
  }
  return risks
}

const RANKS: Readonly<Record<RiskLevel, number>> = { critical: 3, warning: 2, notice: 1, none: 0 }

/** 0 for none, 3 for critical. */
export const rankOf = (level: RiskLevel): number => RANKS[level]

/** Everything that is wrong with a client, the worst first. */
export const risksOf = (facts: ClientFacts, now: Date): Risk[] =>
  [
    ...connectionRisks(facts),
    ...refreshRisks(facts, now),
    ...apiRisks(facts),
    ...stateRisks(facts, now),
  ].sort((a, b) => rankOf(b.level) - rankOf(a.level))

export const worstOf = (risks: readonly Risk[]): RiskLevel => risks[0]?.level ?? 'none'
