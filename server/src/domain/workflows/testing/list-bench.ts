// The bench of deployments with the list of automations on top.

import { type TestDatabase } from '../../../../../test/src/database.ts'
import { EngineError } from '../../../errors.ts'
import { requireClient } from '../../clients.ts'
import { type ConnectionDoor } from '../../work/door.ts'
import { createDeploymentsBench } from '../../deployments/testing/bench.ts'
import { createWorkflows, type ListInput, type WorkflowPage } from '../workflows.ts'

/** Takes the database over: closing the bench drops it. */
export const createListBench = async (database: TestDatabase) => {
  const bench = await createDeploymentsBench(database)
  const connections: ConnectionDoor = {
    open: async (tenant, clientId) => {
      const connection = await bench.db.as(tenant).tx(async (tx) => {
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
      return { connection, salesforce: bench.org }
    },
  }
  const workflows = createWorkflows({ db: bench.db, connections, topology: bench.topology })
  return {
    ...bench,
    workflows,
    list: (input: Partial<ListInput> = {}): Promise<WorkflowPage> =>
      workflows.list(bench.caller, {
        client_id: bench.clientId,
        source: 'live',
        limit: 200,
        ...input,
      }),
    /** Brings a fresh snapshot about. */
    pull: async (): Promise<void> => {
      const { id } = await bench.topology.pull(bench.caller, {
        client_id: bench.clientId,
        wait_seconds: 0,
      })
      const work = { orgId: bench.tenant.orgId, clientId: bench.clientId, id }
      await bench.topology.worker.run(work, new AbortController().signal)
    },
  }
}

export type ListBench = Awaited<ReturnType<typeof createListBench>>
