// The one way to the API: the client library, without a token. The browser adds the session's cookie, which
// no script can read.

import { SfdcEngine } from '@sfdc-engine-x/client'
import { fetchOnce } from './ahead.ts'

export const engine = new SfdcEngine({
  baseUrl: location.origin,
  // The page itself came from there.
  allowHttp: true,
  fetch: fetchOnce,
  retries: 2,
  // Somebody is waiting: rather say it than try for a minute.
  maxRetryDelay: 5_000,
})
