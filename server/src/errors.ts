// The closed vocabulary of what can go wrong. HTTP, jobs and documentation read the same table;
// nothing else in the server invents a code or a status.

interface ErrorKind {
  status: number
  title: string
  /** True if the same call may succeed later without any change. */
  retryable: boolean
  /** One line for docs/errors.md: what the caller can do about it. */
  remedy: string
}

const define = <T extends Record<string, ErrorKind>>(table: T): Readonly<T> => Object.freeze(table)

const kind = (status: number, title: string, remedy: string, retryable = false): ErrorKind => ({
  status,
  title,
  retryable,
  remedy,
})

export const ERRORS = define({
  // 400: understood, but not valid here
  invalid_json: kind(
    400,
    'Body is not valid JSON',
    'Send one JSON object, UTF-8, as application/json.',
  ),
  bad_request: kind(400, 'Bad request', 'Correct the request; detail says what is wrong with it.'),
  invalid_plan: kind(400, 'Plan is not valid', 'Correct the members named in errors.'),
  invalid_mapping: kind(
    400,
    'Mapping is not valid',
    'Correct the members named in errors, or send allow_broken to save it anyway.',
  ),
  invalid_blueprint: kind(
    400,
    'Blueprint version is not valid',
    'Correct the members named in errors.',
  ),
  invalid_parameters: kind(
    400,
    'Values of parameters are not valid',
    'Correct the values named in errors; /api/blueprints/versions/get shows what the version declares.',
  ),
  mapping_missing: kind(400, 'No mapping for this object', 'Create one with /api/mappings/create.'),
  unknown_field: kind(400, 'Unknown field', 'Use a field that the mapping or the snapshot knows.'),
  unknown_object: kind(400, 'Unknown object', 'Name objects as the Salesforce org does.'),
  invalid_cursor: kind(
    400,
    'Cursor is not valid',
    'Use next_cursor of the previous page, unchanged.',
  ),
  invalid_client: kind(400, 'Client is not valid here', 'Use a client of this organization.'),
  invalid_role: kind(
    400,
    'Role and client do not match',
    'company_* roles need a client_id; org_admin must not have one.',
  ),
  client_inactive: kind(400, 'Client is inactive', 'Activate it with /api/clients/update.'),
  host_refused: kind(400, 'Host is not allowed', 'Use a Salesforce login host or My Domain.'),
  endpoint_refused: kind(
    400,
    'Webhook endpoint is not allowed',
    'Use an https URL whose host has public addresses only; detail says what is wrong with this one.',
  ),
  all_or_none_too_large: kind(400, 'Too many rows for all_or_none', 'Send at most 200 rows.'),

  // 401 / 403 / 404 / 405
  unauthenticated: kind(
    401,
    'Not authenticated',
    'Send a valid API token as a Bearer token, or the access_token of /api/auth/login.',
  ),
  forbidden: kind(
    403,
    'Not permitted',
    'Use a credential that may: an org_admin gives users their role, and API tokens their scopes.',
  ),
  not_found: kind(404, 'Not found', 'Check the id.'),
  method_not_allowed: kind(405, 'Method not allowed', 'Use a method that the Allow header lists.'),

  // 409: conflict with the current state
  already_exists: kind(409, 'Already exists', 'Use the existing one, or a different name.'),
  last_admin: kind(409, 'The last active org_admin', 'Make another user org_admin first.'),
  blueprint_archived: kind(
    409,
    'Blueprint is archived',
    'Restore it with /api/blueprints/archive and is_archived false, or use a different one.',
  ),
  blueprint_changed: kind(
    409,
    'Blueprint has a newer version',
    'Look at its newest version, add your change to that, and send its number as expected_latest.',
  ),
  drift_superseded: kind(
    409,
    'There is a newer result of drift',
    'Look at the newest result of this client and accept what differs there.',
  ),
  mapping_broken: kind(
    409,
    'Mapping is broken',
    'Fix what errors name with /api/mappings/update or a deploy; pull the topology if it already exists in the Salesforce org.',
  ),
  connection_not_ready: kind(
    409,
    'Client has no usable connection',
    'Connect it with /api/connections/create.',
  ),
  connection_revoked: kind(409, 'Connection was revoked', 'Connect the client again.'),
  missing_permissions: kind(
    409,
    'The connected user may not do this in Salesforce',
    'Grant the permissions named in errors to the connected user, or connect a different user.',
  ),
  salesforce_org_mismatch: kind(
    409,
    'A different Salesforce org than before',
    'Authorize the same Salesforce org, or create the connection with allow_other_org.',
  ),
  salesforce_org_changed: kind(
    409,
    'The connection now leads to a different Salesforce org',
    'Reconnect the client.',
  ),
  pull_in_progress: kind(
    409,
    'A pull is running',
    'Wait for it; poll /api/topology/history.',
    true,
  ),
  no_snapshot: kind(409, 'No complete snapshot', 'Pull the topology first.'),
  conflicts_found: kind(
    409,
    'The conflict report does not allow this',
    'Resolve the findings and check again.',
  ),
  topology_drifted: kind(
    409,
    'The Salesforce org changed since the check',
    'Check again with refresh: true, or pull the topology and check again.',
  ),
  deployment_in_progress: kind(
    409,
    'A deployment is running',
    'Wait for it to end; poll /api/deploy/list.',
    true,
  ),
  push_in_progress: kind(409, 'The push has not ended', 'Wait for it; poll /api/push/get.', true),
  upload_in_progress: kind(409, 'Another upload is in progress', 'Wait for it to end.', true),
  endpoint_disabled: kind(
    409,
    'Webhook endpoint is disabled',
    'Correct the receiver, then enable the endpoint with /api/webhook-endpoints/update.',
  ),
  too_many_endpoints: kind(
    409,
    'Too many webhook endpoints',
    'Delete one with /api/webhook-endpoints/delete, or let one endpoint serve several purposes.',
  ),
  nothing_to_retry: kind(409, 'No failed rows to retry', 'See /api/push/results.'),
  already_retried: kind(
    409,
    'The push was retried already',
    'Retry the push that detail names: it has the rows that failed again.',
  ),
  flow_interviews_waiting: kind(
    409,
    'Paused flow interviews prevent this',
    'Let them finish or delete them in Salesforce, then try again.',
    true,
  ),
  not_rollbackable: kind(409, 'Cannot be rolled back', 'See the deployment for the reason.'),
  data_would_be_lost: kind(
    409,
    'Data would be lost',
    'Repeat with allow_data_loss to go ahead anyway.',
  ),
  client_leaving: kind(
    409,
    'Client is being off-boarded',
    'Wait for the end of the off-boarding; poll /api/fleet/offboard/get.',
  ),
  client_left: kind(
    409,
    'Client was off-boarded',
    'See its off-boarding with /api/fleet/offboard/get. To work for it again, activate it with ' +
      '/api/clients/update and connect it. To delete what is stored of it, start with purge.',
  ),
  org_active: kind(
    409,
    'Organization is active',
    'Deactivate it with /api/super-admin/orgs/update, then repeat.',
  ),
  purge_in_progress: kind(
    409,
    'It is being deleted',
    'Nothing: all of its data here is being deleted, and that cannot be stopped.',
  ),
  confirmation_mismatch: kind(
    400,
    'Confirmation does not match',
    'Send the slug of the organization in confirm.',
  ),
  confirmation_stale: kind(
    409,
    'What was shown is no longer so',
    'Look at what errors name, check the rollout again where a target is unchecked or has changed, then repeat the call with the revision that you saw.',
  ),
  rollout_state_conflict: kind(
    409,
    'The state of the rollout does not allow this',
    'Do what detail says is possible now; /api/fleet/rollouts/get shows the state.',
  ),
  approval_required: kind(
    409,
    'A person has to approve this',
    'Have a person grant approval_id at url, then repeat the same call with approval_id.',
    true,
  ),
  approval_unusable: kind(
    409,
    'The approval cannot be used',
    'To ask for a new approval, repeat the call that needs one without approval_id.',
  ),
  idempotency_key_reused: kind(
    409,
    'Idempotency key used for another request',
    'Use a new key for a different body.',
  ),
  idempotency_in_progress: kind(
    409,
    'The first call with this key is still running',
    'Repeat after Retry-After.',
    true,
  ),

  // 413 / 415 / 422 / 429
  payload_too_large: kind(413, 'Body is too large', 'Send less at once.'),
  unsupported_media_type: kind(415, 'Unsupported media type', 'Send application/json.'),
  validation_failed: kind(
    422,
    'Request does not match the schema',
    'Correct the members named in errors.',
  ),
  rate_limited: kind(429, 'Too many requests', 'Repeat after Retry-After.', true),
  api_budget_exhausted: kind(
    429,
    "The client's Salesforce API budget is used up",
    'Repeat after Retry-After, or lower SFDC_API_RESERVE_PERCENT.',
    true,
  ),

  // 5xx
  internal: kind(
    500,
    'Something went wrong on our side',
    'Try again; if it happens again, report request_id.',
    true,
  ),
  salesforce_error: kind(
    502,
    'Salesforce refused the request or failed',
    'See upstream for its own code and message.',
    true,
  ),
  nango_error: kind(
    502,
    'Nango refused the request or failed',
    "See upstream for its own code and message. If it refuses this server's key, whoever runs the server has to set NANGO_SECRET_KEY.",
    true,
  ),
  unavailable: kind(503, 'Temporarily unavailable', 'Try again in a moment.', true),
})

export type ErrorCode = keyof typeof ERRORS

interface FaultKind {
  meaning: string
  remedy: string
}

const faults = <T extends Record<string, FaultKind>>(table: T): Readonly<T> => Object.freeze(table)

/**
 * Codes of `error` and `warnings` of durable work that no answer has as a problem of its own. Work also
 * ends, or waits, with the codes of {@link ERRORS}.
 */
export const FAULTS = faults({
  connection_lost: {
    meaning:
      'The work is paused because the client’s Salesforce org no longer lets us in, or our own set-up is refused there. It resumes by itself once that is mended.',
    remedy:
      'Read the message; /api/connections/get with check names possible causes. Connect the client again if the grant is dead, or cancel the work.',
  },
  cancelled: {
    meaning: 'Somebody cancelled the work. The message says whether anything had been sent.',
    remedy: 'Nothing, or start the work again.',
  },
  abandoned: {
    meaning:
      'Somebody abandoned a deployment or rollback that was stalled; what it changed in the Salesforce org was not found out.',
    remedy: 'Look in the Salesforce org; rolling the deployment back removes what it left there.',
  },
  outcome_unknown: {
    meaning:
      'Salesforce accepted the work, but its answer was lost and could not be found out afterwards.',
    remedy:
      'Look in the Salesforce org. A deployment can be rolled back; rows of a push can be pushed again, by their keys.',
  },
  component_missing: {
    meaning:
      'Salesforce reported success, but a component did not exist when it was read back, so the deployment failed.',
    remedy: 'Roll the deployment back, check what removed the component, and deploy again.',
  },
  components_failed: {
    meaning: 'Salesforce refused components of the package; nothing was changed.',
    remedy: 'Correct the components whose problem is shown, and deploy again.',
  },
  refused_by_salesforce: {
    meaning: 'Salesforce refused the package as a whole; nothing was changed.',
    remedy: 'Correct what Salesforce’s message names, and deploy again.',
  },
  field_not_visible: {
    meaning: 'A deployed field is not visible to the connected user yet, or never became so.',
    remedy:
      'Grant the user access to the field by a permission set, or name one in the permissions of the plan.',
  },
  field_differs: {
    meaning: 'A deployed field is not as planned when it is read back.',
    remedy: 'Compare it with the plan; somebody may have changed it meanwhile. Deploy again.',
  },
  component_differs: {
    meaning: 'A deployed component is not as planned when it is read back.',
    remedy: 'Compare it with the plan; somebody may have changed it meanwhile. Deploy again.',
  },
  salesforce_warning: {
    meaning: 'Salesforce deployed the package and warned about it.',
    remedy: 'Read the warning; the deployment is in place.',
  },
  assignment_failed: {
    meaning: 'The permission set was deployed, but could not be assigned to the connected user.',
    remedy:
      'Assign it in Setup, or give the connected user the permission to assign permission sets.',
  },
  activation_failed: {
    meaning: 'A flow was deployed, but could not be activated.',
    remedy: 'Correct what the message names, then activate it with /api/workflows/set-active.',
  },
  deletion_failed: {
    meaning: 'A version of a flow could not be deleted.',
    remedy: 'Remove what uses it, then call /api/workflows/remove again.',
  },
  flow_is_active: {
    meaning: 'Versions of a flow were not deleted because one of them is active.',
    remedy: 'Deactivate the flow with /api/workflows/set-active, then repeat the call.',
  },
  several_new_versions: {
    meaning: 'Somebody else saved new versions of the flow during the deployment.',
    remedy: 'Check in the Salesforce org which version is meant, and activate that one.',
  },
})

/** What `error.code` of durable work can be. */
export type FaultCode = ErrorCode | keyof typeof FAULTS

/** One fault in one member of the request. `path` is dotted from the body's root: `plan.objects.0.api_name`. */
export interface MemberError {
  path: string
  code: string
  message: string
}

/** The words of Salesforce or Nango (secrets removed by the module that talks to them). */
export interface Upstream {
  service: 'salesforce' | 'nango'
  status: number | null
  code: string
  message: string
  fields?: string[]
}

/** What a person has to grant, and the page that says how. */
export interface NeededApproval {
  approval_id: string
  url: string
}

interface Details {
  errors?: MemberError[]
  upstream?: Upstream
  /** Seconds after which a retry makes sense; becomes Retry-After. */
  retryAfterSeconds?: number
  /** Where the remedy of the code would mislead. */
  remedy?: string
  approval?: NeededApproval
  cause?: unknown
}

/** The only error that reaches a caller. Anything else is a bug and is returned as `internal`. */
export class EngineError extends Error {
  override name = 'EngineError'
  readonly code: ErrorCode
  readonly errors: MemberError[] | undefined
  readonly upstream: Upstream | undefined
  readonly retryAfterSeconds: number | undefined
  readonly approval: NeededApproval | undefined
  readonly remedy: string

  constructor(code: ErrorCode, detail: string, details: Details = {}) {
    super(detail, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.errors = details.errors
    this.upstream = details.upstream
    this.retryAfterSeconds = details.retryAfterSeconds
    this.approval = details.approval
    this.remedy = details.remedy ?? ERRORS[code].remedy
  }

  get status(): number {
    return ERRORS[this.code].status
  }

  get retryable(): boolean {
    return ERRORS[this.code].retryable
  }
}

/** Whether an operator need not look for a bug: it has a code that says what happened. */
export const isExpected = (error: unknown): boolean =>
  error instanceof EngineError && error.code !== 'internal'

/**
 * The same answer for "does not exist" and "not yours": it must never depend on which of the two
 * applies. `path` names the member where a body has several.
 */
export const notFound = (what: string, path?: string): EngineError => {
  const message = `There is no such ${what}.`
  return new EngineError(
    'not_found',
    message,
    path === undefined ? {} : { errors: [{ path, code: 'not_found', message }] },
  )
}
