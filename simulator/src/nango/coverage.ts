// What of Nango's API is simulated, as data; a test keeps it equal to the registered routes.

export interface CoveredRoute {
  /** `METHOD /path/:param`, as registered. */
  route: string
  /** How faithful it is, and what it leaves out. */
  note: string
}

export const COVERAGE: CoveredRoute[] = [
  {
    route: 'POST /connect/sessions',
    note: 'strict validation, tag rules, config defaults, overrides, 30 minutes; no plan caps',
  },
  {
    route: 'POST /connect/sessions/reconnect',
    note: 'tags and connection_config are replaced when the dance ends',
  },
  { route: 'GET /connect/session', note: 'Connect UI settings are fixed' },
  { route: 'DELETE /connect/session', note: 'ends the token; a dance under way continues' },
  { route: 'GET /connect', note: 'our own plain page in place of Connect UI; no websocket' },
  {
    route: 'GET /oauth/connect/:integration',
    note: 'Connect session tokens only (no public key), OAuth 2 only; browser params are trusted',
  },
  {
    route: 'GET /oauth/callback',
    note: 'state cookie is set but, as by default, not required; our own page with the same messages',
  },
  {
    route: 'GET /connections',
    note: 'all filters; limit up to 2,000, page from 0',
  },
  {
    route: 'GET /connections/:connectionId',
    note: 'introspection, refresh, joined refreshes, back-off, exhaustion, scopes; one server process',
  },
  { route: 'GET /connection/:connectionId', note: 'the deprecated path, same as /connections/…' },
  { route: 'POST /connections', note: 'import of OAuth 2 tokens, not tested against the provider' },
  {
    route: 'PATCH /connections/:connectionId',
    note: 'tags, end_user, webhook_url_override; the 404 of an unknown id is assumed',
  },
  {
    route: 'DELETE /connections/:connectionId',
    note: 'soft, no revoke, no webhook; the 31-day purge is not simulated',
  },
  { route: 'POST /connections/metadata', note: 'replaces; one id or many, all or none' },
  { route: 'PATCH /connections/metadata', note: 'shallow merge; one id or many, all or none' },
  { route: 'GET /integrations/:uniqueKey', note: 'include=webhook only; 404 wording is assumed' },
  {
    route: 'POST /environment/webhook-signing-key/rotate',
    note: 'works at once; the real server caches the old key for up to 300 s',
  },
  {
    route: 'ALL /proxy/*',
    note: 'minimal: bearer, instance_url, body and status; no retries, no base-url override',
  },
]

/** What a caller might look for but will not find. */
export const NOT_SIMULATED: string[] = [
  'the cron that refreshes connections left alone for 24 hours',
  'several server processes (forced refreshes serialized by a lock)',
  'websocket messages to Connect UI and @nangohq/frontend',
  'providers other than salesforce and salesforce-sandbox, creation of integrations',
  'the deletion webhook of versions after 0.71.4',
  'syncs, actions, records, logs, account API keys',
]
