// `npm run migrate`: brings the database at DATABASE_URL up to date and says what it did.

import { migrate } from './db/migrate.ts'
import { Secret } from './secret.ts'

const url = process.env.DATABASE_URL
if (url === undefined || url === '') {
  process.stderr.write(
    'DATABASE_URL is not set; the embedded server migrates itself at the start.\n',
  )
  process.exitCode = 1
} else {
  const applied = await migrate(new Secret(url))
  process.stdout.write(
    applied.length === 0 ? 'Nothing to do.\n' : `Applied ${applied.join(', ')}.\n`,
  )
}
