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
  '/api/topology/history': 'the snapshots on the page of the client',
  '/api/topology/pull': '“Capture the schema now” on the page of the client',
  '/api/webhook-endpoints': 'Webhooks',
  '/api/work': 'the work on the page of the client',
  '/api/workflows': 'Automations',
}

/** With what an endpoint is told to be given. */
const ENDPOINT = /(\/api\/[a-z/-]*[a-z])( with check| with states \[[^\]]*\])?/g

const placeOf = (path: string): string | undefined => {
  for (let known = path; known !== ''; known = known.slice(0, known.lastIndexOf('/'))) {
    const place = PLACES[known]
    if (place !== undefined) return place
  }
  return undefined
}

/** The text, with places of the console instead of endpoints that have one. */
export const inConsoleWords = (text: string): string =>
  text.replaceAll(ENDPOINT, (whole, path: string) => placeOf(path) ?? whole)
