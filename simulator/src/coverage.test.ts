import { describe, expect, it } from 'vitest'
import {
  HOST_COVERAGE,
  OAUTH_COVERAGE,
  REST_COVERAGE,
  SOAP_COVERAGE,
  type CoveredRoute,
} from './coverage.ts'
import { REST_ROUTES, SOAP_ROUTES } from './salesforce/routes.ts'
import { plainApp } from './salesforce/host.ts'
import { registerOAuth } from './salesforce/oauth.ts'

const routesOf = (rows: CoveredRoute[]) => rows.map(({ route }) => route).toSorted()

describe('the coverage matrix', () => {
  it('names exactly the registered REST routes', () => {
    const registered = REST_ROUTES.map(({ method, pattern }) => `${method} ${pattern}`)
    expect(routesOf(REST_COVERAGE)).toEqual(registered.toSorted())
  })

  it('names exactly the registered SOAP endpoints', () => {
    expect(routesOf(SOAP_COVERAGE)).toEqual(
      SOAP_ROUTES.map(({ pattern }) => `POST ${pattern}`).toSorted(),
    )
  })

  it('names exactly the OAuth endpoints of a login host', async () => {
    const app = plainApp(() => undefined)
    const registered: string[] = []
    app.addHook('onRoute', ({ method, url }) => {
      registered.push(`${String(method)} ${url}`)
    })
    registerOAuth(app, () => ({
      identityBase: () => '',
      orgs: () => [],
      clients: [],
      codes: new Map(),
    }))
    await app.ready()
    expect(routesOf(OAUTH_COVERAGE)).toEqual(registered.toSorted())
  })

  it('says of every row how faithful it is', () => {
    for (const { note } of [
      ...REST_COVERAGE,
      ...SOAP_COVERAGE,
      ...OAUTH_COVERAGE,
      ...HOST_COVERAGE,
    ]) {
      expect(note.length).toBeGreaterThan(8)
    }
  })
})
