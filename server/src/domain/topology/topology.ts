// Snapshots of the metadata of a client's Salesforce org: pulled cheaply, stored once, read at any
// version, and compared.

import { type Tenant, type Tx } from '../../db/database.ts'
import { newId } from '../../db/ids.ts'
import { json } from '../../db/json.ts'
import { type SnapshotStatus } from '../../db/tables/topology.ts'
import { EngineError, notFound } from '../../errors.ts'
import { type Jobs, type Worker } from '../../jobs/jobs.ts'
import { asDescribeOf, describedBy } from '../../salesforce/activities.ts'
import { type JsonObject } from '../../salesforce/json.ts'
import { type Caller } from '../caller.ts'
import { requireClient } from '../clients.ts'
import { bindIdempotency } from '../idempotency.ts'
import { pageOf, type Page, type PageRequest, type TimeRange, within } from '../page.ts'
import { destinationOf } from '../work/door.ts'
import { handOver, waitForEnd } from '../work/follow.ts'
import { type StageDeps } from '../work/stages.ts'
import { type Automation } from './automations/automation.ts'
import { type DiffRequest, diffSides, type SnapshotDiff } from './diff-report.ts'
import {
  type LightList,
  type ListedField,
  type ListedObject,
  listFieldsOf,
  listObjectsOf,
} from './lists.ts'
import { hiddenNames } from './manifest.ts'
import { payloadOf, type PayloadChoice } from './payload.ts'
import { createPullWorker, type PullDeps } from './pull.ts'
import {
  completeRow,
  manifestOf,
  newestCompleteRow,
  runningPull,
  type Snapshot,
  snapshotById,
  type SnapshotRow,
  snapshotsOf,
  toSnapshot,
} from './snapshots.ts'
import { contentsOf } from './contents.ts'
import { forgetValidators } from './validators.ts'

export { type Automation, AUTOMATION_TYPES } from './automations/automation.ts'
export { CHANGES } from './diff.ts'
export { INCLUDABLE } from './payload.ts'
export { type Snapshot } from './snapshots.ts'

export interface PullInput {
  client_id: string
  /** Default: all. Names are case-insensitive. */
  objects?: string[] | undefined
  /** Reads everything, including what is already known. */
  full?: boolean | undefined
  wait_seconds: number
}

export interface GetInput extends PayloadChoice {
  client_id: string
  version?: number | undefined
  snapshot_id?: string | undefined
}

export interface ListInput extends PageRequest {
  client_id: string
  version?: number | undefined
  snapshot_id?: string | undefined
  query?: string | undefined
}

export interface HistoryInput extends PageRequest, TimeRange {
  client_id: string
  status?: SnapshotStatus | undefined
}

export interface DiffInput extends DiffRequest {
  client_id: string
  from_version: number
  to_version?: number | undefined
  to_client_id?: string | undefined
}

/** A complete snapshot for other modules: its contents are read on demand. */
export interface CompleteSnapshot {
  id: string
  version: number
  clientId: string
  sfdcOrgId: string
  apiVersion: string
  /** Of the connected user, in which labels are; null: not known. */
  language: string | null
  contentHash: string
  completedAt: Date
  objectNames: string[]
  /** Objects that exist and could not be described. */
  unreadable: string[]
  /** What an earlier version has but the connected user no longer sees: `Object`, `Object.Field`. */
  notVisible: string[]
  /**
   * Describes by API name as Salesforce returned them; names are case-insensitive, unknown ones are left
   * out.
   */
  readObjects(names: readonly string[]): Promise<Map<string, JsonObject>>
  readAutomations(): Promise<Automation[]>
}

/** As it is stored, for who looks at many of them. */
export interface StoredSnapshot extends CompleteSnapshot {
  /** As `readObjects`, one after the other: of all but one, only what `use` keeps is in memory. */
  eachObject(
    names: readonly string[],
    use: (name: string, describe: JsonObject) => void,
  ): Promise<void>
  /**
   * What their describes say about the schema, as hashes, by the same names: equal ones need not be read
   * again, whichever client has them.
   */
  gistsOf(names: readonly string[]): Promise<Map<string, string>>
}

interface Options extends StageDeps {
  jobs: Pick<Jobs, 'enqueue' | 'announce' | 'waitFor'>
  onComplete?: PullDeps['onComplete']
  readBeside?: PullDeps['readBeside']
}

export interface Topology {
  /**
   * Starts a pull, or joins the running one that covers it, and waits for its end as long as asked.
   * Throws not_found, client_inactive, connection_not_ready, no_snapshot, pull_in_progress.
   */
  pull(caller: Caller, input: PullInput, signal?: AbortSignal): Promise<Snapshot>
  /** The snapshot without its payload, in its current state. */
  snapshot(tenant: Tenant, snapshotId: string): Promise<Snapshot>
  /** The JSON text of a snapshot with its payload, piece by piece. Throws before the first piece, or never. */
  get(tenant: Tenant, input: GetInput): Promise<AsyncIterable<Buffer>>
  /** The objects of a snapshot, without their describes. */
  objects(tenant: Tenant, input: ListInput): Promise<LightList<ListedObject>>
  /** The fields of one object of a snapshot. Throws unknown_object. */
  fields(
    tenant: Tenant,
    input: ListInput & { object: string },
  ): Promise<LightList<ListedField> & { object: string }>
  history(tenant: Tenant, input: HistoryInput): Promise<Page<Snapshot>>
  diff(tenant: Tenant, input: DiffInput): Promise<SnapshotDiff>
  /** For other modules; null while the client has no complete snapshot. */
  newestComplete(tenant: Tenant, clientId: string): Promise<StoredSnapshot | null>
  completeVersion(tenant: Tenant, clientId: string, version: number): Promise<CompleteSnapshot>
  /** Makes the next pull read these objects unconditionally; call it when we have changed them. */
  forget(
    tx: Tx,
    tenant: Tenant,
    clientId: string,
    objects: readonly string[] | 'all',
  ): Promise<void>
  /** Runs a pull to its end: for the queue. */
  worker: Worker
}

export const createTopology = (options: Options): Topology => {
  const { db, jobs, connections, logger } = options
  const snapshot = async (tenant: Tenant, snapshotId: string): Promise<Snapshot> => {
    const row = await snapshotById(db.as(tenant).read, tenant, snapshotId)
    if (row === undefined) throw notFound('snapshot')
    return toSnapshot(row)
  }

  const start = async (
    caller: Caller,
    input: PullInput,
  ): Promise<{ row: SnapshotRow; started: boolean }> => {
    const { tenant } = caller
    const connection = await destinationOf(connections, tenant, input.client_id)
    const { sfdc_org_id: sfdcOrgId, sfdc_user_id: sfdcUserId } = connection
    const scope = input.objects === undefined ? 'all' : distinctNames(input.objects)
    return db.as(tenant).tx(async (tx) => {
      // Two calls at once: the second one waits here for the first one's row.
      await tx
        .selectFrom('clients')
        .select('id')
        .where('org_id', '=', tenant.orgId)
        .where('id', '=', input.client_id)
        .forNoKeyUpdate()
        .execute()
      const running = await runningPull(tx, tenant, input.client_id)
      if (running !== undefined) {
        if (!covers(running, scope, input.full === true)) throw pullInProgress()
        await bindIdempotency(tx, caller, running.id)
        return { row: running, started: false }
      }
      const base = await newestCompleteRow(tx, tenant, input.client_id)
      if (scope !== 'all' && base?.sfdc_org_id !== sfdcOrgId) {
        throw new EngineError(
          'no_snapshot',
          'There is no complete snapshot of this Salesforce org to carry the other objects over from.',
        )
      }
      const row = await tx
        .insertInto('crm_topology_snapshots')
        .values({
          id: newId(),
          org_id: tenant.orgId,
          client_id: input.client_id,
          connection_id: connection.id,
          scope: json(scope),
          full_read: input.full === true,
          base_snapshot_id: base?.id ?? null,
          api_version: connection.api_version,
          sfdc_org_id: sfdcOrgId,
          sfdc_user_id: sfdcUserId,
          created_by: caller.userId,
          credential_type: caller.credential.type,
          credential_id: caller.credential.id,
          request_id: caller.requestId,
        })
        .returningAll()
        .executeTakeFirstOrThrow()
      await bindIdempotency(tx, caller, row.id)
      return { row, started: true }
    })
  }

  const pull: Topology['pull'] = async (caller, input, signal) => {
    const { row, started } = await start(caller, input)
    const work = { orgId: row.org_id, clientId: row.client_id, id: row.id }
    if (started) await handOver({ jobs, logger }, 'topology-pull', work, row.sfdc_org_id)
    const isDone = async () => (await snapshot(caller.tenant, row.id)).is_final
    await waitForEnd({ jobs }, row.id, isDone, input.wait_seconds, signal)
    return snapshot(caller.tenant, row.id)
  }

  /** A company user's foreign client and a missing one are the same 404. */
  const rowOf = (
    tenant: Tenant,
    { client_id, version, snapshot_id }: Pick<GetInput, 'client_id' | 'version' | 'snapshot_id'>,
  ) =>
    db.as(tenant).tx(async (tx) => {
      await requireClient(tx, tenant, client_id)
      if (snapshot_id === undefined) return completeRow(tx, tenant, client_id, version)
      const row = await snapshotById(tx, tenant, snapshot_id)
      const isMeant =
        row?.client_id === client_id && (version === undefined || row.version === version)
      if (row === undefined || !isMeant) throw notFound('snapshot')
      return row
    })

  /** A complete snapshot with what is in it. */
  const sourceOf = async (tenant: Tenant, input: Parameters<typeof rowOf>[1]) => {
    const row = await rowOf(tenant, input)
    if (row.status !== 'complete') {
      throw new EngineError('no_snapshot', 'This snapshot is not complete, so it has no contents.')
    }
    const contents = contentsOf(db, tenant, row.client_id)
    return { row, contents, manifest: await manifestOf(contents, row) }
  }

  const open = async (tenant: Tenant, row: SnapshotRow): Promise<StoredSnapshot> => {
    const contents = contentsOf(db, tenant, row.client_id)
    const manifest = await manifestOf(contents, row)
    /** Each object that is asked for and is in the snapshot, by its name in either, and its content. */
    const entriesOf = (names: readonly string[]): { name: string; hash: string }[] => {
      const wanted = new Set(names.map((name) => describedBy(name).toLowerCase()))
      const found = [...manifest.objects].flatMap(([name, { hash }]) =>
        wanted.has(name.toLowerCase()) ? [{ name, hash }] : [],
      )
      const others = names
        .filter((name) => describedBy(name) !== name)
        .flatMap((name) => {
          const of = found.find((one) => one.name === describedBy(name))
          return of === undefined ? [] : [{ name, hash: of.hash }]
        })
      return [...found, ...others]
    }
    const eachObject: StoredSnapshot['eachObject'] = async (names, use) => {
      const entries = entriesOf(names)
      const texts = await contents.read(entries.map(({ hash }) => hash))
      for (const { name, hash } of entries) {
        use(name, asDescribeOf(name, JSON.parse(String(texts.get(hash))) as JsonObject))
      }
    }
    return {
      id: row.id,
      version: row.version ?? 0,
      clientId: row.client_id,
      sfdcOrgId: row.sfdc_org_id,
      apiVersion: row.api_version,
      language: row.language,
      contentHash: row.content_hash ?? '',
      completedAt: row.completed_at ?? row.created_at,
      objectNames: [...manifest.objects.keys()],
      unreadable: manifest.unreadable,
      notVisible: hiddenNames(manifest),
      eachObject,
      readObjects: async (names) => {
        const described = new Map<string, JsonObject>()
        await eachObject(names, (name, describe) => void described.set(name, describe))
        return described
      },
      gistsOf: async (names) => {
        const entries = entriesOf(names)
        const gists = await contents.gists(entries.map(({ hash }) => hash))
        return new Map(entries.map(({ name, hash }) => [name, gists.get(hash) ?? hash]))
      },
      readAutomations: async () => {
        const hashes = [...manifest.automations.values()]
        const texts = await contents.read(hashes)
        return hashes.map((hash) => JSON.parse(String(texts.get(hash))) as Automation)
      },
    }
  }

  return {
    pull,
    snapshot,

    get: async (tenant, input) => {
      const row = await rowOf(tenant, input)
      const contents = contentsOf(db, tenant, row.client_id)
      const source =
        row.status === 'complete' ? { manifest: await manifestOf(contents, row), contents } : null
      return payloadOf(toSnapshot(row), source, input)
    },

    objects: async (tenant, input) => listObjectsOf(await sourceOf(tenant, input), input),
    fields: async (tenant, input) => listFieldsOf(await sourceOf(tenant, input), input),

    history: (tenant, input) =>
      db.as(tenant).tx(async (tx) => {
        await requireClient(tx, tenant, input.client_id)
        let query = snapshotsOf(tx, tenant, input.client_id)
        if (input.status !== undefined) query = query.where('status', '=', input.status)
        return pageOf(within(query, 'created_at', input), 'id', input, toSnapshot)
      }),

    diff: async (tenant, input) => {
      const otherClient = input.to_client_id ?? input.client_id
      const [from, to] = await db.as(tenant).tx(async (tx) => {
        await requireClient(tx, tenant, input.client_id)
        await requireClient(tx, tenant, otherClient)
        return [
          await completeRow(tx, tenant, input.client_id, input.from_version),
          await completeRow(tx, tenant, otherClient, input.to_version),
        ] as const
      })
      const side = async (row: SnapshotRow) => {
        const contents = contentsOf(db, tenant, row.client_id)
        return { row, contents, manifest: await manifestOf(contents, row) }
      }
      return diffSides(await side(from), await side(to), input)
    },

    newestComplete: async (tenant, clientId) => {
      const row = await newestCompleteRow(db.as(tenant).read, tenant, clientId)
      return row === undefined ? null : open(tenant, row)
    },

    completeVersion: async (tenant, clientId, version) =>
      open(tenant, await completeRow(db.as(tenant).read, tenant, clientId, version)),

    forget: forgetValidators,
    worker: createPullWorker(options),
  }
}

/** Each object once, as first written. */
const distinctNames = (names: readonly string[]): string[] =>
  [...new Map(names.toReversed().map((name) => [name.toLowerCase(), name])).values()].sort()

/** Whether the running pull reads everything that is requested now. */
const covers = (running: SnapshotRow, scope: 'all' | string[], full: boolean): boolean => {
  if (full && !running.full_read) return false
  if (running.scope === 'all') return true
  if (scope === 'all') return false
  const known = new Set(running.scope.map((name) => name.toLowerCase()))
  return scope.every((name) => known.has(name.toLowerCase()))
}

const pullInProgress = (): EngineError =>
  new EngineError('pull_in_progress', 'A pull with a different scope is running for this client.', {
    retryAfterSeconds: 5,
  })
