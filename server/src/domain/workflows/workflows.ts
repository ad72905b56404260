// The automations of a client's Salesforce org as callers list them.

import { type Database, type Tenant } from '../../db/database.ts'
import { EngineError } from '../../errors.ts'
import { actorOf, audit } from '../audit.ts'
import { type Caller } from '../caller.ts'
import { requireClient } from '../clients.ts'
import { type ConnectionDoor } from '../work/door.ts'
import { type Page } from '../page.ts'
import { didYouMean } from '../mappings/suggest/words.ts'
import { sameName } from '../metadata/names.ts'
import {
  AUTOMATION_TYPES,
  type AutomationType,
  keyOfAutomation,
  type Trigger,
} from '../topology/automations/automation.ts'
import { type CompleteSnapshot, type Topology } from '../topology/topology.ts'
import { type EventOrder, executionOrder } from './execution-order.ts'
import {
  type ListedWorkflow,
  listLive,
  listSnapshot,
  type ListWarning,
  type Wanted,
  type WorkflowListing,
} from './listing.ts'
import { madeByUs, madeKey } from '../deployments/workflows/made-by-us.ts'

export interface ListInput {
  client_id: string
  types?: AutomationType[] | undefined
  /** Case-insensitive. */
  object?: string | undefined
  active?: boolean | undefined
  source: 'live' | 'snapshot'
  /** 1 to 200. */
  limit: number
  cursor?: string | undefined
}

/** An automation in its current state; see the HTTP contract. */
export interface WorkflowItem {
  type: AutomationType
  api_name: string
  label: string | null
  object: string | null
  /** Null if not known: a workflow rule whose content Salesforce hides. */
  active: boolean | null
  active_version: number | null
  latest_version: number | null
  process_type: string | null
  trigger: Trigger | null
  managed: boolean
  deployed_by_engine: boolean
  last_modified_at: string | null
}

export interface WorkflowPage extends Page<WorkflowItem> {
  source: 'live' | 'snapshot'
  /** The snapshot that was listed; null for a live list. */
  snapshot_version: number | null
  /** How many fit the filters, on all pages. */
  total: number
  warnings: ListWarning[]
  /** For all active automations of the object, whatever the other filters; null without `object`. */
  execution_order: EventOrder[] | null
}

interface Options {
  db: Database
  connections: ConnectionDoor
  topology: Pick<Topology, 'newestComplete' | 'completeVersion' | 'snapshot'>
}

export interface Workflows {
  /**
   * A page of the client's automations, last changed first. Throws not_found, invalid_cursor; live
   * also client_inactive, connection_not_ready and what Salesforce refuses, from a snapshot no_snapshot.
   */
  list(caller: Caller, input: ListInput, signal?: AbortSignal): Promise<WorkflowPage>
}

/**
 * Where a page ends. A live list is read again for each page: what did not change keeps its position.
 */
interface Position {
  /** The snapshot that is paged through; null: live. */
  version: number | null
  modified: string
  key: string
}

const positionOf = (version: number | null, workflow: ListedWorkflow): Position => ({
  version,
  modified: workflow.last_modified_at ?? '',
  key: keyOfAutomation(workflow),
})

/** Last changed first, those without a date at the end. */
const comparePositions = (
  a: Pick<Position, 'modified' | 'key'>,
  b: Pick<Position, 'modified' | 'key'>,
): number =>
  a.modified === b.modified
    ? a.key === b.key
      ? 0
      : a.key < b.key
        ? -1
        : 1
    : a.modified > b.modified
      ? -1
      : 1

const encodeCursor = (position: Position): string =>
  Buffer.from(JSON.stringify([position.version, position.modified, position.key])).toString(
    'base64url',
  )

const decodeCursor = (cursor: string, source: ListInput['source']): Position => {
  const fault = new EngineError(
    'invalid_cursor',
    'This cursor does not belong to this endpoint and source.',
  )
  let parts: unknown
  try {
    parts = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
  } catch {
    throw fault
  }
  if (!Array.isArray(parts) || parts.length !== 3) throw fault
  const [version, modified, key] = parts as unknown[]
  const isVersion = source === 'live' ? version === null : Number.isSafeInteger(version)
  if (!isVersion || typeof modified !== 'string' || typeof key !== 'string') throw fault
  const position = { version: version as number | null, modified, key }
  if (encodeCursor(position) !== cursor) throw fault
  return position
}

export const createWorkflows = ({ db, connections, topology }: Options): Workflows => {
  const live = async (
    caller: Caller,
    input: ListInput,
    wanted: Wanted,
    signal?: AbortSignal,
  ): Promise<WorkflowListing & { sfdcOrgId: string | null }> => {
    const { tenant } = caller
    const { connection, salesforce } = await connections.open(
      tenant,
      input.client_id,
      'interactive',
      signal,
    )
    const newest = await topology.newestComplete(tenant, input.client_id)
    const snapshot = newest?.sfdcOrgId === connection.sfdc_org_id ? newest : null
    const note = (outcome: string): Promise<void> =>
      db.as(tenant).tx((tx) =>
        audit(tx, actorOf(caller), {
          action: 'workflows.list',
          clientId: input.client_id,
          targetType: 'client',
          targetId: input.client_id,
          outcome,
          salesforceApiCalls: salesforce.calls,
        }),
      )
    let listing: WorkflowListing
    try {
      listing = await listLive(salesforce, snapshot, wanted)
    } catch (error) {
      await note(error instanceof EngineError ? error.code : 'internal')
      throw error
    }
    await note('ok')
    return { ...listing, sfdcOrgId: connection.sfdc_org_id }
  }

  const stored = async (
    tenant: Tenant,
    input: ListInput,
    wanted: Wanted,
    version: number | null,
  ): Promise<WorkflowListing & { snapshot: CompleteSnapshot }> => {
    const snapshot =
      version === null
        ? await topology.newestComplete(tenant, input.client_id)
        : await topology.completeVersion(tenant, input.client_id, version)
    if (snapshot === null) {
      throw new EngineError('no_snapshot', 'This client has no complete snapshot yet.')
    }
    const { stats } = await topology.snapshot(tenant, snapshot.id)
    return { ...(await listSnapshot(snapshot, stats.unreadable, wanted)), snapshot }
  }

  /** A warning if the newest snapshot has no such object: an empty list alone would not tell. */
  const unknownObject = async (
    tenant: Tenant,
    clientId: string,
    object: string,
  ): Promise<ListWarning[]> => {
    const snapshot = await topology.newestComplete(tenant, clientId)
    if (snapshot === null) return []
    const { objectNames, unreadable, version } = snapshot
    if ([...objectNames, ...unreadable].some((name) => sameName(name) === sameName(object))) {
      return []
    }
    const message = `Snapshot ${version} has no object ${object}.${didYouMean(object, objectNames)}`
    return [{ code: 'object_unknown', type: null, message }]
  }

  return {
    list: async (caller, input, signal) => {
      const { tenant } = caller
      await requireClient(db.as(tenant).read, tenant, input.client_id)
      const after = input.cursor === undefined ? null : decodeCursor(input.cursor, input.source)
      const types = new Set(input.types ?? AUTOMATION_TYPES)
      const object = input.object ?? null
      // If the list is for one object, whatever else runs there is returned too.
      const wanted: Wanted = { types: object === null ? types : new Set(AUTOMATION_TYPES), object }

      const read =
        input.source === 'live'
          ? { ...(await live(caller, input, wanted, signal)), version: null }
          : await stored(tenant, input, wanted, after?.version ?? null).then(
              ({ snapshot, ...listing }) => ({
                ...listing,
                sfdcOrgId: snapshot.sfdcOrgId,
                version: snapshot.version,
              }),
            )
      const made = await madeByUs(db.as(tenant).read, tenant, input.client_id, read.sfdcOrgId)

      const here = read.workflows.filter(
        (one) =>
          object === null || (one.object !== null && sameName(one.object) === sameName(object)),
      )
      const positioned = here
        .filter(
          ({ type, active }) =>
            types.has(type) && (input.active === undefined || active === input.active),
        )
        .map((workflow) => ({ workflow, position: positionOf(read.version, workflow) }))
        .toSorted((a, b) => comparePositions(a.position, b.position))
      const left = positioned.filter(
        ({ position }) => after === null || comparePositions(position, after) > 0,
      )
      const page = left.slice(0, input.limit)
      const last = page.at(-1)
      return {
        items: page.map(({ workflow }) => itemOf(workflow, made)),
        next_cursor:
          left.length > input.limit && last !== undefined ? encodeCursor(last.position) : null,
        source: input.source,
        snapshot_version: read.version,
        total: positioned.length,
        warnings:
          object === null || here.length > 0
            ? read.warnings
            : [...read.warnings, ...(await unknownObject(tenant, input.client_id, object))],
        execution_order:
          object === null
            ? null
            : executionOrder(
                here[0]?.object ?? object,
                here.filter(({ active }) => active === true),
              ),
      }
    },
  }
}

const itemOf = (workflow: ListedWorkflow, made: ReadonlySet<string>): WorkflowItem => {
  const { moments: _moments, versions: _versions, ...item } = workflow
  return { ...item, deployed_by_engine: made.has(madeKey(workflow)) }
}
