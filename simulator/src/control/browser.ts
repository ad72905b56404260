// A robot in place of the person who connects a client: opens Nango's link, continues to Salesforce,
// chooses org and user, allows or denies, and comes back. Follows the real redirects over HTTP.

export interface Journey {
  /** Which of the integrations on Nango's page; absent: the first. */
  integration?: string
  orgId: string
  username: string
  deny?: boolean
}

export interface Arrival {
  status: number
  /** From Nango's last page: whether the connection was made, and its id if the page says it. */
  ok: boolean
  connectionId: string | null
  page: string
}

const decode = (text: string): string =>
  text
    .replaceAll('&amp;', '&')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&#x2F;', '/')

const hrefs = (html: string): string[] =>
  [...html.matchAll(/href="([^"]+)"/g)].map((match) => decode(match[1] ?? ''))

/** Walks from a connect link to Nango's final page. */
export const authorize = async (connectLink: string, journey: Journey): Promise<Arrival> => {
  const start = await fetch(connectLink)
  const html = await start.text()
  const link = hrefs(html).find(
    (href) =>
      href.includes('/oauth/connect/') &&
      (journey.integration === undefined ||
        href.includes(`/oauth/connect/${journey.integration}?`)),
  )
  if (link === undefined)
    throw new Error(`Nango's page offers no next step (${start.status}): ${html.slice(0, 300)}`)

  const connect = await fetch(new URL(link, connectLink), { redirect: 'manual' })
  const authorizeUrl = connect.headers.get('location')
  if (authorizeUrl === null) return arrival(connect.status, await connect.text())
  const cookie = connect.headers
    .getSetCookie()
    .map((line) => line.split(';')[0])
    .join('; ')

  const query = new URL(authorizeUrl).searchParams
  const decision = await fetch(new URL('/services/oauth2/authorize', authorizeUrl), {
    method: 'POST',
    redirect: 'manual',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams([
      ...query,
      ['org', journey.orgId],
      ['username', journey.username],
      ['decision', journey.deny === true ? 'deny' : 'allow'],
    ]).toString(),
  })
  const back = decision.headers.get('location')
  if (back === null)
    throw new Error(
      `Salesforce did not continue (${decision.status}): ${(await decision.text()).slice(0, 300)}`,
    )
  const final = await fetch(back, { headers: { cookie } })
  return arrival(final.status, await final.text())
}

const arrival = (status: number, page: string): Arrival => ({
  status,
  ok: status === 200 && page.includes('nango_oauth_callback_success'),
  connectionId: /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/.exec(page)?.[0] ?? null,
  page,
})
