// Why a client's Salesforce org no longer lets us in, and what its administrator does about it. Nango
// answers every refused refresh alike, so most causes can only be listed: the likely ones first.
// Sources: Salesforce Help, "Manage OAuth Access Policies", "Prepare for Connected App Usage
// Restrictions Change", "Set IP Allowlist for Refresh Tokens", "Freeze or Unfreeze User Accounts",
// "OAuth 2.0 Authorization Errors" (inactive_user, inactive_org), "Refresh Your Sandbox", "Restrict Login Hours";
// Object reference, UserLogin; ISVforce guide, security requirements for external client apps.

export interface LostCause {
  code: string
  message: string
  /** Who does what, with the names of Salesforce's pages. */
  remedy: string
}

const CAUSES = {
  user_frozen: {
    message:
      'The connected user is frozen; Salesforce itself freezes users after logins from risky addresses.',
    remedy:
      'A Salesforce administrator unfreezes the user (Setup > Users > Unfreeze); then refresh the connection.',
  },
  user_inactive: {
    message: 'The connected user was deactivated, or its password was reset.',
    remedy:
      'A Salesforce administrator reactivates the user, or another user authorizes with a new link.',
  },
  app_blocked: {
    message:
      'The app is blocked in the Salesforce org, or is not one of the apps allowed to use its API.',
    remedy:
      'A Salesforce administrator unblocks it (Setup > Connected Apps OAuth Usage; API Access Control), then authorize again.',
  },
  app_not_installed: {
    message:
      'The app is not installed in the Salesforce org; since September 2025 Salesforce refuses such apps.',
    remedy:
      'A Salesforce administrator installs it (Setup > Connected Apps OAuth Usage > Install) and permits the user, then authorize again.',
  },
  refresh_rotated_elsewhere: {
    message:
      'The refresh token was also used elsewhere, for example by a second Nango with the same app: with rotation, reuse ends the whole grant.',
    remedy: 'Let only one Nango use the app, then authorize again.',
  },
  ip_not_allowlisted: {
    message:
      "The app's refresh-token allowlist does not contain the address that Nango calls from.",
    remedy:
      "Whoever owns the app adds Nango's outgoing addresses to its IP allowlist for refresh tokens.",
  },
  login_ip_range: {
    message: "The profile's login IP ranges, or the app's IP restrictions, refuse our addresses.",
    remedy:
      "A Salesforce administrator adds the addresses of Nango and of this server to the profile's login IP ranges, or relaxes the app's IP restrictions.",
  },
  salesforce_org_gone: {
    message:
      'The Salesforce org is locked or closed, its trial has ended, or the sandbox was refreshed or deleted; a refresh of a sandbox ends every grant.',
    remedy:
      'A Salesforce administrator can say which. A refreshed sandbox is another Salesforce org: authorize again with allow_other_org.',
  },
  login_hours: {
    message: "The profile's login hours do not include this hour.",
    remedy:
      "A Salesforce administrator removes the login hours from the user's profile, or gives the user another profile.",
  },
  refresh_idle: {
    message: 'The refresh token was not used for longer than the app allows (30 days).',
    remedy: 'Authorize again; keep Nango running, which uses every token daily.',
  },
  too_many_grants: {
    message:
      'The same user authorized the app more than five times; Salesforce ends the oldest grant silently.',
    remedy: 'Authorize again, with a user of its own for each client.',
  },
  grant_revoked: {
    message: "The grant was revoked, or the app's policy lets refresh tokens expire at once.",
    remedy:
      'A Salesforce administrator sets the policy to "valid until revoked", then authorize again.',
  },
  mfa_required: {
    message:
      'Salesforce asks the user for multi-factor authentication; powerful users need a passkey or a security key.',
    remedy: 'The user registers one in Salesforce and authorizes again in person.',
  },
  session_level: {
    message: "The app's sessions are below the security level that the Salesforce org requires.",
    remedy:
      "A Salesforce administrator sets the app's or profile's required session security level to Standard.",
  },
} as const satisfies Readonly<Record<string, Omit<LostCause, 'code'>>>

export type CauseCode = keyof typeof CAUSES

/** What we write to the client's administrator: their own steps only, and none that are ours. */
const ASKED: Readonly<Partial<Record<CauseCode, string>>> = {
  user_frozen:
    'Is the user that we work with frozen? Unfreeze that user under Setup > Users (button Unfreeze).',
  user_inactive: 'Is that user inactive? Activate the user again, or name us another one.',
  app_blocked:
    'Is our app blocked? Unblock the app under Setup > Connected Apps OAuth Usage, and allow it in API Access Control if you use that.',
  app_not_installed:
    'Is our app not installed? Install the app under Setup > Connected Apps OAuth Usage, and permit the user to use it.',
  login_ip_range:
    "Does the user's profile have login IP ranges? Ask us for our addresses and add them, or relax the IP restrictions of our app.",
  salesforce_org_gone:
    'Was the sandbox refreshed or deleted, has a trial ended, or is the Salesforce org locked? Tell us, and we will authorize again where needed.',
  login_hours:
    "Does the user's profile have login hours? Remove them, or give the user another profile.",
  grant_revoked:
    'Does our app\'s policy let refresh tokens expire? Set the policy to "valid until revoked".',
  mfa_required:
    'Does Salesforce ask the user for multi-factor authentication? Register a passkey or a security key for the user.',
  session_level:
    "Does our app, or the user's profile, require a high session security level? Set the level to Standard.",
}

/** The steps of these causes that are for the client's administrator, most likely first. */
export const askedOf = (causes: readonly LostCause[]): string[] =>
  causes.flatMap(({ code }) => ASKED[code as CauseCode] ?? [])

const named = (codes: readonly CauseCode[]): LostCause[] =>
  codes.map((code) => ({ code, ...CAUSES[code] }))

const REFRESH: readonly CauseCode[] = [
  'user_frozen',
  'user_inactive',
  'app_blocked',
  'app_not_installed',
  'grant_revoked',
  'refresh_rotated_elsewhere',
  'ip_not_allowlisted',
  'login_ip_range',
  'salesforce_org_gone',
  'login_hours',
  'refresh_idle',
  'too_many_grants',
  'mfa_required',
]

/** By symptom: a stored fault of a connection, or a kind of failure. */
const BY_SYMPTOM: Readonly<Record<string, readonly CauseCode[]>> = {
  refresh_refused: REFRESH,
  refresh_backoff: REFRESH,
  refresh_exhausted: REFRESH,
  refresh_limit_reached: REFRESH,
  // A session that has just been issued is refused: a setting blocks it, not the grant.
  session_refused: ['user_frozen', 'user_inactive', 'login_ip_range', 'app_blocked'],
  session_dead: ['user_frozen', 'user_inactive', 'login_ip_range', 'app_blocked'],
  // Nango shows Salesforce's reason only to the person at the browser.
  not_authorized: [
    'app_blocked',
    'app_not_installed',
    'mfa_required',
    'login_ip_range',
    'user_frozen',
  ],
  session_unusable: ['login_ip_range', 'session_level', 'app_blocked'],
}

export const allCauses = (): LostCause[] => named(Object.keys(CAUSES) as CauseCode[])

/**
 * The possible causes of a symptom, most likely first; empty where the symptom itself says what is
 * wrong.
 */
export const causesOf = (symptom: string): LostCause[] => named(BY_SYMPTOM[symptom] ?? [])

/**
 * What Salesforce writes in the description of a refused token, or in the error of a call. Nango passes it on
 * only at times, so that most refusals name no cause.
 */
const IN_WORDS: readonly [RegExp, CauseCode][] = [
  [/\bfrozen\b/i, 'user_frozen'],
  [/inactive[ _]user|user (is|was) (inactive|deactivated)/i, 'user_inactive'],
  [
    /inactive[ _]org\b|\borg(anization)? (is|was|has been) (locked|closed|suspended|deleted)|trial.* expired|TRIAL_EXPIRED/i,
    'salesforce_org_gone',
  ],
  [/login hours|restricted (time|hours)|DURING_RESTRICTED_TIME/i, 'login_hours'],
  [/must be installed|not installed|OAUTH_APPROVAL_ERROR_GENERIC/i, 'app_not_installed'],
  [
    /OAUTH_APP_BLOCKED|app(lication)? (is|was|has been) blocked|OAUTH_APP_ACCESS_DENIED/i,
    'app_blocked',
  ],
  [/refresh token.*(reuse|already (been )?used)|token reuse/i, 'refresh_rotated_elsewhere'],
  [/allowlist|allow list/i, 'ip_not_allowlisted'],
  [/ip restricted|login ip range|ip address.*(not allowed|restricted|outside)/i, 'login_ip_range'],
  [/multi-?factor|\bMFA\b|identity verification/i, 'mfa_required'],
  [/expired due to inactivity|idle for/i, 'refresh_idle'],
]

/** The cause that somebody's words name; null if they name none. */
export const causeInWords = (words: string): LostCause | null => {
  const code = IN_WORDS.find(([pattern]) => pattern.test(words))?.[1]
  return code === undefined ? null : { code, ...CAUSES[code] }
}
