// Nango's error answers: one place for codes, statuses and wording, as its server 0.71 returns them.
import type { z } from 'zod'

export interface NangoErrorBody {
  code: string
  message?: string
  [detail: string]: unknown
}

/** Thrown anywhere below a route; the error handler turns it into `{"error": body}`. */
export class NangoError extends Error {
  override name = 'NangoError'
  readonly status: number
  readonly body: NangoErrorBody

  constructor(status: number, body: NangoErrorBody) {
    super(body.message ?? body.code)
    this.status = status
    this.body = body
  }
}

function unauthorized(code: string, reason: string): NangoError {
  // The key order differs from other errors on the wire: message, code, payload.
  return new NangoError(401, {
    message: `Authentication failed. ${reason}`,
    code,
    payload: {},
  })
}

export const ERRORS = {
  missingAuthHeader: () =>
    unauthorized('missing_auth_header', 'The request is missing the Authorization header.'),
  malformedAuthHeader: () =>
    unauthorized('malformed_auth_header', 'The Authorization header is malformed.'),
  invalidSecretKeyFormat: () =>
    unauthorized('invalid_secret_key_format', 'The provided secret key is not a UUID v4.'),
  unknownAccount: () =>
    unauthorized(
      'unknown_account',
      'The provided authorization header does not match any account.',
    ),
  unknownSessionToken: () =>
    unauthorized(
      'unknown_connect_session_token',
      'The provided connect session token does not match any account.',
    ),
  insufficientScope: (scope: string) =>
    new NangoError(403, {
      code: 'forbidden',
      message: `Insufficient scope. Required: ${scope}`,
    }),
  credentialsScope: () =>
    new NangoError(403, {
      code: 'forbidden',
      message:
        'Credential and refresh options require the environment:connections:read_credentials scope',
    }),
  invalidJson: (message: string) => new NangoError(400, { code: 'invalid_json', message }),
  unknownRoute: (method: string, path: string) =>
    new NangoError(404, {
      code: 'not_found',
      message: `The Nango simulator has no ${method} ${path}`,
    }),
  integrationNotAllowed: () => new NangoError(400, { code: 'integration_not_allowed' }),
  unknownProviderConfig: () =>
    new NangoError(400, { code: 'unknown_provider_config', message: 'Provider does not exists' }),
  connectionNotFound: () =>
    new NangoError(404, { code: 'not_found', message: 'Failed to find connection' }),
  /** DELETE returns 400 where GET returns 404. */
  unknownConnectionOnDelete: () => new NangoError(400, { code: 'unknown_connection' }),
  unknownConnection: (connectionId: string, integrationKey: string) =>
    new NangoError(404, {
      code: 'unknown_connection',
      message: `Connection with connection id ${connectionId} and provider config key ${integrationKey} not found. Please make sure the connection exists in the Nango dashboard`,
    }),
  reconnectTargetUnknown: () =>
    new NangoError(400, {
      code: 'invalid_body',
      message: 'ConnectionID or IntegrationId does not exists',
    }),
  reconnectTargetGone: () => new NangoError(400, { code: 'invalid_connection' }),
  invalidCredentials: (status: 400 | 424, message: string, connection: unknown) =>
    new NangoError(status, { code: 'invalid_credentials', message, payload: { connection } }),
  proxyConnection: () =>
    new NangoError(400, { code: 'server_error', message: 'Failed to get connection' }),
  tooManyRequests: (method: string, path: string) =>
    new NangoError(429, { code: 'too_many_request', method, path }),
  serverError: (message: string) => new NangoError(500, { code: 'server_error', message }),
}

export type InvalidInput = 'invalid_body' | 'invalid_query_params' | 'invalid_uri_params'

/** The parsed value, or a 400 that lists every issue with its path as strings. */
export function parse<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  code: InvalidInput,
): z.output<Schema> {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  throw new NangoError(400, {
    code,
    errors: result.error.issues.map((issue) => ({
      code: issue.code,
      message: issue.message,
      path: issue.path.map(String),
    })),
  })
}
