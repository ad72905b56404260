// Connections in the storm: authorized anew while work runs, refreshed, looked at, and, of restless
// clients, revoked. At the end every client is connected, and Nango holds one grant of it.

import { setTimeout as pass } from 'node:timers/promises'
import { createNangoControl } from '../../../simulator/src/nango/control/client.ts'
import { type Connection } from '../rig.ts'
import { type Caller } from './caller.ts'
import { type Dice } from './dice.ts'
import { type Storm } from './storm.ts'
import { type StormClient, type World } from './world.ts'

export interface ConnectionLane {
  run(): Promise<void>
  /** A new grant, whatever became of the old one; resolves once it is accepted. */
  authorize(): Promise<void>
  check(): Promise<void>
}

const PAUSE_MS = { least: 4_000, most: 20_000 }
const REVOKED_MS = { least: 200, most: 4_000 }
const AGAIN_MS = 500
const CALLBACK_TRIES = 12
/** What a call may say while the connection or what it leads to is away; everything else is a fault. */
const EXPECTED = new Set([
  'connection_not_ready',
  'connection_revoked',
  'idempotency_in_progress',
  'not_found',
  'api_budget_exhausted',
  'already_exists',
])

export const connectionLaneOf = (
  storm: Storm,
  { simulator }: Pick<World, 'simulator'>,
  { client, salesforceOrg, connectedUser, isRestless, name: whose }: StormClient,
  caller: Caller,
  dice: Dice,
): ConnectionLane => {
  const client_id = client.id
  /** One authorization after the other: a new attempt ends the one before it. */
  let line: Promise<void> = Promise.resolve()

  /** True once the grant is accepted. */
  const tryToAuthorize = async (): Promise<boolean> => {
    const { answer } = await caller.change<{ connect_link: string | null }>(
      '/api/connections/create',
      { client_id },
    )
    if (answer.status !== 201) {
      storm.violated(`connections/create of ${whose} answered ${answer.status}`, answer.text)
      return false
    }
    const { connect_link: connectLink } = answer.body
    // The answer was lost, and its repetition holds no secrets.
    if (connectLink === null) return false
    const arrival = await simulator.control
      .authorize({ connectLink, org: salesforceOrg, username: connectedUser })
      .catch(() => null) // Nango or Salesforce is away: the person at the browser tries again later
    if (arrival?.ok !== true) return false
    // The new grant may be dead by now: after some tries, a person starts again.
    const { answer: accepted } = await caller.change<Connection & { code?: string }>(
      '/api/connections/callback',
      { client_id },
      { tries: CALLBACK_TRIES },
    )
    if (accepted.status === 200) return accepted.body.status === 'connected'
    const code = accepted.body.code ?? String(accepted.status)
    storm.count(`callback refused: ${code}`)
    if (accepted.status < 500 && !EXPECTED.has(code)) {
      storm.violated(`connections/callback of ${whose} answered ${accepted.status}`, accepted.text)
    }
    return false
  }

  const authorizeInTurn = async (): Promise<void> => {
    while (!(await tryToAuthorize())) {
      if (Date.now() > storm.deadline()) {
        storm.violated(`${whose} could not be authorized again`)
        return
      }
      await pass(AGAIN_MS)
    }
    storm.count('authorize: connected')
  }

  const authorize = (): Promise<void> => {
    line = line.then(authorizeInTurn)
    return line
  }

  const call = async (name: string, path: string, body: object): Promise<void> => {
    const { answer } = await caller.change<{ code?: string }>(path, { client_id, ...body })
    storm.count(`${name}: ${answer.status === 200 ? 'ok' : (answer.body.code ?? answer.status)}`)
    if (answer.status !== 200 && !EXPECTED.has(answer.body.code ?? '')) {
      storm.violated(`${path} of ${whose} answered ${answer.status}`, answer.text)
    }
  }

  const revoke = async (): Promise<void> => {
    await call('revoke', '/api/connections/revoke', {})
    await pass(dice.between(REVOKED_MS.least, REVOKED_MS.most))
    await authorize()
  }

  return {
    authorize,
    run: async () => {
      while (!storm.isOver()) {
        await pass(dice.between(PAUSE_MS.least, PAUSE_MS.most))
        const act = dice.pick([
          authorize,
          () => call('refresh', '/api/connections/refresh', {}),
          () => call('look', '/api/connections/get', { check: true }),
          ...(isRestless ? [revoke, revoke] : []),
        ])
        await act()
      }
    },
    check: async () => {
      await line
      // What could not be ended while Nango was away is ended with the next acceptance.
      await authorize()
      const connection = await caller.read<Connection>('/api/connections/get', { client_id })
      if (connection.status !== 'connected') {
        storm.violated(`${whose} is ${connection.status} in the calm`, connection)
      }
      const grants = (await createNangoControl(simulator.nangoUrl).connections()).filter(
        ({ tags, deleted_at }) => tags.client_id === client_id && deleted_at === null,
      )
      const ids = grants.map(({ connection_id }) => connection_id)
      if (ids.length !== 1 || ids[0] !== connection.nango_connection_id) {
        storm.violated(`Nango holds other grants of ${whose} than one`, { connection, ids })
      }
    },
  }
}
