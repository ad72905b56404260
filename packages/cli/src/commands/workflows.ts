// workflows: flows, assignment rules and validation rules.

import { type Automation, type WorkflowType } from '@sfdc-engine-x/client'
import { Argument, type Command, InvalidArgumentError } from 'commander'
import { Session } from '../session.ts'
import { deployEnded, startWorkflows, tellDeployment, withDeployOptions } from './deploy.ts'

const TYPES = ['flow', 'assignment_rule', 'validation_rule'] as const satisfies WorkflowType[]
const typeArgument = () => new Argument('<type>').choices(TYPES)

const flowVersion = (text: string): number => {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('A version is 1, 2, 3 …')
  return Number(text)
}

const list = async (
  given: string,
  options: { object?: string },
  command: Command,
): Promise<void> => {
  const session = new Session(command)
  const { id: client_id } = await session.client(given)
  const all: Automation[] = []
  for await (const one of session.engine.workflows.list({ client_id, ...options })) all.push(one)
  session.terminal.result(
    all,
    session.terminal.table(
      ['TYPE', 'NAME', 'OBJECT', 'ACTIVE'],
      all.map(({ type, api_name, object, active }) => [
        ...[type, api_name, object ?? ''],
        active === null ? 'unknown' : active ? 'yes' : 'no',
      ]),
    ),
  )
}

interface SwitchOptions {
  client: string
  flowVersion?: number
}

const switchTo =
  (active: boolean) =>
  async (
    type: WorkflowType,
    api_name: string,
    options: SwitchOptions,
    command: Command,
  ): Promise<void> => {
    const session = new Session(command)
    const client = await session.client(options.client)
    await session.confirm(client, `${active ? 'Activating' : 'Deactivating'} ${type} ${api_name}`)
    const { flowVersion: version } = options
    const deployment = await deployEnded(
      session,
      session.engine.workflows.setActive(
        {
          ...{ client_id: client.id, type, api_name, active, ...session.approved },
          ...(version === undefined ? {} : { version }),
        },
        session.call,
      ),
    )
    tellDeployment(session.terminal, deployment)
  }

const remove = async (
  type: WorkflowType,
  names: string[],
  options: { client: string },
  command: Command,
): Promise<void> => {
  const session = new Session(command)
  const client = await session.client(options.client)
  await session.confirm(client, `Removing ${type} ${names.join(', ')}`)
  const workflows = names.map((api_name) => ({ type, api_name }))
  const deployment = await deployEnded(
    session,
    session.engine.workflows.remove(
      { client_id: client.id, workflows, ...session.approved },
      session.call,
    ),
  )
  tellDeployment(session.terminal, deployment)
}

export const workflowCommands = (root: Command): void => {
  const workflows = root
    .command('workflows')
    .description('flows, assignment rules and validation rules')

  workflows
    .command('list <client>')
    .description('list flows, rules and triggers, as the newest snapshot has them')
    .option('--object <name>')
    .action(list)

  withDeployOptions(
    workflows
      .command('deploy <file>')
      .description('check and deploy the workflows of a file (YAML or JSON, as in "workflows: …")'),
  ).action(startWorkflows)

  workflows
    .command('activate')
    .description('activate a flow or a rule')
    .addArgument(typeArgument())
    .argument('<name>', 'a rule with its object, as in Lead.Score_In_Range')
    .requiredOption('-c, --client <client>')
    .option('--flow-version <number>', 'of a flow; default: the newest', flowVersion)
    .action(switchTo(true))

  workflows
    .command('deactivate')
    .description('deactivate a flow or a rule')
    .addArgument(typeArgument())
    .argument('<name>', 'a rule with its object, as in Lead.Score_In_Range')
    .requiredOption('-c, --client <client>')
    .action(switchTo(false))

  workflows
    .command('remove')
    .description('remove flows or rules; sfx deploy rollback brings them back')
    .addArgument(typeArgument())
    .argument('<names...>')
    .requiredOption('-c, --client <client>')
    .action(remove)
}
