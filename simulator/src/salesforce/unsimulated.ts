// Resources that Salesforce has but the simulator does not: they are refused explicitly with 501, so
// that nobody mistakes the simulator's 404 for Salesforce's.

/** First parts of paths below `/services/data/vXX.0`, and what they are. */
export const UNSIMULATED: Record<string, string> = {
  actions: 'invocable actions',
  analytics: 'reports and dashboards',
  appMenu: 'the app menu',
  async: 'asynchronous queries',
  chatter: 'Chatter',
  commerce: 'commerce',
  connect: 'Connect REST',
  consent: 'consent',
  eventlogs: 'event logs',
  jobs: 'this part of the Bulk API',
  metadata: 'Metadata API deployments over REST',
  parameterizedSearch: 'search',
  process: 'approval processes and rules',
  query: 'this kind of query',
  quickActions: 'quick actions',
  recent: 'recently viewed records',
  search: 'search',
  sobjects: 'this operation on records or on what belongs to an object',
  support: 'knowledge support',
  tabs: 'tabs',
  theme: 'themes',
  tooling: 'this part of the Tooling API',
  'ui-api': 'the User Interface API',
  wave: 'CRM Analytics',
}

const READS = new Set(['GET', 'HEAD'])

/**
 * The part of Salesforce that this request asks for and that is not simulated; null if Salesforce does
 * not have it either. Only for paths without a route.
 */
export const unsimulated = (method: string, path: string): string | null => {
  const what = `${method} ${path}`
  const [, first = '', second = ''] = path.split('/')
  // A read of an object or record that does not exist is Salesforce's own 404.
  if (first === 'sobjects' && READS.has(method)) {
    return path.split('/').length > 4 ? `${what} (${UNSIMULATED.sobjects})` : null
  }
  const family = UNSIMULATED[`${first}/${second}`] ?? UNSIMULATED[first]
  return family === undefined ? null : `${what} (${family})`
}
