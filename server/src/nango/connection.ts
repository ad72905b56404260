// A connection as Nango describes it, read permissively: unknown members are ignored, missing ones
// are null. Tokens are wrapped the moment they are read.

import * as z from 'zod'
import { Secret } from '../secret.ts'

export type Tags = Readonly<Record<string, string>>

/** The content of a grant's last token response. */
export interface Grant {
  accessToken: Secret
  /** Only if requested. */
  refreshToken: Secret | null
  instanceUrl: string | null
  /** 18 characters. */
  sfdcOrgId: string | null
  sfdcUserId: string | null
  /** OAuth scopes; null if Salesforce did not return them. */
  scopes: readonly string[] | null
}

export interface NangoConnection {
  id: string
  providerConfigKey: string
  tags: Tags
  /** Null when our key may not read credentials: Nango then answers 200 with an empty object. */
  grant: Grant | null
}

/** A connection in a list: Nango returns no credentials there and does not ask Salesforce. */
export interface ListedConnection {
  id: string
  providerConfigKey: string
  tags: Tags
  createdAt: string
}

const text = z.string().min(1).nullish().catch(null)
const tags = z
  .record(z.string(), z.unknown())
  .nullish()
  .catch(null)
  .transform((all): Tags =>
    Object.fromEntries(
      Object.entries(all ?? {}).filter(
        (entry): entry is [string, string] => typeof entry[1] === 'string',
      ),
    ),
  )

const credentials = z
  .looseObject({
    access_token: text,
    refresh_token: text,
    raw: z.looseObject({ id: text, instance_url: text, scope: text }).nullish().catch(null),
  })
  .nullish()
  .catch(null)

const connection = z.looseObject({
  connection_id: z.string(),
  provider_config_key: z.string(),
  tags,
  connection_config: z.looseObject({ instance_url: text }).nullish().catch(null),
  credentials,
})

const listed = z.looseObject({
  connection_id: z.string(),
  provider_config_key: z.string(),
  tags,
  created: z.string().catch(''),
})

const SALESFORCE_ID = /^[A-Za-z0-9]{15}([A-Za-z0-9]{3})?$/
const CHECKSUM = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ012345'

/**
 * The 18-character form of a Salesforce id with this prefix, or null.
 * Salesforce: the three last characters say which of the fifteen are upper case, five in each.
 */
export const salesforceId = (value: string | undefined, prefix: string): string | null => {
  if (value === undefined || !SALESFORCE_ID.test(value) || !value.startsWith(prefix)) return null
  const id = value.slice(0, 15)
  const checksum = [0, 5, 10].map((start) => {
    const upper = [...id.slice(start, start + 5)].map((c) => (c >= 'A' && c <= 'Z' ? 1 : 0))
    return CHECKSUM.charAt(upper.reduce<number>((bits, bit, i) => bits | (bit << i), 0))
  })
  return id + checksum.join('')
}

/** Salesforce: the identity URL ends in `/id/{org id}/{user id}`, whatever host it names. */
const readIdentityUrl = (url: string | null | undefined) => {
  if (url == null || !URL.canParse(url)) return { sfdcOrgId: null, sfdcUserId: null }
  const parts = new URL(url).pathname.split('/').filter((part) => part !== '')
  return {
    sfdcOrgId: salesforceId(parts.at(-2), '00D'),
    sfdcUserId: salesforceId(parts.at(-1), '005'),
  }
}

/** Null when the answer is not a connection at all. */
export const parseConnection = (body: unknown): NangoConnection | null => {
  const parsed = connection.safeParse(body)
  if (!parsed.success) return null
  const { connection_id, provider_config_key, connection_config, credentials: given } = parsed.data
  const accessToken = given?.access_token
  return {
    id: connection_id,
    providerConfigKey: provider_config_key,
    tags: parsed.data.tags,
    grant:
      accessToken == null
        ? null
        : {
            accessToken: new Secret(accessToken),
            refreshToken: given?.refresh_token == null ? null : new Secret(given.refresh_token),
            // connection_config is written only when connecting and can be set by the browser; the last
            // token response comes from Salesforce itself.
            instanceUrl: given?.raw?.instance_url ?? connection_config?.instance_url ?? null,
            ...readIdentityUrl(given?.raw?.id),
            scopes: given?.raw?.scope?.split(/\s+/).filter((scope) => scope !== '') ?? null,
          },
  }
}

/** Null when the answer is not a list; entries that cannot be read are left out. */
export const parseList = (body: unknown): ListedConnection[] | null => {
  const list = z.looseObject({ connections: z.array(z.unknown()) }).safeParse(body)
  if (!list.success) return null
  return list.data.connections.flatMap((entry) => {
    const parsed = listed.safeParse(entry)
    if (!parsed.success) return []
    const { connection_id, provider_config_key, created } = parsed.data
    return [
      {
        id: connection_id,
        providerConfigKey: provider_config_key,
        tags: parsed.data.tags,
        createdAt: created,
      },
    ]
  })
}
