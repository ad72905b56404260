// drift: how clients differ from the blueprints that they are bound to.

import { type DriftResult, type DriftRun } from '@sfdc-engine-x/client'
import { type Command, InvalidArgumentError } from 'commander'
import { EXIT, Exit } from '../exit.ts'
import { Session } from '../session.ts'
import { clean } from '../text.ts'
import { blueprintOf, type ChooseOptions, choosing, selectorOf } from './blueprints.ts'

interface DriftOptions extends ChooseOptions {
  refresh?: boolean
  maxAge?: number
}

const hours = (text: string): number => {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('It is whole hours.')
  return value
}

/** What is not as it should be, a line for each component. */
const rowsOf = (client: string, { state, reason, components }: DriftResult): string[][] => {
  if (state !== 'drifted') return [[client, state, '', reason?.message ?? '', '']]
  return components
    .filter((one) => !one.accepted && one.state !== 'in_sync' && one.state !== 'unknown')
    .map((one) => [
      client,
      one.state,
      `${one.type} ${one.full_name}`,
      one.differences
        .map(({ attribute, wanted, found }) =>
          clean(`${attribute}: ${JSON.stringify(wanted)} → ${JSON.stringify(found)}`),
        )
        .join(', '),
      one.changed_by === null ? '' : clean(one.changed_by),
    ])
}

const look = async (
  given: string | undefined,
  options: DriftOptions,
  command: Command,
): Promise<void> => {
  const session = new Session(command)
  const { engine, terminal } = session
  const selector = await selectorOf(session, options)
  const begun = await engine.fleet.driftRun(
    {
      ...(given === undefined ? {} : { blueprint_id: (await blueprintOf(session, given)).id }),
      ...(selector === undefined ? {} : { selector }),
      ...(options.maxAge === undefined ? {} : { max_age_hours: options.maxAge }),
      ...(options.refresh === true ? { refresh: true } : {}),
      wait_seconds: Math.min(session.options.wait ?? 55, 55),
    },
    session.call,
  )
  const run = await ended(session, begun)
  const results: DriftResult[] = []
  for await (const one of engine.fleet.driftResults({ run_id: run.id })) results.push(one)
  const { in_sync, drifted, unknown } = run.counts
  const odd = results.filter(({ state }) => state !== 'in_sync')
  const names = odd.length === 0 || terminal.json ? null : await session.clientNames()
  const rows = odd.flatMap((one) => rowsOf(names?.get(one.client_id) ?? one.client_id, one))
  terminal.result(
    results,
    [
      ...(rows.length === 0
        ? []
        : [terminal.table(['CLIENT', 'STATE', 'COMPONENT', 'WANTED → FOUND', 'CHANGED BY'], rows)]),
      `${in_sync} in sync, ${drifted} drifted, ${unknown} unknown`,
    ].join('\n'),
  )
  if (drifted > 0) throw new Exit(EXIT.drift)
}

/** Waits for the pulls of a run with `--refresh`. Throws Exit when the time is over. */
const ended = async (session: Session, begun: DriftRun): Promise<DriftRun> => {
  const { engine, options, call } = session
  const until = options.wait === undefined ? Infinity : Date.now() + options.wait * 1_000
  let run = begun
  while (!run.is_final) {
    if (Date.now() >= until) {
      throw new Exit(
        EXIT.running,
        `Pulls have not ended. Look again: sfx api /api/fleet/drift/get -d '{"run_id":"${run.id}"}'`,
      )
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
    run = await engine.fleet.driftGet({ run_id: run.id }, { signal: call.signal })
  }
  return run
}

const LOOK_MS = 2_000

export const driftCommands = (root: Command): void => {
  choosing(
    root
      .command('drift [blueprint]')
      .description('how clients differ from their blueprints; exit code 5 if any does'),
  )
    .option('--refresh', 'pull the topologies first; without it, the newest snapshots are compared')
    .option('--max-age <hours>', 'with an older snapshot a client is unknown', hours)
    .action(look)
}
