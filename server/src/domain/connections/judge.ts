// Whether an answer from Nango may be used: the one place that compares Salesforce org, host and scopes,
// for every answer, whether it brings a new grant or the next token of an old one.

import { EngineError } from '../../errors.ts'
import { type Fault } from '../../db/tables/work.ts'
import { type Grant, type NangoConnection } from '../../nango/connection.ts'
import { NangoError } from '../../nango/failure.ts'
import { type SalesforceSession } from '../../salesforce/gateway.ts'
import { type HostPolicy } from '../../salesforce/hosts.ts'

export type FaultCode = 'salesforce_org_changed' | 'host_refused' | 'missing_scope' | 'api_disabled'

export interface ConnectionFault extends Fault {
  code: FaultCode
}

export type Verdict =
  | { usable: true; session: SalesforceSession; sfdcOrgId: string; sfdcUserId: string }
  | { usable: false; fault: ConnectionFault; sfdcOrgId: string }

/** Either of them lets a token use the REST API. */
const API_SCOPES = ['api', 'full']

/**
 * Whether the grant may be used, and if not, why. `expectedOrgId` is the Salesforce org that the
 * connection is known to lead to; null while it leads to none yet. Throws NangoError if the answer does
 * not say enough to decide.
 */
export const judge = (
  answer: NangoConnection,
  hosts: HostPolicy,
  expectedOrgId: string | null,
): Verdict => {
  const grant = requireGrant(answer)
  const { sfdcOrgId, sfdcUserId } = grant
  if (sfdcOrgId === null || sfdcUserId === null) {
    throw new NangoError('unavailable', {
      status: 200,
      code: 'identity_missing',
      message: 'The credentials do not name the Salesforce org and user they belong to.',
    })
  }
  const fault =
    (expectedOrgId !== null && sfdcOrgId !== expectedOrgId
      ? {
          code: 'salesforce_org_changed' as const,
          message: `The grant now leads to the Salesforce org ${sfdcOrgId}; it used to be ${expectedOrgId}.`,
        }
      : null) ??
    judgeHost(grant, hosts) ??
    judgeScopes(grant)
  if (fault !== null) return { usable: false, fault, sfdcOrgId }
  return {
    usable: true,
    sfdcOrgId,
    sfdcUserId,
    session: {
      accessToken: grant.accessToken,
      instanceUrl: hosts.instanceBase(grant.instanceUrl ?? '').origin,
    },
  }
}

const requireGrant = ({ grant }: NangoConnection): Grant => {
  if (grant !== null) return grant
  // Nango: a key without this scope gets 200 and empty credentials.
  throw new NangoError('no_scope', {
    status: 200,
    code: 'credentials_missing',
    message:
      'Nango returned no credentials: the key needs environment:connections:read_credentials.',
  })
}

const judgeHost = (grant: Grant, hosts: HostPolicy): ConnectionFault | null => {
  try {
    hosts.instanceBase(grant.instanceUrl ?? '')
    return null
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    return { code: 'host_refused', message: error.message }
  }
}

const judgeScopes = ({ scopes }: Grant): ConnectionFault | null =>
  scopes === null || scopes.some((scope) => API_SCOPES.includes(scope))
    ? null
    : {
        code: 'missing_scope',
        message: `The grant has the OAuth scopes ${scopes.join(', ') || '(none)'}; it needs api.`,
      }

/** The fault as the error of the call that met it. */
export const faultError = ({ code, message }: ConnectionFault): EngineError =>
  code === 'salesforce_org_changed' || code === 'host_refused'
    ? new EngineError(code, message)
    : new EngineError('connection_not_ready', message)
