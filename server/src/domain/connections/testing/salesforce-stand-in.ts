// As much of Salesforce as a grant needs, for the tests of this folder: tokens are issued, refreshed,
// inspected and revoked, and a session reads identity, limits and permissions. Not a simulator.

import { createServer, type IncomingMessage } from 'node:http'
import { type AddressInfo } from 'node:net'

export interface Grant {
  refreshToken: string
  accessToken: string
  sfdcOrgId: string
  sfdcUserId: string
  revoked: boolean
  /** How often it was refreshed. */
  refreshes: number
}

export interface SeenCall {
  method: string
  path: string
  /** The access token of the call. */
  token: string | null
}

type Respond = { status: number; body: unknown }

const CHECK_USER = '005Ws000001XyZaIAK'

export const startSalesforceStandIn = async () => {
  const grants: Grant[] = []
  const calls: SeenCall[] = []
  const usage = { used: 10, max: 15_000 }
  const settings = {
    /** Answers of the revocation endpoint in turn; then it works. */
    revokeStatuses: [] as number[],
    apiDisabled: false,
    /** Every session is answered as dead, a fresh one too. */
    sessionsRefused: false,
    /** The day's calls are used up. */
    limitReached: false,
    /** Pause before a refresh is answered, so that callers pile up. */
    refreshMs: 0,
    scope: 'refresh_token api id',
    permissions: true,
    /** Accepts requests and never answers; OAuth still works. */
    silent: false,
  }
  let count = 0

  const issue = (sfdcOrgId: string): Grant => {
    count += 1
    const grant: Grant = {
      refreshToken: `5Aep861_refresh_${count}_${'x'.repeat(20)}`,
      accessToken: accessToken(sfdcOrgId),
      sfdcOrgId,
      sfdcUserId: CHECK_USER,
      revoked: false,
      refreshes: 0,
    }
    grants.push(grant)
    return grant
  }

  const accessToken = (sfdcOrgId: string): string => {
    count += 1
    return `${sfdcOrgId.slice(0, 15)}!AQ_access_${count}_${'y'.repeat(20)}`
  }

  /** The token response that Salesforce would give for the grant now. */
  const raw = (grant: Grant) => ({
    access_token: grant.accessToken,
    refresh_token: grant.refreshToken,
    instance_url: url,
    id: `https://login.salesforce.com/id/${grant.sfdcOrgId}/${grant.sfdcUserId}`,
    scope: settings.scope,
    token_type: 'Bearer',
    issued_at: String(Date.now()),
    signature: 'sig',
  })

  const holding = (token: string | null): Grant | undefined =>
    grants.find((grant) => grant.accessToken === token && !grant.revoked)

  const oauth = async (path: string, form: URLSearchParams): Promise<Respond> => {
    const token = form.get('token') ?? ''
    if (path === '/services/oauth2/introspect') {
      const active = holding(token) !== undefined
      return { status: 200, body: active ? { active, exp: Date.now() / 1000 + 7200 } : { active } }
    }
    if (path === '/services/oauth2/revoke') {
      const status = settings.revokeStatuses.shift()
      if (status !== undefined)
        return { status, body: [{ message: 'not now', errorCode: 'SERVER_UNAVAILABLE' }] }
      const grant = grants.find((g) => g.refreshToken === token || g.accessToken === token)
      if (grant === undefined || grant.revoked) {
        return {
          status: 400,
          body: {
            error: 'unsupported_token_type',
            error_description: 'this token type is not supported',
          },
        }
      }
      grant.revoked = true
      return { status: 200, body: null }
    }
    const grant = grants.find((g) => g.refreshToken === form.get('refresh_token') && !g.revoked)
    if (grant === undefined) {
      return {
        status: 400,
        body: { error: 'invalid_grant', error_description: 'expired access/refresh token' },
      }
    }
    await new Promise((resolve) => setTimeout(resolve, settings.refreshMs))
    grant.refreshes += 1
    grant.accessToken = accessToken(grant.sfdcOrgId)
    const { refresh_token: _, ...answer } = raw(grant)
    return { status: 200, body: answer }
  }

  const rest = (path: string, token: string | null): Respond => {
    const grant = holding(token)
    if (grant === undefined || settings.sessionsRefused) {
      return {
        status: 401,
        body: [{ message: 'Session expired or invalid', errorCode: 'INVALID_SESSION_ID' }],
      }
    }
    if (path === '/services/oauth2/userinfo') {
      return {
        status: 200,
        body: {
          user_id: grant.sfdcUserId,
          organization_id: grant.sfdcOrgId,
          preferred_username: 'integration@acme.example',
        },
      }
    }
    if (settings.apiDisabled) {
      return {
        status: 403,
        body: [
          {
            message: 'The REST API is not enabled for this Organization.',
            errorCode: 'API_DISABLED_FOR_ORG',
          },
        ],
      }
    }
    if (settings.limitReached) {
      return {
        status: 403,
        body: [{ message: 'TotalRequests Limit exceeded.', errorCode: 'REQUEST_LIMIT_EXCEEDED' }],
      }
    }
    usage.used += 1
    if (path.endsWith('/limits')) {
      const daily = { Max: usage.max, Remaining: usage.max - usage.used }
      return { status: 200, body: { DailyApiRequests: daily } }
    }
    if (path.endsWith('/query')) {
      const row = Object.fromEntries(
        [
          'ApiEnabled',
          'CustomizeApplication',
          'ModifyMetadata',
          'ManageProfilesPermissionsets',
          'AssignPermissionSets',
          'ViewSetup',
          'ViewAllData',
        ].map((name) => [
          `Permissions${name}`,
          name === 'ModifyMetadata' ? settings.permissions : true,
        ]),
      )
      return { status: 200, body: { totalSize: 1, done: true, records: [row] } }
    }
    return { status: 200, body: {} }
  }

  const server = createServer((request, response) => {
    void textOf(request).then(async (text) => {
      const path = (request.url ?? '').split('?')[0] ?? ''
      const token = /^Bearer (.*)$/.exec(request.headers.authorization ?? '')?.[1] ?? null
      calls.push({ method: request.method ?? '', path, token })
      const { status, body } =
        request.method === 'POST' && path.startsWith('/services/oauth2/')
          ? await oauth(path, new URLSearchParams(text))
          : rest(path, token)
      if (settings.silent && request.method === 'GET') return
      response.writeHead(status, {
        'content-type': 'application/json',
        'sforce-limit-info': `api-usage=${usage.used}/${usage.max}`,
      })
      response.end(body === null ? '' : JSON.stringify(body))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  return {
    url,
    grants,
    calls,
    usage,
    settings,
    issue,
    raw,
    /** Ends every current session: the next call with one is a 401. */
    expireSessions: () => {
      for (const grant of grants) grant.accessToken = accessToken(grant.sfdcOrgId)
    },
    refreshes: () => grants.reduce((sum, grant) => sum + grant.refreshes, 0),
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

export type SalesforceStandIn = Awaited<ReturnType<typeof startSalesforceStandIn>>

const textOf = async (request: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}
