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

/**
 * Chromium streams over HTTP/2 only, which a page cannot know of before it fails; Firefox and Safari do not
 * stream at all. Other platforms tell their own name.
 */
const isBrowser = (): boolean =>
  (globalThis as { navigator?: { userAgent?: string } }).navigator?.userAgent?.startsWith(
    'Mozilla/',
  ) === true

/** Streams, but for browsers, which get the whole body at once. */
export const sendable = async (body: FetchBody): Promise<RequestInit> => {
  if (!(body instanceof ReadableStream)) return { body }
  if (isBrowser()) return { body: await new Response(body).blob() }
  const streamed = { body, duplex: 'half' } as const // which not all types of fetch know
  return streamed
}
