// Bodies and queries as Nango checks them: strict, with zod's own issue codes and messages.
import { z } from 'zod'
import { type EndUser, type Tags } from './store.ts'

const MAX_TAGS = 10
const MAX_TAG_CHARACTERS = 255

const tags = z
  .record(
    z
      .string()
      .regex(/^[a-zA-Z][a-zA-Z0-9_\-./]*$/)
      .max(64),
    z
      .string()
      .min(1)
      .max(MAX_TAG_CHARACTERS, `Tag values must be at most ${MAX_TAG_CHARACTERS} characters`),
  )
  .superRefine((value, ctx) => {
    if (Object.keys(value).length > MAX_TAGS) {
      const message = `Tags cannot contain more than ${MAX_TAGS} keys`
      ctx.addIssue({ code: 'custom', message })
    }
    const email = value.end_user_email
    if (email !== undefined && !z.email().safeParse(email).success) {
      const message = 'end_user_email must be a valid email'
      ctx.addIssue({ code: 'custom', message, path: ['end_user_email'] })
    }
  })
  // Nango lower-cases tag keys, values stay as they are.
  .transform((value): Tags =>
    Object.fromEntries(Object.entries(value).map(([key, each]) => [key.toLowerCase(), each])),
  )

const endUser = z.strictObject({
  id: z.string().min(1).max(255),
  email: z.email().optional(),
  display_name: z.string().max(255).optional(),
  tags: tags.optional(),
})

const organization = z.strictObject({
  id: z.string().min(1).max(255),
  display_name: z.string().max(255).optional(),
})

const integrationDefaults = z.strictObject({
  user_scopes: z.string().optional(),
  authorization_params: z.record(z.string(), z.string()).optional(),
  connection_config: z.looseObject({ oauth_scopes_override: z.string().optional() }).optional(),
})

const sessionFields = {
  tags: tags.optional(),
  end_user: endUser.optional(),
  organization: organization.optional(),
  integrations_config_defaults: z.record(z.string(), integrationDefaults).optional(),
  overrides: z
    .record(z.string(), z.strictObject({ docs_connect: z.string().optional() }))
    .optional(),
  webhook_url_override: z.url().optional(),
}

/** `POST /connect/sessions`, for the integrations that the environment has. */
export function sessionBody(integrationKeys: ReadonlySet<string>) {
  return z
    .strictObject({ ...sessionFields, allowed_integrations: z.array(z.string()).optional() })
    .superRefine((body, ctx) => {
      if (body.tags === undefined && body.end_user === undefined) {
        ctx.addIssue({
          code: 'invalid_type',
          expected: 'object',
          message: 'Invalid input: expected object, received undefined',
          path: ['end_user'],
        })
      }
      const named: [string, string | number, string][] = [
        ...(body.allowed_integrations ?? []).map((key, index): [string, number, string] => [
          'allowed_integrations',
          index,
          key,
        ]),
        ...Object.keys(body.integrations_config_defaults ?? {}).map(
          (key): [string, string, string] => ['integrations_config_defaults', key, key],
        ),
        ...Object.keys(body.overrides ?? {}).map((key): [string, string, string] => [
          'overrides',
          key,
          key,
        ]),
      ]
      for (const [field, position, key] of named) {
        if (integrationKeys.has(key)) continue
        const path = [field, position]
        ctx.addIssue({ code: 'custom', message: 'Integration does not exist', path })
      }
    })
}

export const reconnectBody = z.strictObject({
  ...sessionFields,
  connection_id: z.string(),
  integration_id: z.string(),
})

export const connectionParams = z.strictObject({
  connectionId: z
    .string()
    .max(255)
    .regex(/^[a-zA-Z0-9,.;:=+~[\]|@${}"'\\/_ -]+$/),
})

const flag = z.enum(['true', 'false', '']).optional()
const providerConfigKey = { provider_config_key: z.string().min(1) }

export const connectionQuery = z.strictObject({
  ...providerConfigKey,
  force_refresh: flag,
  refresh_token: flag,
  // Sent by @nangohq/node with each call; relevant only for GitHub apps.
  refresh_github_app_jwt_token: flag,
})

export const providerConfigQuery = z.strictObject(providerConfigKey)

export const listQuery = z.strictObject({
  connectionId: z.string().optional(),
  search: z.string().optional(),
  integrationId: z.string().optional(),
  tags: tags.optional(),
  endUserId: z.string().optional(),
  endUserOrganizationId: z.string().optional(),
  limit: z.coerce.number().int().min(1).max(2000).optional(),
  page: z.coerce.number().int().min(0).optional(),
})

export const patchBody = z.strictObject({
  tags: tags.optional(),
  end_user: endUser.optional(),
  webhook_url_override: z.url().nullable().optional(),
})

export const metadataBody = z.strictObject({
  connection_id: z.union([z.string(), z.array(z.string()).min(1)]),
  provider_config_key: z.string().min(1),
  metadata: z.record(z.string(), z.unknown()),
})

export const importBody = z.strictObject({
  connection_id: z.string().min(1).max(255).optional(),
  provider_config_key: z.string().min(1),
  metadata: z.record(z.string(), z.unknown()).optional(),
  connection_config: z.record(z.string(), z.unknown()).optional(),
  webhook_url_override: z.url().optional(),
  credentials: z.strictObject({
    type: z.literal('OAUTH2'),
    access_token: z.string().min(1),
    refresh_token: z.string().optional(),
    expires_at: z.coerce.date().optional(),
  }),
  tags: tags.optional(),
  end_user: endUser.optional(),
})

/** What the deprecated `end_user`/`organization` pair becomes: an end user, and tags beside it. */
export function identityOf(body: {
  tags?: Tags | undefined
  end_user?: z.output<typeof endUser> | undefined
  organization?: z.output<typeof organization> | undefined
}): { tags: Tags; endUser: EndUser | null } {
  const { end_user: user, organization: org } = body
  if (user === undefined) return { tags: body.tags ?? {}, endUser: null }
  const derived = {
    ...user.tags,
    end_user_id: user.id,
    end_user_email: user.email,
    end_user_display_name: user.display_name,
    organization_id: org?.id,
    organization_display_name: org?.display_name,
    ...body.tags,
  }
  return {
    tags: Object.fromEntries(
      Object.entries(derived).filter((entry): entry is [string, string] => entry[1] !== undefined),
    ),
    endUser: {
      id: user.id,
      display_name: user.display_name ?? null,
      email: user.email ?? null,
      tags: user.tags ?? null,
      organization:
        org === undefined ? null : { id: org.id, display_name: org.display_name ?? null },
    },
  }
}
