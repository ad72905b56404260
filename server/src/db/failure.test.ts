import pg from 'pg'
import { describe, expect, inject, it } from 'vitest'
import { EngineError } from '../errors.ts'
import { translate } from './failure.ts'

const withCode = (code: string, message = 'in PostgreSQL’s words') =>
  Object.assign(new Error(message), { code })

describe('what PostgreSQL does not do', () => {
  it.each([
    ['53100', /disk/],
    ['53200', /memory/],
    ['53300', /in use/],
    ['57014', /too long/],
    ['57P01', /cannot be reached/],
    ['57P03', /cannot be reached/],
    ['58030', /disk/],
    ['08006', /cannot be reached/],
    ['28P01', /cannot be reached/],
    ['25006', /no writes/],
    ['40001', /same rows/],
    ['40P01', /same rows/],
    ['55P03', /same rows/],
    ['ECONNREFUSED', /cannot be reached/],
  ])('%s passes: 503 with a time to try again', (code, words) => {
    const error = translate(withCode(code))
    expect(error).toBeInstanceOf(EngineError)
    expect(error).toMatchObject({ code: 'unavailable', status: 503 })
    expect((error as EngineError).message).toMatch(words)
    expect((error as EngineError).retryAfterSeconds).toBeGreaterThan(0)
  })

  it('a database that is closed to connections passes, another wrong state does not', () => {
    const closed = withCode('55000', 'database "engine" is not currently accepting connections')
    expect(translate(closed)).toMatchObject({ code: 'unavailable', status: 503 })
    const other = withCode('55000', 'currval of sequence "s" is not yet defined in this session')
    expect(translate(other)).toBe(other)
  })

  it('a pool without a free connection passes, and is not said to be away', async () => {
    const pool = new pg.Pool({
      connectionString: inject('adminUrl'),
      max: 1,
      connectionTimeoutMillis: 500,
    })
    const held = await pool.connect()
    const error = await pool.connect().catch(translate)
    held.release()
    await pool.end()
    expect(error).toMatchObject({ code: 'unavailable', status: 503 })
    expect((error as EngineError).message).toMatch(/in use/)
  })

  it('a snapshot that retention deletes under a report or push passes, other missing rows do not', () => {
    const missing = (constraint: string) => Object.assign(withCode('23503'), { constraint })
    for (const constraint of [
      'crm_push_logs_snapshot_id_fkey',
      'crm_conflict_reports_pull_id_fkey',
      'crm_topology_snapshots_base_snapshot_id_fkey',
    ]) {
      const error = translate(missing(constraint))
      expect(error).toMatchObject({ code: 'unavailable', status: 503 })
      expect((error as EngineError).message).toMatch(/snapshot .* deleted in the meantime/)
    }
    const other = missing('crm_push_logs_client_id_fkey')
    expect(translate(other)).toBe(other)
  })

  it.each(['23505', '42P01', '22P02', '0A000'])('%s is our bug and stays what it is', (code) => {
    const error = withCode(code)
    expect(translate(error)).toBe(error)
  })
})
