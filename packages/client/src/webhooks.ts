// Webhooks of the server, verified as Standard Webhooks (https://www.standardwebhooks.com) says.

import { type WebhookEvent } from './contract.ts'
import { EngineError } from './errors.ts'

/** The message is not one that the server sent to you now: answer 400 and do nothing. */
export class WebhookVerificationError extends EngineError {
  override readonly name = 'WebhookVerificationError'
  readonly reason: 'missing_header' | 'too_old' | 'too_new' | 'wrong_signature' | 'not_json'
  constructor(reason: WebhookVerificationError['reason'], message: string) {
    super(message)
    this.reason = reason
  }
}

/** As they come: of fetch, of Node, or a plain object. */
export type WebhookHeaders =
  | { get(name: string): string | null }
  | Readonly<Record<string, string | readonly string[] | undefined>>

const PREFIX = 'whsec_'
const TOLERANCE_SECONDS = 300

const bytesOf = (base64: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))

const keyOf = (secret: string) => {
  let bytes: Uint8Array<ArrayBuffer>
  try {
    bytes = bytesOf(secret.startsWith(PREFIX) ? secret.slice(PREFIX.length) : secret)
  } catch {
    throw new TypeError(
      'The webhook secret is not base64; it begins with whsec_ and is used whole.',
    )
  }
  return crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, ['verify'])
}

/**
 * Verifies a webhook and answers its event. Its `id` is the same for each delivery, so remember it to act
 * once. A newer server may send types that this version does not know. `body` is the raw body, not parsed and written again. Several secrets while one is rotated.
 * Throws WebhookVerificationError.
 */
export const verify = async (
  body: string | Uint8Array,
  headers: WebhookHeaders,
  secret: string | readonly string[],
  { toleranceSeconds = TOLERANCE_SECONDS }: { toleranceSeconds?: number } = {},
): Promise<WebhookEvent> => {
  const header = (name: string): string => {
    const value =
      typeof headers.get === 'function'
        ? (headers as { get(name: string): string | null }).get(name)
        : (headers as Record<string, string | undefined>)[name]
    if (typeof value === 'string' && value !== '') return value
    throw new WebhookVerificationError('missing_header', `The webhook has no header ${name}.`)
  }
  const id = header('webhook-id')
  const timestamp = header('webhook-timestamp')
  const signatures = header('webhook-signature')

  const age = Date.now() / 1_000 - (/^\d{1,12}$/.test(timestamp) ? Number(timestamp) : NaN)
  if (!(age <= toleranceSeconds)) {
    throw new WebhookVerificationError('too_old', `The webhook is of ${timestamp}, too long ago.`)
  }
  if (age < -toleranceSeconds) {
    throw new WebhookVerificationError('too_new', `The webhook is of ${timestamp}, in the future.`)
  }

  const text = typeof body === 'string' ? body : new TextDecoder().decode(body)
  const signed = new TextEncoder().encode(`${id}.${timestamp}.${text}`)
  const keys = await Promise.all((typeof secret === 'string' ? [secret] : secret).map(keyOf))
  for (const signature of signatures.split(' ')) {
    const [version, base64 = ''] = signature.split(',')
    if (version !== 'v1' || !/^[A-Za-z0-9+/]{43}=$/.test(base64)) continue
    for (const key of keys) {
      // WebCrypto compares in constant time.
      if (await crypto.subtle.verify('HMAC', key, bytesOf(base64), signed)) {
        return { ...(parsed(text) as WebhookEvent), id }
      }
    }
  }
  throw new WebhookVerificationError('wrong_signature', 'No signature of the webhook is right.')
}

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown
  } catch {
    throw new WebhookVerificationError('not_json', 'The body of the webhook is not JSON.')
  }
}
