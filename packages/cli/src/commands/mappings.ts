// mappings: from your own model to Salesforce.

import {
  type Mapping,
  type MappingFinding,
  type MappingsCreateRequest,
} from '@sfdc-engine-x/client'
import { type Command } from 'commander'
import { EXIT, Exit, usage } from '../exit.ts'
import { readDocument } from '../files.ts'
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

const mappingOf = async (
  session: Session,
  client_id: string,
  object: string,
): Promise<Mapping | undefined> => {
  for await (const mapping of session.engine.mappings.list({ client_id })) {
    if (mapping.canonical_object === object) return mapping
  }
  return undefined
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
    .action(async (path: string, options: { client: string }, command: Command) => {
      const session = new Session(command)
      const document = await readDocument(path)
      const { canonical_object, sfdc_object, external_id_field } =
        document as Partial<MappingsCreateRequest>
      if (typeof canonical_object !== 'string' || typeof sfdc_object !== 'string') {
        throw usage(
          `${path}: a mapping has canonical_object, sfdc_object, external_id_field, fields.`,
        )
      }
      const { id: client_id } = await session.client(options.client)
      const fields = fieldsOf(document.fields)
      const known = await mappingOf(session, client_id, canonical_object)
      const given = { sfdc_object, external_id_field, fields }
      const mapping =
        known === undefined
          ? await session.engine.mappings.create(
              { client_id, canonical_object, ...given },
              session.call,
            )
          : await session.engine.mappings.update({ mapping_id: known.id, ...given }, session.call)
      session.terminal.result(
        mapping,
        [
          ...(mapping.warnings.length > 0
            ? [shownFindings(session.terminal, mapping.warnings)]
            : []),
          clean(`${canonical_object} → ${sfdc_object}, version ${mapping.version}`),
        ].join('\n'),
      )
    })

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
