// The tools that a push is compared with: jsforce and the Salesforce command line.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  closeSync,
  createWriteStream,
  existsSync,
  mkdtempSync,
  openSync,
  readSync,
  rmSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import jsforce from '@jsforce/jsforce-node'
import { asRecord, chunked, csv, measured, type Measured, type Placement } from './push-contest.ts'
import { type Site } from './site.ts'

const JSFORCE_AT_ONCE = 10

const connect = async ({ control }: Site) => {
  const { token, instanceUrl } = await control.openSession('Acme', 'integration@acme.example')
  return new jsforce.Connection({
    instanceUrl,
    accessToken: token,
    version: '66.0',
    maxRequest: JSFORCE_AT_ONCE,
  })
}

/** `sobject().upsert` of whole arrays, so many at a time. */
export const upsertByJsforce = async (
  site: Site,
  rows: readonly Placement[],
  atOnce: number,
): Promise<void> => {
  const connection = await connect(site)
  const records = rows.map(asRecord)
  const share = Math.ceil(records.length / atOnce)
  const answers = await Promise.all(
    Array.from({ length: atOnce }, (_, n) =>
      connection
        .sobject('Placement__c')
        .upsert(records.slice(n * share, (n + 1) * share), 'External_Key__c', {
          allowRecursive: true,
          headers: { 'Sforce-Auto-Assign': 'FALSE' },
        }),
    ),
  )
  const failed = answers.flat().find(({ success }) => !success)
  if (failed !== undefined) throw new Error(`jsforce: ${JSON.stringify(failed)}`)
}

export const loadByJsforce = async (site: Site, prefix: string, count: number): Promise<void> => {
  const connection = await connect(site)
  const { successfulResults } = await connection.bulk2.loadAndWaitForResults({
    object: 'Placement__c',
    operation: 'upsert',
    externalIdFieldName: 'External_Key__c',
    input: Readable.from(chunked(csv(prefix, count))),
    pollInterval: 1_000,
    pollTimeout: 600_000,
  })
  if (successfulResults.length !== count) {
    throw new Error(`jsforce: ${successfulResults.length} of ${count} rows`)
  }
}

export const hasSf = (): boolean =>
  (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, 'sf')))

/** `sf data upsert bulk` in a home of its own; with `--json` it reads all results. */
export const loadBySf = async (site: Site, prefix: string, count: number): Promise<Measured> => {
  const home = mkdtempSync(join(tmpdir(), 'sfdc-engine-x-sf-'))
  const printed = join(home, 'printed.json')
  try {
    const { token, instanceUrl } = await site.control.openSession(
      'Acme',
      'integration@acme.example',
    )
    const run = async (...args: string[]): Promise<string> => {
      const file = openSync(printed, 'w+')
      try {
        const child = spawn('sf', [...args, '--json'], {
          cwd: home,
          stdio: ['ignore', file, 'ignore'],
          env: {
            PATH: process.env.PATH,
            HOME: home,
            SF_ACCESS_TOKEN: token,
            SF_DISABLE_TELEMETRY: 'true',
            SF_SKIP_NEW_VERSION_CHECK: 'true',
            SF_AUTOUPDATE_DISABLE: 'true',
            SFDX_DISABLE_DNS_CHECK: 'true',
          },
        })
        const [code] = (await once(child, 'exit')) as [number | null]
        // Its counts come first; the rows after them are a hundred megabytes.
        const head = Buffer.alloc(4_096)
        const text = head.toString('utf8', 0, readSync(file, head, 0, head.length, 0))
        if (code !== 0) throw new Error(`sf ${args.join(' ')} ended with ${code}: ${text}`)
        return text
      } finally {
        closeSync(file)
      }
    }
    await run(
      ...['org', 'login', 'access-token', '--instance-url', instanceUrl, '--no-prompt'],
      ...['--alias', 'sim'],
    )
    const file = join(home, 'rows.csv')
    await pipeline(chunked(csv(prefix, count)), createWriteStream(file))
    return await measured(site, async () => {
      const text = await run(
        ...['data', 'upsert', 'bulk', '--sobject', 'Placement__c', '--target-org', 'sim'],
        ...['--external-id', 'External_Key__c', '--file', file, '--line-ending', 'LF'],
        ...['--wait', '10'],
      )
      const [, processed, failed] =
        /"numberRecordsProcessed": (\d+),\s+"numberRecordsFailed": (\d+)/.exec(text) ?? []
      if (processed !== String(count) || failed !== '0') throw new Error(`sf: ${text}`)
    })
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
}
