// check, deploy.

import {
  type ConflictReport,
  type Deployment,
  OperationFailedError,
  type Plan,
  type Rollback,
  type Workflow,
} from '@sfdc-engine-x/client'
import { type Command } from 'commander'
import { EXIT, Exit, usage } from '../exit.ts'
import { readDocument } from '../files.ts'
import { resumeCommand, Session } from '../session.ts'
import { clean, minuteOf, typed } from '../text.ts'
import { type Terminal } from '../terminal.ts'

type Change = { plan: Plan } | { workflows: readonly Workflow[] }

/** A plan, or `workflows:` with a list. What is in it, the server judges and names by its path. */
const readChange = async (path: string): Promise<Change> => {
  const document = await readDocument(path)
  return Array.isArray(document.workflows) && Object.keys(document).length === 1
    ? { workflows: document.workflows as Workflow[] }
    : { plan: document }
}

export const shownReport = (
  terminal: Terminal,
  { findings, counts, severity }: ConflictReport,
): string => {
  const lines = findings
    .filter((finding) => finding.severity !== 'green')
    .map(({ severity: colour, message, path, remedy }) =>
      [
        `${terminal.paint(colour, `${colour === 'red' ? '✗' : '!'} ${clean(message)}`)}`,
        `  ${clean(path)}${remedy === null ? '' : `: ${clean(typed(remedy))}`}`,
      ].join('\n'),
    )
  const verdict = `${severity ?? 'unknown'}: ${counts.green} green, ${counts.yellow} yellow, ${counts.red} red`
  return [...lines, terminal.paint(severity ?? 'dim', terminal.paint('bold', verdict))].join('\n')
}

/** Whether a report allows the deployment. Throws Exit with the verdict. */
export const requireGo = ({ severity, id }: ConflictReport, acceptsYellow: boolean): void => {
  if (severity === 'green' || (severity === 'yellow' && acceptsYellow)) return
  throw new Exit(
    EXIT.verdict,
    severity === 'yellow'
      ? `The check is yellow (report ${id}). Read its findings; if they are all right, add --accept-yellow.`
      : `The check is red (report ${id}): the plan would fail or do harm.`,
  )
}

/** How it ended; what goes on has none. */
const COLOURS: Readonly<Record<string, 'green' | 'yellow' | 'red'>> = {
  ...{ deployed: 'green', validated: 'green', complete: 'green' },
  ...{ partial: 'yellow', failed: 'red' },
}

const shownDeployment = (
  terminal: Terminal,
  { id, status, components, warnings }: Deployment,
): string =>
  [
    ...components.map(({ type, full_name, action, problem }) => {
      const done = `${action.padEnd(9)} ${type} ${full_name}`
      return problem === null
        ? clean(done)
        : terminal.paint('red', clean(`${done}: ${problem.message}`))
    }),
    ...warnings.map(({ message }) => terminal.paint('yellow', clean(`! ${message}`))),
    terminal.paint(
      COLOURS[status] ?? 'bold',
      terminal.paint('bold', `Deployment ${id}: ${status}`),
    ),
  ].join('\n')

const shownRollback = (terminal: Terminal, rollback: Rollback): string => {
  const list = (
    what: string,
    items: readonly { type: string; full_name: string; reason?: string }[],
  ) =>
    items.map(({ type, full_name, reason }) =>
      clean(
        `${what.padEnd(9)} ${type} ${full_name}${reason === undefined ? '' : `: ${typed(reason)}`}`,
      ),
    )
  const { proof } = rollback
  return [
    ...list('removed', rollback.removed),
    ...list('restored', rollback.restored),
    ...list('kept', rollback.kept),
    ...list('remaining', rollback.remaining),
    ...rollback.data.map(({ name, rows }) =>
      clean(`data      ${name}: ${rows ?? 'unknown many'} rows`),
    ),
    terminal.paint(
      COLOURS[rollback.status] ?? 'bold',
      terminal.paint('bold', `Rollback: ${rollback.status}`),
    ) +
      (proof === null
        ? ''
        : `; read back and compared: ${proof.complete ? 'as before' : `${proof.differences.length} differences`}`),
  ].join('\n')
}

const shownUndone = (terminal: Terminal, { rollback }: Pick<Deployment, 'rollback'>): string =>
  rollback === null ? 'Nothing was rolled back.' : shownRollback(terminal, rollback)

/** The result of a change, and how to take it back. */
export const tellDeployment = (terminal: Terminal, deployment: Deployment): void => {
  terminal.result(deployment, shownDeployment(terminal, deployment))
  terminal.note(`To roll it back: sfx deploy rollback ${deployment.id}`)
}

/** Waits for a deployment; if it failed, its components say why. */
export const deployEnded = async (
  session: Session,
  begun: Parameters<typeof session.end<Deployment>>[0],
  /** What an approval is bound to, beside what was typed. */
  binding: Readonly<Record<string, string>> = {},
  shown = shownDeployment,
): Promise<Deployment> => {
  try {
    return await session.end(begun)
  } catch (error) {
    if (!(error instanceof OperationFailedError)) throw session.unapproved(error, binding)
    const deployment = error.resource as Deployment
    session.terminal.result(deployment, shown(session.terminal, deployment))
    throw error
  }
}

interface StartOptions {
  client: string
  report?: string
  check: boolean
  acceptYellow?: boolean
  checkOnly?: boolean
}

const start = async (path: string, options: StartOptions, command: Command): Promise<void> =>
  deploy(await readChange(path), options, command)

/** Of workflows only: a plan is an error here. */
export const startWorkflows = async (
  path: string,
  options: StartOptions,
  command: Command,
): Promise<void> => {
  const change = await readChange(path)
  if ('plan' in change) {
    throw usage(`${path}: expected only "workflows: …". For a plan: sfx deploy start`)
  }
  await deploy(change, options, command)
}

const deploy = async (change: Change, options: StartOptions, command: Command): Promise<void> => {
  const session = new Session(command)
  const { engine, terminal } = session
  const client = await session.client(options.client)
  const acceptsYellow = options.acceptYellow === true
  let report_id = options.report
  if (report_id === undefined && options.check) {
    // The key, if one was given, is that of the deployment.
    const { signal } = session.call
    const report = await session.end(
      engine.conflicts.check({ client_id: client.id, ...change }, { signal }),
    )
    terminal.note(shownReport(terminal, report))
    requireGo(report, acceptsYellow)
    report_id = report.id
  }
  const isDry = options.checkOnly === true
  if (!isDry) await session.confirm(client, 'Deploying')
  const body = {
    ...{ client_id: client.id, check_only: isDry, ...session.approved },
    ...(report_id === undefined ? {} : { conflict_report_id: report_id }),
    ...(acceptsYellow ? { accept: ['yellow'] as const } : {}),
  }
  const deployment = await deployEnded(
    session,
    'plan' in change
      ? engine.deploy.customObjects({ ...body, ...change }, session.call)
      : engine.deploy.workflows({ ...body, ...change }, session.call),
    report_id === undefined ? {} : { '--report': report_id },
  )
  if (isDry) terminal.result(deployment, shownDeployment(terminal, deployment))
  else tellDeployment(terminal, deployment)
}

/** What every command takes that begins a deployment from a file. */
export const withDeployOptions = (command: Command): Command =>
  command
    .requiredOption('-c, --client <client>')
    .option(
      '--report <id>',
      'a report of sfx check for this very file; without it, it is checked now',
    )
    .option('--no-check', 'deploy without a check')
    .option('--accept-yellow', 'go on if the check is yellow')

interface RollbackOptions {
  dryRun?: boolean
  allowDataLoss?: boolean
}

const rollBack = async (id: string, options: RollbackOptions, command: Command): Promise<void> => {
  const session = new Session(command)
  const { engine, terminal } = session
  const { client_id } = await engine.deploy.status({ deployment_id: id })
  const isDry = options.dryRun === true
  if (!isDry) await session.confirm(await session.client(client_id), 'Rolling back')
  const { rollback, ...deployment } = await deployEnded(
    session,
    engine.deploy.rollback(
      {
        ...{ deployment_id: id, dry_run: isDry, ...session.approved },
        allow_data_loss: options.allowDataLoss === true,
      },
      session.call,
    ),
    {},
    shownUndone,
  )
  terminal.result({ ...deployment, rollback }, shownUndone(terminal, { rollback }))
  if (rollback?.status === 'partial') throw new Exit(EXIT.partly)
}

export const deployCommands = (root: Command): void => {
  root
    .command('check <plan>')
    .description(
      'check a plan (YAML or JSON; - is standard input) for conflicts; nothing is changed',
    )
    .requiredOption('-c, --client <client>')
    .option('--refresh', 'pull first')
    .option('--validate', 'let Salesforce validate it too')
    .option('--accept-yellow', 'yellow is all right (exit code 0)')
    .action(
      async (
        path: string,
        options: { client: string; refresh?: boolean; validate?: boolean; acceptYellow?: boolean },
        command: Command,
      ) => {
        const session = new Session(command)
        const change = await readChange(path)
        const { id: client_id } = await session.client(options.client)
        const body = {
          ...{ client_id, ...change, refresh: options.refresh === true },
          validate_in_salesforce: options.validate === true,
        }
        const report = await session.end(session.engine.conflicts.check(body, session.call))
        session.terminal.result(report, shownReport(session.terminal, report))
        requireGo(report, options.acceptYellow === true)
      },
    )

  const group = root.command('deploy').description('deploy plans, and roll them back')
  withDeployOptions(group.command('start <plan>').description('check and deploy a plan')).action(
    start,
  )
  withDeployOptions(
    group
      .command('check <plan>')
      .description('let Salesforce validate the deploy and change nothing'),
  ).action((path: string, options: StartOptions, command: Command) =>
    start(path, { ...options, checkOnly: true }, command),
  )

  group
    .command('list')
    .description('list deployments, newest first')
    .option('-c, --client <client>')
    .action(async (options: { client?: string }, command: Command) => {
      const session = new Session(command)
      const client_id =
        options.client === undefined ? undefined : (await session.client(options.client)).id
      const { items } = await session.engine.deploy.list({ client_id, limit: 50 }).page()
      session.terminal.result(
        items,
        session.terminal.table(
          ['CREATED', 'KIND', 'STATUS', 'ID'],
          items.map(({ created_at, kind, status, id }) => [minuteOf(created_at), kind, status, id]),
        ),
      )
    })

  group
    .command('report <id>')
    .description('show a deployment as it is now')
    .action(async (id: string, _options: unknown, command: Command) => {
      const { engine, terminal } = new Session(command)
      const deployment = await engine.deploy.status({ deployment_id: id })
      terminal.result(deployment, shownDeployment(terminal, deployment))
      if (!deployment.is_final) throw new Exit(EXIT.running)
      if (deployment.status === 'failed') throw new Exit(EXIT.failed)
    })

  group
    .command('resume <id>')
    .description('wait for a deployment, or for its rollback')
    .action(async (id: string, _options: unknown, command: Command) => {
      const session = new Session(command)
      const { client_id, rollback } = await session.engine.deploy.status({ deployment_id: id })
      const kind = rollback?.status === 'running' ? 'rollback' : 'deployment'
      const deployment = await deployEnded(
        session,
        session.engine.operation({ kind, id, client_id }),
      )
      session.terminal.result(deployment, shownDeployment(session.terminal, deployment))
    })

  group
    .command('cancel <id>')
    .description('cancel a deployment while it still can be')
    .option('--abandon', 'let go of one whose connection is lost for good')
    .action(async (id: string, options: { abandon?: boolean }, command: Command) => {
      const session = new Session(command)
      const deployment = await session.engine.deploy.cancel(
        { deployment_id: id, ...options },
        session.call,
      )
      session.terminal.result(deployment, shownDeployment(session.terminal, deployment))
      if (!deployment.is_final) {
        const { client_id } = deployment
        session.terminal.note(
          `It is being cancelled: ${resumeCommand({ kind: 'deployment', id, client_id })}`,
        )
      }
    })

  group
    .command('rollback <id>')
    .description('remove what a deployment created, restore what it changed, and prove it')
    .option('--dry-run', 'show what would be done')
    .option('--allow-data-loss', 'also remove fields that hold values')
    .action(rollBack)
}
