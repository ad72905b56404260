import * as z from 'zod'
import { type Client } from '../../domain/clients.ts'
import { type Page } from '../../domain/page.ts'
import { clientId, cursor, nextCursor, tool } from '../tool.ts'
import { untrusted, untrustedText } from '../untrusted.ts'

const PAGE = 50

const findClients = tool({
  name: 'find_clients',
  title: 'Find clients',
  description:
    'The clients that this credential may see. Start here: every other tool takes the client_id of one of them.',
  needs: 'topology.read',
  input: z.object({
    query: z.string().max(200).optional().describe('A part of the name or domain'),
    cursor,
  }),
  output: z.object({
    clients: z.array(
      z.object({
        client_id: z.uuid(),
        name: z.string(),
        domain: z.string().nullable(),
        is_active: z.boolean(),
      }),
    ),
    next_cursor: nextCursor,
  }),
  run: async ({ api }, input) => {
    const page = await api.post<Page<Client>>('/api/clients/list', { ...input, limit: PAGE })
    return {
      clients: page.items.map(({ id, name, domain, is_active }) => ({
        client_id: id,
        name,
        domain,
        is_active,
      })),
      next_cursor: page.next_cursor,
    }
  },
})

interface Detail {
  name: string
  is_active: boolean
  connection_status: string | null
  latest_snapshot_version: number | null
}

interface ConnectionState {
  status: string
  environment: string
  error: { code: string; message: string } | null
  last_refreshed_at: string | null
  health?: {
    ok: boolean
    missing_permissions: string[] | null
    api_usage: { used: number; max: number; remaining: number } | null
    faults: { code: string; message: string; remedy: string }[]
  }
}

const clientHealth = tool({
  name: 'client_health',
  title: 'Health of a client',
  description:
    'How the connection to the Salesforce org of a client stands, production or sandbox, and how fresh its newest snapshot is. With check, Salesforce is asked now: permissions that are missing, API calls that are left.',
  needs: 'connections.read',
  input: z.object({ client_id: clientId, check: z.boolean().default(false) }),
  output: z.object({
    name: z.string(),
    is_active: z.boolean(),
    connection: z
      .object({
        status: z.string(),
        environment: z.string().describe('production or sandbox'),
        error_code: z.string().nullable(),
        untrusted_error: untrustedText,
        last_refreshed_at: z.string().nullable(),
      })
      .nullable()
      .describe('Null: never connected'),
    checked: z
      .object({
        ok: z.boolean(),
        missing_permissions: z.array(z.string()).nullable(),
        api_calls: z
          .object({ used: z.number(), max: z.number(), remaining: z.number() })
          .nullable(),
        faults: z.array(
          z.object({ code: z.string(), remedy: z.string(), untrusted_message: untrustedText }),
        ),
      })
      .nullable(),
    snapshot: z
      .object({ version: z.number(), completed_at: z.string().nullable() })
      .nullable()
      .describe('Null: nothing was pulled yet'),
  }),
  run: async ({ api }, { client_id, check }) => {
    const detail = await api.post<Detail>('/api/clients/get', { client_id })
    const connection =
      detail.connection_status === null
        ? null
        : await api.post<ConnectionState>('/api/connections/get', { client_id, check })
    const snapshots = await api.post<Page<{ version: number | null; completed_at: string | null }>>(
      '/api/topology/history',
      { client_id, status: 'complete', limit: 1 },
    )
    const [newest] = snapshots.items
    const health = connection?.health
    return {
      name: detail.name,
      is_active: detail.is_active,
      connection:
        connection === null
          ? null
          : {
              status: connection.status,
              environment: connection.environment,
              error_code: connection.error?.code ?? null,
              untrusted_error: untrusted(connection.error?.message),
              last_refreshed_at: connection.last_refreshed_at,
            },
      checked:
        health === undefined
          ? null
          : {
              ok: health.ok,
              missing_permissions: health.missing_permissions,
              api_calls:
                health.api_usage === null
                  ? null
                  : {
                      used: health.api_usage.used,
                      max: health.api_usage.max,
                      remaining: health.api_usage.remaining,
                    },
              faults: health.faults.map(({ code, message, remedy }) => ({
                code,
                remedy,
                untrusted_message: untrusted(message),
              })),
            },
      snapshot:
        newest === undefined || newest.version === null
          ? null
          : { version: newest.version, completed_at: newest.completed_at },
    }
  },
})

export const clientTools = [findClients, clientHealth]
