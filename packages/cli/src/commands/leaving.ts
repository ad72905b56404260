// offboard, admin purge: a client leaves, or an organization.

import { type Offboarding, type OrganizationPurge } from '@sfdc-engine-x/client'
import { type Command } from 'commander'
import { EXIT, Exit, usage } from '../exit.ts'
import { engineAt, Session } from '../session.ts'
import { clean } from '../text.ts'
import { type Terminal } from '../terminal.ts'

const shownOffboarding = (terminal: Terminal, state: Offboarding): string => {
  const { removed, restored, stays, proof, certificate_hash: hash } = state
  const list = (what: string, items: readonly { type: string; full_name: string }[]) =>
    items.map(({ type, full_name }) => clean(`${what.padEnd(9)} ${type} ${full_name}`))
  return [
    ...list(state.is_preview ? 'would go' : 'removed', removed),
    ...list(state.is_preview ? 'back' : 'restored', restored),
    ...stays.map(({ type, full_name, code, reason }) =>
      terminal.paint('yellow', clean(`stays     ${type} ${full_name} (${code}): ${reason}`)),
    ),
    terminal.paint(
      'bold',
      clean(
        `${state.is_preview ? 'Preview' : 'Off-boarding'} ${state.id}: ${state.status}${state.purged ? ', purged' : ''}`,
      ),
    ),
    ...(proof === null
      ? []
      : [
          `Read back and compared: ${proof.complete ? 'as before' : `${proof.differences.length} differences`}`,
        ]),
    ...(hash === null ? [] : [`Certificate ${hash}`]),
  ].join('\n')
}

interface OffboardOptions {
  preview?: boolean
  allowDataLoss?: boolean
  purge?: boolean
  leaveInPlace?: boolean
}

const offboard = async (
  given: string,
  options: OffboardOptions,
  command: Command,
): Promise<void> => {
  const session = new Session(command)
  const { engine, terminal } = session
  const client = await session.client(given)
  const by = {
    client_id: client.id,
    allow_data_loss: options.allowDataLoss === true,
    leave_in_place: options.leaveInPlace === true,
  }
  if (options.preview === true) {
    const preview = await session.end(engine.fleet.offboardPreview(by, session.call))
    terminal.result(preview, shownOffboarding(terminal, preview))
    return
  }
  const what =
    options.purge === true
      ? 'Removing all that was deployed, and then deleting all that is stored of the client,'
      : 'Removing all that was deployed'
  await session.confirm(client, what)
  try {
    const ended = await session.end(
      engine.fleet.offboardStart(
        { ...by, purge: options.purge === true, ...session.approved },
        session.call,
      ),
    )
    terminal.result(ended, shownOffboarding(terminal, ended))
    if (ended.status === 'partial') throw new Exit(EXIT.partly)
  } catch (error) {
    throw session.unapproved(error)
  }
}

const shownPurge = ({ org_id, status, stage, deleted }: OrganizationPurge): string =>
  status === 'complete'
    ? `Organization ${org_id} is deleted. Its audit rows stay.`
    : `Organization ${org_id} is being deleted (${stage}, ${Object.values(deleted ?? {}).reduce((sum, rows) => sum + rows, 0)} rows so far).`

/** How long one call waits for the end. */
const WAIT_SECONDS = 50

const purge = async (
  url: string,
  options: { org: string; confirm?: string },
  command: Command,
): Promise<void> => {
  const session = new Session(command)
  const { terminal } = session
  const secret =
    process.env.SFX_BOOTSTRAP_SECRET ?? (await terminal.ask('Bootstrap secret', { secret: true }))
  if (options.confirm === undefined && !terminal.isInteractive) {
    throw usage('This deletes an organization. In scripts, add --confirm <slug>.')
  }
  const confirm =
    options.confirm ?? (await terminal.ask('Type the slug of the organization to delete it'))
  const { superAdmin } = engineAt({ baseUrl: url, token: secret })
  const until = Date.now() + (session.options.wait ?? Infinity) * 1000
  for (;;) {
    const left = Math.max(0, Math.round((until - Date.now()) / 1000))
    const wait_seconds = Math.min(WAIT_SECONDS, left)
    const state = await superAdmin.orgsPurge(
      { org_id: options.org, confirm, wait_seconds },
      { signal: session.call.signal },
    )
    if (state.is_final || left <= WAIT_SECONDS) {
      terminal.result(state, shownPurge(state))
      if (!state.is_final) throw new Exit(EXIT.running)
      return
    }
    terminal.note(shownPurge(state))
  }
}

export const leavingCommands = (root: Command): void => {
  root
    .command('offboard <client>')
    .description('remove what was ever deployed to a client, and revoke its connection')
    .option('--preview', 'say what would go and what stays, and change nothing')
    .option('--allow-data-loss', 'also what records hold data in')
    .option('--leave-in-place', 'remove nothing: for a client whose connection is lost')
    .option('--purge', 'then delete everything that is stored of the client')
    .action(offboard)

  const admin = root.commands.find((command) => command.name() === 'admin')
  admin
    ?.command('purge <url>')
    .description('delete an inactive organization with everything that is stored of it')
    .requiredOption('--org <id>')
    .option('--confirm <slug>', 'the slug of the organization; without it, it is asked for')
    .addHelpText(
      'after',
      '\nThe bootstrap secret is asked for, or taken from SFX_BOOTSTRAP_SECRET. Nothing in Salesforce is\n' +
        'changed. Repeat the command to see how far it is.',
    )
    .action(purge)
}
