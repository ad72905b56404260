// The server's remedies name endpoints, for programs. Here they name the place in the console.

const PLACES: Readonly<Record<string, string>> = {
  '/api/auth/login': 'signing in',
  '/api/blueprints': 'Blueprints',
  '/api/clients/update': '“Edit” on the page of the client',
  '/api/connections/create': '“Connect by link” on the page of the client',
  '/api/connections/get': '“Check at Salesforce now” on the page of the client',
  '/api/connections/refresh': '“Refresh” on the page of the client',
  '/api/deploy': 'Deployments',
  '/api/fleet/drift': 'Drift',
  '/api/fleet/reconsent': '“Connect again” on the page of the client',
  '/api/fleet/rollouts': 'Rollouts',
  '/api/mappings': 'Mappings',
  '/api/push': 'Pushes',
  '/api/push/status-update': 'an update by id, through the API',
  '/api/topology/history': 'the snapshots on the page of the client',
  '/api/topology/pull': '“Capture the schema now” on the page of the client',
  '/api/webhook-endpoints': 'Webhooks',
  '/api/work': 'the work on the page of the client',
  '/api/workflows': 'Automations',
}

/** Members of requests and answers, as the console calls them. */
const MEMBERS: readonly (readonly [string, string])[] = [
  ['possible_causes', 'the possible causes'],
  ['refresh: true', '“Read the schema first”'],
]

/** With what an endpoint is told to be given. */
const ENDPOINT = /(\/api\/[a-z/-]*[a-z])( with check| with states \[[^\]]*\])?/g

const placeOf = (path: string): string | undefined => {
  for (let known = path; known !== ''; known = known.slice(0, known.lastIndexOf('/'))) {
    const place = PLACES[known]
    if (place !== undefined) return place
  }
  return undefined
}

/** The text, with words and places of the console instead of the API's; `on` the page of a client, from there. */
export const inConsoleWords = (text: string, on?: 'client'): string => {
  const placed = text.replaceAll(ENDPOINT, (whole, path: string) => placeOf(path) ?? whole)
  const words = MEMBERS.reduce((said, [member, word]) => said.replaceAll(member, word), placed)
  return on === 'client' ? words.replaceAll('the page of the client', 'this page') : words
}
