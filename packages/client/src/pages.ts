// Lists: page after page, read only as far as they are used.

import { type CallOptions, type Endpoint, type Page, type StreamedPages } from './calls.ts'
import { type Http } from './http.ts'
import { readLines } from './lines.ts'
import { jsonPayload } from './payload.ts'

export const pagesOf = (
  http: Http,
  endpoint: Endpoint,
  body: { limit?: number; cursor?: string } = {},
  options?: CallOptions,
): StreamedPages<unknown> => {
  const page = async (asked: typeof body): Promise<Page<unknown>> =>
    (await http.json({ endpoint, payload: jsonPayload(asked), options })) as Page<unknown>
  async function* pages() {
    let asked: typeof body = { limit: endpoint.list ?? 50, ...body }
    for (;;) {
      const one = await page(asked)
      yield one
      if (one.next_cursor === null) return
      asked = { ...asked, cursor: one.next_cursor }
    }
  }
  return {
    page: () => page(body),
    pages,
    async *[Symbol.asyncIterator]() {
      for await (const { items } of pages()) yield* items
    },
    stream: () => linesOf(http, endpoint, body, options),
  }
}

/** The lines of an answer of newline-delimited JSON. */
export async function* linesOf(
  http: Http,
  endpoint: Endpoint,
  body: unknown,
  options?: CallOptions,
): AsyncGenerator<unknown, void, undefined> {
  const call = {
    endpoint,
    payload: jsonPayload(body),
    accept: 'application/x-ndjson',
    options,
  }
  yield* await http.send(call, async ({ body: lines }, clock) =>
    lines === null ? none() : readLines(lines, clock, `POST ${endpoint.path}`),
  )
}

async function* none(): AsyncGenerator<never, void, undefined> {}
