// Everything else: any endpoint, and lists that are looked at often.

import { type Command, Option } from 'commander'
import { readText } from '../bytes.ts'
import { EXIT, Exit, usage } from '../exit.ts'
import { Session } from '../session.ts'
import { clean } from '../text.ts'
import { readStdin } from '../terminal.ts'
import { board, type BoardOptions } from './fleet.ts'

const dataOf = async (given: string | undefined): Promise<unknown> => {
  if (given === undefined) return undefined
  const text =
    given === '-'
      ? await readStdin()
      : given.startsWith('@')
        ? await readText(given.slice(1))
        : given
  try {
    return JSON.parse(text) as unknown
  } catch (error) {
    throw usage(`The data is not JSON: ${(error as Error).message}`)
  }
}

const connectedAs = ({
  status,
  instance_url: url,
  health,
}: Awaited<ReturnType<Session['engine']['connections']['get']>>): string => {
  if (url === null) return `${status}: nobody has connected a Salesforce org yet`
  const username = health?.identity?.username
  return `${status}: ${url}${username === undefined ? '' : ` as ${username}`}`
}

export const apiCommands = (root: Command): void => {
  root
    .command('api <path>')
    .description('call any endpoint: sfx api /api/clients/list -d \'{"limit":5}\'')
    .option('-d, --data <json>', 'the body: JSON, @file, or - for standard input')
    .action(async (path: string, options: { data?: string }, command: Command) => {
      const session = new Session(command)
      if (!path.startsWith('/')) throw usage('The path begins with /, as in /api/clients/list')
      const answer = await session.engine.call(
        path as `/${string}`,
        await dataOf(options.data),
        session.call,
      )
      // It is for programs in any case: as it came.
      session.terminal.result(answer, JSON.stringify(answer, null, 2))
    })

  root
    .command('health [client]')
    .description(
      "look at a client's connection now: identity, permissions, API calls left; without a client, how all are " +
        '(exit code 3: one is critical)',
    )
    .addOption(
      new Option('--risk <level>', 'of all: only clients that are at least so bad').choices([
        ...['critical', 'warning', 'notice'],
      ]),
    )
    .option('--refresh', 'of all: ask Salesforce about each')
    .action(async (given: string | undefined, options: BoardOptions, command: Command) => {
      const session = new Session(command)
      if (given === undefined) return board(session, options)
      const { id: client_id } = await session.client(given)
      const connection = await session.engine.connections.get({ client_id, check: true })
      const { health } = connection
      const faults = (health?.faults ?? []).map(({ message, remedy }) => `! ${message} ${remedy}`)
      const usageNow = health?.api_usage
      session.terminal.result(
        connection,
        clean(
          [
            connectedAs(connection),
            ...(usageNow === null || usageNow === undefined
              ? []
              : [`${usageNow.used} of ${usageNow.max} API calls in 24 hours`]),
            ...faults,
          ].join('\n'),
        ),
      )
      if (health?.ok !== true) throw new Exit(EXIT.failed)
    })

  root
    .command('audit')
    .description('who did what, newest first')
    .option('-c, --client <client>')
    .option('--since <time>', 'ISO 8601')
    .action(async (options: { client?: string; since?: string }, command: Command) => {
      const session = new Session(command)
      const client_id =
        options.client === undefined ? undefined : (await session.client(options.client)).id
      const { items } = await session.engine.audit
        .list({ client_id, since: options.since, limit: 200 })
        .page()
      const { terminal, engine } = session
      const clients = terminal.json ? new Map<string, string>() : await session.clientNames()
      const users = new Map<string, string>()
      if (!terminal.json) {
        for await (const { id, email } of engine.users.list({ limit: 200 })) users.set(id, email)
      }
      const named = (names: ReadonlyMap<string, string>, of: string | null): string =>
        of === null ? '' : (names.get(of) ?? of)
      terminal.result(
        items,
        terminal.table(
          ['AT', 'WHO', 'ACTION', 'OUTCOME', 'CLIENT'],
          items.map(({ at, user_id, credential_type, action, outcome, client_id: of }) => [
            ...[at, named(users, user_id) || credential_type, action, outcome, named(clients, of)],
          ]),
        ),
      )
    })

  root
    .command('schema')
    .description('the JSON Schema of a plan, as this server takes it: for editors')
    .action(async (_options: unknown, command: Command) => {
      const session = new Session(command)
      const schema = planSchema(await session.engine.call('/openapi.json'))
      session.terminal.result(schema, JSON.stringify(schema, null, 2))
    })
}

/** A schema of its own, made of those of the document that a plan refers to. */
const planSchema = (document: unknown): unknown => {
  const { schemas } = (document as { components: { schemas: Record<string, unknown> } }).components
  const text = (value: unknown) =>
    JSON.stringify(value).replaceAll('"#/components/schemas/', '"#/$defs/')
  const defs: Record<string, unknown> = {}
  const add = (name: string): void => {
    if (name in defs) return
    const found = text(schemas[name])
    defs[name] = JSON.parse(found) as unknown
    for (const [, next = ''] of found.matchAll(/"#\/\$defs\/(\w+)"/g)) add(next)
  }
  add('Plan')
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $ref: '#/$defs/Plan',
    $defs: defs,
  }
}
