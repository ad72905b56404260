// Approvals: a credential that has to ask may change a Salesforce org once a person has agreed to exactly
// that change. What was agreed to is compared again when the change is made, and used up in the transaction
// that begins it.

import { createHmac, timingSafeEqual } from 'node:crypto'
import { sql } from 'kysely'
import { type Database, type Tenant, type Tx } from '../../db/database.ts'
import { newId } from '../../db/ids.ts'
import { json } from '../../db/json.ts'
import { EngineError, notFound } from '../../errors.ts'
import { type Secrets } from '../../secret.ts'
import { actorOf, audit } from '../audit.ts'
import { type Caller } from '../caller.ts'
import { canonicalBody } from '../canonical.ts'
import { requireClient } from '../clients.ts'
import { connectionOfClient, connectionStanding } from '../connections/rows.ts'
import { appendEvent } from '../events/events.ts'
import { pageOf, type Page, type PageRequest } from '../page.ts'
import { newestCompleteRow } from '../topology/snapshots.ts'
import { ACTIONS, type ApprovalAction, type Change, plainName } from './change.ts'

const LIFE_MINUTES = 15
/** Of a token, not decided about: what no person will read is no question. */
const PENDING_MAX = 100

export const APPROVAL_STATES = ['pending', 'granted', 'refused', 'used', 'expired'] as const
export type ApprovalState = (typeof APPROVAL_STATES)[number]

export interface Approval {
  id: string
  /** Null: it is about many clients. */
  client_id: string | null
  action: ApprovalAction
  state: ApprovalState
  /** What will happen, a line each. */
  summary: string[]
  /** What it rests on; if any of it differs when the change is made, the approval is void. */
  rests_on: Record<string, string | number | null>
  token_id: string
  requested_by: string | null
  decided_by: string | null
  decided_at: string | null
  used_at: string | null
  /** The deployment or push that it was used for. */
  resource_id: string | null
  created_at: string
  expires_at: string
}

interface Row {
  id: string
  client_id: string | null
  action: string
  state: 'pending' | 'granted' | 'refused' | 'used'
  has_expired: boolean
  summary: string[]
  bound: Record<string, unknown>
  token_id: string
  requested_by: string | null
  decided_by: string | null
  decided_at: Date | null
  used_at: Date | null
  resource_id: string | null
  created_at: Date
  expires_at: Date
}

declare const approved: unique symbol

/**
 * That the change about to begin was approved, or needs no approval. There is no other way to get one than
 * to ask, so nothing begins unasked.
 */
export interface Approved {
  readonly [approved]: true
  /** Used up by the change; null: it needs none. */
  readonly id: string | null
}

const approvedBy = (id: string | null): Approved => ({ id }) as Approved

/** For what Salesforce only validates, or never hears of. */
export const CHANGES_NOTHING = approvedBy(null)

const unusable = (why: string): EngineError => new EngineError('approval_unusable', why)

/** The page of the console where a person sees what will happen, and decides. */
const urlOf = (id: string): string => `/console/approvals/${id}`

const askFirst = ({ id, expires_at }: { id: string; expires_at: Date }): EngineError =>
  new EngineError(
    'approval_required',
    `A person has to grant the approval ${id} before ${expires_at.toISOString()}; then repeat this call with approval_id.`,
    { approval: { approval_id: id, url: urlOf(id) } },
  )

const COLUMNS = [
  'id',
  'client_id',
  'action',
  'state',
  'summary',
  'bound',
  'token_id',
  'requested_by',
  'decided_by',
  'decided_at',
  'used_at',
  'resource_id',
  'created_at',
  'expires_at',
] as const
const HAS_EXPIRED = sql<boolean>`expires_at <= clock_timestamp()`.as('has_expired')

/** Granted and used, or refused, it stays so; otherwise its time passes. */
const stateOf = ({ state, has_expired }: Pick<Row, 'state' | 'has_expired'>): ApprovalState =>
  has_expired && (state === 'pending' || state === 'granted') ? 'expired' : state

const toApproval = (row: Row): Approval => {
  const { has_expired: _expired, bound, ...rest } = row
  return {
    ...rest,
    action: row.action as ApprovalAction,
    state: stateOf(row),
    rests_on: bound as Approval['rests_on'],
    decided_at: row.decided_at?.toISOString() ?? null,
    used_at: row.used_at?.toISOString() ?? null,
    created_at: row.created_at.toISOString(),
    expires_at: row.expires_at.toISOString(),
  }
}

/** Those whose change the caller could make, and what its own token asked for. */
const visibleTo = ({ permissions, credential }: Caller) => {
  const own = Object.entries(ACTIONS)
    .filter(([, permission]) => permissions.includes(permission))
    .map(([action]) => action)
  return sql<boolean>`(action = any(${own}::text[]) or token_id = ${credential.id})`
}

/** What the client is like: its schema as last read, and the grant by which it is reached. */
const stateOfClient = async (tx: Tx, tenant: Tenant, clientId: string | null) => {
  if (clientId === null) return { restsOn: {}, words: [], snapshotVersion: null }
  const client = await requireClient(tx, tenant, clientId)
  const connection = await connectionOfClient(tx, tenant, clientId)
  const snapshot = await newestCompleteRow(tx, tenant, clientId)
  return {
    words: [
      `Client ${plainName(client.name)}: ${connection?.environment ?? 'unknown'} Salesforce org ${connection?.sfdc_org_id ?? ''}`,
    ],
    restsOn: {
      sfdc_org_id: connection?.sfdc_org_id ?? null,
      connection: connectionStanding(connection),
      snapshot_content_hash: snapshot?.content_hash ?? null,
    },
    snapshotVersion: snapshot?.version ?? null,
  }
}

const DRIFTS: Readonly<Record<string, string>> = {
  sfdc_org_id: 'the client is connected to a different Salesforce org',
  connection: 'the connection of the client was replaced or changed',
  snapshot_content_hash: 'a newer snapshot shows that the Salesforce org changed',
}

/** The names of what differs. A newer snapshot with the same content is no difference. */
const changesBetween = (then: Record<string, unknown>, now: Record<string, unknown>): string[] =>
  Object.keys({ ...then, ...now }).filter(
    (name) => name !== 'snapshot_version' && (then[name] ?? null) !== (now[name] ?? null),
  )

/** Throws unless everything that the approval rests on is as it was when it was asked for. */
export const requireSame = (then: Record<string, unknown>, now: Record<string, unknown>): void => {
  const changed = changesBetween(then, now)
  if (changed.length === 0) return
  const drift = changed.find((name) => name in DRIFTS)
  if (drift === undefined) {
    throw unusable(`Since the approval was asked for, ${changed.join(', ')} changed.`)
  }
  throw new EngineError(
    'topology_drifted',
    `Since the approval was asked for, ${DRIFTS[drift] ?? drift}. Check again, and ask for a new approval.`,
  )
}

export const createApprovals = ({ db, secrets }: { db: Database; secrets: Secrets }) => {
  /** Keyed, so that the table tells nothing about what was sent; by each secret, the current one first. */
  const hashesOf = ({ action, request }: Change): Buffer[] => {
    const text = `${action} ${canonicalBody(request)}`
    return secrets.map((secret) =>
      createHmac('sha256', `approval:${secret.reveal()}`).update(text).digest(),
    )
  }

  const ask = (caller: Caller, change: Change, hashes: Buffer[]): Promise<EngineError> =>
    db.as(caller.tenant).tx(async (tx) => {
      const { tenant, credential } = caller
      const client = await stateOfClient(tx, tenant, change.clientId)
      const bound = {
        ...client.restsOn,
        snapshot_version: client.snapshotVersion,
        ...change.restsOn,
      }
      const open = await tx
        .selectFrom('approvals')
        .select(['id', 'expires_at', 'bound'])
        .where('org_id', '=', tenant.orgId)
        .where('token_id', '=', credential.id)
        .where('request_hash', 'in', hashes)
        .where('state', 'in', ['pending', 'granted'])
        .where(sql<boolean>`expires_at > clock_timestamp()`)
        .orderBy('id', 'desc')
        .execute()
      const same = open.find((row) => changesBetween(row.bound, bound).length === 0)
      if (same !== undefined) return askFirst(same)
      await requireRoom(tx, caller)
      const row = await tx
        .insertInto('approvals')
        .values({
          id: newId(),
          org_id: tenant.orgId,
          client_id: change.clientId,
          token_id: credential.id,
          requested_by: caller.userId,
          action: change.action,
          request_hash: hashes[0] ?? Buffer.alloc(0),
          bound: json(bound),
          summary: json([...client.words, ...change.words]),
          request_id: caller.requestId,
          expires_at: sql<Date>`clock_timestamp() + make_interval(mins => ${LIFE_MINUTES})`,
        })
        .returning(['id', 'expires_at'])
        .executeTakeFirstOrThrow()
      const told = { orgId: tenant.orgId, clientId: change.clientId }
      await appendEvent(tx, told, 'approval.requested', {
        approval_id: row.id,
        action: change.action,
        expires_at: row.expires_at.toISOString(),
      })
      await audit(tx, actorOf(caller), {
        action: 'approval.request',
        clientId: change.clientId,
        targetType: 'approval',
        targetId: row.id,
      })
      return askFirst(row)
    })

  /** Throws `rate_limited` if the token has asked too much; the token's row keeps its other calls waiting. */
  const requireRoom = async (tx: Tx, { tenant, credential }: Caller): Promise<void> => {
    await tx
      .selectFrom('api_tokens')
      .select('id')
      .where('org_id', '=', tenant.orgId)
      .where('id', '=', credential.id)
      .forNoKeyUpdate()
      .executeTakeFirst()
    const pending = await tx
      .selectFrom('approvals')
      .select(({ fn }) => [
        fn.countAll<string>().as('count'),
        sql<number | null>`ceil(extract(epoch from min(expires_at) - clock_timestamp()))::int`.as(
          'seconds',
        ),
      ])
      .where('org_id', '=', tenant.orgId)
      .where('token_id', '=', credential.id)
      .where('state', '=', 'pending')
      .where(sql<boolean>`expires_at > clock_timestamp()`)
      .executeTakeFirstOrThrow()
    if (Number(pending.count) < PENDING_MAX) return
    throw new EngineError(
      'rate_limited',
      `This token has ${pending.count} approvals that nobody has decided about. Wait until a person has, or the oldest has expired.`,
      { retryAfterSeconds: Math.max(1, pending.seconds ?? 1) },
    )
  }

  const read = (tx: Pick<Tx, 'selectFrom'>, caller: Caller, id: string) =>
    tx
      .selectFrom('approvals')
      .select([...COLUMNS, HAS_EXPIRED])
      .where('org_id', '=', caller.tenant.orgId)
      .where('id', '=', id)
      .where(visibleTo(caller))

  /** Throws unless the approval is this credential's. */
  const own = async (tx: Tx, { tenant, credential }: Caller, id: string) => {
    const row = await tx
      .selectFrom('approvals')
      .select(['id', 'state', 'request_hash', 'bound', 'expires_at', HAS_EXPIRED])
      .where('org_id', '=', tenant.orgId)
      .where('id', '=', id)
      .where('token_id', '=', credential.id)
      .executeTakeFirst()
    if (row === undefined) throw notFound('approval')
    return row
  }

  const throwUnlessGranted = (row: Pick<Row, 'id' | 'state' | 'has_expired' | 'expires_at'>) => {
    const state = stateOf(row)
    if (state === 'pending') throw askFirst(row)
    if (state !== 'granted') throw unusable(`The approval is ${state}.`)
  }

  /** Throws unless the approval is this credential's, granted, in time, and for this very change. */
  const check = (caller: Caller, id: string, change: Change, hashes: Buffer[]): Promise<void> =>
    db.as(caller.tenant).tx(async (tx) => {
      const { tenant } = caller
      const row = await own(tx, caller, id)
      if (!hashes.some((hash) => timingSafeEqual(hash, row.request_hash))) {
        throw unusable('The approval is for a different request.')
      }
      throwUnlessGranted(row)
      const { restsOn } = await stateOfClient(tx, tenant, change.clientId)
      requireSame(row.bound, { ...restsOn, ...change.restsOn })
    })

  const decide = (caller: Caller, id: string, state: 'granted' | 'refused'): Promise<Approval> => {
    if (caller.credential.type !== 'session') {
      throw new EngineError(
        'forbidden',
        'Only a person who is logged in decides about an approval, not an API token.',
      )
    }
    return db.as(caller.tenant).tx(async (tx) => {
      const row = await read(tx, caller, id).forUpdate().executeTakeFirst()
      if (row === undefined) throw notFound('approval')
      const present = stateOf(row)
      // What was granted can be withdrawn until it is used.
      const isOpen = present === 'pending' || (present === 'granted' && state === 'refused')
      if (!isOpen) {
        throw new EngineError('approval_unusable', `The approval is ${present} already.`)
      }
      const decided = await tx
        .updateTable('approvals')
        .set({ state, decided_by: caller.userId, decided_at: sql<Date>`clock_timestamp()` })
        .where('org_id', '=', caller.tenant.orgId)
        .where('id', '=', id)
        .returning([...COLUMNS, HAS_EXPIRED])
        .executeTakeFirstOrThrow()
      await audit(tx, actorOf(caller), {
        action: state === 'granted' ? 'approval.grant' : 'approval.refuse',
        clientId: row.client_id,
        targetType: 'approval',
        targetId: id,
      })
      return toApproval(decided)
    })
  }

  return {
    /**
     * That this caller may make this change now. Throws `approval_required` (with the id) if a person has to
     * agree first, `approval_unusable`, `topology_drifted`, and `not_found` for an approval that is not this
     * credential's.
     */
    require: async (caller: Caller, describe: () => Change): Promise<Approved> => {
      if (caller.mustAsk !== true) return CHANGES_NOTHING
      const change = describe()
      const hashes = hashesOf(change)
      if (caller.approvalId === undefined) throw await ask(caller, change, hashes)
      await check(caller, caller.approvalId, change, hashes)
      return approvedBy(caller.approvalId)
    },

    /** For what takes long to send: throws at once if the approval that came with it is not granted. */
    requireGranted: async (caller: Caller): Promise<void> => {
      const { approvalId, tenant } = caller
      if (approvalId === undefined) return
      throwUnlessGranted(await db.as(tenant).tx((tx) => own(tx, caller, approvalId)))
    },

    get: async (caller: Caller, id: string): Promise<Approval> => {
      const row = await read(db.as(caller.tenant).read, caller, id).executeTakeFirst()
      if (row === undefined) throw notFound('approval')
      return toApproval(row)
    },

    list: async (
      caller: Caller,
      input: PageRequest & { client_id?: string | undefined; state?: ApprovalState | undefined },
    ): Promise<Page<Approval>> => {
      const { tenant } = caller
      const { read: reader } = db.as(tenant)
      if (input.client_id !== undefined) await requireClient(reader, tenant, input.client_id)
      let query = reader
        .selectFrom('approvals')
        .select([...COLUMNS, HAS_EXPIRED])
        .where('org_id', '=', tenant.orgId)
        .where(visibleTo(caller))
      if (input.client_id !== undefined) query = query.where('client_id', '=', input.client_id)
      if (input.state !== undefined) {
        query = query.where(
          sql<boolean>`case when state in ('pending', 'granted') and expires_at <= clock_timestamp()
            then 'expired' else state end = ${input.state}`,
        )
      }
      return pageOf(query, 'id', input, toApproval)
    },

    grant: async (caller: Caller, id: string) => decide(caller, id, 'granted'),
    refuse: async (caller: Caller, id: string) => decide(caller, id, 'refused'),
  }
}

export type Approvals = ReturnType<typeof createApprovals>

/**
 * Uses the approval up, in the transaction that begins what was approved: of two calls with the same one,
 * the second begins nothing.
 */
export const useApproval = async (
  tx: Tx,
  caller: Caller,
  { id }: Approved,
  resourceId: string,
): Promise<void> => {
  if (id === null) return
  const used = await tx
    .updateTable('approvals')
    .set({ state: 'used', used_at: sql<Date>`clock_timestamp()`, resource_id: resourceId })
    .where('org_id', '=', caller.tenant.orgId)
    .where('id', '=', id)
    .where('token_id', '=', caller.credential.id)
    .where('state', '=', 'granted')
    .where(sql<boolean>`expires_at > clock_timestamp()`)
    .returning('id')
    .executeTakeFirst()
  if (used === undefined) throw unusable('The approval was used or withdrawn, or has expired.')
}
