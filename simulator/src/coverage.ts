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
  { route: 'GET /services/oauth2/userinfo', note: 'no phone number, no custom attributes' },
  { route: 'GET /id/:org/:user', note: 'one user at a time: the one who asks' },
]

export const HOST_COVERAGE: CoveredRoute[] = [
  { route: 'GET /services/data', note: 'v31.0 to v68.0, without authentication' },
]

export const REST_COVERAGE: CoveredRoute[] = [
  { route: 'GET /', note: 'the resources that are simulated or refused' },
  {
    route: 'GET /limits',
    note: 'API requests, Bulk jobs and batches, data storage and permission sets count, others stand; no usage of single apps',
  },
  { route: 'GET /limits/recordCount', note: 'exact, where Salesforce is approximate' },
  { route: 'GET /sobjects', note: 'per user, conditional; companions of six objects' },
  { route: 'GET /sobjects/:name', note: 'per user; recentItems is always empty' },
  {
    route: 'GET /sobjects/:name/describe',
    note: 'per user and conditional; every key of v52 and later whatever version is asked for; no action overrides, no named layouts',
  },
  {
    route: 'GET /sobjects/:name/listviews',
    note: 'with ?limit= and ?offset=; no describe and no results of a single one',
  },
  {
    route: 'POST /sobjects/:name',
    note: 'every check that the README names, and record-triggered flows; no sharing rules, no Apex, no workflow rules',
  },
  { route: 'POST /sobjects/:name/Id', note: 'as POST /sobjects/:name' },
  {
    route: 'GET /sobjects/:name/:id',
    note: 'with ?fields=; formula fields and roll-ups reckoned; no sharing rules',
  },
  { route: 'PATCH /sobjects/:name/:id', note: 'with If-Unmodified-Since; no If-Match' },
  { route: 'DELETE /sobjects/:name/:id', note: 'into the recycle bin, with its details' },
  { route: 'GET /sobjects/:name/:field/:value', note: 'by external id; no friendly URLs' },
  {
    route: 'PATCH /sobjects/:name/:field/:value',
    note: 'upsert: 201, 200, or 300 with URLs; ?updateOnly=true',
  },
  { route: 'DELETE /sobjects/:name/:field/:value', note: 'by external id' },
  {
    route: 'POST /composite/sobjects',
    note: '200 rows, 10 chunks; unknown fields and wrong types fail their row',
  },
  { route: 'PATCH /composite/sobjects', note: 'as POST /composite/sobjects' },
  { route: 'DELETE /composite/sobjects', note: '?ids= of several types, ?allOrNone=' },
  { route: 'PATCH /composite/sobjects/:name/:field', note: 'upsert by external id or Id' },
  { route: 'GET /composite/sobjects/:name', note: '?ids=&fields=; null for what does not exist' },
  { route: 'POST /composite/sobjects/:name', note: 'retrieve: ids and fields in the body' },
  { route: 'POST /composite/tree/:name', note: '200 records, 5 types, 5 levels; all or none' },
  {
    route: 'POST /composite/graph',
    note: 'each graph all or none; limits on graphs, nodes, depth, kinds and failures',
  },
  {
    route: 'POST /composite',
    note: 'parts run in order, never collated; allOrNone takes back records, flow interviews and what Tooling wrote, and nothing else',
  },
  { route: 'POST /composite/batch', note: 'each part counts; haltOnError' },
  { route: 'POST /tooling/composite', note: 'as /composite' },
  { route: 'POST /tooling/composite/batch', note: 'as /composite/batch' },
  {
    route: 'GET /query',
    note: 'SOQL of records and of set-up tables, and ?columns=true; no FORMAT, no SOSL',
  },
  { route: 'GET /query/:locator', note: 'locators live as long as the simulator' },
  { route: 'GET /queryAll', note: 'deleted records too' },
  { route: 'GET /queryAll/:locator', note: 'as /query/:locator' },
  {
    route: 'GET /tooling/query',
    note: 'definitions of objects and fields, rules, flows, labels, layouts, field sets, buttons, packages and deployments; no ?explain=',
  },
  { route: 'GET /tooling/query/:locator', note: 'as /query/:locator' },
  { route: 'GET /tooling/queryAll', note: 'as /tooling/query' },
  {
    route: 'POST /tooling/sobjects/:name',
    note: 'CustomField, GlobalValueSet, ValidationRule, CompactLayout, Flow: FullName and Metadata, checked as in a deployment',
  },
  {
    route: 'PATCH /tooling/sobjects/:name/:id',
    note: 'CustomField, GlobalValueSet, ValidationRule, CompactLayout, FlowDefinition: Metadata is replaced whole; not Flow',
  },
  {
    route: 'DELETE /tooling/sobjects/:name/:id',
    note: 'CustomField, ValidationRule and CompactLayout, as SOAP does; flow versions that are not active and have no interviews',
  },
  {
    route: 'GET /tooling/sobjects/:name/:id',
    note: 'with FullName and Metadata where it has them',
  },
  {
    route: 'POST /jobs/ingest',
    note: 'Bulk API 2.0: insert, update, upsert, delete, hardDelete; no multipart, no big objects',
  },
  { route: 'GET /jobs/ingest', note: 'newest first, 1,000 a page; ?jobType=' },
  { route: 'GET /jobs/ingest/:id', note: 'every member; Apex never takes time' },
  { route: 'PATCH /jobs/ingest/:id', note: 'UploadComplete and Aborted' },
  { route: 'DELETE /jobs/ingest/:id', note: 'of jobs that are over or still in the queue' },
  {
    route: 'PUT /jobs/ingest/:id/batches',
    note: 'one upload of at most 150 MB, plain or gzip, kept in memory',
  },
  {
    route: 'GET /jobs/ingest/:id/successfulResults',
    note: 'as recorded: values quoted, the header as it was sent; all in one answer',
  },
  { route: 'GET /jobs/ingest/:id/failedResults', note: 'as successfulResults' },
  { route: 'GET /jobs/ingest/:id/unprocessedrecords', note: 'as successfulResults' },
  {
    route: 'POST /jobs/query',
    note: 'query and queryAll; refuses aggregates, child rows, TYPEOF, OFFSET, compound fields',
  },
  { route: 'GET /jobs/query', note: 'as GET /jobs/ingest' },
  { route: 'GET /jobs/query/:id', note: 'every member that Salesforce names' },
  { route: 'PATCH /jobs/query/:id', note: 'only Aborted' },
  { route: 'DELETE /jobs/query/:id', note: 'as DELETE /jobs/ingest/:id' },
  {
    route: 'GET /jobs/query/:id/results',
    note: 'by ?maxRecords= and ?locator=, or 100,000 rows a page; no resultPages',
  },
  {
    route: 'POST /metadata/deployRequest',
    note: 'the types of components in the README; no Apex tests; no quick deployment of a validated request',
  },
  {
    route: 'GET /metadata/deployRequest/:id',
    note: 'with ?includeDetails=true; the newest 200 are kept',
  },
  { route: 'PATCH /metadata/deployRequest/:id', note: 'cancels: status Canceling' },
  {
    route: 'DELETE /sobjects/FlowInterview/:id',
    note: 'by its owner or with Modify All Data; frees the version for deletion',
  },
  {
    route: 'POST /sobjects/PermissionSetAssignment',
    note: 'AssigneeId with PermissionSetId or PermissionSetGroupId; no licences, no expiration',
  },
  {
    route: 'DELETE /sobjects/PermissionSetAssignment/:id',
    note: "not the assignments that stand for users' profiles",
  },
]

/** What customers of the API run. On the control port. */
export const RECEIVER_COVERAGE: CoveredRoute[] = [
  {
    route: 'POST /receiver/*',
    note: 'a receiver of webhooks: any status, headers and delay, no answer, a broken connection, one after the other; no TLS, verifies no signature',
  },
]

export const SOAP_COVERAGE: CoveredRoute[] = [
  {
    route: 'POST /services/Soap/m/:version',
    note: 'describeMetadata, listMetadata, readMetadata, createMetadata, updateMetadata, upsertMetadata, deleteMetadata, retrieve and its status; deploy, its status and cancelDeploy; no renameMetadata, no deployRecentValidation',
  },
]
