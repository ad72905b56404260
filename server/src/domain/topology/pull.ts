// The pull itself: durable work that reads a Salesforce org into a snapshot. Everything it has read is
// journaled as it goes, so that another run continues where this one was killed; the snapshot becomes
// complete in one transaction, or not at all.

import { type SnapshotStats } from '../../db/tables/topology.ts'
import { type Progress } from '../../db/tables/work.ts'
import { type Jobs, type Worker } from '../../jobs/jobs.ts'
import { concernsWholeOrg, SalesforceError } from '../../salesforce/failure.ts'
import { type SalesforceOrg } from '../../salesforce/gateway.ts'
import { getIdentity } from '../../salesforce/rest.ts'
import { missingLabels, type Rights, readRights } from '../connections/rights.ts'
import { didYouMean } from '../mappings/suggest/words.ts'
import { sameName } from '../metadata/names.ts'
import { createStagedWorker, type StageContext, type StageDeps, WorkOver } from '../work/stages.ts'
import { type AutomationsRead, readAutomations } from './automations/stage.ts'
import { finishPull } from './finish.ts'
import { findHidden } from './hidden.ts'
import { createJournal, type Journal, type JournalState, keyOf, type ReadItem } from './journal.ts'
import { emptyManifest, hiddenNames, type Manifest, objectHashes } from './manifest.ts'
import { type GlobalList, readGlobalList, readObjects, settledBefore } from './objects.ts'
import { manifestFrom, type ObjectsPlan, planObjects } from './plan.ts'
import { emptyStats, manifestOf, snapshotById, type SnapshotRow, standingOf } from './snapshots.ts'
import { type Contents, contentsOf } from './contents.ts'
import {
  loadValidators,
  noValidators,
  type Validator,
  type Validators,
  viewOf,
} from './validators.ts'
import { noLongerSeen } from './unknown-names.ts'
import { createItemWriter, type ItemWriter } from './writer.ts'

export interface PullDeps extends StageDeps {
  jobs: Pick<Jobs, 'announce'>
  /**
   * Called when a client has a new complete snapshot, after the commit. What it misses, because it fails or
   * the process is killed, somebody else has to find.
   */
  onComplete?: (orgId: string, clientId: string) => Promise<void>
  /** Reads and stores what a snapshot does not hold; a pull that ends before it is complete does it again. */
  readBeside?: (org: SalesforceOrg, of: PulledClient) => Promise<void>
}

export interface PulledClient {
  orgId: string
  clientId: string
  sfdcOrgId: string
}

/** Progress is shown at most this often. */
const PROGRESS_EVERY_MS = 1_000

/** What one run of a pull knows and counts. */
interface Run {
  row: SnapshotRow
  journal: Journal
  connectionId: string
  org: SalesforceOrg
  base: { row: SnapshotRow; manifest: Manifest } | null
  stats: SnapshotStats
  /** Calls of earlier runs. */
  callsBefore: number
  bytesBefore: number
  progress: Progress
  shownAtMs: number
}

interface State {
  row: SnapshotRow
  journal: Journal
}

export const createPullWorker = (deps: PullDeps): Worker =>
  createStagedWorker<State>(deps, {
    load: async (work) => {
      const row = await snapshotById(deps.db.as(work).read, work, work.id)
      if (row?.status !== 'pulling') return null
      return { row, journal: createJournal(deps.db, deps.jobs, keyOf(row)) }
    },
    standing: (work) => standingOf(deps.db.as(work).read, work),
    kindOf: () => 'topology-pull',
    destination: ({ row }) => ({
      tenant: keyOf(row).tenant,
      clientId: row.client_id,
      sfdcOrgId: row.sfdc_org_id,
      priority: 'work',
    }),
    step: async (context, { row, journal }) => {
      const stats: SnapshotStats = { ...emptyStats(), ...row.stats }
      try {
        await pull(deps, context, await ofConnection(journal, row, context), journal, stats)
      } catch (error) {
        // A fault in one half of the work ends the other half.
        context.leave(error)
        if (!(error instanceof WorkOver)) await journal.keepStats(stats)
        throw error
      }
      await deps.onComplete?.(row.org_id, row.client_id).catch((error: unknown) => {
        deps.logger.warn({ err: error, snapshot_id: row.id }, 'snapshot not passed on')
      })
      return 'stop'
    },
    isSent: () => false,
    waiting: ({ row }) => row.error,
    hold: ({ journal }, fault, afterSeconds) => journal.hold(fault, afterSeconds),
    end: ({ journal }, fault) => journal.fail(fault),
  })

/**
 * The row for the connection that is open now. If another grant of the same Salesforce org has replaced
 * it, what was read so far is read again, since another user may see different things.
 */
const ofConnection = async (
  journal: Journal,
  row: SnapshotRow,
  { connection: { id, sfdc_user_id: userId } }: StageContext,
): Promise<SnapshotRow> => {
  if (id === row.connection_id && userId === row.sfdc_user_id) return row
  await journal.beginAgain(id, userId ?? '')
  return { ...row, connection_id: id, sfdc_user_id: userId ?? '' }
}

/** What a pull starts from: what may be carried over, and what may be read conditionally. */
interface Grounds {
  /** What the validators are valid for: see `viewOf`. */
  view: string
  language: string | null
  rights: Rights
  validators: Validators
  /** Everything is read again. */
  unconditional: boolean
  global: GlobalList
  earlier: JournalState
}

const groundsOf = async (
  { db }: PullDeps,
  { connection, org }: StageContext,
  { row, base, journal }: Pick<Run, 'row' | 'base' | 'journal'>,
): Promise<Grounds> => {
  const { tenant, clientId } = keyOf(row)
  const [last, earlier] = await Promise.all([
    loadValidators(db.as(tenant).read, tenant, clientId),
    journal.load(),
  ])
  // Nothing is read conditionally if there is no snapshot to carry over from, if a full pull was
  // requested, or if the last full reading was too long ago.
  const mayAsk = base !== null && !row.full_read && !last.validators.due
  // The list is asked for beside the rights, in the hope that they are those of the last pull.
  const [language, rights, hoped] = await Promise.all([
    readLanguage(org),
    readRights(org, row.sfdc_user_id),
    mayAsk ? readGlobalList(org, last.validators.global) : null,
  ])
  const view = viewOf({
    connectionId: connection.id,
    generation: connection.generation,
    sfdcOrgId: row.sfdc_org_id,
    sfdcUserId: row.sfdc_user_id,
    rights: rights.fingerprint,
    apiVersion: org.apiVersion,
    language,
  })
  const isSameView = last.view === view
  return {
    view,
    language,
    rights,
    validators: isSameView ? last.validators : noValidators(),
    unconditional: !mayAsk || !isSameView,
    // Where the view is a different one, what was answered beside the rights may be older than they are.
    global: hoped !== null && isSameView ? hoped : await readGlobalList(org, null),
    earlier,
  }
}

const pull = async (
  deps: PullDeps,
  context: StageContext,
  row: SnapshotRow,
  journal: Journal,
  stats: SnapshotStats,
): Promise<void> => {
  const { connection, org } = context
  const { tenant, clientId } = keyOf(row)
  const base = await loadBase(deps, row)
  const run: Run = {
    row,
    journal,
    connectionId: connection.id,
    org,
    base,
    stats,
    callsBefore: stats.salesforce_api_calls,
    bytesBefore: stats.bytes,
    progress: { stage: 'listing', done: 0, total: 0 },
    shownAtMs: 0,
  }
  const grounds = await groundsOf(deps, context, run)
  const { earlier, global, unconditional, view } = grounds
  const isSettled = settledBefore(global.servedAt)
  const globalDate =
    global.lastModified !== null && isSettled(global.lastModified) ? global.lastModified : null
  const plan = planObjects(row.scope, base?.manifest ?? null, global.names, earlier.items)
  const contents = contentsOf(deps.db, tenant, clientId)
  const read = await readAll(run, context, grounds, {
    plan,
    names: global.names,
    contents,
    isSettled,
    globalDate:
      row.scope === 'all' && earlier.globalLastModified === undefined ? globalDate : undefined,
  })
  const { automations, items } = read
  await deps.readBeside?.(org, { orgId: row.org_id, clientId, sfdcOrgId: row.sfdc_org_id })
  const manifest = manifestFrom(row.scope, base?.manifest ?? null, plan, items, automations)
  await noteHidden(run, grounds, manifest, contents, plan.carriedOver > 0)
  await finishPull({
    db: deps.db,
    journal,
    row,
    base,
    contents,
    manifest,
    stats,
    progress: { stage: 'complete', done: plan.total, total: plan.total },
    apiVersion: org.apiVersion,
    language: grounds.language,
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

/** Adds what is only hidden to the manifest, and reports it in the pull's statistics. */
const noteHidden = async (
  { base, org, row, stats, callsBefore }: Run,
  { rights }: Grounds,
  manifest: Manifest,
  contents: Contents,
  nothingChanged: boolean,
): Promise<void> => {
  if (base !== null && base.row.sfdc_org_id === row.sfdc_org_id) {
    const { scope } = row
    const before = base.manifest
    const hidden = nothingChanged
      ? before
      : await findHidden({ org, rights, scope, before, after: manifest, contents })
    manifest.hiddenObjects = hidden.hiddenObjects
    manifest.hiddenFields = hidden.hiddenFields
  }
  stats.salesforce_api_calls = callsBefore + org.calls
  stats.not_visible = hiddenNames(manifest)
  // Salesforce answers to an object that the user may not see as to one that does not exist.
  stats.unreadable = stats.unreadable.map((one) =>
    manifest.hiddenObjects.has(one.object) ? { ...one, message: noLongerSeen(one.object) } : one,
  )
  stats.missing_permissions = missingLabels(rights)
}

/** Reads objects and automations in parallel; what was read is kept, whatever ends it. */
const readAll = async (
  run: Run,
  context: StageContext,
  { validators, unconditional, earlier }: Grounds,
  {
    plan,
    names,
    contents,
    isSettled,
    globalDate,
  }: {
    plan: ObjectsPlan
    names: readonly string[] | null
    contents: Contents
    isSettled: (date: string) => boolean
    /** Undefined if an earlier run has stored it. */
    globalDate: string | null | undefined
  },
): Promise<{ items: ReadItem[]; automations: AutomationsRead }> => {
  const { row, base, org, journal } = run
  run.progress = {
    stage: 'describing',
    done: plan.done.length + plan.carriedOver,
    total: plan.total,
  }
  // The first calls are sent meanwhile, but nothing is journaled before it: the date of the list must not
  // be younger than what was read after it.
  const begun = (async () => {
    if (globalDate !== undefined) await journal.noteGlobal(globalDate)
    await show(run, null, true)
  })()
  begun.catch(() => undefined) // thrown by the writers, and below
  const afterBegin: Pick<Journal, 'record'> = {
    record: (...batch) => begun.then(() => journal.record(...batch)),
  }
  const stored = new Set([
    ...objectHashes(base?.manifest ?? emptyManifest()).values(),
    ...(base?.manifest.automations.values() ?? []),
  ])
  const writers = [0, 1].map(() => createItemWriter(afterBegin, (hash) => stored.has(hash)))
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
  let isListed = false
  const listing = readAutomations({
    org,
    objectNames: names ?? [...(base?.manifest.objects.keys() ?? [])],
    known: knownAutomations(validators, unconditional, earlier.items),
    contents,
    writer: automationWriter,
    // Automations of a different Salesforce org must not be carried over.
    previous: base?.row.sfdc_org_id === row.sfdc_org_id ? base.manifest.automations : new Map(),
    isSettled,
  }).then(async (read) => {
    await automationWriter.flush()
    isListed = true
    return read
  })
  const automations = await bothOrNeither(describing, listing, context, async () => {
    if (isListed) return
    run.progress = { ...run.progress, stage: 'automations' }
    await show(run, writers, true)
  }).catch(async (error: unknown) => {
    await Promise.allSettled([begun, ...writers.map((writer) => writer.flush())])
    throw error
  })
  await begun
  run.progress = { ...run.progress, stage: 'saving' }
  await show(run, writers, true)
  countStats(run, writers, items, automations, plan.carriedOver, names)
  return { items, automations }
}

const loadBase = async ({ db }: PullDeps, row: SnapshotRow): Promise<Run['base']> => {
  const { tenant, clientId } = keyOf(row)
  const id = row.base_snapshot_id
  if (id === null) return null
  const base = await snapshotById(db.as(tenant).read, tenant, id)
  if (base === undefined) return null
  return { row: base, manifest: await manifestOf(contentsOf(db, tenant, clientId), base) }
}

/** Labels come in the connected user's language, so a validator is valid only for that language. */
const readLanguage = async (org: SalesforceOrg): Promise<string | null> => {
  try {
    return (await getIdentity(org)).language
  } catch (error) {
    // A grant without the scope for it is still good enough for a pull.
    if (error instanceof SalesforceError && !concernsWholeOrg(error.failure)) return null
    throw error
  }
}

/** Stamps by key: of previous snapshots, overridden by what this pull itself has already read. */
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

/** Waits for both; the first fault ends the other one, and nothing still runs after it is thrown. */
const bothOrNeither = async <T>(
  objects: Promise<void>,
  automations: Promise<T>,
  { leave, signal }: StageContext,
  onObjectsDone: () => Promise<void>,
): Promise<T> => {
  const failed = (error: unknown): never => {
    leave(error)
    throw error
  }
  const [first, second] = await Promise.allSettled([
    objects.then(onObjectsDone).catch(failed),
    automations.catch(failed),
  ])
  if (first.status === 'rejected' || second.status === 'rejected') {
    // The abort reason is the first fault; the other one follows from it.
    throw signal.reason
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
  await run.journal.progress(run.progress, stats, run.connectionId)
}

const countStats = (
  run: Run,
  writers: readonly ItemWriter[],
  items: readonly ReadItem[],
  automations: AutomationsRead,
  carriedOver: number,
  listed: readonly string[] | null,
): void => {
  const { stats } = run
  stats.salesforce_api_calls = run.callsBefore + run.org.calls
  stats.bytes = run.bytesBefore + writers.reduce((sum, { bytesAdded }) => sum + bytesAdded, 0)
  stats.not_modified = carriedOver + items.filter(({ notModified }) => notModified).length
  const names = items.flatMap(({ name, hash }) => (hash === null ? [] : [name]))
  const known = [...(listed ?? []), ...(run.base?.manifest.objects.keys() ?? []), ...names]
  stats.unreadable = [
    ...items.flatMap(({ name, unreadable }) => {
      if (unreadable === null) return []
      // Salesforce does not say what exists instead of the requested name.
      const others = known.filter((one) => sameName(one) !== sameName(name))
      const near = unreadable.code === 'NOT_FOUND' ? didYouMean(name, others) : ''
      const message =
        near === '' ? unreadable.message : unreadable.message.replace(/\.?$/, `.${near}`)
      return [{ object: name, code: unreadable.code, message }]
    }),
    ...automations.unreadable,
  ]
}
