// A live check of a connection: who it acts as, what it has left, and what it may not do. Every fault
// comes with its remedy. Makes two API calls, which the budget never stops.

import { EngineError } from '../../errors.ts'
import { NangoError, type NangoFailureKind } from '../../nango/failure.ts'
import { SalesforceError } from '../../salesforce/failure.ts'
import { type ApiUsage, type SalesforceOrg } from '../../salesforce/gateway.ts'
import { soql, soqlName } from '../../salesforce/escape.ts'
import { getIdentity, getLimits, query } from '../../salesforce/rest.ts'
import { causeInWords, causesOf, type LostCause } from './causes.ts'
import { PERMISSION_LABELS, PERMISSION_NAMES, type PermissionName } from './rights.ts'

export interface HealthFault {
  code: string
  message: string
  remedy: string
  /** The possible causes, most likely first; empty where the message names the cause. */
  possible_causes: LostCause[]
}

export interface Health {
  ok: boolean
  checked_at: string
  identity: { sfdc_org_id: string; sfdc_user_id: string; username: string | null } | null
  api_usage: { used: number; max: number; remaining: number; reserve: number } | null
  /** Names as shown in Setup; null if they could not be read. */
  missing_permissions: string[] | null
  faults: HealthFault[]
}

/** The permissions that the engine's operations need, and what for. */
const NEEDED: Readonly<Partial<Record<PermissionName, string>>> = {
  ApiEnabled: 'everything',
  CustomizeApplication: 'reading automations and deploying',
  ModifyMetadata: 'deploying',
  ManageProfilesPermissionsets: 'deploying permissions',
  AssignPermissionSets: 'making deployed fields visible',
  ViewSetup: 'reading automations',
  ViewAllData: 'counting records',
}

const NEEDED_NAMES = PERMISSION_NAMES.filter((name) => NEEDED[name] !== undefined)

const PERMISSIONS_QUERY = soql`SELECT ${soqlName(...NEEDED_NAMES.map((name) => `Permissions${name}`))} FROM UserPermissionAccess LIMIT 1`

export const readUsage = async (org: SalesforceOrg): Promise<ApiUsage> => {
  const daily = (await getLimits(org)).get('DailyApiRequests')
  if (daily === undefined) {
    throw new EngineError('salesforce_error', 'Salesforce did not return its daily API limit.')
  }
  return { used: daily.max - daily.remaining, max: daily.max }
}

/** What to do about a fault. */
export const faultOf = (error: unknown): HealthFault => {
  if (!(error instanceof EngineError)) throw error
  const isNangos = error instanceof NangoError
  const kind = isNangos
    ? error.kind
    : error instanceof SalesforceError
      ? error.failure.kind
      : error.code
  const code = error.upstream?.code ?? error.code
  const message = error.upstream?.message ?? error.message
  return {
    code,
    message: message === '' ? error.message : message,
    remedy: isNangos ? OF_NANGO[error.kind] : (REMEDIES[kind] ?? REMEDIES[error.code] ?? OTHERWISE),
    possible_causes: causesBehind(kind, message),
  }
}

/** The one that the words name, or all that may be behind the symptom. */
const causesBehind = (symptom: string, words: string): LostCause[] => {
  const named = causeInWords(words)
  return named === null ? causesOf(symptom) : [named]
}

const OTHERWISE = 'Read the message; if Salesforce itself has trouble, wait and check again.'

const REFRESH_FAILED =
  'Rule out possible_causes with a Salesforce administrator of the client, then refresh, or send a new link: /api/connections/create.'

/** The grant is not affected by what only the operator or time can mend. */
const OF_NANGO: Readonly<Record<NangoFailureKind, string>> = {
  gone: 'Connect the client again: Nango no longer holds its grant.',
  refresh_refused: REFRESH_FAILED,
  refresh_exhausted: REFRESH_FAILED,
  refresh_backoff: 'Wait half a minute, then refresh: /api/connections/refresh.',
  misconfigured:
    "Nothing is wrong with the client's authorization: whoever runs this server has to look at NANGO_SECRET_KEY, NANGO_BASE_URL and the names of the integrations.",
  no_scope:
    "Nothing is wrong with the client's authorization: whoever runs this server has to give its Nango key the scope that the message names.",
  rate_limited: 'Wait a minute, then check again.',
  unavailable: 'Wait until Nango answers again, then check again.',
}

const REMEDIES: Readonly<Record<string, string>> = {
  session_dead:
    'Salesforce refuses a session it has just issued: rule out possible_causes, then connect the client again.',
  session_unusable:
    "In the Salesforce org, let the app's sessions use the API: relax its IP restrictions and the session security level it requires.",
  api_disabled:
    'The edition or the profile has no API access: ask a Salesforce administrator to enable it.',
  limit_total: "The Salesforce org's daily API allowance is used up: wait, or have it raised.",
  version_unsupported: 'Choose a different api_version with /api/connections/update.',
  api_budget_exhausted: 'Wait until calls are back, or lower SFDC_API_RESERVE_PERCENT.',
  salesforce_org_changed:
    'Connect the client again, with allow_other_org if the change is intended.',
  host_refused:
    "Check the Salesforce org's My Domain; a private host must be in SFDC_INSTANCE_HOST_ALLOWLIST.",
  connection_not_ready: 'Connect the client with /api/connections/create.',
}

interface Question {
  salesforce: SalesforceOrg
  reserveOf: (this: void, max: number) => number
}

/** Asks everything that can be asked; what fails becomes a fault. Throws only on a bug. */
export const lookAtHealth = async ({ salesforce, reserveOf }: Question): Promise<Health> => {
  const faults: HealthFault[] = []
  const attempt = async <T>(ask: () => Promise<T>): Promise<T | null> => {
    try {
      return await ask()
    } catch (error) {
      const fault = faultOf(error)
      if (!faults.some(({ code }) => code === fault.code)) faults.push(fault)
      return null
    }
  }

  const identity = await attempt(() => getIdentity(salesforce))
  const usage = await attempt(() => readUsage(salesforce))
  // Without a working API there is nothing more to learn.
  const granted = usage === null ? null : await attempt(() => readPermissions(salesforce))
  const missing = granted === null ? null : NEEDED_NAMES.filter((name) => !granted.has(name))
  for (const name of missing ?? []) {
    const label = PERMISSION_LABELS[name]
    faults.push({
      code: 'missing_permission',
      message: `The connected user lacks "${label}", which is needed for ${NEEDED[name]}.`,
      remedy: `Grant "${label}" to the connected user in a permission set or its profile.`,
      possible_causes: [],
    })
  }
  if (usage !== null && usage.max - usage.used <= reserveOf(usage.max)) {
    faults.push({
      code: 'api_budget_exhausted',
      message: `${usage.used} of ${usage.max} daily API calls are used; the rest is kept for other tools.`,
      remedy: REMEDIES.api_budget_exhausted ?? OTHERWISE,
      possible_causes: [],
    })
  }
  return {
    ok: faults.length === 0,
    checked_at: new Date().toISOString(),
    identity:
      identity === null
        ? null
        : {
            sfdc_org_id: identity.sfdcOrgId,
            sfdc_user_id: identity.userId,
            username: identity.username,
          },
    api_usage:
      usage === null
        ? null
        : {
            ...usage,
            remaining: Math.max(0, usage.max - usage.used),
            reserve: reserveOf(usage.max),
          },
    missing_permissions: missing === null ? null : missing.map((name) => PERMISSION_LABELS[name]),
    faults,
  }
}

/** Salesforce: UserPermissionAccess has one row, the permissions of the one who asks. */
const readPermissions = async (org: SalesforceOrg): Promise<Set<PermissionName>> => {
  for await (const row of query(org, PERMISSIONS_QUERY)) {
    return new Set(NEEDED_NAMES.filter((name) => row[`Permissions${name}`] === true))
  }
  throw new EngineError(
    'salesforce_error',
    "Salesforce did not return the connected user's permissions.",
  )
}

/** The health of a client whose connection leads nowhere. */
export const notConnected = (error: unknown): Health => ({
  ok: false,
  checked_at: new Date().toISOString(),
  identity: null,
  api_usage: null,
  missing_permissions: null,
  faults: [faultOf(error)],
})
