// blueprints: what you want in the Salesforce orgs of several clients, and who is bound to it.

import {
  type Blueprint,
  type BlueprintsVersionsCreateRequest,
  type BlueprintBinding,
  type ClientSelector,
  type ParameterValue,
} from '@sfdc-engine-x/client'
import { type Command, InvalidArgumentError } from 'commander'
import { usage } from '../exit.ts'
import { readDocument } from '../files.ts'
import { type Session, Session as Opened } from '../session.ts'
import { clean } from '../text.ts'

const UUID = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i

/** A blueprint by its id or slug. Throws Exit if there is none of this slug. */
export const blueprintOf = async ({ engine }: Session, given: string): Promise<Blueprint> => {
  if (UUID.test(given)) return engine.blueprints.get({ blueprint_id: given })
  for await (const one of engine.blueprints.list({ slug: given, include_archived: true }))
    return one
  throw usage(`There is no blueprint ${given}. sfx blueprints list shows them.`)
}

/** `key=value`, several times. */
export const pair = (text: string, before: Record<string, string> = {}): Record<string, string> => {
  const at = text.indexOf('=')
  if (at < 1) throw new InvalidArgumentError('It is written as key=value.')
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) }
}

const whole = (text: string): number => {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 0) throw new InvalidArgumentError('It is a number.')
  return value
}

/** What a value means as JSON, so that `true`, `3` and `["a"]` are no texts; a text needs no quotes. */
const valueOf = (text: string): ParameterValue => {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && !Array.isArray(value) ? text : (value as ParameterValue)
  } catch {
    return text
  }
}

export interface ChooseOptions {
  client?: string[]
  tag?: Record<string, string>
  all?: boolean
}

/** The clients that options choose; undefined if they name none. */
export const selectorOf = async (
  session: Session,
  { client = [], tag, all }: ChooseOptions,
): Promise<ClientSelector | undefined> => {
  if (client.length === 0 && tag === undefined && all !== true) return undefined
  const found = await Promise.all(client.map((one) => session.client(one)))
  return {
    ...(found.length === 0 ? {} : { client_ids: found.map(({ id }) => id) }),
    ...(tag === undefined ? {} : { tags: tag }),
    ...(all === true ? { all: true } : {}),
  }
}

export const choosing = (command: Command): Command =>
  command
    .option('-c, --client <client>', 'this client; several times for several', several)
    .option('--tag <key=value>', 'clients with this tag; several times: with all of them', pair)
    .option('--all', 'all active clients')

export const several = (text: string, before: string[] = []): string[] => [...before, text]

interface PublishOptions {
  notes?: string
  expectedLatest?: number
}

const publish = async (
  given: string,
  path: string,
  options: PublishOptions,
  command: Command,
): Promise<void> => {
  const session = new Opened(command)
  const { engine, terminal } = session
  const { id, name } = await blueprintOf(session, given)
  const version = await engine.blueprints.versionsCreate(
    {
      ...((await readDocument(path)) as Partial<BlueprintsVersionsCreateRequest>),
      blueprint_id: id,
      ...(options.notes === undefined ? {} : { notes: options.notes }),
      ...(options.expectedLatest === undefined ? {} : { expected_latest: options.expectedLatest }),
    },
    session.call,
  )
  terminal.result(version, clean(`${name} has version ${version.version} now.`))
}

const WHICH_CLIENTS = 'Say which clients: --client, --tag or --all.'

interface BindOptions extends ChooseOptions {
  param?: Record<string, string>
  pin?: number
}

const bind = async (given: string, options: BindOptions, command: Command): Promise<void> => {
  const session = new Opened(command)
  const selector = await selectorOf(session, options)
  if (selector === undefined) throw usage(WHICH_CLIENTS)
  const { id, name } = await blueprintOf(session, given)
  const { param, pin } = options
  const parameters =
    param === undefined
      ? undefined
      : Object.fromEntries(Object.entries(param).map(([key, value]) => [key, valueOf(value)]))
  const done = await session.engine.blueprints.bindingsSet(
    {
      ...{ blueprint_id: id, selector },
      ...(parameters === undefined ? {} : { parameters }),
      ...(pin === undefined ? {} : { pinned_version: pin === 0 ? null : pin }),
    },
    session.call,
  )
  session.terminal.result(
    done,
    clean(`${done.created} bound to ${name}, ${done.updated} were already.`),
  )
}

const unbind = async (given: string, options: ChooseOptions, command: Command): Promise<void> => {
  const session = new Opened(command)
  const selector = await selectorOf(session, options)
  if (selector === undefined) throw usage(WHICH_CLIENTS)
  const { id, name } = await blueprintOf(session, given)
  const { engine, terminal, call } = session
  const done = await engine.blueprints.bindingsRemove({ blueprint_id: id, selector }, call)
  terminal.result(done, clean(`${done.removed} no longer bound to ${name}.`))
}

const listBindings = async (given: string, _options: unknown, command: Command): Promise<void> => {
  const session = new Opened(command)
  const { id } = await blueprintOf(session, given)
  const all: BlueprintBinding[] = []
  for await (const one of session.engine.blueprints.bindingsList({ blueprint_id: id }))
    all.push(one)
  session.terminal.result(
    all,
    session.terminal.table(
      ['CLIENT', 'VERSION', 'PARAMETERS', 'KEPT'],
      all.map(({ client_id, pinned_version, parameters, overrides }) => [
        client_id,
        pinned_version === null ? 'newest' : String(pinned_version),
        JSON.stringify(parameters),
        String(overrides.length),
      ]),
    ),
  )
}

export const blueprintCommands = (root: Command): void => {
  const blueprints = root
    .command('blueprints')
    .description('what you want in the Salesforce orgs of several clients')
    .addHelpText('after', '\nA BLUEPRINT is an id or a slug.')

  blueprints
    .command('list')
    .description('list blueprints, newest first')
    .option('--archived', 'archived ones too')
    .action(async (options: { archived?: boolean }, command: Command) => {
      const { engine, terminal } = new Opened(command)
      const all: Blueprint[] = []
      const filter = options.archived === true ? { include_archived: true } : {}
      for await (const one of engine.blueprints.list(filter)) all.push(one)
      terminal.result(
        all,
        terminal.table(
          ['SLUG', 'NAME', 'VERSION', 'ID'],
          all.map(({ slug, name, latest_version, id }) => [slug, name, String(latest_version), id]),
        ),
      )
    })

  blueprints
    .command('create <name>')
    .description('create a blueprint')
    .option('--slug <slug>', 'its name for programs; it never changes')
    .option('--description <text>')
    .action(
      async (name: string, options: { slug?: string; description?: string }, command: Command) => {
        const session = new Opened(command)
        const made = await session.engine.blueprints.create({ name, ...options }, session.call)
        session.terminal.result(made, clean(`Created ${made.name}  ${made.slug}`))
        session.terminal.note(`Next: sfx blueprints publish ${made.slug} FILE`)
      },
    )

  blueprints
    .command('publish <blueprint> <file>')
    .description('create a version from YAML or JSON: plan, workflows, mappings, parameters')
    .option('--notes <text>', 'what is new in it')
    .option('--expected-latest <version>', 'refuse it if there is a newer version than this', whole)
    .action(publish)

  blueprints
    .command('get <blueprint>')
    .description('show a version')
    .option('--version-number <version>', 'this one; default: the newest', whole)
    .action(async (given: string, options: { versionNumber?: number }, command: Command) => {
      const session = new Opened(command)
      const { id } = await blueprintOf(session, given)
      const version = await session.engine.blueprints.versionsGet({
        blueprint_id: id,
        ...(options.versionNumber === undefined ? {} : { version: options.versionNumber }),
      })
      session.terminal.result(version, clean(JSON.stringify(version, null, 2)))
    })

  blueprints
    .command('diff <blueprint> <from> [to]')
    .description('what differs between two versions; without TO: from the newest')
    .action(
      async (
        given: string,
        from: string,
        to: string | undefined,
        _options: unknown,
        command: Command,
      ) => {
        const session = new Opened(command)
        const { id } = await blueprintOf(session, given)
        const diff = await session.engine.blueprints.versionsDiff({
          ...{ blueprint_id: id, from_version: whole(from) },
          ...(to === undefined ? {} : { to_version: whole(to) }),
        })
        const text = (value: unknown) => (value === null ? '' : JSON.stringify(value))
        session.terminal.result(
          diff,
          diff.equal
            ? 'Both hold the same.'
            : session.terminal.table(
                ['MEMBER', 'CHANGE', 'BEFORE', 'AFTER'],
                diff.differences.map(({ path, change, before, after }) => [
                  ...[path, change, text(before).slice(0, 60), text(after).slice(0, 60)],
                ]),
              ),
        )
      },
    )

  choosing(
    blueprints
      .command('bind <blueprint>')
      .description(
        'bind clients to a blueprint, or change their bindings; sends nothing to Salesforce',
      ),
  )
    .option('--param <name=value>', 'a value of theirs; several times for several', pair)
    .option('--pin <version>', 'stay at this version; 0: the newest', whole)
    .action(bind)

  choosing(
    blueprints
      .command('unbind <blueprint>')
      .description('remove the bindings of clients; their Salesforce orgs stay as they are'),
  ).action(unbind)

  blueprints
    .command('bindings <blueprint>')
    .description('list the clients that are bound to a blueprint')
    .action(listBindings)
}
