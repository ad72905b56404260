// Nango's webhooks. They carry no time and no id, so they prove only that Nango sent them once: each is
// a hint to read the connection at Nango again, at most once in ten seconds.

import { createHmac, timingSafeEqual } from 'node:crypto'
import * as z from 'zod'
import { type Database } from '../../db/database.ts'
import { EngineError } from '../../errors.ts'
import { type Secret } from '../../secret.ts'

export interface Hint {
  connectionId: string
  providerConfigKey: string | null
  /** What the tags claim; to be compared with Nango's own answer. */
  attemptId: string | null
}

const id = z
  .string()
  .regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i)
  .transform((value) => value.toLowerCase())

const payload = z.looseObject({
  type: z.literal('auth'),
  connectionId: id,
  providerConfigKey: z.string().nullish().catch(null),
  tags: z
    .looseObject({ attempt_id: id.nullish().catch(null) })
    .nullish()
    .catch(null),
})

/**
 * True if one of the keys signed exactly these bytes: hex of HMAC-SHA256 over the raw body. Several
 * keys, because Nango keeps signing with the old one for minutes after a rotation.
 */
export const isSigned = (
  body: Buffer,
  signature: string | undefined,
  keys: readonly Secret[],
): boolean => {
  const given = Buffer.from((signature ?? '').toLowerCase())
  // Every key is tried, so that the time does not show which one matches.
  return keys
    .map((key) => {
      const expected = Buffer.from(createHmac('sha256', key.reveal()).update(body).digest('hex'))
      return given.length === expected.length && timingSafeEqual(given, expected)
    })
    .some((fits) => fits)
}

/** The hint in a signed body; null for kinds that we ignore. Throws `invalid_json`. */
export const readHint = (body: Buffer): Hint | null => {
  let json: unknown
  try {
    json = JSON.parse(body.toString('utf8'))
  } catch {
    throw new EngineError('invalid_json', 'The body is not valid JSON.')
  }
  const parsed = payload.safeParse(json)
  if (!parsed.success) return null
  const { connectionId, providerConfigKey, tags } = parsed.data
  return {
    connectionId,
    providerConfigKey: providerConfigKey ?? null,
    attemptId: tags?.attempt_id ?? null,
  }
}

/** True for one caller in ten seconds, over all replicas. */
export const mayReread = async (db: Database, nangoConnectionId: string): Promise<boolean> => {
  await db.shared(
    `delete from engine.nango_rereads where nango_connection_id in (
       select nango_connection_id from engine.nango_rereads
        where read_at < now() - interval '1 minute' limit 100 for update skip locked)`,
    [],
  )
  const claimed = await db.shared(
    `insert into engine.nango_rereads as r (nango_connection_id) values ($1)
     on conflict (nango_connection_id) do update set read_at = now()
      where r.read_at < now() - interval '10 seconds'
     returning 1`,
    [nangoConnectionId],
  )
  return claimed.length === 1
}
