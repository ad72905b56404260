// The request for a rollback: what may be rolled back where, and by whose approval. What a rollback does is
// in plan/rollback.ts and workflows/rollback.ts.

import { json } from '../../db/json.ts'
import { EngineError, notFound } from '../../errors.ts'
import { type Approvals, CHANGES_NOTHING } from '../approvals/approvals.ts'
import { type Caller } from '../caller.ts'
import { type StageDeps } from '../work/stages.ts'
import { rollbackChange } from './change.ts'
import {
  componentsById,
  deploymentById,
  type DeploymentRow,
  isFinal,
  isShown,
  type NamedComponent,
  nothingYet,
  type RollbackOptions,
} from './rows.ts'
import { type Accept, type Beginning, endOf } from './run/accept.ts'

export interface RollbackInput {
  deployment_id: string
  dry_run?: boolean | undefined
  allow_data_loss?: boolean | undefined
  /** Only these, and these even where somebody changed them since. */
  components?: NamedComponent[] | undefined
  wait_seconds: number
}

interface Deps extends Pick<StageDeps, 'db' | 'connections'> {
  approvals: Pick<Approvals, 'require'>
  accept: Accept
}

/**
 * Accepts a rollback, or a dry run of one, and waits for its end as long as asked. Throws not_found,
 * not_rollbackable, deployment_in_progress, connection_not_ready, and data_would_be_lost with the rows in
 * `errors` if the work reported it in time.
 */
export const createRollingBack =
  ({ db, connections, approvals, accept }: Deps) =>
  async (caller: Caller, input: RollbackInput, beginning: Beginning): Promise<void> => {
    const { tenant } = caller
    const id = input.deployment_id
    const row = await deploymentById(db.as(tenant).read, tenant, id)
    if (!isShown(row)) throw notFound('deployment')
    if (!isFinal(row)) {
      throw new EngineError('deployment_in_progress', 'Work on this deployment is under way.', {
        retryAfterSeconds: 5,
      })
    }
    const sfdcOrgId = requireRollbackable(row)
    const { connection } = await connections.open(tenant, row.client_id, 'protected')
    if (connection.sfdc_org_id !== sfdcOrgId) {
      throw new EngineError(
        'not_rollbackable',
        'The client is connected to a different Salesforce org than the one deployed to.',
      )
    }
    const components = await componentsById(db.as(tenant).read, tenant, id)
    requireKnown(components, input.components)
    const options: RollbackOptions = {
      dry_run: input.dry_run === true,
      allow_data_loss: input.allow_data_loss === true,
      components: input.components ?? null,
    }
    const approved = options.dry_run
      ? CHANGES_NOTHING
      : await approvals.require(caller, () => rollbackChange(row, components, options))
    const run = await accept(
      caller,
      {
        kind: 'rollback',
        options,
        deploymentId: id,
        clientId: row.client_id,
        sfdcOrgId,
        approved,
        waitSeconds: input.wait_seconds,
      },
      beginning,
      async (tx, insertRun) => {
        await insertRun()
        // From here on nobody else works on it; another rollback may have ended just before.
        const present = await deploymentById(tx, tenant, id)
        if (present !== undefined) requireRollbackable(present)
        await tx
          .updateTable('crm_deployments')
          .set({ rollback: json(nothingYet()) })
          .where('org_id', '=', tenant.orgId)
          .where('id', '=', id)
          .execute()
      },
    )
    const fault = endOf(run)
    if (fault?.code === 'data_would_be_lost' || fault?.code === 'not_rollbackable') {
      throw new EngineError(fault.code, fault.message, {
        ...(fault.errors === undefined ? {} : { errors: fault.errors }),
      })
    }
  }

const requireKnown = (
  components: readonly NamedComponent[],
  named: readonly NamedComponent[] | undefined,
): void => {
  if (named === undefined) return
  const known = new Set(components.map((one) => nameKey(one)))
  const errors = named.flatMap((component, at) =>
    known.has(nameKey(component))
      ? []
      : [
          {
            path: `components.${at}`,
            code: 'not_of_this_deployment',
            message: `The deployment does not contain ${component.type} ${component.full_name}.`,
          },
        ],
  )
  const [first] = errors
  if (first !== undefined) throw new EngineError('bad_request', first.message, { errors })
}

const nameKey = ({ type, full_name }: NamedComponent): string =>
  `${type}:${full_name}`.toLowerCase()

/** The Salesforce org to roll back in. Throws not_rollbackable with the reason. */
const requireRollbackable = (row: DeploymentRow): string => {
  const refuse = (why: string) => new EngineError('not_rollbackable', why)
  if (row.status === 'rolled_back') throw refuse('It is already rolled back.')
  if (row.status === 'pending') throw refuse('It has not ended yet.')
  // One that failed with its outcome unknown may have left something behind.
  if (row.status !== 'deployed' && row.applied !== 'unknown') {
    throw refuse('It changed nothing in the Salesforce org.')
  }
  if (row.images_discarded_at !== null) {
    throw refuse(
      `What it found and changed is no longer stored since ${row.images_discarded_at.toISOString()} ` +
        '(DEPLOYMENT_RETENTION_DAYS), so nothing can be restored. Deploy the wanted state instead.',
    )
  }
  if (row.sfdc_org_id === null) throw refuse('It does not name a Salesforce org.')
  return row.sfdc_org_id
}
