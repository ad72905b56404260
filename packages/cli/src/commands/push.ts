// push: rows of a file into a client's Salesforce org.

import { accessSync, constants, statSync } from 'node:fs'
import {
  AbortedError,
  ForbiddenError,
  OperationFailedError,
  type PushOptions,
  type PushWithResults,
} from '@sfdc-engine-x/client'
import { type Command, Option } from 'commander'
import { again, commandOf } from '../again.ts'
import { EXIT, Exit, type ExitCode, usage } from '../exit.ts'
import {
  columnsOf,
  type FailedRow,
  failedPath,
  readRows,
  repeatedPath,
  withStdin,
  writeFailed,
} from '../files.ts'
import { mappingOf } from './mappings.ts'
import { Session } from '../session.ts'
import { clean, typed } from '../text.ts'
import { type Terminal } from '../terminal.ts'

interface Options {
  client: string
  object: string
  update?: boolean
  dryRun?: boolean
  allOrNone?: boolean
  blank?: boolean
  allowDuplicates?: boolean
  assignmentRules?: boolean
  transport?: 'auto' | 'collections' | 'bulk'
  failed?: string
  resume?: string
}

const optionsOf = ({
  dryRun,
  allOrNone,
  blank,
  allowDuplicates,
  assignmentRules,
  transport,
}: Options): PushOptions => ({
  ...(dryRun === true ? { dry_run: true } : {}),
  ...(allOrNone === true ? { all_or_none: true } : {}),
  ...(blank === true ? { null_policy: 'blank' as const } : {}),
  ...(allowDuplicates === true ? { allow_duplicates: true } : {}),
  ...(assignmentRules === true ? { assignment_rules: true } : {}),
  ...(transport === undefined ? {} : { transport }),
})

const progressOf = ({ status, processed, total }: PushWithResults) => ({
  stage: status === 'queued' ? 'waiting' : 'pushing',
  done: processed,
  total,
})

/** The end of a push: one whose every row failed is no error here, its rows say why. */
const endOf = (session: Session, begun: Parameters<typeof session.end<PushWithResults>>[0]) =>
  session.end(begun, progressOf).catch((error: unknown) => {
    if (!(error instanceof OperationFailedError)) throw error
    return error.resource as PushWithResults
  })

/**
 * Throws Exit if the file names a column that is not mapped: each of its rows would fail for that. Without the
 * permission to look at mappings, the rows say it.
 */
const requireKnownColumns = async (
  session: Session,
  path: string,
  client_id: string,
  { object, update }: Options,
): Promise<void> => {
  const columns = await columnsOf(path)
  if (columns === null) return
  const mapping = await mappingOf(session, client_id, object).catch((error: unknown) => {
    if (error instanceof ForbiddenError) return undefined
    throw error
  })
  if (mapping === undefined) return
  const mapped = mapping.fields.map(({ canonical_field }) => canonical_field)
  const unknown = columns.filter(
    (name, at) => !mapped.includes(name) && !(update === true && at === 0 && name === 'id'),
  )
  if (unknown.length === 0) return
  throw usage(
    `${path}: no field is mapped for the column${unknown.length > 1 ? 's' : ''} ${unknown.join(', ')}. ` +
      `Mapped for ${object}: ${mapped.join(', ')}. Rename or remove columns, or run: ` +
      commandOf('mappings', 'edit', client_id, object),
  )
}

const begin = async (session: Session, path: string, options: Options, client_id: string) => {
  const { engine, terminal } = session
  const { size } = statSync(path)
  const stage = 'sending, bytes'
  const rows = readRows(path, (done) => terminal.progress({ stage, done, total: size }))
  const body = {
    ...{ client_id, object: options.object, options: optionsOf(options) },
    ...session.approved,
  }
  return options.update === true
    ? engine.push.statusUpdate({ ...body, updates: () => matched(rows()) }, session.call)
    : engine.push.records({ ...body, records: rows }, session.call)
}

/** For updates the first column finds the record. */
async function* matched(rows: AsyncIterable<Record<string, unknown>>) {
  for await (const { ...row } of rows) {
    const [first = 'id'] = Object.keys(row)
    const { [first]: key, ...fields } = row
    yield { match: { [first]: key }, fields }
  }
}

/** The code of rows that repeat the key of another one: pushed again, they would overwrite what that one wrote. */
const REPEATED = 'DUPLICATE_KEY_IN_INPUT'

async function* failuresOf(
  session: Session,
  push_id: string,
  areRepeated: boolean,
): AsyncGenerator<FailedRow> {
  for await (const { index, errors } of session.engine.push.results({
    push_id,
    status: 'failed',
    ...(areRepeated ? { code: REPEATED } : {}),
  })) {
    if (errors.some(({ code }) => code === REPEATED) !== areRepeated) continue
    const error = errors.map(({ code, message }) => `${code}: ${message}`).join('; ')
    yield { index, error, remedy: errors.map(({ remedy }) => typed(remedy)).join('; ') }
  }
}

const shown = (terminal: Terminal, push: PushWithResults): string =>
  terminal.paint(
    push.failed === 0 && push.error === null ? 'green' : 'yellow',
    clean(
      `${push.dry_run ? 'Dry run' : 'Push'} ${push.id}: ${push.status}\n` +
        `${push.succeeded.toLocaleString('en')} of ${push.total.toLocaleString('en')} rows succeeded, ` +
        `${push.failed.toLocaleString('en')} failed; ${push.created_count.toLocaleString('en')} created, ` +
        `${push.updated_count.toLocaleString('en')} updated; ${push.salesforce_api_calls} Salesforce calls` +
        (push.error === null ? '' : `; ${push.error.message}`),
    ),
  )

const exitOf = ({ status }: PushWithResults): ExitCode =>
  status === 'succeeded' ? EXIT.done : status === 'partial' ? EXIT.partly : EXIT.failed

/** The file of the failed rows, and that of those which nobody should push again as they are. */
const keepFailed = async (session: Session, path: string, push_id: string, options: Options) => {
  const written = async (target: string, areRepeated: boolean): Promise<string | null> => {
    const rows = await writeFailed(path, target, failuresOf(session, push_id, areRepeated))
    return rows === 0 ? null : target
  }
  return {
    failed_rows_file: await written(options.failed ?? failedPath(path), false),
    repeated_rows_file: await written(repeatedPath(path), true),
  }
}

const push = async (
  path: string | undefined,
  options: Options,
  command: Command,
): Promise<void> => {
  if (path === '-') return withStdin((file) => push(file, options, command))
  const session = new Session(command)
  const { terminal, engine } = session
  const client = await session.client(options.client)
  const client_id = client.id
  let ended: PushWithResults
  try {
    if (options.resume !== undefined) {
      ended = await endOf(
        session,
        engine.operation({ kind: 'push', id: options.resume, client_id }),
      )
    } else {
      if (path === undefined) throw usage('Name a file, or --resume with the id of a push.')
      accessSync(path, constants.R_OK) // before anybody is asked
      await requireKnownColumns(session, path, client_id, options)
      if (options.dryRun !== true) await session.confirm(client, `Pushing ${path}`)
      ended = await endOf(session, begin(session, path, options, client_id))
    }
  } catch (error) {
    if (error instanceof Exit && error.code === EXIT.running) {
      throw new Exit(EXIT.running, withFile(error.message, path, options))
    }
    if (error instanceof AbortedError) throw interrupted(error)
    throw session.unapproved(error)
  }
  const files =
    path !== undefined && ended.failed > 0
      ? await keepFailed(session, path, ended.id, options)
      : { failed_rows_file: null, repeated_rows_file: null }
  const { results: _, ...summary } = ended
  terminal.result({ ...summary, ...files }, shown(terminal, ended))
  const { failed_rows_file: failed, repeated_rows_file: repeated } = files
  if (failed !== null) terminal.note(`The failed rows with their reasons are in ${failed}`)
  if (repeated !== null) {
    terminal.note(
      `Rows that repeat the key of another row were not sent: ${repeated}. Give each a key of its own before you ` +
        'push them: as they are, they would overwrite what the other row wrote.',
    )
  }
  const code = exitOf(ended)
  if (code !== EXIT.done) throw new Exit(code)
}

/** To wait for a push and still get its failed rows, the file is needed again. */
const withFile = (message: string, path: string | undefined, { client, object }: Options): string =>
  message.replace(/sfx wait push (\S+) .*$/, (_, id: string) =>
    commandOf(
      ...['push', ...(path === undefined ? [] : [path])],
      ...['--resume', id, '--client', client, '--object', object],
    ),
  )

/** Until the last row is there, the server has accepted nothing. */
const interrupted = ({ mayHaveHappened, idempotencyKey }: AbortedError): Exit =>
  new Exit(
    EXIT.failed,
    mayHaveHappened
      ? `Stopped while the rows were sent. To send them, once in any case:\n  ${again({ '--key': idempotencyKey })}`
      : 'Stopped before anything was sent.',
  )

const retry = async (id: string, _options: unknown, command: Command): Promise<void> => {
  const session = new Session(command)
  const { engine, terminal } = session
  const failed = await engine.push.get({ push_id: id })
  const client = await session.client(failed.client_id)
  await session.confirm(client, `Pushing ${failed.failed} failed rows again`)
  const body = { push_id: id, ...session.approved }
  const ended = await endOf(session, engine.push.retry(body, session.call)).catch(
    (error: unknown) => {
      throw session.unapproved(error)
    },
  )
  const { results: _, ...summary } = ended
  terminal.result(summary, shown(terminal, ended))
  const code = exitOf(ended)
  if (code !== EXIT.done) throw new Exit(code)
}

export const pushCommands = (root: Command): void => {
  root
    .command('retry <push>')
    .description('push the failed rows of a push again, as they were; not those that repeat a key')
    .action(retry)
  root
    .command('push [file]')
    .description(
      'push the rows of a .csv, .ndjson or .jsonl file, or of standard input (-); failed rows go to a file of their own',
    )
    .requiredOption('-c, --client <client>')
    .requiredOption('-o, --object <name>', 'your own name of it, where it is mapped')
    .option('--update', 'only update: the first column finds the record, none is created')
    .option('--dry-run', 'judge the rows, and send nothing to Salesforce')
    .option('--all-or-none', 'all rows or none (at most 200)')
    .option('--blank', 'an empty cell empties the field; by default it is left as it is')
    .option('--allow-duplicates', 'save rows although a duplicate rule of the org warns')
    .option('--assignment-rules', "let the org's assignment rules choose the owner")
    .addOption(new Option('--transport <name>').choices(['auto', 'collections', 'bulk']))
    .option('--failed <file>', 'where failed rows go; default: FILE.failed.csv')
    .option('--resume <push>', 'wait for a push that was begun before')
    .action(push)
}
