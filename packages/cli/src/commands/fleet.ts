// search, compare, the board of health, reconsent: questions about all clients, and links for those who have to authorize again.

import {
  type ClientHealth,
  type ComparedClient,
  type FleetSearchRequest,
  type LeastRisk,
  type ReconsentReason,
  type SearchKind,
} from '@sfdc-engine-x/client'
import { Argument, type Command, Option } from 'commander'
import { EXIT, Exit } from '../exit.ts'
import { Session } from '../session.ts'
import { clean } from '../text.ts'
import { type Terminal } from '../terminal.ts'

const KINDS = [
  ...['object', 'field', 'picklist_value', 'record_type', 'automation'],
] as const satisfies SearchKind[]
const FLAGS = [
  ...['custom', 'required', 'unique', 'external_id', 'calculated'],
  ...['encrypted', 'restricted', 'managed', 'active'],
] as const
const TEXTS = ['object', 'name', 'label', 'field', 'type', 'formula'] as const

type Flag = (typeof FLAGS)[number]

interface SearchOptions extends Partial<Record<(typeof TEXTS)[number], string>> {
  is?: Flag[]
  isNot?: Flag[]
  on?: string
  event?: FleetSearchRequest['event']
  missing?: boolean
  client?: string[]
}

const selectorOf = async (session: Session, given: readonly string[] | undefined) => {
  if (given === undefined) return {}
  const client_ids: string[] = []
  for (const one of given) client_ids.push((await session.client(one)).id)
  return { selector: { client_ids } }
}

const flagsOf = ({ is = [], isNot = [] }: SearchOptions): Partial<Record<Flag, boolean>> =>
  Object.fromEntries([
    ...is.map((flag) => [flag, true] as const),
    ...isNot.map((flag) => [flag, false] as const),
  ])

const search = async (
  kind: SearchKind,
  options: SearchOptions,
  command: Command,
): Promise<void> => {
  const session = new Session(command)
  const { engine, terminal } = session
  const { on, event, missing } = options
  const body = {
    kind,
    ...Object.fromEntries(
      TEXTS.flatMap((name) => (options[name] === undefined ? [] : [[name, options[name]]])),
    ),
    ...flagsOf(options),
    ...(on === undefined ? {} : { trigger_object: on }),
    ...(event === undefined ? {} : { event }),
    ...(missing === undefined ? {} : { missing }),
    ...(await selectorOf(session, options.client)),
    limit: 200,
  }
  const pages = engine.fleet.search(body)
  const first = await pages.page()
  const items: typeof first.items = []
  for await (const page of pages.pages()) items.push(...page.items)
  const { totals } = first
  const rows = items.flatMap(({ client_name, snapshot, hits }) => {
    const version = snapshot?.version ?? ''
    if (missing === true) return [[client_name, String(version), '', '', '']]
    return hits.map(({ object, name, field, label, type }) => [
      ...[client_name, String(version), field === null ? (object ?? '') : `${object}.${field}`],
      ...[name, `${type}  ${label ?? ''}`],
    ])
  })
  const found =
    missing === true
      ? `${items.length} clients without`
      : `${totals.hits} hits in ${totals.clients_with_hits} clients`
  terminal.result(
    { ...first, items, next_cursor: null },
    [
      terminal.table(
        ['CLIENT', 'VERSION', 'OBJECT', 'NAME', 'WHAT'],
        rows.map((row) => row.map(clean)),
      ),
      `${found}, of ${totals.searched} searched` +
        (totals.without_snapshot === 0 ? '' : `; ${totals.without_snapshot} have no snapshot`),
    ].join('\n'),
  )
  if (items.length === 0) throw new Exit(EXIT.verdict)
}

const names = (clients: readonly ComparedClient[]): string => {
  const shown = clients.slice(0, 5).map(({ client_name }) => client_name)
  return clean(shown.join(', ')) + (clients.length > 5 ? ` and ${clients.length - 5} more` : '')
}

const compare = async (
  object: string,
  field: string | undefined,
  options: { client?: string[] },
  command: Command,
): Promise<void> => {
  const session = new Session(command)
  const { engine, terminal } = session
  const body = {
    object,
    ...(field === undefined ? {} : { field }),
    ...(await selectorOf(session, options.client)),
  }
  const pages = engine.fleet.compare(body)
  const first = await pages.page()
  const items: typeof first.items = []
  for await (const page of pages.pages()) items.push(...page.items)
  const { totals, absent } = first
  const lines = items.flatMap(({ clients, is_most_common, differences, differences_count }) => [
    terminal.paint(
      is_most_common ? 'green' : 'yellow',
      `${clients.length} ${clients.length === 1 ? 'client' : 'clients'}: ${names(clients)}`,
    ),
    ...differences.map(({ change, name, attributes }) => {
      const what = attributes.map(
        ({ name: of, most, found }) => `${of} ${JSON.stringify(most)} → ${JSON.stringify(found)}`,
      )
      return clean(`    ${change} ${name}  ${what.join(', ')}`)
    }),
    ...(differences_count > differences.length
      ? [`    … and ${differences_count - differences.length} more`]
      : []),
  ])
  terminal.result(
    { ...first, items, next_cursor: null },
    [
      ...lines,
      `${totals.present} have it, in ${totals.groups} forms; ${totals.absent} do not` +
        (absent.length === 0 ? '' : `: ${names(absent)}`),
    ].join('\n'),
  )
  if (totals.groups > 1) throw new Exit(EXIT.verdict)
}

const COLOURS = { critical: 'red', warning: 'yellow', notice: 'bold', none: 'green' } as const

const shownHealth = (terminal: Terminal, items: readonly ClientHealth[]): string[] =>
  items.flatMap(({ client_name, risk, risks }) => [
    terminal.paint(COLOURS[risk], clean(`${client_name}: ${risk}`)),
    ...risks.flatMap(({ message, remedy, for_admin }) => [
      clean(`  ${message}`),
      clean(`    ${remedy}`),
      ...(for_admin === null ? [] : [clean(`    For their administrator: ${for_admin}`)]),
    ]),
  ])

export interface BoardOptions {
  risk?: LeastRisk
  refresh?: boolean
}

/** How all clients are, the worst first. */
export const board = async (session: Session, options: BoardOptions): Promise<void> => {
  const { engine, terminal } = session
  const { risk, refresh } = options
  const pages = engine.fleet.health({
    ...(risk === undefined ? {} : { risk }),
    ...(refresh === undefined ? {} : { refresh }),
    limit: refresh === true ? 50 : 200,
  })
  const items: ClientHealth[] = []
  const first = await pages.page()
  for await (const page of pages.pages()) items.push(...page.items)
  const { totals } = first
  const counts = Object.entries(totals).map(([level, count]) => `${count} ${level}`)
  terminal.result(
    { ...first, items, next_cursor: null },
    [...shownHealth(terminal, items), counts.join(', ')].join('\n'),
  )
  if (totals.critical > 0) throw new Exit(EXIT.verdict)
}

const reconsent = async (
  name: string,
  options: { reason?: ReconsentReason; client?: string[] },
  command: Command,
): Promise<void> => {
  const session = new Session(command)
  const { engine, terminal, call } = session
  const { reason } = options
  const campaign = await engine.fleet.reconsentCreate(
    {
      name,
      ...(reason === undefined ? {} : { reason }),
      ...(await selectorOf(session, options.client)),
    },
    call,
  )
  const links = campaign.links ?? []
  terminal.result(
    campaign,
    [
      terminal.table(
        ['CLIENT', 'LINK'],
        links.map(({ client_name, connect_link, error }) => [
          clean(client_name),
          connect_link ?? clean(error?.message ?? ''),
        ]),
      ),
      `Campaign ${campaign.id}: ${campaign.totals.clients} clients. Each link is valid for half an hour.`,
    ].join('\n'),
  )
  if (links.some(({ error }) => error !== null)) throw new Exit(EXIT.partly)
}

const reconsentStatus = async (
  campaign_id: string,
  _options: unknown,
  command: Command,
): Promise<void> => {
  const session = new Session(command)
  const { engine, terminal } = session
  const pages = engine.fleet.reconsentGet({ campaign_id, limit: 200 })
  const first = await pages.page()
  const items: typeof first.items = []
  for await (const page of pages.pages()) items.push(...page.items)
  const { totals } = first
  terminal.result(
    { ...first, items, next_cursor: null },
    [
      terminal.table(
        ['CLIENT', 'WHY', 'STATE', 'DONE'],
        items.map(({ client_name, reason, state, done_at }) => [
          clean(client_name),
          reason,
          state,
          done_at ?? '',
        ]),
      ),
      `${totals.done} of ${totals.clients} have authorized again.`,
    ].join('\n'),
  )
  if (totals.done < totals.clients) throw new Exit(EXIT.running)
}

const ofClients = (): Option => new Option('-c, --client <clients...>', 'only these clients')

export const fleetCommands = (root: Command): void => {
  root
    .command('search')
    .description('search the newest snapshots of all clients (exit code 3: nothing found)')
    .addArgument(new Argument('<kind>').choices(KINDS))
    .option('--object <name>', 'API name of the object; * stands for any characters')
    .option('--name <name>', 'API name, or the value of a picklist; with *')
    .option('--label <label>', 'label; with *')
    .option('--field <name>', 'of picklist values: their field')
    .option('--type <type>', 'like picklist, custom_object or flow')
    .option('--formula <text>', 'a part of the formula or condition')
    .addOption(new Option('--is <flags...>', 'what must be').choices(FLAGS))
    .addOption(new Option('--is-not <flags...>', 'what must not be').choices(FLAGS))
    .option('--on <object>', 'automations that this object triggers')
    .addOption(
      new Option('--event <event>', 'automations that this triggers').choices([
        'create',
        'update',
        'delete',
        'undelete',
        'event',
      ]),
    )
    .option('--missing', 'the clients in which nothing matches')
    .addOption(ofClients())
    .action(search)

  root
    .command('compare <object> [field]')
    .description('compare one object or field over all clients (exit code 3: they differ)')
    .addOption(ofClients())
    .action(compare)

  const campaigns = root.command('reconsent').description('ask clients to authorize again')
  campaigns
    .command('create <name>')
    .description('links for clients that have to; with a reason for all that are chosen')
    .addOption(new Option('--reason <reason>').choices(['scope', 'dead_grant', 'app_rules']))
    .addOption(ofClients())
    .action(reconsent)
  campaigns
    .command('status <campaign>')
    .description('who has authorized again (exit code 8: not all)')
    .action(reconsentStatus)
}
