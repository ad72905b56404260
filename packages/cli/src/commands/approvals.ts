// approvals: what programs that have to ask want to change, and the answer of a person.

import { type Approval, type ApprovalState } from '@sfdc-engine-x/client'
import { type Command, Option } from 'commander'
import { usage } from '../exit.ts'
import { Session } from '../session.ts'
import { clean, minuteOf } from '../text.ts'
import { type Terminal } from '../terminal.ts'

const STATES = [
  ...['pending', 'granted', 'refused', 'used', 'expired'],
] as const satisfies ApprovalState[]

const shown = (terminal: Terminal, { id, state, summary, expires_at }: Approval): string =>
  [
    ...summary.map((line) => clean(`  ${line}`)),
    terminal.paint('bold', `Approval ${id}: ${state}`) +
      (state === 'pending' || state === 'granted' ? `, until ${minuteOf(expires_at)}` : ''),
  ].join('\n')

const list = async (
  options: { client?: string; state: ApprovalState | 'all' },
  command: Command,
): Promise<void> => {
  const session = new Session(command)
  const { state } = options
  const filter = {
    ...(options.client === undefined
      ? {}
      : { client_id: (await session.client(options.client)).id }),
    ...(state === 'all' ? {} : { state }),
  }
  const all: Approval[] = []
  for await (const approval of session.engine.approvals.list(filter)) all.push(approval)
  session.terminal.result(
    all,
    session.terminal.table(
      ['ASKED', 'STATE', 'WHAT', 'ID'],
      all.map(({ created_at, state: is, summary, id }) => [
        ...[minuteOf(created_at), is, summary[0] ?? '', id],
      ]),
    ),
  )
}

const grant = async (approval_id: string, _options: unknown, command: Command): Promise<void> => {
  const session = new Session(command)
  const { engine, terminal } = session
  if (session.options.yes !== true) {
    terminal.note(shown(terminal, await engine.approvals.get({ approval_id })))
    if (!terminal.isInteractive) {
      throw usage('What is granted will happen in a Salesforce org. In scripts, add --yes.')
    }
    const answer = await terminal.ask('Grant it? Type yes')
    if (answer.trim() !== 'yes') throw usage('Nothing was granted. It can still be refused.')
  }
  const approval = await engine.approvals.grant({ approval_id }, session.call)
  terminal.result(approval, shown(terminal, approval))
}

export const approvalCommands = (root: Command): void => {
  const approvals = root
    .command('approvals')
    .description('what programs ask to change; a person who logged in decides')

  approvals
    .command('list')
    .description('list what waits for an answer')
    .option('-c, --client <client>')
    .addOption(
      new Option('--state <state>', 'in this state').choices([...STATES, 'all']).default('pending'),
    )
    .action(list)

  approvals
    .command('get <id>')
    .description('show what will happen if it is granted')
    .action(async (approval_id: string, _options: unknown, command: Command) => {
      const { engine, terminal } = new Session(command)
      const approval = await engine.approvals.get({ approval_id })
      terminal.result(approval, shown(terminal, approval))
    })

  approvals
    .command('grant <id>')
    .description('allow it once; it shows what will happen, and asks')
    .action(grant)

  approvals
    .command('refuse <id>')
    .description('refuse it, or withdraw it while it is not used')
    .action(async (approval_id: string, _options: unknown, command: Command) => {
      const session = new Session(command)
      const approval = await session.engine.approvals.refuse({ approval_id }, session.call)
      session.terminal.result(approval, shown(session.terminal, approval))
    })
}
