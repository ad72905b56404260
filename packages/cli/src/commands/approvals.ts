// approvals: what tokens that have to ask wait for, and the answer of a person.

import { type Approval } from '@sfdc-engine-x/client'
import { type Command } from 'commander'
import { Session } from '../session.ts'
import { clean } from '../text.ts'

const shown = ({ id, state, summary, expires_at }: Approval): string =>
  clean([...summary, `Approval ${id}: ${state}; ends ${expires_at}`].join('\n'))

export const approvalCommands = (root: Command): void => {
  const approvals = root
    .command('approvals')
    .description('what tokens that have to ask wait for, and your answer')

  approvals
    .command('list')
    .description('list approvals, newest first; by default those that wait for an answer')
    .option('-c, --client <client>')
    .option('--state <state>', 'pending, granted, refused, used or expired', 'pending')
    .action(async (options: { client?: string; state: Approval['state'] }, command: Command) => {
      const session = new Session(command)
      const { state } = options
      const client_id =
        options.client === undefined ? undefined : (await session.client(options.client)).id
      const { items } = await session.engine.approvals.list({ client_id, state }).page()
      session.terminal.result(
        items,
        session.terminal.table(
          ['ASKED', 'ENDS', 'ACTION', 'CLIENT', 'ID'],
          items.map(({ created_at, expires_at, action, client_id: of, id }) => [
            ...[created_at, expires_at, action, of, id],
          ]),
        ),
      )
    })

  approvals
    .command('get <id>')
    .description('show what would happen, a line each')
    .action(async (id: string, _options: unknown, command: Command) => {
      const { engine, terminal } = new Session(command)
      const approval = await engine.approvals.get({ approval_id: id })
      terminal.result(approval, shown(approval))
    })

  approvals
    .command('grant <id>')
    .description('allow the change, once, as it was asked for; only with a login, not a token')
    .action(async (id: string, _options: unknown, command: Command) => {
      const session = new Session(command)
      const { engine, terminal } = session
      const asked = await engine.approvals.get({ approval_id: id })
      terminal.note(shown(asked))
      await session.confirm(await session.client(asked.client_id), 'Granting this')
      const granted = await engine.approvals.grant({ approval_id: id }, session.call)
      terminal.result(granted, `Granted until ${granted.expires_at}`)
    })

  approvals
    .command('refuse <id>')
    .description('refuse the change; only with a login, not a token')
    .action(async (id: string, _options: unknown, command: Command) => {
      const session = new Session(command)
      const refused = await session.engine.approvals.refuse({ approval_id: id }, session.call)
      session.terminal.result(refused, `Refused ${id}`)
    })
}
