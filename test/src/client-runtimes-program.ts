// What every runtime has to do with the packed client library: read a list, send rows as lines, read lines,
// repeat a call whose answer was lost, end one, and verify a webhook. Prints what came of it.

import { AbortedError, SfdcEngine, webhooks } from '@sfdc-engine-x/client'

interface Setting {
  baseUrl: string
  token: string
  client_id: string
  rows: number
  secret: string
  message: { text: string; headers: Record<string, string> }
}

const rows = async function* (count: number) {
  for (let n = 0; n < count; n += 1) yield { key: `r-${n}`, title: `Placement ${n}` }
}

export const runProgram = async (setting: Setting): Promise<object> => {
  const { baseUrl, token, client_id } = setting
  let retries = 0
  const engine = new SfdcEngine({ baseUrl, token, onRetry: () => (retries += 1) })
  const names: string[] = []
  for await (const { name } of engine.clients.list({ limit: 1 })) names.push(name)

  const options = { dry_run: true }
  const push = await engine.push
    .records({ client_id, object: 'placement', options, records: () => rows(setting.rows) })
    .done()
  let results = 0
  for await (const { success } of engine.push.results({ push_id: push.id }).stream()) {
    results += success ? 1 : 0
  }
  // Leaving the loop ends the transfer.
  for await (const _ of engine.push.results({ push_id: push.id }).stream()) break

  const signal = AbortSignal.abort()
  const aborted = await engine.clients
    .get({ client_id }, { signal })
    .catch((error: unknown) => error)
  const event = await webhooks.verify(setting.message.text, setting.message.headers, setting.secret)
  return {
    clients: names.length,
    total: push.total,
    succeeded: push.succeeded,
    results,
    retries,
    aborted: aborted instanceof AbortedError,
    event: event.type,
  }
}
