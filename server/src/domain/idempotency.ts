// Idempotency keys: the same key with the same body returns the first answer again. A claim is a row of
// its own; what the request creates is bound to it in the transaction that creates it, so that after a
// crash a repetition finds the resource instead of creating a second one.

import { createHmac, randomUUID } from 'node:crypto'
import { CompiledQuery } from 'kysely'
import { isConfined, type Database, type Tx, wholeOrg } from '../db/database.ts'
import { json } from '../db/json.ts'
import { EngineError } from '../errors.ts'
import { type Secret, type Secrets } from '../secret.ts'
import { type Caller, type IdempotencyClaim } from './caller.ts'
import { canonicalBody } from './canonical.ts'

/** A key without a resource or an answer is free again after this long: its holder must have died. */
const CLAIM_SECONDS = 60

export interface StoredAnswer {
  status: number
  body: unknown
}

export type ClaimOutcome =
  | { kind: 'claimed'; claim: IdempotencyClaim }
  /** The first call ended: its answer, or the resource it created (or both). */
  | { kind: 'replay'; answer: StoredAnswer | null; resourceId: string | null }

interface Request {
  method: string
  path: string
  key: string
  /** The body as the client sent it, after parsing; compared by a keyed hash. */
  body: unknown
}

export interface Idempotency {
  /** Claims the key or says what to replay. Throws `idempotency_key_reused` / `idempotency_in_progress`. */
  claim(request: Request): Promise<ClaimOutcome>
  /** Stores a final answer (2xx, or 4xx except 401, 403, 429); anything else frees an unbound key. */
  settle(claim: IdempotencyClaim, answer: StoredAnswer): Promise<void>
  /** Frees the key as if it had never been used, unless it is bound to what the request created. */
  free(claim: IdempotencyClaim): Promise<void>
}

/** The keys of one user of an org: a tenant's table, under row-level security. */
export const idempotencyOf = (db: Database, caller: Caller, secrets: Secrets): Idempotency =>
  createIdempotency(
    {
      table: 'idempotency_keys',
      owner: { org_id: caller.tenant.orgId, user_id: caller.userId },
      // A key belongs to one client of a credential that sees several; so it is within its scope.
      extra: { client_id: caller.tenant.clientId ?? caller.tenant.clientIds?.[0] ?? null },
      scope: scopeOf(caller),
      // The whole org: another credential of the same user may hold the key, in a scope of its own.
      transact: (fn) => db.as(wholeOrg(caller.tenant.orgId)).tx((tx) => fn(runnerOn(tx))),
    },
    secrets,
  )

/**
 * What an org's user may see by this credential, if that is less than everything: another credential of the
 * same user gets no answer that was given to this one.
 */
const scopeOf = ({ role, tenant }: Caller): string =>
  role === 'org_admin' && isConfined(tenant)
    ? `${tenant.clientId ?? ''} ${(tenant.clientIds ?? []).toSorted().join(' ')}`
    : ''

/** The keys of the super-admin, who stands outside every tenant. */
export const superAdminIdempotency = (db: Database, secrets: Secrets): Idempotency =>
  createIdempotency(
    {
      table: 'engine.super_admin_idempotency_keys',
      owner: {},
      extra: {},
      scope: '',
      // Each step is one statement: a lost race appears as "not inserted" or "not taken over".
      transact: (fn) => fn((text, values) => db.shared(text, values)),
    },
    secrets,
  )

/**
 * Binds the claimed key to what this transaction creates. Call it in that same transaction; if the claim
 * was lost in the meantime (60 s passed and somebody took it over), it throws and so rolls the work
 * back.
 */
export const bindIdempotency = (tx: Tx, caller: Caller, resourceId: string): Promise<void> =>
  bind(
    tx,
    'idempotency_keys',
    { org_id: caller.tenant.orgId, user_id: caller.userId },
    caller.idempotency,
    resourceId,
  )

/**
 * Keeps the claimed key for a request that takes a while before it creates anything: call it more than
 * once every 60 s.
 */
export const keepIdempotency = async (tx: Tx, caller: Caller): Promise<void> => {
  const claim = caller.idempotency
  if (claim === null) return
  const owner = { org_id: caller.tenant.orgId, user_id: caller.userId }
  const { where, values, next } = rowOf(owner, claim)
  const kept = await runnerOn(tx)(
    `update idempotency_keys set free_at = now() + make_interval(secs => ${CLAIM_SECONDS})
      where ${where} and holder = $${next} returning holder`,
    [...values, claim.holder],
  )
  if (kept.length !== 1) throw inProgress(1)
}

/** The same for a claim of the super-admin. */
export const bindSuperAdminIdempotency = (
  tx: Tx,
  claim: IdempotencyClaim | null,
  resourceId: string,
): Promise<void> => bind(tx, 'engine.super_admin_idempotency_keys', {}, claim, resourceId)

type Run = (text: string, values: unknown[]) => Promise<unknown[]>

/** Where the keys of one kind of caller live. Names of tables and columns are code, never input. */
interface KeyStore {
  table: string
  /** Columns that, with method, path and key, name a row. */
  owner: Record<string, string>
  extra: Record<string, string | null>
  /** What the answers may show; '' for everything that the owner sees. */
  scope: string
  transact<T>(fn: (run: Run) => Promise<T>): Promise<T>
}

const runnerOn =
  (tx: Tx): Run =>
  async (text, values) =>
    (await tx.executeQuery(CompiledQuery.raw(text, values))).rows

interface KeyRow {
  holder: string
  body_hash: Buffer
  resource_id: string | null
  response_status: number | null
  response_body: unknown
  free: boolean
  wait_seconds: number
}

const inProgress = (retryAfterSeconds: number): EngineError =>
  new EngineError(
    'idempotency_in_progress',
    'The first call with this Idempotency-Key is still running.',
    {
      retryAfterSeconds,
    },
  )

export const keyReused = (): EngineError =>
  new EngineError(
    'idempotency_key_reused',
    'This Idempotency-Key was used with a different body. Use a new key.',
  )

/** `where` of one key, its values numbered from $1. */
const rowOf = (
  owner: Record<string, string>,
  of: { method: string; path: string; key: string },
) => {
  const columns = { ...owner, method: of.method, path: of.path, key: of.key }
  const where = Object.keys(columns)
    .map((name, i) => `${name} = $${i + 1}`)
    .join(' and ')
  const values: unknown[] = Object.values(columns)
  return { where, values, next: values.length + 1 }
}

const bind = async (
  tx: Tx,
  table: string,
  owner: Record<string, string>,
  claim: IdempotencyClaim | null,
  resourceId: string,
): Promise<void> => {
  if (claim === null) return
  const { where, values, next } = rowOf(owner, claim)
  const bound = await runnerOn(tx)(
    `update ${table} set resource_id = $${next} where ${where} and holder = $${next + 1} returning holder`,
    [...values, resourceId, claim.holder],
  )
  if (bound.length !== 1) throw inProgress(1)
}

const createIdempotency = (store: KeyStore, secrets: Secrets): Idempotency => ({
  claim: (request) =>
    store.transact(async (run) => {
      const [hash, ...former] = bodyHashes(request, store.scope, secrets)
      const { method, path, key } = request
      const claim: IdempotencyClaim = { method, path, key, holder: randomUUID() }
      if (await insert(store, run, claim, hash)) return { kind: 'claimed', claim }

      const row = await read(store, run, claim)
      if (row === undefined) throw inProgress(1) // freed between the two statements
      if (row.free) {
        if (await takeOver(store, run, claim, hash, row.holder)) return { kind: 'claimed', claim }
        throw inProgress(1)
      }
      if (![hash, ...former].some((known) => row.body_hash.equals(known))) throw keyReused()
      if (row.response_status === null && row.resource_id === null) {
        throw inProgress(Math.max(1, Math.ceil(row.wait_seconds)))
      }
      const answer =
        row.response_status === null
          ? null
          : { status: row.response_status, body: row.response_body }
      return { kind: 'replay', answer, resourceId: row.resource_id }
    }),

  settle: (claim, answer) =>
    isFinal(answer.status)
      ? store.transact(async (run) => {
          const { where, values, next } = rowOf(store.owner, claim)
          await run(
            `update ${store.table} set response_status = $${next}, response_body = $${next + 1}
              where ${where} and holder = $${next + 2}`,
            [...values, answer.status, json(answer.body ?? null), claim.holder],
          )
        })
      : free(store, claim),

  free: (claim) => free(store, claim),
})

const free = (store: KeyStore, claim: IdempotencyClaim): Promise<void> =>
  store.transact(async (run) => {
    const { where, values, next } = rowOf(store.owner, claim)
    await run(
      `delete from ${store.table} where ${where} and holder = $${next} and resource_id is null`,
      [...values, claim.holder],
    )
  })

const insert = async (store: KeyStore, run: Run, claim: IdempotencyClaim, hash: Buffer) => {
  const row = { ...store.owner, ...store.extra, ...claim, body_hash: hash }
  const names = Object.keys(row)
  const inserted = await run(
    `insert into ${store.table} (${names.join(', ')}, free_at)
     values (${names.map((_, i) => `$${i + 1}`).join(', ')},
             now() + make_interval(secs => ${CLAIM_SECONDS}))
     on conflict do nothing returning holder`,
    Object.values(row),
  )
  return inserted.length === 1
}

/** Checked again when a key is taken over: its holder may have bound it to a row since it was read. */
const FREE = `(resource_id is null and response_status is null and free_at < now())
              or created_at < now() - interval '24 hours'`

const read = async (store: KeyStore, run: Run, claim: IdempotencyClaim) => {
  const { where, values } = rowOf(store.owner, claim)
  const rows = await run(
    `select holder, body_hash, resource_id, response_status, response_body,
            (${FREE}) as free,
            extract(epoch from free_at - now())::float8 as wait_seconds
       from ${store.table} where ${where}`,
    values,
  )
  return rows[0] as KeyRow | undefined
}

const takeOver = async (
  store: KeyStore,
  run: Run,
  claim: IdempotencyClaim,
  hash: Buffer,
  from: string,
) => {
  const { where, values, next } = rowOf(store.owner, claim)
  const extra = Object.keys(store.extra)
  const taken = await run(
    `update ${store.table}
        set holder = $${next}, body_hash = $${next + 1}, created_at = now(),
            free_at = now() + make_interval(secs => ${CLAIM_SECONDS}),
            ${extra.map((name, i) => `${name} = $${next + 3 + i}, `).join('')}
            resource_id = null, response_status = null, response_body = null
      where ${where} and holder = $${next + 2} and (${FREE}) returning holder`,
    [...values, claim.holder, hash, from, ...Object.values(store.extra)],
  )
  return taken.length === 1
}

const isFinal = (status: number): boolean =>
  (status >= 200 && status < 300) ||
  (status >= 400 && status < 500 && status !== 401 && status !== 403 && status !== 429)

/** The hash of the body by each secret, the current one first. */
const bodyHashes = (
  request: Request,
  scope: string,
  [current, ...former]: Secrets,
): [Buffer, ...Buffer[]] => {
  const body = scope + canonicalBody(request.body)
  const by = (secret: Secret) =>
    createHmac('sha256', `idempotency:${secret.reveal()}`).update(body).digest()
  return [by(current), ...former.map(by)]
}
