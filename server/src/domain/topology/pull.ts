// The pull itself: durable work that reads a Salesforce org into a snapshot. Everything it has read is
// journaled as it goes, so that another run goes on where this one was killed; the snapshot becomes
// complete in one transaction, or not at all.

import { type Logger } from 'pino'
import { type Database, type Tenant } from '../../db/database.ts'
import { type Fault, type Progress, type SnapshotStats } from '../../db/types.ts'
import { EngineError } from '../../errors.ts'
import { type Jobs, type Work, type Worker } from '../../jobs/jobs.ts'
import { concernsWholeOrg, SalesforceError } from '../../salesforce/failure.ts'
import { type SalesforceOrg } from '../../salesforce/gateway.ts'
import { getIdentity } from '../../salesforce/rest.ts'
import { clip } from '../../text.ts'
import { type OpenConnection } from '../connections/connections.ts'
import { type AutomationsRead, readAutomations } from './automations/stage.ts'
import { finishPull } from './finish.ts'
import { createJournal, type Journal, keyOf, PullOver, type ReadItem } from './journal.ts'
import { emptyManifest, type Manifest, objectHashes } from './manifest.ts'
import { readGlobalList, readObjects, settledBefore } from './objects.ts'
import { manifestFrom, planObjects } from './plan.ts'
import { emptyStats, manifestOf, snapshotById, type SnapshotRow } from './snapshots.ts'
import { contentsOf } from './store.ts'
import { loadValidators, type Validator, type Validators, viewOf } from './validators.ts'
import { createItemWriter, type ItemWriter } from './writer.ts'

/** The one door to Salesforce, as far as a pull needs it. */
export interface ConnectionDoor {
  open(
    tenant: Tenant,
    clientId: string,
    priority: 'work',
    signal?: AbortSignal,
  ): Promise<OpenConnection>
}

export interface PullDeps {
  db: Database
  jobs: Pick<Jobs, 'announce'>
  connections: ConnectionDoor
  logger: Logger
}

/** Progress is shown at most this often. */
const PROGRESS_EVERY_MS = 1_000

/** Reasons that no repetition cures: the pull ends with them at once. */
const FINAL = new Set<string>([
  'client_inactive',
  'connection_revoked',
  'connection_not_ready',
  'salesforce_org_changed',
  'host_refused',
  'not_found',
])

/** What one run of a pull knows and counts. */
interface Run {
  row: SnapshotRow
  journal: Journal
  open: OpenConnection
  org: SalesforceOrg
  base: { row: SnapshotRow; manifest: Manifest } | null
  stats: SnapshotStats
  /** Calls of earlier runs. */
  callsBefore: number
  bytesBefore: number
  progress: Progress
  shownAtMs: number
}

export const createPullWorker = (deps: PullDeps): Worker => ({
  run: async (work, signal) => {
    const row = await load(deps, work)
    if (row?.status !== 'pulling') return
    const journal = createJournal(deps.db, deps.jobs, keyOf(row))
    const stats: SnapshotStats = { ...emptyStats(), ...row.stats }
    // A fault in one half of the work ends the other half.
    const leaving = new AbortController()
    try {
      const both = AbortSignal.any([signal, leaving.signal])
      await pull(deps, row, journal, stats, both, leaving)
    } catch (error) {
      leaving.abort(error)
      if (error instanceof PullOver || signal.aborted) {
        if (signal.aborted) throw error
        return
      }
      await settle(deps, journal, error, stats)
    }
  },

  giveUp: async (work, error) => {
    const row = await load(deps, work)
    if (row === undefined) return
    await createJournal(deps.db, deps.jobs, keyOf(row)).fail(faultOf(error))
  },
})

const load = ({ db }: PullDeps, { orgId, id }: Work): Promise<SnapshotRow | undefined> => {
  const tenant = { orgId, clientId: null }
  return db.as(tenant).tx((tx) => snapshotById(tx, tenant, id))
}

/** What a caller is told about why a pull ended; Salesforce's own words where it gave them. */
const faultOf = (error: unknown): Fault => {
  if (error instanceof SalesforceError) {
    const { code, message } = error.failure
    return { code: error.code, message: clip(`${error.message} ${code}: ${message}`, 1000) }
  }
  if (error instanceof EngineError) return { code: error.code, message: error.message }
  return { code: 'internal', message: 'Something went wrong on our side.' }
}

/** After a fault: stands still, ends, or (by throwing) lets the queue try again. */
const settle = async (
  { logger }: PullDeps,
  journal: Journal,
  error: unknown,
  stats: SnapshotStats,
): Promise<void> => {
  if (!(error instanceof EngineError)) throw error
  if (error.code === 'api_budget_exhausted') {
    // Stays `pulling`: the sweep puts it back, and it goes on when calls are back.
    await journal.hold({ code: error.code, message: error.message }, stats)
    logger.info({ code: error.code }, 'pull stands still')
    return
  }
  if (error.code === 'connection_not_ready') {
    const status = await journal.connectionStatus()
    // Another grant was swapped in: the next run uses it.
    if (status === 'connected') throw error
    const code = status === 'revoked' ? 'connection_revoked' : error.code
    await journal.fail({ code, message: error.message }, stats)
    return
  }
  const isFinal =
    FINAL.has(error.code) || (error instanceof SalesforceError && !error.failure.passing)
  if (!isFinal) throw error
  await journal.fail(faultOf(error), stats)
}

const pull = async (
  deps: PullDeps,
  row: SnapshotRow,
  journal: Journal,
  stats: SnapshotStats,
  signal: AbortSignal,
  leaving: AbortController,
): Promise<void> => {
  const { tenant, clientId } = keyOf(row)
  const open = await deps.connections.open(tenant, clientId, 'work', signal)
  const { connection, salesforce: org } = open
  if (
    connection.id !== row.connection_id ||
    connection.sfdc_org_id !== row.sfdc_org_id ||
    connection.sfdc_user_id !== row.sfdc_user_id
  ) {
    throw new EngineError('connection_revoked', 'The connection was replaced during the pull.')
  }
  const contents = contentsOf(deps.db, tenant, clientId)
  const base = await loadBase(deps, row)
  const run: Run = {
    row,
    journal,
    open,
    org,
    base,
    stats,
    callsBefore: stats.salesforce_api_calls,
    bytesBefore: stats.bytes,
    progress: { stage: 'listing', done: 0, total: 0 },
    shownAtMs: 0,
  }
  const language = await readLanguage(org)
  const view = viewOf({
    connectionId: connection.id,
    generation: connection.generation,
    sfdcOrgId: row.sfdc_org_id,
    sfdcUserId: row.sfdc_user_id,
    apiVersion: org.apiVersion,
    language,
  })
  const validators = await deps.db.as(tenant).tx((tx) => loadValidators(tx, tenant, clientId, view))
  const earlier = await journal.load()
  // Nothing is asked conditionally without a snapshot to carry over from, when all is wanted anew,
  // or when everything was last read too long ago.
  const unconditional = base === null || row.full_read || validators.due
  const global = await readGlobalList(org, unconditional ? null : validators.global)
  const isSettled = settledBefore(global.servedAt)
  const globalDate =
    global.lastModified !== null && isSettled(global.lastModified) ? global.lastModified : null
  if (row.scope === 'all' && earlier.globalLastModified === undefined) {
    await journal.noteGlobal(globalDate)
  }

  const plan = planObjects(row.scope, base?.manifest ?? null, global.names, earlier.items)
  run.progress = {
    stage: 'describing',
    done: plan.done.length + plan.carriedOver,
    total: plan.total,
  }
  await show(run, null)
  const stored = new Set([
    ...objectHashes(base?.manifest ?? emptyManifest()).values(),
    ...(base?.manifest.automations.values() ?? []),
  ])
  const writers = [0, 1].map(() => createItemWriter(journal, (hash) => stored.has(hash)))
  const [objectWriter, automationWriter] = writers as [ItemWriter, ItemWriter]

  const items = [...plan.done]
  const describing = readObjects({
    org,
    names: plan.names,
    validators: plan.conditional && !unconditional ? validators.objects : new Map(),
    writer: objectWriter,
    isSettled,
    onItem: (item) => {
      items.push(item)
      run.progress.done += 1
      return show(run, writers)
    },
  }).then(() => objectWriter.flush())
  const listing = readAutomations({
    org,
    objectNames: global.names ?? [...(base?.manifest.objects.keys() ?? [])],
    known: knownAutomations(validators, unconditional, earlier.items),
    contents,
    writer: automationWriter,
    // Another Salesforce org's automations are none to carry over.
    previous: base?.row.sfdc_org_id === row.sfdc_org_id ? base.manifest.automations : new Map(),
    isSettled,
  }).then(async (read) => {
    await automationWriter.flush()
    return read
  })
  const automations = await bothOrNeither(describing, listing, leaving, () => {
    run.progress = { ...run.progress, stage: 'automations' }
    return show(run, writers, true)
  }).catch(async (error: unknown) => {
    // What was read is kept for the next run, whatever ended this one.
    await Promise.allSettled(writers.map((writer) => writer.flush()))
    throw error
  })

  run.progress = { ...run.progress, stage: 'saving' }
  await show(run, writers, true)
  countStats(run, writers, items, automations, plan.carriedOver)
  await finishPull({
    db: deps.db,
    journal,
    row,
    base,
    contents,
    manifest: manifestFrom(row.scope, base?.manifest ?? null, plan, items, automations),
    stats,
    progress: { stage: 'complete', done: plan.total, total: plan.total },
    apiVersion: org.apiVersion,
    language,
    renewal: {
      view,
      snapshotId: row.id,
      global:
        row.scope === 'all'
          ? {
              lastModified:
                earlier.globalLastModified === undefined ? globalDate : earlier.globalLastModified,
              unconditional,
            }
          : null,
      objects: row.scope === 'all' ? global.names : null,
      automations: [...automations.hashes.keys()],
    },
  })
}

const loadBase = async ({ db }: PullDeps, row: SnapshotRow): Promise<Run['base']> => {
  const { tenant, clientId } = keyOf(row)
  const id = row.base_snapshot_id
  if (id === null) return null
  const base = await db.as(tenant).tx((tx) => snapshotById(tx, tenant, id))
  if (base === undefined) return null
  return { row: base, manifest: await manifestOf(contentsOf(db, tenant, clientId), base) }
}

/** Labels come in the connected user's language: part of what a validator is valid for. */
const readLanguage = async (org: SalesforceOrg): Promise<string | null> => {
  try {
    return (await getIdentity(org)).language
  } catch (error) {
    // A grant without the scope for it is still good for a pull.
    if (error instanceof SalesforceError && !concernsWholeOrg(error.failure)) return null
    throw error
  }
}

/** Stamps by key: of the snapshots before, and over them what this pull itself has read already. */
const knownAutomations = (
  validators: Validators,
  unconditional: boolean,
  earlier: readonly ReadItem[],
): Map<string, Validator> => {
  const known = new Map(unconditional ? [] : validators.automations)
  for (const { kind, name, hash, lastModified, fieldsCount } of earlier) {
    if (kind === 'automation' && hash !== null && lastModified !== null) {
      known.set(name, { hash, lastModified, fieldsCount })
    }
  }
  return known
}

/** Waits for both; the first fault ends the other one, and nothing runs on after it is thrown. */
const bothOrNeither = async <T>(
  objects: Promise<void>,
  automations: Promise<T>,
  leaving: AbortController,
  onObjectsDone: () => Promise<void>,
): Promise<T> => {
  const failed = (error: unknown): never => {
    leaving.abort(error)
    throw error
  }
  const [first, second] = await Promise.allSettled([
    objects.then(onObjectsDone).catch(failed),
    automations.catch(failed),
  ])
  if (first.status === 'rejected' || second.status === 'rejected') {
    // The reason of the abort is the fault that came first; the other is its echo.
    throw leaving.signal.reason
  }
  return second.value
}

const show = async (
  run: Run,
  writers: readonly ItemWriter[] | null,
  now = false,
): Promise<void> => {
  const { stats } = run
  stats.salesforce_api_calls = run.callsBefore + run.org.calls
  stats.bytes =
    run.bytesBefore + (writers ?? []).reduce((sum, { bytesAdded }) => sum + bytesAdded, 0)
  if (!now && performance.now() - run.shownAtMs < PROGRESS_EVERY_MS) return
  run.shownAtMs = performance.now()
  await run.journal.progress(run.progress, stats, run.open.connection.id)
}

const countStats = (
  run: Run,
  writers: readonly ItemWriter[],
  items: readonly ReadItem[],
  automations: AutomationsRead,
  carriedOver: number,
): void => {
  const { stats } = run
  stats.salesforce_api_calls = run.callsBefore + run.org.calls
  stats.bytes = run.bytesBefore + writers.reduce((sum, { bytesAdded }) => sum + bytesAdded, 0)
  stats.not_modified = carriedOver + items.filter(({ notModified }) => notModified).length
  stats.unreadable = [
    ...items.flatMap(({ name, unreadable }) =>
      unreadable === null ? [] : [{ object: name, ...unreadable }],
    ),
    ...automations.unreadable,
  ]
}
