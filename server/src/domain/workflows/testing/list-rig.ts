// The rig of deployments with the list of automations on top.

import { type TestDatabase } from '../../../../../test/src/database.ts'
import { EngineError } from '../../../errors.ts'
import { requireClient } from '../../clients.ts'
import { type ConnectionDoor } from '../../work/door.ts'
import { createDeploymentsRig } from '../../deployments/testing/rig.ts'
import { createWorkflows, type ListInput, type WorkflowPage } from '../workflows.ts'

/** Takes the database over: closing the rig drops it. */
export const createListRig = async (database: TestDatabase) => {
  const rig = await createDeploymentsRig(database)
  const connections: ConnectionDoor = {
    open: async (tenant, clientId) => {
      const connection = await rig.db.as(tenant).tx(async (tx) => {
        await requireClient(tx, tenant, clientId)
        return tx
          .selectFrom('crm_connections')
          .selectAll()
          .where('client_id', '=', clientId)
          .executeTakeFirst()
      })
      if (connection?.status !== 'connected') {
        throw new EngineError('connection_not_ready', 'The connection is not usable.')
      }
      return { connection, salesforce: rig.org }
    },
  }
  const workflows = createWorkflows({ db: rig.db, connections, topology: rig.topology })
  return {
    ...rig,
    workflows,
    list: (input: Partial<ListInput> = {}): Promise<WorkflowPage> =>
      workflows.list(rig.caller, {
        client_id: rig.clientId,
        source: 'live',
        limit: 200,
        ...input,
      }),
    /** Pulls a fresh snapshot. */
    pull: async (): Promise<void> => {
      const { id } = await rig.topology.pull(rig.caller, {
        client_id: rig.clientId,
        wait_seconds: 0,
      })
      const work = { orgId: rig.tenant.orgId, clientId: rig.clientId, id }
      await rig.topology.worker.run(work, new AbortController().signal)
    },
  }
}

export type ListRig = Awaited<ReturnType<typeof createListRig>>
