// The tree of commands.

import { Command, InvalidArgumentError } from 'commander'
import { accountCommands } from './commands/account.ts'
import { apiCommands } from './commands/api.ts'
import { approvalCommands } from './commands/approvals.ts'
import { blueprintCommands } from './commands/blueprints.ts'
import { clientCommands } from './commands/clients.ts'
import { completionCommands } from './commands/completion.ts'
import { deployCommands } from './commands/deploy.ts'
import { driftCommands } from './commands/drift.ts'
import { eventCommands } from './commands/events.ts'
import { mappingCommands } from './commands/mappings.ts'
import { pushCommands } from './commands/push.ts'
import { rolloutCommands } from './commands/rollout.ts'
import { topologyCommands } from './commands/topology.ts'
import { workflowCommands } from './commands/workflows.ts'
import { version } from './version.ts'

const seconds = (text: string): number => {
  const value = Number(text)
  if (!(value >= 0)) throw new InvalidArgumentError('It is a number of seconds.')
  return value
}

const EXITS = `
Exit codes: 0 done, 1 failed, 2 wrong usage or input, 3 the check says no, 4 no credential or permission,
5 the org has changed since the check, or differs from its blueprint, 6 done in part, 8 still running at the server.

A CLIENT is an id or the client's name. In scripts, set SFX_URL and SFX_TOKEN; NO_COLOR is respected.`

export const program = (): Command => {
  const root = new Command('sfx')
    .description("Run your clients' Salesforce orgs.")
    .version(version)
    .option('--profile <name>', 'which login to use, see sfx profiles')
    .option('--json', 'print one JSON value, and nothing for people')
    .option('-y, --yes', 'change production orgs without asking')
    .option('--wait <seconds>', 'wait for work at most so long; it goes on (exit code 8)', seconds)
    .option('--key <key>', 'repeat a call that may have happened, as its message said')
    .option('--approval <id>', 'an approval that a person has granted, where one is required')
    .showHelpAfterError('(--help shows what there is)')
    .showSuggestionAfterError()
    .addHelpText('after', EXITS)
    .exitOverride()
  for (const add of [
    accountCommands,
    clientCommands,
    topologyCommands,
    deployCommands,
    workflowCommands,
    rolloutCommands,
    approvalCommands,
    mappingCommands,
    pushCommands,
    blueprintCommands,
    driftCommands,
    eventCommands,
    apiCommands,
    completionCommands,
  ]) {
    add(root)
  }
  inherit(root)
  return root
}

/** Options of all commands may stand after each of them; faults end no process by themselves. */
const inherit = (command: Command): void => {
  for (const child of command.commands) {
    child.copyInheritedSettings(command)
    if (child.commands.length === 0) {
      for (const option of rootOf(command).options) {
        if (
          option.long !== '--version' &&
          !child.options.some(({ long }) => long === option.long)
        ) {
          child.addOption(option)
        }
      }
    }
    inherit(child)
  }
}

const rootOf = (command: Command): Command =>
  command.parent === null ? command : rootOf(command.parent)
