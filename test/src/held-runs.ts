// Deployments and checks that are stopped at a chosen moment: while the step is being stored, so that its
// transaction never commits when the process is killed there.

import { expect } from 'vitest'
import { type Api, apiOf } from './api.ts'
import { type Rig } from './rig.ts'
import { until } from './until.ts'

/** A condition over `old` and `new` of a row, by the id of the client it is for. */
export type Moments = ReadonlyMap<string, string>

type Held = 'deployment_runs' | 'crm_conflict_reports' | 'offboardings' | 'purges'

/** From now on, a step of these clients' work that meets its condition does not finish. */
export const holdRuns = async (
  { database }: Rig,
  moments: Moments,
  table: Held = 'deployment_runs',
): Promise<void> => {
  const cases = [...moments].map(
    ([clientId, condition]) =>
      `if new.client_id = '${clientId}' and ${condition} then perform pg_sleep(300); end if;`,
  )
  await database.query(
    `create or replace function hold_${table}() returns trigger language plpgsql as
       $$ begin ${cases.join('\n')} return new; end $$`,
  )
  await database.query(
    `create or replace trigger hold before update on ${table}
       for each row execute function hold_${table}()`,
  )
}

const SLEEPING = `datname = current_database() and wait_event = 'PgSleep'`

/** Kills the newest server when so much work is stopped where it should be, and starts a new one. */
export const killAndRestart = async (
  rig: Rig,
  token: string,
  standing: number,
  alsoWhen: () => Promise<boolean> = async () => true,
  table: Held = 'deployment_runs',
): Promise<Api> => {
  const { database } = rig
  await until(
    'every run stands still at its moment',
    async () => {
      const rows = await database.query(`select pid from pg_stat_activity where ${SLEEPING}`)
      return rows.length === standing && (await alsoWhen())
    },
    30_000,
  )
  await rig.servers.at(-1)?.kill()
  // Before the sleepers end: another replica would repeat their statements at once, and sleep again. Without
  // the trigger: to drop that, PostgreSQL waits for all who write to the table.
  await database.query(
    `create or replace function hold_${table}() returns trigger language plpgsql as
       $$ begin return new; end $$`,
  )
  await database.query(`select pg_terminate_backend(pid) from pg_stat_activity where ${SLEEPING}`)
  const server = await rig.addServer()
  return apiOf(server.url, token)
}

/** Waits until no run is open, and so no Salesforce org is locked. */
export const allEnded = async ({ database }: Rig): Promise<void> => {
  await until(
    'all of them ended',
    async () =>
      (await database.query(`select id from deployment_runs where ended_at is null`)).length === 0,
    90_000,
  )
  expect(
    await database.query(`select id from deployment_runs where locked_sfdc_org_id is not null`),
  ).toEqual([])
}
