// rollout: one change to many clients, in waves, and taken back as one.

import {
  type FleetRolloutsCreateRequest,
  OperationFailedError,
  type PendingOperation,
  type Rollout,
  type RolloutMatrix,
  type RolloutTarget,
  type RolloutTargetState,
} from '@sfdc-engine-x/client'
import { type Command, Option } from 'commander'
import { EXIT, Exit, type ExitCode, usage } from '../exit.ts'
import { readDocument } from '../files.ts'
import { Session } from '../session.ts'
import { clean, minuteOf } from '../text.ts'
import { type Terminal } from '../terminal.ts'
import { blueprintOf } from './blueprints.ts'

/** The states in the order in which targets go through them. */
const STATES = [
  ...['pending', 'checking', 'ready', 'blocked', 'queued', 'deploying', 'waiting', 'deployed'],
  ...['unchanged', 'failed', 'unknown', 'skipped', 'excluded'],
  ...['rolling_back', 'rolled_back', 'rollback_partial'],
] as const satisfies RolloutTargetState[]

/** What to do about a rollout that waits for somebody. */
const NEXT: Readonly<Record<string, string>> = {
  draft: 'sfx rollout check',
  ready: 'sfx rollout start',
  gate: 'sfx rollout approve',
  user: 'sfx rollout resume',
  tolerance: 'sfx rollout targets --state failed; then retry or skip, and resume',
  systemic: 'sfx rollout targets --state failed; then retry or skip, and resume',
  unknown_fate: 'sfx rollout targets --state unknown; look in the Salesforce org',
}

const stateOf = ({ state, pause_reason: reason, paused_until: until }: Rollout): string => {
  if (reason === null) return state
  return `paused (${reason}${until === null ? '' : ` until ${until}`})`
}

const mappingsIn = ({
  removed,
  restored,
  kept,
}: NonNullable<Rollout['rollback_preview']>['mappings']): string[] =>
  removed + restored + kept === 0
    ? []
    : [`Of its mappings, ${removed} would be removed and ${restored} restored; ${kept} stay.`]

/** Waves and states as a table, of the states that there are. */
const shown = (terminal: Terminal, rollout: Rollout): string => {
  const { id, waves, counts, rollback_preview: preview } = rollout
  const states = STATES.filter((state) => (counts[state] ?? 0) > 0)
  const row = (head: string[], of: Rollout['counts']): string[] => [
    ...head,
    ...states.map((state) => String(of[state] ?? '')),
  ]
  const next = NEXT[rollout.pause_reason ?? rollout.state]
  return [
    terminal.table(
      ['WAVE', 'NAME', 'IS', 'TARGETS', ...states.map((state) => state.toUpperCase())],
      [
        ...waves.map((wave) =>
          row([String(wave.position), wave.name, wave.state, String(wave.targets)], wave.counts),
        ),
        row(['', 'all', '', String(rollout.targets)], counts),
      ],
    ),
    ...(preview === null
      ? []
      : [
          `A rollback of ${preview.targets} targets would remove ${preview.removed} and restore ${preview.restored} components; ` +
            `${preview.kept} stay because others changed them, ${preview.remaining} cannot be rolled back.`,
          ...mappingsIn(preview.mappings),
          ...preview.data.map(({ client_id, name, rows }) =>
            clean(`Data would be lost: ${client_id} ${name}: ${rows ?? 'unknown many'} rows`),
          ),
        ]),
    terminal.paint('bold', `Rollout ${id}: ${stateOf(rollout)}`),
    ...(next === undefined ? [] : [`Next: ${next}`]),
  ].join('\n')
}

/** What a rollout that has come to rest says to a script. */
const codeOf = ({ state, pause_reason: reason, counts }: Rollout): ExitCode => {
  if (state === 'paused') {
    return reason === 'tolerance' || reason === 'systemic' || reason === 'unknown_fate'
      ? EXIT.failed
      : EXIT.running
  }
  if (state === 'ready' && (counts.blocked ?? 0) > 0) return EXIT.verdict
  if (state === 'failed') return EXIT.failed
  return ['partial', 'stopped', 'rollback_partial'].includes(state) ? EXIT.partly : EXIT.done
}

const tell = (terminal: Terminal, rollout: Rollout): void => {
  terminal.result(rollout, shown(terminal, rollout))
  const code = codeOf(rollout)
  if (code !== EXIT.done) throw new Exit(code)
}

/** A rollout that waits by itself says until when: otherwise it looks as if it hung. */
const progressOf = ({ progress, pause_reason: reason, paused_until: until }: Rollout) =>
  until === null || (reason !== 'soak' && reason !== 'window')
    ? progress
    : {
        ...progress,
        stage: `waiting until ${minuteOf(until)} ${reason === 'soak' ? 'before the next wave' : 'for its hours to begin'}`,
      }

/** Waits for it to end, or to need somebody. */
const follow = async (session: Session, begun: PendingOperation<Rollout>): Promise<void> => {
  try {
    tell(session.terminal, await session.end(begun, progressOf))
  } catch (error) {
    if (!(error instanceof OperationFailedError)) throw session.unapproved(error)
    tell(session.terminal, error.resource as Rollout)
  }
}

/** Says how many Salesforce orgs will be changed; goes on with their number, or with --yes. */
const confirm = async (session: Session, { id, targets }: Rollout, what: string): Promise<void> => {
  const { terminal, options } = session
  terminal.note(`${what} rollout ${id}: ${targets} clients`)
  if (options.yes === true) return
  if (!terminal.isInteractive) {
    throw usage(`This changes the Salesforce orgs of ${targets} clients. In scripts, add --yes.`)
  }
  const typed = await terminal.ask('Type the number of clients to go on')
  if (typed.trim() !== String(targets)) throw usage('That is another number. Nothing was changed.')
}

interface CreateOptions {
  blueprint?: string
  blueprintVersion?: string
  client?: string[]
  tag?: string[]
  all?: boolean
}

const bodyOf = async (
  session: Session,
  path: string | undefined,
  options: CreateOptions,
): Promise<FleetRolloutsCreateRequest> => {
  const document = path === undefined ? {} : await readDocument(path)
  const isPlan = 'objects' in document
  const { blueprint, blueprintVersion, client = [], tag = [], all } = options
  const ids = []
  for (const given of client) ids.push((await session.client(given)).id)
  const tags = tag.map((one) => {
    const at = one.indexOf('=')
    if (at < 1) throw usage(`--tag ${one}: expected key=value`)
    return [one.slice(0, at), one.slice(at + 1)] as const
  })
  const targets = {
    ...(all === true ? { all: true } : {}),
    ...(ids.length === 0 ? {} : { client_ids: ids }),
    ...(tags.length === 0 ? {} : { tags: Object.fromEntries(tags) }),
  }
  if (path === undefined && blueprint === undefined) {
    throw usage('Say what is rolled out: a file with a plan, or --blueprint.')
  }
  if (Object.keys(targets).length === 0 && !('targets' in document)) {
    throw usage('Say to which clients: --client, --tag or --all, or targets in the file.')
  }
  // What is in it, the server judges and names by its path.
  return {
    ...(isPlan ? { plan: document } : document),
    ...(blueprint === undefined
      ? {}
      : { blueprint_id: (await blueprintOf(session, blueprint)).id }),
    ...(blueprintVersion === undefined ? {} : { version: Number(blueprintVersion) }),
    ...(Object.keys(targets).length === 0 ? {} : { targets }),
  } as FleetRolloutsCreateRequest
}

const shownMatrix = (
  terminal: Terminal,
  { findings, severities, estimate, revision }: RolloutMatrix,
) =>
  [
    terminal.table(
      ['FINDING', 'IS', 'CLIENTS', 'FREES', 'ABOUT'],
      findings.map(({ code, severity, clients, frees, components }) => [
        ...[code, severity, String(clients), String(frees)],
        components.map(({ full_name }) => full_name).join(', '),
      ]),
    ),
    `${severities.green} green, ${severities.yellow} yellow, ${severities.red} red, ${severities.unchecked} unchecked; ` +
      `about ${estimate.api_calls} Salesforce calls and ${estimate.minutes} minutes; revision ${revision}`,
  ].join('\n')

const several = (value: string, before: string[] = []): string[] => [...before, value]

const readCommands = (group: Command): void => {
  group
    .command('list')
    .description('list rollouts, newest first')
    .action(async (_options: unknown, command: Command) => {
      const { engine, terminal } = new Session(command)
      const { items } = await engine.fleet.rolloutsList({ limit: 50 }).page()
      terminal.result(
        items,
        terminal.table(
          ['CREATED', 'STATE', 'TARGETS', 'NAME', 'ID'],
          items.map((one) => [
            ...[one.created_at, one.state, String(one.targets), one.name ?? '', one.id],
          ]),
        ),
      )
    })
  group
    .command('get <id>')
    .description('show a rollout: waves and states')
    .action(async (id: string, _options: unknown, command: Command) => {
      const { engine, terminal } = new Session(command)
      const rollout = await engine.fleet.rolloutsGet({ rollout_id: id })
      terminal.result(rollout, shown(terminal, rollout))
    })
  group
    .command('wait <id>')
    .description('wait until a rollout has ended, or needs somebody')
    .action(async (id: string, _options: unknown, command: Command) => {
      const session = new Session(command)
      await follow(session, session.engine.operation({ kind: 'rollout', id }))
    })
  group
    .command('matrix <id>')
    .description('show what the checks have found, by finding and number of clients')
    .action(async (id: string, _options: unknown, command: Command) => {
      const { engine, terminal } = new Session(command)
      const matrix = await engine.fleet.rolloutsMatrix({ rollout_id: id })
      terminal.result(matrix, shownMatrix(terminal, matrix))
    })
  group
    .command('targets <id>')
    .description('list the targets of a rollout')
    .addOption(new Option('--state <state>').choices(STATES))
    .option('--wave <number>', 'of this wave', Number)
    .option('--code <code>', 'with this error, finding or reason')
    .action(
      async (
        id: string,
        options: { state?: RolloutTargetState; wave?: number; code?: string },
        command: Command,
      ) => {
        const { engine, terminal } = new Session(command)
        const all: RolloutTarget[] = []
        for await (const target of engine.fleet.rolloutsTargets({ rollout_id: id, ...options })) {
          all.push(target)
        }
        terminal.result(
          all,
          terminal.table(
            ['WAVE', 'CLIENT', 'STATE', 'WHY', 'DEPLOYMENT'],
            all.map(({ wave, client_name, state, reason, error, decision, deployment_id }) => [
              ...[String(wave), client_name, state],
              [reason, error?.code, decision].filter(Boolean).join(', '),
              deployment_id ?? '',
            ]),
          ),
        )
      },
    )
}

/** Commands that change Salesforce orgs, or let a rollout go on doing so. */
const sendingCommands = (group: Command): void => {
  const sending = <Options extends object>(
    command: Command,
    what: string,
    begin: (session: Session, rollout: Rollout, options: Options) => PendingOperation<Rollout>,
    isHarmless: (options: Options) => boolean = () => false,
  ): Command =>
    command.action(async (id: string, options: Options, own: Command) => {
      const session = new Session(own)
      const rollout = await session.engine.fleet.rolloutsGet({ rollout_id: id })
      if (!isHarmless(options)) await confirm(session, rollout, what)
      await follow(session, begin(session, rollout, options))
    })

  sending<{ revision?: number }>(
    group
      .command('start <id>')
      .description('start a rollout that was checked')
      .option(
        '--revision <number>',
        'that of the matrix you have read (default: the present)',
        Number,
      ),
    'Starting',
    ({ engine, approved, call }, { id, revision }, { revision: seen = revision }) =>
      engine.fleet.rolloutsStart({ rollout_id: id, revision: seen, ...approved }, call),
  )
  sending<{ wave?: number; revision?: number }>(
    group
      .command('approve <id>')
      .description('approve the next wave')
      .option('--wave <number>', 'the wave that is meant', Number)
      // No default: without it, the server lets no report pass that is newer than the start and says more.
      .option('--revision <number>', 'as you saw it: what its reports say is accepted', Number),
    'Beginning the next wave of',
    ({ engine, approved, call }, { id }, { wave, revision }) =>
      engine.fleet.rolloutsApprove(
        {
          rollout_id: id,
          ...(wave === undefined ? {} : { wave }),
          ...(revision === undefined ? {} : { revision }),
          ...approved,
        },
        call,
      ),
  )
  sending<{ revision?: number }>(
    group
      .command('resume <id>')
      .description('go on with a paused rollout')
      .option('--revision <number>', 'as you saw it (default: the present)', Number),
    'Going on with',
    ({ engine, approved, call }, { id, revision }, { revision: seen = revision }) =>
      engine.fleet.rolloutsResume({ rollout_id: id, revision: seen, ...approved }, call),
  )
  sending<{ id?: string[]; revision?: number }>(
    group
      .command('retry <id>')
      .description('try failed and blocked targets again')
      .option('--id <client>', 'only these clients, by their ids', several)
      .option('--revision <number>', 'as you saw it: what its reports say is accepted', Number),
    'Trying targets again of',
    ({ engine, approved, call }, { id }, { id: clients, revision }) =>
      engine.fleet.rolloutsRetry(
        {
          rollout_id: id,
          ...(clients === undefined ? {} : { client_ids: clients }),
          ...(revision === undefined ? {} : { revision }),
          ...approved,
        },
        call,
      ),
  )
  sending<{ dryRun?: boolean; allowDataLoss?: boolean }>(
    group
      .command('rollback <id>')
      .description('take everything back that a rollout deployed, and prove it')
      .option('--dry-run', 'show what would be done')
      .option('--allow-data-loss', 'also remove fields that hold values'),
    'Rolling back',
    ({ engine, approved, call }, { id }, { dryRun, allowDataLoss }) =>
      engine.fleet.rolloutsRollback(
        {
          ...{ rollout_id: id, dry_run: dryRun === true, ...approved },
          allow_data_loss: allowDataLoss === true,
        },
        call,
      ),
    ({ dryRun }) => dryRun === true,
  )
}

export const rolloutCommands = (root: Command): void => {
  const group = root
    .command('rollout')
    .description('bring one change to many clients, in waves, and roll it back as one')
  group
    .command('create [file]')
    .description(
      'create a rollout from a plan, or from a file with the members of the API (targets, strategy, …)',
    )
    .option('--blueprint <slug>', 'roll out a version of this blueprint')
    .option('--blueprint-version <number>', 'which version; default: the newest')
    .option('-c, --client <client>', 'a target; may be repeated', several)
    .option('--tag <key=value>', 'clients with this tag; may be repeated', several)
    .option('--all', 'every active client')
    .action(async (path: string | undefined, options: CreateOptions, command: Command) => {
      const session = new Session(command)
      const { engine, terminal } = session
      const body = await bodyOf(session, path, options)
      const rollout = await engine.fleet.rolloutsCreate(body, session.call)
      terminal.result(rollout, shown(terminal, rollout))
    })
  group
    .command('check <id>')
    .description('check every target for conflicts; nothing is changed')
    .option('--refresh', 'pull first')
    .action(async (id: string, options: { refresh?: boolean }, command: Command) => {
      const session = new Session(command)
      const body = { rollout_id: id, refresh: options.refresh === true }
      await follow(session, session.engine.fleet.rolloutsCheck(body, session.call))
    })
  sendingCommands(group)
  for (const [verb, does] of [
    ['pause', 'send nothing more until it is resumed; what was sent already ends'],
    ['stop', 'send nothing more for good; what was sent ends'],
  ] as const) {
    group
      .command(`${verb} <id>`)
      .description(does)
      .action(async (id: string, _options: unknown, command: Command) => {
        const { engine, terminal, call } = new Session(command)
        const method = verb === 'pause' ? 'rolloutsPause' : 'rolloutsStop'
        const rollout = await engine.fleet[method]({ rollout_id: id }, call)
        terminal.result(rollout, shown(terminal, rollout))
      })
  }
  group
    .command('skip <id> <clients...>')
    .description('leave clients out, by id or name')
    .requiredOption('--reason <text>', 'why')
    .action(
      async (id: string, given: string[], { reason }: { reason: string }, command: Command) => {
        const session = new Session(command)
        const client_ids = []
        for (const one of given) client_ids.push((await session.client(one)).id)
        const body = { rollout_id: id, client_ids, reason }
        const rollout = await session.engine.fleet.rolloutsSkip(body, session.call)
        session.terminal.result(rollout, shown(session.terminal, rollout))
      },
    )
  readCommands(group)
}
