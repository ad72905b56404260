import { expect, it } from 'vitest'
import { createDatabase } from '../../../test/src/database.ts'
import { Secret } from '../secret.ts'
import { migrate } from './migrate.ts'

it('leaves a current database to itself: the migrator is not even asked', async () => {
  await using database = await createDatabase()
  await database.query('drop table engine.kysely_migration_lock') // the migrator would create it
  expect(await migrate(new Secret(database.url))).toEqual([])
  const [lock] = await database.query(`select to_regclass('engine.kysely_migration_lock') as found`)
  expect(lock).toEqual({ found: null })
})

it('applies the last migration if only that one is missing', async () => {
  await using database = await createDatabase()
  const [last] = await database.query<{ name: string }>(
    `delete from engine.kysely_migration
     where name = (select max(name) from engine.kysely_migration) returning name`,
  )
  expect(await migrate(new Secret(database.url))).toEqual([last?.name])
})

it('refuses a database that a later version has migrated, and names what it does not know', async () => {
  await using database = await createDatabase()
  await database.query(
    `insert into engine.kysely_migration (name, timestamp) values ('9999_later', '9999-01-01')`,
  )
  await expect(migrate(new Secret(database.url))).rejects.toThrow(/9999_later/)
})
