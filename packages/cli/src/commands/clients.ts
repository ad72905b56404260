// clients, connect.

import { type Client } from '@sfdc-engine-x/client'
import { type Command } from 'commander'
import { execFile } from 'node:child_process'
import { usage } from '../exit.ts'
import { Session } from '../session.ts'
import { clean, minuteOf } from '../text.ts'
import { pair, several } from './blueprints.ts'

const shown = ({ id, name, domain }: Client): string =>
  clean(`${name}${domain === null ? '' : ` (${domain})`}  ${id}`)

/** Opens a page in the browser, if there is one; the link is printed in any case. */
const openInBrowser = (url: string): void => {
  const [program, ...argv] =
    process.platform === 'darwin'
      ? ['open', url]
      : process.platform === 'win32'
        ? ['rundll32', 'url.dll,FileProtocolHandler', url]
        : ['xdg-open', url]
  execFile(program ?? '', argv, () => undefined)
}

interface ListOptions {
  query?: string
  tag?: Record<string, string>
}

interface CreateOptions {
  domain?: string
  tag?: Record<string, string>
}

interface ConnectOptions {
  sandbox?: boolean
  loginHost?: string
  allowOtherOrg?: boolean
  browser: boolean
}

const tagCommand = (clients: Command): void => {
  clients
    .command('tag <client> [tags...]')
    .description(
      'set tags (key=value) of a client, and take others away; bind and rollout choose by them',
    )
    .option('--remove <key>', 'take this tag away; may be repeated', several)
    .action(
      async (
        given: string,
        added: string[],
        { remove = [] }: { remove?: string[] },
        command: Command,
      ) => {
        const session = new Session(command)
        if (added.length + remove.length === 0)
          throw usage('Name a tag as key=value, or --remove one.')
        const { id, tags: before } = await session.client(given)
        const absent = remove.find((key) => !(key in before))
        if (absent !== undefined) throw usage(`The client has no tag ${absent}.`)
        const kept = Object.entries(before).filter(([key]) => !remove.includes(key))
        const tags = added.reduce((all, text) => pair(text, all), Object.fromEntries(kept))
        const client = await session.engine.clients.update({ client_id: id, tags }, session.call)
        const now = Object.entries(client.tags).map(([key, value]) => `${key}=${value}`)
        session.terminal.result(client, clean(`${client.name}: ${now.join(', ') || 'no tags'}`))
      },
    )
}

export const clientCommands = (root: Command): void => {
  const clients = root.command('clients').description('your clients')

  clients
    .command('list')
    .description('list clients, newest first')
    .option('--query <text>', 'in name or domain')
    .option('--tag <key=value>', 'with this tag; several times: with all of them', pair)
    .action(async ({ tag, ...options }: ListOptions, command: Command) => {
      const { engine, terminal } = new Session(command)
      const all: Client[] = []
      const filter = { ...options, ...(tag === undefined ? {} : { tags: tag }) }
      for await (const client of engine.clients.list(filter)) all.push(client)
      terminal.result(
        all,
        terminal.table(
          ['NAME', 'DOMAIN', 'ACTIVE', 'ID'],
          all.map(({ name, domain, is_active, id }) => [
            name,
            domain ?? '',
            is_active ? 'yes' : 'no',
            id,
          ]),
        ),
      )
    })

  clients
    .command('create <name>')
    .description('add a client')
    .option('--domain <domain>')
    .option('--tag <key=value>', 'a tag; several times for several', pair)
    .action(async (name: string, { tag, ...options }: CreateOptions, command: Command) => {
      const session = new Session(command)
      const tags = tag === undefined ? {} : { tags: tag }
      const client = await session.engine.clients.create(
        { name, ...options, ...tags },
        session.call,
      )
      session.terminal.result(client, `Created ${shown(client)}`)
      session.terminal.note(`Next: sfx connect ${client.id}`)
    })

  tagCommand(clients)

  clients
    .command('get <client>')
    .description('show a client, its connection and its newest snapshot')
    .action(async (given: string, _options: unknown, command: Command) => {
      const session = new Session(command)
      const { id } = await session.client(given)
      const client = await session.engine.clients.get({ client_id: id })
      session.terminal.result(client, clean(JSON.stringify(client, null, 2)))
    })

  root
    .command('connect <client>')
    .description(
      "connect a client's Salesforce org: opens the link and waits until somebody has allowed it",
    )
    .option('--sandbox', 'a sandbox')
    .option('--login-host <host>', "the org's My Domain")
    .option('--allow-other-org', 'replace a connection to a different Salesforce org')
    .option('--no-browser', 'only print the link, to be opened by somebody else')
    .action(async (given: string, options: ConnectOptions, command: Command) => {
      const session = new Session(command)
      const { engine, terminal } = session
      const client = await session.client(given)
      const { connect_link, expires_at } = await engine.connections.create(
        {
          client_id: client.id,
          environment: options.sandbox === true ? 'sandbox' : 'production',
          ...(options.loginHost === undefined ? {} : { login_host: options.loginHost }),
          ...(options.allowOtherOrg === true ? { allow_other_org: true } : {}),
        },
        session.call,
      )
      if (connect_link !== null) {
        // Also with --json: without the link there is nothing to wait for.
        process.stderr.write(`Open this link, log in to Salesforce and allow:\n  ${connect_link}\n`)
        if (options.browser && terminal.isInteractive) openInBrowser(connect_link)
      }
      terminal.note(`Waiting until ${minuteOf(expires_at)}; Ctrl-C ends the waiting.`)
      const { wait } = session.options
      const connection = await engine.connected(
        { client_id: client.id },
        { signal: session.call.signal, ...(wait === undefined ? {} : { timeout: wait * 1_000 }) },
      )
      terminal.result(
        connection,
        clean(
          `${client.name} is connected: ${connection.instance_url ?? ''} (${connection.environment}, ${connection.sfdc_org_id ?? ''})`,
        ),
      )
      terminal.note(`Next: sfx pull ${client.id}`)
    })
}
