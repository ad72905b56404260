// The HTML that a browser sees: the connect page and the end of the OAuth dance.
import { type ConnectSession } from './store.ts'

/** The stand-in for Nango's Connect UI: one link for each integration the session allows. */
export function connectPage(session: ConnectSession, integrationKeys: string[]): string {
  const items = integrationKeys.map((key) => {
    const query = new URLSearchParams({ connect_session_token: session.token })
    const href = `/oauth/connect/${encodeURIComponent(key)}?${query.toString()}`
    return `<li><a href="${escapeHtml(href)}">Connect ${escapeHtml(key)}</a></li>`
  })
  const title = session.reconnectsRow === null ? 'Connect' : 'Reconnect'
  return page(title, `<h1>${title}</h1><ul>${items.join('')}</ul>`)
}

export function sessionEndedPage(): string {
  return page('Session ended', '<p>This link has expired. Ask for a new one.</p>')
}

export function callbackSucceededPage(): string {
  return page(
    'Connected',
    `<p>Connected. You can close this window.</p>${script('nango_oauth_callback_success', null)}`,
  )
}

/** Salesforce's or Nango's reason in `window.nangoOAuthError`, and a message to the opener. */
export function callbackFailedPage(message: string): string {
  const error = { message, errorType: 'connection_validation_failed' }
  return page(
    'Not connected',
    `<p>The connection failed.</p><pre>${escapeHtml(message)}</pre>${script('nango_oauth_callback_error', error)}`,
  )
}

function script(type: string, error: unknown): string {
  return `<script>window.nangoOAuthError = ${inScript(error)}
if (window.opener) window.opener.postMessage({ type: ${inScript(type)}, error: window.nangoOAuthError }, '*')</script>`
}

/** JSON that cannot end its script element. */
function inScript(value: unknown): string {
  return JSON.stringify(value).replaceAll('<', '\\u003c')
}

function page(title: string, body: string): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${title}</title></head><body>${body}</body></html>`
}

function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}
