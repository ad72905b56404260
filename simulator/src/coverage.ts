// What of Salesforce is simulated, as data; a test keeps it equal to the registered routes. Nango's
// part is in nango/coverage.ts, what is refused as not simulated in salesforce/unsimulated.ts.

export interface CoveredRoute {
  /** `METHOD /path/:param`, as registered; REST paths are those below `/services/data/vXX.0`. */
  route: string
  /** How faithful it is, and what it leaves out. */
  note: string
}

/** On the login hosts and on every org's own host. */
export const OAUTH_COVERAGE: CoveredRoute[] = [
  { route: 'GET /services/oauth2/authorize', note: 'code flow only; our own page, no password' },
  { route: 'POST /services/oauth2/authorize', note: "what that page's buttons send" },
  {
    route: 'POST /services/oauth2/token',
    note: 'authorization_code with PKCE S256, refresh_token with or without rotation; no JWT bearer, no client credentials',
  },
  { route: 'POST /services/oauth2/introspect', note: 'access tokens' },
  { route: 'POST /services/oauth2/revoke', note: 'access or refresh token' },
  { route: 'GET /services/oauth2/userinfo', note: 'the main members' },
  { route: 'GET /id/:org/:user', note: 'the main members' },
]

export const HOST_COVERAGE: CoveredRoute[] = [
  { route: 'GET /services/data', note: 'v31.0 to v68.0, without authentication' },
]

export const REST_COVERAGE: CoveredRoute[] = [
  { route: 'GET /', note: 'the resources that are simulated or refused' },
  { route: 'GET /limits', note: 'a dozen of the limits; DailyApiRequests counts, others stand' },
  { route: 'GET /limits/recordCount', note: 'exact, where Salesforce is approximate' },
  { route: 'GET /sobjects', note: 'per user, conditional; companions of six objects' },
  { route: 'GET /sobjects/:name', note: 'per user; recentItems is always empty' },
  {
    route: 'GET /sobjects/:name/describe',
    note: 'per user and conditional; every key of v52 and later whatever version is asked for; no action overrides, no named layouts',
  },
  { route: 'GET /sobjects/:name/:id', note: 'with ?fields=; no sharing rules' },
  {
    route: 'POST /composite',
    note: 'parts run in order; allOrNone halts, and has nothing to roll back while nothing writes',
  },
  { route: 'POST /composite/batch', note: 'each part counts; haltOnError' },
  { route: 'POST /tooling/composite', note: 'as /composite' },
  { route: 'POST /tooling/composite/batch', note: 'as /composite/batch' },
  { route: 'GET /query', note: 'SOQL of records and of set-up tables; no FORMAT, no SOSL' },
  { route: 'GET /query/:locator', note: 'locators live as long as the simulator' },
  { route: 'GET /queryAll', note: 'deleted records too' },
  { route: 'GET /queryAll/:locator', note: 'as /query/:locator' },
  { route: 'GET /tooling/query', note: 'the entities that describeGlobal of Tooling lists' },
  { route: 'GET /tooling/query/:locator', note: 'as /query/:locator' },
  { route: 'GET /tooling/queryAll', note: 'as /tooling/query' },
  { route: 'GET /tooling/sobjects', note: 'name and label of each entity' },
  { route: 'GET /tooling/sobjects/:name/describe', note: 'fields with name and type' },
  {
    route: 'GET /tooling/sobjects/:name/:id',
    note: 'with FullName and Metadata where it has them',
  },
  {
    route: 'POST /metadata/deployRequest',
    note: 'twelve types of components, see the README; no Apex tests; no quick deployment of a validated request',
  },
  {
    route: 'GET /metadata/deployRequest/:id',
    note: 'with ?includeDetails=true; the newest 200 are kept',
  },
  { route: 'PATCH /metadata/deployRequest/:id', note: 'cancels: status Canceling' },
  {
    route: 'POST /sobjects/PermissionSetAssignment',
    note: 'AssigneeId and PermissionSetId; no licences, no groups, no expiration',
  },
  {
    route: 'DELETE /sobjects/PermissionSetAssignment/:id',
    note: "not the assignments that stand for users' profiles",
  },
]

export const SOAP_COVERAGE: CoveredRoute[] = [
  {
    route: 'POST /services/Soap/m/:version',
    note: 'describeMetadata, listMetadata, readMetadata, retrieve and its status; deploy, its status and cancelDeploy; no createMetadata and its kin, no deployRecentValidation',
  },
]
