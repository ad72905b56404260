// The inspector page: the simulated world at a glance, in plain HTML.

import { type World } from '../world.ts'
import { type Org } from '../org/model.ts'

const text = (value: unknown): string =>
  String(value).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')

const table = (head: string[], rows: unknown[][]): string =>
  rows.length === 0
    ? '<p class="none">none</p>'
    : `<table><thead><tr>${head.map((cell) => `<th>${text(cell)}</th>`).join('')}</tr></thead><tbody>${rows
        .map((row) => `<tr>${row.map((cell) => `<td>${text(cell)}</td>`).join('')}</tr>`)
        .join('')}</tbody></table>`

const LAST_CALLS = 40

/** One org's objects, folded: there may be thousands. */
const objectsOf = (org: Org): string => {
  const live = [...org.objects.values()].filter((object) => object.deletedAt === undefined)
  const rows = live
    .slice(0, OBJECTS_SHOWN)
    .map((object) => [
      object.name,
      object.describe.label,
      object.fields.size,
      object.recordTypes.length,
      object.validationRules.length,
      org.records.get(object.name.toLowerCase())?.size ?? 0,
      object.schemaModifiedAt.toISOString(),
    ])
  const more = live.length > rows.length ? `<p>and ${live.length - rows.length} more</p>` : ''
  return `<details><summary>${text(org.name)}: ${live.length}</summary>${table(
    ['name', 'label', 'fields', 'record types', 'validation rules', 'records', 'schema changed'],
    rows,
  )}${more}</details>`
}
const OBJECTS_SHOWN = 500

export const inspectorPage = (world: World): string => {
  const orgs = [...world.orgs.values()]
  const sections: [string, string][] = [
    [
      'Salesforce orgs',
      table(
        [
          'name',
          'id',
          'edition',
          'instance',
          'objects',
          'fields',
          'flows',
          'sessions',
          'refresh tokens',
          'API calls',
        ],
        orgs.map((org) => [
          org.name + (org.isSandbox ? ' (sandbox)' : ''),
          org.id,
          org.edition,
          org.instanceUrl,
          org.objects.size,
          [...org.objects.values()].reduce((sum, object) => sum + object.fields.size, 0),
          org.flows.size,
          org.sessions.size,
          org.refreshGrants.size,
          `${org.usage.used} / ${org.usage.max}`,
        ]),
      ),
    ],
    [
      'Users',
      table(
        ['org', 'username', 'profile', 'active'],
        orgs.flatMap((org) =>
          [...org.users.values()].map((user) => [
            org.name,
            user.username,
            org.profiles.get(user.profileId)?.name ?? '',
            user.active,
          ]),
        ),
      ),
    ],
    [
      'Sessions and refresh tokens',
      table(
        ['org', 'user', 'kind', 'app', 'since', 'until'],
        orgs.flatMap((org) => {
          const name = (id: string) => org.users.get(id)?.username ?? id
          return [
            ...[...org.sessions.values()].map((session) => [
              org.name,
              name(session.userId),
              'access token',
              session.clientId,
              session.issuedAt.toISOString(),
              session.expiresAt.toISOString(),
            ]),
            ...[...org.refreshGrants.values()].map((grant) => [
              org.name,
              name(grant.userId),
              'refresh token',
              grant.clientId,
              grant.issuedAt.toISOString(),
              'revoked',
            ]),
          ]
        }),
      ),
    ],
    ['Objects', orgs.map(objectsOf).join('')],
    [
      'Faults waiting',
      table(
        ['where', 'what', 'left'],
        world.faults.pending.map((rule) => [
          rule.path ?? 'any path',
          JSON.stringify(rule.kind),
          rule.left,
        ]),
      ),
    ],
    [
      `Last ${LAST_CALLS} calls`,
      table(
        ['at', 'org', 'call', 'status', 'counted'],
        world.journal
          .slice(-LAST_CALLS)
          .toReversed()
          .map((call) => [
            call.at,
            world.orgs.get(call.org)?.name ?? call.org,
            `${call.method} ${call.path}`,
            call.status,
            call.calls,
          ]),
      ),
    ],
  ]
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Simulated Salesforce</title><style>
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem;color:#1a2b3c}
h1{font-size:1.4rem}h2{font-size:1.05rem;margin-top:2rem}table{border-collapse:collapse;width:100%;font-size:.85rem}
th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #dde3ea;overflow-wrap:anywhere}th{color:#5b6b7b;font-weight:600}
.none{color:#5b6b7b}code{background:#f1f4f7;padding:.1rem .3rem;border-radius:3px}</style>
<h1>Simulated Salesforce and Nango</h1>
<p>Login <code>${text(world.loginUrl)}</code> · sandbox login <code>${text(world.testLoginUrl)}</code> · Nango <code>${text(world.nango.url)}</code>
(<a href="${text(world.nango.url)}/_sim/connections">connections</a>, <a href="${text(world.nango.url)}/_sim/journal">requests</a>)</p>
${sections.map(([title, body]) => `<h2>${text(title)}</h2>${body}`).join('\n')}</html>`
}
