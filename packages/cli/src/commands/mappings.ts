// mappings: from your own model to Salesforce.

import {
  type CheckedMapping,
  type Client,
  type Mapping,
  type MappingFinding,
  type MappingsCreateRequest,
} from '@sfdc-engine-x/client'
import { type Command } from 'commander'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { commandOf } from '../again.ts'
import { readText } from '../bytes.ts'
import { openInEditor } from '../editor.ts'
import { codeOf, EXIT, Exit, messageOf, usage } from '../exit.ts'
import { readDocument, type Row } from '../files.ts'
import { Session } from '../session.ts'
import { clean } from '../text.ts'
import { type Terminal } from '../terminal.ts'

/** `fields` as the API has them, or in short: `last_name: LastName`. */
const fieldsOf = (given: unknown): MappingsCreateRequest['fields'] => {
  if (Array.isArray(given)) return given as MappingsCreateRequest['fields']
  if (typeof given !== 'object' || given === null) throw usage('The mapping needs fields.')
  return Object.entries(given as Record<string, unknown>).map(([canonical_field, value]) =>
    typeof value === 'object' && value !== null
      ? { canonical_field, ...(value as { sfdc_field: string }) }
      : { canonical_field, sfdc_field: String(value) },
  )
}

const shownFindings = (terminal: Terminal, findings: readonly MappingFinding[]): string =>
  findings
    .map(({ severity, message }) =>
      terminal.paint(severity === 'error' ? 'red' : 'yellow', clean(`! ${message}`)),
    )
    .join('\n')

/** The mapping of this object, if there is one. */
export const mappingOf = async (
  session: Session,
  client_id: string,
  object: string,
): Promise<Mapping | undefined> => {
  for await (const mapping of session.engine.mappings.list({ client_id })) {
    if (mapping.canonical_object === object) return mapping
  }
  return undefined
}

interface Wanted {
  canonical_object: string
  sfdc_object: string
  external_id_field: string | null
  fields: MappingsCreateRequest['fields']
}

interface StoreOptions {
  allowBroken?: boolean
}

interface SetOptions extends StoreOptions {
  client: string
}

/** The mapping that a document says. Throws Exit if it is none; whether it fits, the server judges. */
const wantedIn = (path: string, document: Row): Wanted => {
  const { canonical_object, sfdc_object, external_id_field, fields, ...others } = document
  const [other] = Object.keys(others)
  if (other !== undefined) throw usage(`${path}: a mapping has no ${other}; it has ${MEMBERS}.`)
  if (typeof canonical_object !== 'string' || typeof sfdc_object !== 'string') {
    throw usage(`${path}: a mapping has ${MEMBERS}.`)
  }
  return {
    ...{ canonical_object, sfdc_object, fields: fieldsOf(fields) },
    external_id_field: (external_id_field ?? null) as string | null,
  }
}

const MEMBERS = 'canonical_object, sfdc_object, external_id_field, fields'

const store = (
  session: Session,
  client_id: string,
  { canonical_object, ...given }: Wanted,
  known: Mapping | undefined,
  { allowBroken }: StoreOptions,
): Promise<CheckedMapping> => {
  const { mappings } = session.engine
  const body = { ...given, ...(allowBroken === true ? { allow_broken: true } : {}) }
  return known === undefined
    ? mappings.create({ client_id, canonical_object, ...body }, session.call)
    : mappings.update({ mapping_id: known.id, ...body }, session.call)
}

const tell = (terminal: Terminal, mapping: CheckedMapping): void => {
  const { canonical_object, sfdc_object, version, warnings } = mapping
  terminal.result(
    mapping,
    [
      ...(warnings.length > 0 ? [shownFindings(terminal, warnings)] : []),
      clean(`${canonical_object} → ${sfdc_object}, version ${version}`),
    ].join('\n'),
  )
}

/** As a person writes it: members that say nothing are left out. */
const textOf = async (mapping: Mapping, client: Client): Promise<string> => {
  const { stringify } = await import('yaml')
  const { canonical_object, sfdc_object, external_id_field, version } = mapping
  const written = mapping.fields.map(({ canonical_field, ...field }) => {
    const { sfdc_field, required, ...more } = field
    const said = Object.entries(more).filter(([, value]) => value !== null)
    const short = said.length === 0 && !required
    return [
      canonical_field,
      short
        ? sfdc_field
        : { sfdc_field, ...(required ? { required } : {}), ...Object.fromEntries(said) },
    ] as const
  })
  const byName = Object.fromEntries(written)
  // One of the model's fields may go to several of Salesforce's: then the list as the API has it.
  const fields = Object.keys(byName).length === written.length ? byName : mapping.fields
  return [
    `# The mapping of ${canonical_object} for ${clean(client.name)}, version ${version}.`,
    '# Save and close: it is checked, then stored. Unchanged or empty: nothing is stored.',
    stringify({ canonical_object, sfdc_object, external_id_field, fields }),
  ].join('\n')
}

/** Answers null if nothing is to be stored. */
const editedIn = async (path: string, before: string): Promise<Wanted | null> => {
  const text = await readText(path)
  const isEmpty = text.split('\n').every((line) => /^\s*(#.*)?$/.test(line))
  return text === before || isEmpty ? null : wantedIn(path, await readDocument(path))
}

const edit = async (
  given: string,
  object: string,
  options: StoreOptions,
  command: Command,
): Promise<void> => {
  const session = new Session(command)
  const { terminal } = session
  const client = await session.client(given)
  const mapping = await mappingOf(session, client.id, object)
  if (mapping === undefined) {
    throw usage(`There is no mapping of ${object}. Write one: sfx mappings set FILE`)
  }
  const folder = await mkdtemp(join(tmpdir(), 'sfx-'))
  const path = join(folder, `${object}.yaml`)
  const before = await textOf(mapping, client)
  await writeFile(path, before, { mode: 0o600 })
  try {
    await openInEditor(path, terminal.isInteractive)
    const wanted = await editedIn(path, before)
    if (wanted === null) terminal.result(mapping, 'Nothing was changed.')
    else {
      if (wanted.canonical_object !== object) {
        throw usage(`canonical_object was ${object}: under another name it is another mapping.`)
      }
      const { version } = await session.engine.mappings.get({ mapping_id: mapping.id })
      if (version !== mapping.version) {
        throw new Exit(EXIT.failed, `Somebody has stored version ${version} meanwhile.`)
      }
      tell(terminal, await store(session, client.id, wanted, mapping, options))
    }
  } catch (error) {
    const goOn = commandOf('mappings', 'set', path, '--client', client.id)
    throw new Exit(
      codeOf(error),
      `${messageOf(error)}\nYour text is kept. When it is right:\n  ${goOn}`,
    )
  }
  await rm(folder, { recursive: true })
}

export const mappingCommands = (root: Command): void => {
  const mappings = root.command('mappings').description('from your own model to Salesforce')

  mappings
    .command('list <client>')
    .action(async (given: string, _options: unknown, command: Command) => {
      const session = new Session(command)
      const { id: client_id } = await session.client(given)
      const all: Mapping[] = []
      for await (const mapping of session.engine.mappings.list({ client_id })) all.push(mapping)
      session.terminal.result(
        all,
        session.terminal.table(
          ['OBJECT', 'SALESFORCE', 'KEY', 'FIELDS', 'VERSION'],
          all.map((mapping) => [
            ...[mapping.canonical_object, mapping.sfdc_object, mapping.external_id_field ?? ''],
            ...[String(mapping.fields.length), String(mapping.version)],
          ]),
        ),
      )
    })

  mappings
    .command('set <file>')
    .description('create or replace a mapping (YAML or JSON; - is standard input)')
    .requiredOption('-c, --client <client>')
    .option('--allow-broken', 'also with errors, because its fields are deployed later')
    .action(async (path: string, options: SetOptions, command: Command) => {
      const session = new Session(command)
      const wanted = wantedIn(path, await readDocument(path))
      const { id: client_id } = await session.client(options.client)
      const known = await mappingOf(session, client_id, wanted.canonical_object)
      tell(session.terminal, await store(session, client_id, wanted, known, options))
    })

  mappings
    .command('edit <client> <object>')
    .description('edit a mapping in $VISUAL or $EDITOR; it is checked before it is stored')
    .option('--allow-broken', 'also with errors, because its fields are deployed later')
    .action(edit)

  mappings
    .command('validate <client> <object>')
    .description('compare a mapping with the newest snapshot')
    .action(async (given: string, object: string, _options: unknown, command: Command) => {
      const session = new Session(command)
      const { id: client_id } = await session.client(given)
      const mapping = await mappingOf(session, client_id, object)
      if (mapping === undefined) throw usage(`There is no mapping of ${object}.`)
      const result = await session.engine.mappings.validate({ mapping_id: mapping.id })
      const { findings } = result
      session.terminal.result(
        result,
        findings.length === 0 ? 'All fits.' : shownFindings(session.terminal, findings),
      )
      if (findings.some(({ severity }) => severity === 'error')) throw new Exit(EXIT.verdict)
    })

  mappings
    .command('suggest <client> <object> <fields...>')
    .description('proposals for the fields of your model')
    .option('--sfdc-object <name>')
    .action(
      async (
        given: string,
        canonical_object: string,
        canonical_fields: string[],
        options: { sfdcObject?: string },
        command: Command,
      ) => {
        const session = new Session(command)
        const { id: client_id } = await session.client(given)
        const result = await session.engine.mappings.suggest({
          ...{ client_id, canonical_object, canonical_fields },
          ...(options.sfdcObject === undefined ? {} : { sfdc_object: options.sfdcObject }),
        })
        session.terminal.result(result, clean(JSON.stringify(result, null, 2)))
      },
    )
}
