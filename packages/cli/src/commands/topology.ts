// pull, diff, wait.

import { type Snapshot, type TopologyDiff, type OperationKind } from '@sfdc-engine-x/client'
import { Argument, InvalidArgumentError, type Command } from 'commander'
import { EXIT, Exit, usage } from '../exit.ts'
import { Session } from '../session.ts'
import { requireGo, shownReport } from './deploy.ts'
import { clean } from '../text.ts'
import { type Terminal } from '../terminal.ts'

const version = (text: string): number => {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('A version is 1, 2, 3 …')
  return Number(text)
}

const pulled = ({
  version: number,
  objects_count,
  fields_count,
  automations_count,
  changes_from_previous: changes,
  stats,
}: Snapshot): string =>
  `Version ${number}: ${objects_count} objects, ${fields_count} fields, ${automations_count} automations; ` +
  (changes === null
    ? 'the first one'
    : `${changes.added} added, ${changes.removed} removed, ${changes.changed} changed since the last`) +
  `; ${stats.salesforce_api_calls} Salesforce calls`

const SIGNS: Readonly<Record<string, string>> = { added: '+', removed: '-', changed: '~' }

const shownDiff = (
  terminal: Terminal,
  diff: Pick<TopologyDiff, 'objects' | 'automations'>,
): string[] => {
  const line = (change: string, text: string): string => {
    const colour = change === 'added' ? 'green' : change === 'removed' ? 'red' : 'yellow'
    return terminal.paint(colour, clean(`${SIGNS[change] ?? '?'} ${text}`))
  }
  const attributes = (list: readonly { name: string; before: unknown; after: unknown }[]) =>
    list.map(({ name, before, after }) =>
      clean(`      ${name}: ${JSON.stringify(before)} → ${JSON.stringify(after)}`),
    )
  return [
    ...diff.objects.flatMap((object) => [
      line(object.change, object.api_name),
      ...attributes(object.attributes),
      ...object.fields.flatMap((field) => [
        `  ${line(field.change, `${object.api_name}.${field.api_name}`)}`,
        ...attributes(field.attributes),
      ]),
    ]),
    ...diff.automations.map(({ change, type, api_name }) => line(change, `${type} ${api_name}`)),
  ]
}

export const topologyCommands = (root: Command): void => {
  root
    .command('pull <client>')
    .description("read a client's Salesforce org into a new snapshot")
    .option('--objects <names...>', 'only these objects; the others as they were')
    .option('--full', 'read everything again')
    .action(
      async (given: string, options: { objects?: string[]; full?: boolean }, command: Command) => {
        const session = new Session(command)
        const { id: client_id } = await session.client(given)
        const body = { client_id, ...options }
        const snapshot = await session.end(session.engine.topology.pull(body, session.call))
        session.terminal.result(snapshot, pulled(snapshot))
      },
    )

  root
    .command('diff <client>')
    .description('what differs between two snapshots; by default the last two')
    .argument('[from]', 'a version', version)
    .argument('[to]', 'a version; default: the newest', version)
    .action(
      async (
        given: string,
        from: number | undefined,
        to: number | undefined,
        _options: unknown,
        command: Command,
      ) => {
        const session = new Session(command)
        const { engine, terminal } = session
        const { id: client_id } = await session.client(given)
        const from_version = from ?? (await lastButOne(engine, client_id))
        const whole = {
          objects: [] as TopologyDiff['objects'],
          automations: [] as TopologyDiff['automations'],
        }
        let page: TopologyDiff
        let cursor: string | undefined
        do {
          page = await engine.topology.diff({
            client_id,
            from_version,
            ...(to === undefined ? {} : { to_version: to }),
            ...(cursor === undefined ? {} : { cursor }),
          })
          whole.objects.push(...page.objects)
          whole.automations.push(...page.automations)
          cursor = page.next_cursor ?? undefined
        } while (cursor !== undefined)
        const { summary } = page
        const head = `Version ${page.from.version ?? '?'} → ${page.to.version ?? '?'}: `
        const counts = (['objects', 'fields', 'automations'] as const)
          .map(
            (of) => `${of} +${summary[of].added} -${summary[of].removed} ~${summary[of].changed}`,
          )
          .join(', ')
        terminal.result(
          { ...page, ...whole, next_cursor: null },
          [
            head + (summary.identical ? 'no difference' : counts),
            ...shownDiff(terminal, whole),
          ].join('\n'),
        )
      },
    )

  root
    .command('wait')
    .description('wait for work that goes on at the server')
    .addArgument(
      new Argument('<kind>').choices([
        'snapshot',
        'report',
        'deployment',
        'rollback',
        'push',
        'offboarding',
      ]),
    )
    .argument('<id>')
    .option('--client <id>', 'the id of its client; needed for a snapshot and an offboarding')
    .action(
      async (
        kind: Exclude<OperationKind, 'rollout'>,
        id: string,
        { client }: { client?: string },
        command: Command,
      ) => {
        const session = new Session(command)
        const client_id = await clientOf(session, kind, id, client)
        if (kind === 'report') {
          const report = await session.end(session.engine.operation({ kind, id, client_id }))
          session.terminal.result(report, shownReport(session.terminal, report))
          requireGo(report, false)
          return
        }
        const state = await session.end(session.engine.operation({ kind, id, client_id }))
        const status =
          kind === 'rollback' && 'rollback' in state ? state.rollback?.status : state.status
        session.terminal.result(state, `The ${kind} has ended: ${status ?? 'unknown'}`)
        if (status === 'partial') throw new Exit(EXIT.partly)
      },
    )
}

/** The client of the work, if the caller does not name it. */
const clientOf = async (
  session: Session,
  kind: Exclude<OperationKind, 'rollout'>,
  id: string,
  given: string | undefined,
): Promise<string> => {
  const { engine } = session
  if (given !== undefined) {
    // A client that is being purged is not found any longer.
    return kind === 'offboarding' ? given : (await session.client(given)).id
  }
  switch (kind) {
    case 'push':
      return (await engine.push.get({ push_id: id })).client_id
    case 'report':
      return (await engine.conflicts.get({ report_id: id })).client_id
    case 'deployment':
    case 'rollback':
      return (await engine.deploy.status({ deployment_id: id })).client_id
    default:
      throw usage(`Name the client of the ${kind}: --client`)
  }
}

const lastButOne = async (engine: Session['engine'], client_id: string): Promise<number> => {
  for await (const { version: number } of engine.topology.history({ client_id })) {
    if (number !== null && number > 1) return number - 1
  }
  throw usage('There are no two snapshots yet. Run: sfx pull, change something, sfx pull.')
}
