// events: what has happened, as it happens.

import { type Command } from 'commander'
import { setTimeout as pause } from 'node:timers/promises'
import { Session } from '../session.ts'
import { clean } from '../text.ts'

export const eventCommands = (root: Command): void => {
  const events = root.command('events').description('what has happened')
  events
    .command('tail')
    .description('print events as they come, one a line; Ctrl-C ends it')
    .option('-c, --client <client>')
    .action(async (options: { client?: string }, command: Command) => {
      const session = new Session(command)
      const client_id =
        options.client === undefined ? undefined : (await session.client(options.client)).id
      for await (const event of newEvents(session, client_id)) {
        const { timestamp, type, client_id: of, data } = event
        process.stdout.write(
          session.terminal.json
            ? `${JSON.stringify(event)}\n`
            : clean(`${timestamp}  ${type}  ${of ?? ''}  ${JSON.stringify(data)}`) + '\n',
        )
      }
    })
}

const TAIL_EVERY_MS = 2_000

/** Events from now on, in the order in which they came, until Ctrl-C. */
async function* newEvents(session: Session, client_id: string | undefined) {
  const { engine, call } = session
  const { signal } = call
  const page = await engine.events.list({ client_id, limit: 1 }, { signal }).page()
  let last = page.items[0]?.id
  session.terminal.note('Waiting for events; Ctrl-C ends it.')
  while (!signal.aborted) {
    await pause(TAIL_EVERY_MS, undefined, { signal }).catch(() => undefined)
    if (signal.aborted) return
    const fresh = []
    for await (const event of engine.events.list({ client_id })) {
      if (event.id === last) break
      fresh.push(event)
    }
    last = fresh[0]?.id ?? last
    yield* fresh.toReversed()
  }
}
