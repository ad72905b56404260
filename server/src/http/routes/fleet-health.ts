import * as z from 'zod'
import { type createHealthBoard } from '../../domain/fleet/health/board.ts'
import { RISK_CODES, RISK_LEVELS } from '../../domain/fleet/health/risks.ts'
import {
  RECONSENT_REASONS,
  RECONSENT_STATES,
  type Reconsent,
} from '../../domain/fleet/reconsent/reconsent.ts'
import { clientSelector } from '../../domain/fleet/selectors.ts'
import { clientTags } from '../../domain/fleet/tags.ts'
import { route, type Route } from '../route.ts'
import { fault, id, line, pageOf, pageRequest, timestamp } from '../schemas.ts'
import { connectionHealth, connectionStatus, environment, possibleCause } from './connections.ts'

const riskLevel = z.enum(RISK_LEVELS).meta({ id: 'RiskLevel' })
const riskCode = z.enum(RISK_CODES).meta({ id: 'RiskCode' })
const wantedLevel = z.enum(['critical', 'warning', 'notice']).meta({ id: 'LeastRisk' })

const selector = clientSelector.optional().describe('Which clients. Default: every active client')

const clientHealth = z
  .object({
    client_id: id,
    client_name: z.string(),
    mark: z
      .string()
      .nullable()
      .describe(
        'What tells it from other clients of the same name: its domain, or the end of its id. Null: no other has it',
      ),
    tags: clientTags,
    risk: riskLevel.describe('The worst of its risks'),
    risks: z
      .array(
        z
          .object({
            code: riskCode,
            level: riskLevel,
            message: z.string(),
            remedy: z.string().describe('What you do'),
            for_admin: z
              .string()
              .nullable()
              .describe(
                "To send to the client's Salesforce administrator; null where they can do nothing",
              ),
            possible_causes: z
              .array(possibleCause)
              .describe(
                'Most likely first; a single one where Salesforce or Nango said which it is',
              ),
          })
          .meta({ id: 'ClientRisk' }),
      )
      .describe('The worst first'),
    connection: z
      .object({
        id,
        status: connectionStatus,
        environment,
        sfdc_org_id: z.string().nullable(),
        error: fault.nullable(),
        days_since_refresh: z
          .int()
          .nullable()
          .describe(
            'Since the grant was given or this server last refreshed it; Nango also refreshes by itself',
          ),
        days_allowed: z.int().describe('Salesforce ends a grant that nobody uses for so long'),
      })
      .nullable(),
    api_usage: z
      .object({
        used: z.int(),
        max: z.int(),
        left: z.int(),
        reserve: z.int().describe('Kept for other tools'),
        ours: z.int().describe('Of ended work of this client, in the last 24 hours'),
        forecast: z
          .int()
          .describe(
            'Used in 24 hours, if this server goes on as in the last hour and all others as in the last day',
          ),
        observed_at: timestamp,
      })
      .nullable()
      .describe('As Salesforce last said it; null if it was never asked'),
    snapshot: z
      .object({ id, version: z.int(), completed_at: timestamp, age_seconds: z.int() })
      .nullable()
      .describe('The newest complete one'),
    work: z.object({
      running: z.int().describe('Not ended, paused included'),
      waiting_for_person: z.int(),
      failed: z
        .int()
        .describe(
          'Wholly or in part, in the last 7 days; not what was cancelled, nor what was done again since',
        ),
    }),
    drift: z
      .object({
        blueprints: z.int().describe('Bindings that drift was looked for of'),
        drifted: z.int(),
        unknown: z.int(),
        looked_at: timestamp.describe('The oldest of these looks'),
      })
      .nullable()
      .describe('When drift was last looked for; null if it never was'),
    missing_permissions: z
      .array(z.string())
      .nullable()
      .describe('As of the last pull, or of just now with `refresh`; null where not known'),
    live: connectionHealth
      .nullable()
      .describe('With `refresh`: what Salesforce said just now; null where there is nobody to ask'),
  })
  .meta({ id: 'ClientHealth' })

const CLIENT_ID = '01931f2a-7c00-7000-8000-000000000003'
const CAMPAIGN_ID = '01931f2a-7c00-7000-8000-000000000070'

const exampleClient = {
  client_id: CLIENT_ID,
  client_name: 'Acme',
  mark: null,
  tags: { tier: 'gold' },
  risk: 'critical',
  risks: [
    {
      code: 'expired',
      level: 'critical',
      message:
        'The Salesforce grant has ended (refresh_refused): The connected user is frozen; Salesforce itself freezes users after logins from risky addresses.',
      remedy:
        'A Salesforce administrator unfreezes the user (Setup > Users > Unfreeze); then refresh the connection. If that does not help, send a new link: /api/fleet/reconsent/create.',
      for_admin:
        'We can no longer reach your Salesforce org 00DWs000001AbCdMAK. Is the user that we work with frozen? Unfreeze that user under Setup > Users (button Unfreeze). Then please open the link that we send you and log in as the user that we work with.',
      possible_causes: [],
    },
  ],
  connection: {
    id: '01931f2a-7c00-7000-8000-000000000010',
    status: 'expired',
    environment: 'production',
    sfdc_org_id: '00DWs000001AbCdMAK',
    error: { code: 'refresh_refused', message: 'The user is frozen.' },
    days_since_refresh: 12,
    days_allowed: 30,
  },
  api_usage: {
    used: 41_200,
    max: 100_000,
    left: 58_800,
    reserve: 10_000,
    ours: 1_200,
    forecast: 42_000,
    observed_at: '2026-11-22T09:10:02.140Z',
  },
  snapshot: {
    id: '01931f2a-7c00-7000-8000-000000000020',
    version: 12,
    completed_at: '2026-11-22T09:10:02.140Z',
    age_seconds: 7_200,
  },
  work: { running: 1, waiting_for_person: 1, failed: 0 },
  drift: { blueprints: 2, drifted: 1, unknown: 0, looked_at: '2026-11-22T03:00:00.000Z' },
  missing_permissions: [],
  live: null,
}

type Board = ReturnType<typeof createHealthBoard>

const healthRoute = (board: Board): Route =>
  route({
    method: 'POST',
    path: '/api/fleet/health',
    tag: 'Fleet',
    summary: 'How all clients are, the worst first',
    description:
      'Connection and its cause, API calls, snapshot, work and missing permissions of every client, with what ' +
      'is wrong, what to do about it, and a sentence to send to the client’s Salesforce administrator. From ' +
      'what is stored, unless `refresh` is sent: then Salesforce is asked about the clients of the page (three ' +
      'calls each, at most 50 clients a page).',
    access: 'fleet.read',
    body: z.strictObject({
      selector,
      query: line(200)
        .optional()
        .describe('Only clients with this in their name, case-insensitive'),
      risk: wantedLevel.optional().describe('Only clients whose worst risk is at least so bad'),
      code: riskCode.optional().describe('Only clients with this risk'),
      refresh: z.boolean().optional().describe('Ask Salesforce about the clients of the page'),
      limit: pageRequest.limit,
      cursor: pageRequest.cursor.unwrap().max(1_000).optional(),
    }),
    replies: {
      200: {
        description: 'A page of clients',
        body: z
          .object({
            totals: z
              .object({
                critical: z.int(),
                warning: z.int(),
                notice: z.int(),
                none: z.int(),
              })
              .describe(
                'Chosen clients by their worst risk, on all pages and whatever `risk` and `code` say',
              ),
            items: z.array(clientHealth),
            next_cursor: z.string().nullable(),
          })
          .meta({ id: 'FleetHealth' }),
      },
    },
    errors: ['not_found', 'client_inactive', 'bad_request', 'invalid_cursor'],
    example: {
      body: { risk: 'warning' },
      reply: {
        totals: { critical: 1, warning: 4, notice: 20, none: 473 },
        items: [exampleClient],
        next_cursor: null,
      },
    },
    handle: async ({ caller, body, context }) => ({
      status: 200,
      body: await board(caller, body, context.signal),
    }),
  })

// ------------------------------------------------------------------------------------ re-consent

const reason = z.enum(RECONSENT_REASONS).meta({ id: 'ReconsentReason' })
const state = z.enum(RECONSENT_STATES).meta({ id: 'ReconsentState' })

const campaign = z
  .object({
    id,
    name: z.string(),
    note: z.string().nullable(),
    totals: z.object({
      clients: z.int(),
      waiting: z.int(),
      link_open: z.int(),
      refused: z.int(),
      done: z.int(),
    }),
    created_by: id.nullable(),
    created_at: timestamp,
  })
  .meta({ id: 'ReconsentCampaign' })

const link = z
  .object({
    client_id: id,
    client_name: z.string(),
    connect_link: z.string().nullable().describe('Null where `error` says why there is none'),
    expires_at: timestamp.nullable(),
    error: fault.nullable(),
  })
  .meta({ id: 'ReconsentLink' })

const askedClient = z
  .object({
    client_id: id,
    client_name: z.string(),
    reason,
    cause: fault.nullable().describe('The fault of the connection when it was asked for'),
    state: state.describe(
      '`waiting`: no link is valid. `link_open`: one is. `refused`: what was authorized was not accepted. ' +
        '`done`: authorized since',
    ),
    link_expires_at: timestamp.nullable(),
    refusal: fault.nullable(),
    done_at: timestamp.nullable(),
  })
  .meta({ id: 'ReconsentClient' })

const exampleCampaign = {
  id: CAMPAIGN_ID,
  name: 'New app rules',
  note: null,
  totals: { clients: 1, waiting: 0, link_open: 1, refused: 0, done: 0 },
  created_by: '01931f2a-7c00-7000-8000-000000000002',
  created_at: '2026-11-22T09:00:00.000Z',
}

const exampleLink = {
  client_id: CLIENT_ID,
  client_name: 'Acme',
  connect_link: 'https://connect.nango.dev/?session_token=…',
  expires_at: '2026-11-22T09:30:00.000Z',
  error: null,
}

const campaignWithLinks = campaign
  .extend({
    links: z
      .array(link)
      .nullable()
      .describe('Of the first 50 clients; more with /api/fleet/reconsent/links. Null on a replay'),
  })
  .meta({ id: 'CreatedReconsentCampaign' })

const createRoute = (reconsent: Reconsent): Route =>
  route({
    method: 'POST',
    path: '/api/fleet/reconsent/create',
    tag: 'Fleet',
    summary: 'Ask clients to authorize again',
    description:
      'Without `reason`, those of the chosen clients that have to: their grant is dead, or lacks a scope. With ' +
      '`reason`, all chosen clients that were ever connected. Each gets a fresh link, to be opened by somebody ' +
      'who may log in to the client’s Salesforce org; a connected client stays connected until then. A link ' +
      'is valid for half an hour. Also needs the permission `connections.write`.',
    access: 'fleet.write',
    body: z.strictObject({
      name: line(200).describe('For people'),
      note: line(2_000).optional(),
      reason: reason
        .optional()
        .describe(
          '`scope`, `dead_grant`, or `app_rules`: the rules of the app or of Salesforce changed',
        ),
      selector,
    }),
    replies: { 201: { description: 'The campaign with links', body: campaignWithLinks } },
    errors: ['bad_request', 'not_found', 'client_inactive', 'nango_error'],
    example: {
      body: { name: 'New app rules', reason: 'app_rules', selector: { all: true } },
      reply: { ...exampleCampaign, links: [exampleLink] },
    },
    idempotency: {
      replay: async (caller, campaignId) => ({
        status: 201,
        body: await reconsent.created(caller, campaignId),
      }),
      secrets: ['links'],
    },
    handle: async ({ caller, body }) => ({
      status: 201,
      body: await reconsent.create(caller, body),
    }),
  })

const getRoute = (reconsent: Reconsent): Route =>
  route({
    method: 'POST',
    path: '/api/fleet/reconsent/get',
    tag: 'Fleet',
    summary: 'Get a campaign with its clients',
    access: 'fleet.read',
    body: z.strictObject({ campaign_id: id, state: state.optional(), ...pageRequest }),
    replies: {
      200: {
        description: 'The campaign with a page of its clients',
        body: campaign
          .extend({ items: z.array(askedClient), next_cursor: z.string().nullable() })
          .meta({ id: 'ReconsentCampaignWithClients' }),
      },
    },
    errors: ['not_found', 'invalid_cursor'],
    example: {
      body: { campaign_id: CAMPAIGN_ID },
      reply: {
        ...exampleCampaign,
        items: [
          {
            client_id: CLIENT_ID,
            client_name: 'Acme',
            reason: 'app_rules',
            cause: null,
            state: 'link_open',
            link_expires_at: '2026-11-22T09:30:00.000Z',
            refusal: null,
            done_at: null,
          },
        ],
        next_cursor: null,
      },
    },
    handle: async ({ caller, body }) => ({
      status: 200,
      body: await reconsent.get(caller, body),
    }),
  })

const listRoute = (reconsent: Reconsent): Route =>
  route({
    method: 'POST',
    path: '/api/fleet/reconsent/list',
    tag: 'Fleet',
    summary: 'List campaigns, newest first',
    access: 'fleet.read',
    body: z.strictObject({ ...pageRequest }),
    replies: { 200: { description: 'A page of campaigns', body: pageOf(campaign) } },
    errors: ['invalid_cursor'],
    example: { body: {}, reply: { items: [exampleCampaign], next_cursor: null } },
    handle: async ({ caller, body }) => ({
      status: 200,
      body: await reconsent.list(caller, body),
    }),
  })

const linksRoute = (reconsent: Reconsent): Route =>
  route({
    method: 'POST',
    path: '/api/fleet/reconsent/links',
    tag: 'Fleet',
    summary: 'Get fresh links for a campaign',
    description:
      'For at most 50 clients that have not authorized yet, those without a valid link first; links that they ' +
      'were given before no longer work. Also needs the permission `connections.write`.',
    access: 'fleet.write',
    body: z.strictObject({
      campaign_id: id,
      client_ids: z.array(id).min(1).max(50).optional().describe('Only these of its clients'),
    }),
    replies: {
      200: {
        description: 'The links',
        body: z
          .object({ items: z.array(link).nullable().describe('Null on a replay') })
          .meta({ id: 'ReconsentLinks' }),
      },
    },
    errors: ['not_found', 'nango_error'],
    example: { body: { campaign_id: CAMPAIGN_ID }, reply: { items: [exampleLink] } },
    idempotency: { secrets: ['items'] },
    handle: async ({ caller, body }) => ({
      status: 200,
      body: await reconsent.links(caller, body),
    }),
  })

export const fleetHealthRoutes = ({
  health,
  reconsent,
}: {
  health: Board
  reconsent: Reconsent
}): Route[] => [
  healthRoute(health),
  createRoute(reconsent),
  getRoute(reconsent),
  listRoute(reconsent),
  linksRoute(reconsent),
]
