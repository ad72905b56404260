// What a target gets: the plan or the workflows of its rollout, with the client's own values filled in.

import * as z from 'zod'
import { type Database, type Reader, type Tenant, type Tx, wholeOrg } from '../../../db/database.ts'
import { EngineError, type MemberError, notFound } from '../../../errors.ts'
import { parsePlan } from '../../plan/check.ts'
import { planHash } from '../../plan/plan-hash.ts'
import { parseWorkflows } from '../../workflows/definition/parse.ts'
import { workflowsHash } from '../../workflows/workflow.ts'
import { fillIn } from '../blueprints/content.ts'
import { type Override } from '../drift/evaluate.ts'
import { type MappingDraft } from '../../mappings/mapping.ts'
import { type BlueprintContent, mappingDraft } from '../blueprints/places.ts'
import { type ParameterValues } from '../blueprints/parameters.ts'
import {
  type BlueprintVersion,
  bindingsOf,
  versionForRollout,
  versionOf,
} from '../blueprints/rows.ts'
import { type Binding, keptOf, thawed, valuesIn } from './kept.ts'
import { type RolloutRow, type TargetRow } from './rows.ts'

/** As the body of a check or of a deployment has it. */
export type Content =
  | { plan: Record<string, unknown> }
  | { workflows: readonly Record<string, unknown>[] }

type Part = 'plan' | 'workflows'

/** What a new rollout is to bring, as it was asked for. */
export type Source =
  | { kind: Part; content: unknown }
  | {
      kind: 'blueprint'
      blueprintId: string
      version: number | null
      part: Part | null
      /** False: the mappings of the version are left out. */
      mappings: boolean
    }

interface PreparedTarget {
  /** Empty: what was accepted as drift leaves nothing to bring, or the values do not fit. */
  planHash: string
  values: unknown
}

export interface Rebound extends PreparedTarget {
  id: string
  /** False: what is wrong with the values is told by the check. */
  fits: boolean
}

export interface Prepared {
  kind: RolloutRow['kind']
  blueprintId: string | null
  version: number | null
  /** Null: it is in the version. */
  content: unknown
  withMappings: boolean
  of(clientId: string): PreparedTarget
}

export interface Contents {
  /**
   * Checks it for every client. Throws invalid_plan with the paths, not_found, blueprint_archived, and
   * bad_request for clients whose values do not fit.
   */
  prepare(tx: Tx, tenant: Tenant, source: Source, clientIds: readonly string[]): Promise<Prepared>
  /** By what the bindings of these targets say now; without those that have none. */
  bindAnew(
    tx: Tx,
    rollout: RolloutRow,
    targets: readonly Pick<TargetRow, 'id' | 'client_id'>[],
  ): Promise<Rebound[]>
  of(rollout: RolloutRow, target: Pick<TargetRow, 'values'>): Promise<Content>
  /** Those that come with it; none of a rollout without mappings. */
  mappingsOf(rollout: RolloutRow, target: Pick<TargetRow, 'values'>): Promise<MappingDraft[]>
}

const KINDS: Readonly<Record<Part, RolloutRow['kind']>> = {
  plan: 'custom_objects',
  workflows: 'workflows',
}

const partIn = ({ kind }: RolloutRow): Part => (kind === 'workflows' ? 'workflows' : 'plan')

const hashOf = (part: Part, content: unknown): string =>
  part === 'plan'
    ? planHash(parsePlan(content, 'plan'))
    : workflowsHash(parseWorkflows(content, 'workflows'))

const contentOf = (part: Part, content: unknown): Content =>
  part === 'plan'
    ? { plan: content as Record<string, unknown> }
    : { workflows: content as Record<string, unknown>[] }

const refuse = (path: string, code: string, message: string): EngineError =>
  new EngineError('bad_request', message, { errors: [{ path, code, message }] })

/** A deployment is of a plan or of workflows, so a rollout is too. */
const partOf = (version: BlueprintVersion, named: Part | null): Part => {
  const held = (['plan', 'workflows'] as const).filter((part) => version[part] !== undefined)
  if (named !== null) {
    if (held.includes(named)) return named
    throw refuse('part', 'not_in_version', `Version ${version.version} holds no ${named}.`)
  }
  const [only] = held
  if (only === undefined) {
    throw refuse(
      'version',
      'nothing_to_deploy',
      `Version ${version.version} holds only mappings: a rollout checks and deploys, and there is nothing to deploy. Save them for each client with /api/mappings/create or update; drift says for whom they differ.`,
    )
  }
  if (held.length > 1) {
    throw refuse(
      'part',
      'required',
      `Version ${version.version} holds a plan and workflows. Roll out the plan with part: "plan", then the workflows with part: "workflows".`,
    )
  }
  return only
}

/** They are of what the plan puts in place; without a plan, they go with the workflows. */
const takesMappings = (version: BlueprintVersion, part: Part): boolean =>
  version.mappings !== undefined && (part === 'plan' || version.plan === undefined)

const ERRORS_MAX = 100

const prepareVersion = async (
  tx: Tx,
  tenant: Tenant,
  source: Extract<Source, { kind: 'blueprint' }>,
  clientIds: readonly string[],
): Promise<Prepared> => {
  const { blueprintId, version: number, part: named, mappings: wantsMappings } = source
  const version = await versionForRollout(tx, tenant, {
    blueprintId,
    ...(number === null ? {} : { version: number }),
  })
  const part = partOf(version, named)
  const bindings = await bindingsOf(tx, tenant, blueprintId, clientIds)
  const fit = fitting(version, part)
  const errors: MemberError[] = []
  const prepared = new Map<string, PreparedTarget>()
  for (const clientId of clientIds) {
    const binding = bindings.get(clientId)
    const path = `targets.${clientId}`
    if (binding?.pinned_version != null && binding.pinned_version !== version.version) {
      const message = `The client is pinned to version ${binding.pinned_version}. Pin it to version ${version.version}, or exclude it.`
      errors.push({ path, code: 'pinned_to_another_version', message })
      continue
    }
    const { hash, problems } = fit(binding)
    if (hash === null) {
      errors.push(...problems.map((one) => ({ ...one, path: `${path}.${one.path}` })))
      continue
    }
    prepared.set(clientId, { planHash: hash, values: keptOf(binding) })
  }
  if (errors.length > 0) {
    throw new EngineError(
      'bad_request',
      'Version and values of some clients do not fit. Correct their bindings with /api/blueprints/bindings/set, or exclude them.',
      { errors: errors.slice(0, ERRORS_MAX) },
    )
  }
  return {
    kind: KINDS[part],
    blueprintId,
    version: version.version,
    content: null,
    withMappings: wantsMappings && takesMappings(version, part),
    of: (clientId) => prepared.get(clientId) ?? { planHash: '', values: {} },
  }
}

type Fit = { hash: string; problems: null } | { hash: null; problems: readonly MemberError[] }

/** What bindings make of a version; equal ones are filled in once. */
const fitting = (version: BlueprintVersion, part: Part) => {
  const known = new Map<string, Fit>()
  const fitOf = (parameters: ParameterValues, overrides: readonly Override[]): Fit => {
    const { content, problems } = fillIn(version, version.parameters, parameters, overrides)
    if (problems !== null) return { hash: null, problems }
    const own = content[part]
    return { hash: own === undefined ? '' : hashOf(part, own), problems }
  }
  return (binding: Binding | undefined): Fit => {
    const { parameters, overrides } = valuesIn(binding)
    const key = JSON.stringify([parameters, overrides])
    const fit = known.get(key) ?? fitOf(parameters, overrides)
    known.set(key, fit)
    return fit
  }
}

/** Versions never change. */
const VERSIONS_KEPT = 16

export const createContents = (db: Database): Contents => {
  const kept = new Map<string, BlueprintVersion>()

  const versionFor = async (reader: Reader, row: RolloutRow): Promise<BlueprintVersion> => {
    const { org_id: orgId, blueprint_id: blueprintId, version: number } = row
    const key = `${orgId} ${blueprintId ?? ''} ${number ?? 0}`
    const known = kept.get(key)
    if (known !== undefined) return known
    const version = await versionOf(reader, wholeOrg(orgId), blueprintId ?? '', number ?? 0)
    if (version === null) throw notFound('version of the blueprint')
    const [oldest] = kept.keys()
    if (kept.size >= VERSIONS_KEPT && oldest !== undefined) kept.delete(oldest)
    kept.set(key, version)
    return version
  }

  const filledFor = async (
    row: RolloutRow,
    { values }: Pick<TargetRow, 'values'>,
  ): Promise<BlueprintContent> => {
    // A version belongs to the org, not to the client.
    const version = await versionFor(db.as(wholeOrg(row.org_id)).read, row)
    const { parameters, overrides } = thawed(values)
    const filled = fillIn(version, version.parameters, parameters, overrides)
    if (filled.content !== null) return filled.content
    throw new EngineError('invalid_plan', 'The values of the client do not fit.', {
      errors: filled.problems,
    })
  }

  return {
    prepare: async (tx, tenant, source, clientIds) => {
      if (source.kind === 'blueprint') return prepareVersion(tx, tenant, source, clientIds)
      const { kind: part, content } = source
      const hash = hashOf(part, content)
      return {
        kind: KINDS[part],
        blueprintId: null,
        version: null,
        content,
        withMappings: false,
        of: () => ({ planHash: hash, values: null }),
      }
    },

    bindAnew: async (tx, row, targets) => {
      if (row.blueprint_id === null) return []
      const ids = targets.map(({ client_id: clientId }) => clientId)
      const bindings = await bindingsOf(tx, wholeOrg(row.org_id), row.blueprint_id, ids)
      const fit = fitting(await versionFor(tx, row), partIn(row))
      return targets.flatMap(({ id, client_id: clientId }): Rebound[] => {
        const binding = bindings.get(clientId)
        if (binding === undefined) return []
        const { hash } = fit(binding)
        return [{ id, values: keptOf(binding), planHash: hash ?? '', fits: hash !== null }]
      })
    },

    of: async (row, target) => {
      const part = partIn(row)
      return contentOf(
        part,
        row.blueprint_id === null ? row.content : (await filledFor(row, target))[part],
      )
    },

    mappingsOf: async (row, target) => {
      if (!row.with_mappings) return []
      const { mappings } = await filledFor(row, target)
      // Checked when the rollout was created; read once more for what a reader fills in.
      return z.array(mappingDraft).parse(mappings ?? [])
    },
  }
}
