// What is sent.

import { type IdleClock } from './clock.ts'

export type FetchBody = NonNullable<RequestInit['body']>

/** What is sent, opened anew for each attempt. */
export interface Payload {
  readonly canRepeat: boolean
  open(clock: IdleClock): {
    body: FetchBody
    headers: Record<string, string>
    /** What went wrong on the caller's side while the body was read. */
    fault?: () => { thrown: unknown } | undefined
    close?: () => Promise<void>
  }
}

export const jsonPayload = (body: unknown): Payload => {
  const text = JSON.stringify(body ?? {})
  return {
    canRepeat: true,
    open: () => ({ body: text, headers: { 'content-type': 'application/json' } }),
  }
}

let canStream: boolean | undefined

/** Streams where the platform's fetch can; Firefox and Safari cannot, and get the whole body at once. */
export const sendable = async (body: FetchBody): Promise<RequestInit> => {
  if (!(body instanceof ReadableStream)) return { body }
  canStream ??= (() => {
    let isAsked = false
    const probe = new Request('http://localhost/', {
      method: 'POST',
      body: new ReadableStream(),
      get duplex() {
        isAsked = true
        return 'half'
      },
    } as RequestInit)
    return isAsked && !probe.headers.has('content-type')
  })()
  if (!canStream) return { body: await new Response(body).blob() }
  const streamed = { body, duplex: 'half' } as const // which not all types of fetch know
  return streamed
}
