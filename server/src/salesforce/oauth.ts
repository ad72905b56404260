// Ending a grant at Salesforce. Getting and refreshing tokens is Nango's business, not ours.

import { type Secret } from '../secret.ts'
import { SalesforceError } from './failure.ts'
import { type Salesforce } from './gateway.ts'

/**
 * Revokes an access or refresh token at `instanceUrl` (with a refresh token, the whole grant). A token
 * that Salesforce no longer knows counts as revoked: `already_gone`. Throws SalesforceError otherwise.
 */
export const revokeToken = async (
  salesforce: Salesforce,
  instanceUrl: string,
  token: Secret,
  signal?: AbortSignal,
): Promise<'revoked' | 'already_gone'> => {
  try {
    await salesforce.anonymous(instanceUrl, signal).requestText({
      method: 'POST',
      path: '/services/oauth2/revoke',
      kind: 'oauth',
      effect: 'idempotent',
      // In the body, never in the URL: URLs end up in other people's logs.
      body: {
        type: 'application/x-www-form-urlencoded',
        content: () => new URLSearchParams({ token: token.reveal() }).toString(),
      },
    })
    return 'revoked'
  } catch (error) {
    // Salesforce: 400 {"error":"unsupported_token_type" | "invalid_token"} for a token it does not know.
    if (
      error instanceof SalesforceError &&
      error.failure.status === 400 &&
      ['invalid_token', 'unsupported_token_type'].includes(error.failure.code)
    ) {
      return 'already_gone'
    }
    throw error
  }
}
