// Every page of the console: where it is, what says that it has come, and what the users of a company get.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Page } from 'playwright-core'
import { goTo } from './browser.ts'
import { keyboardFaults } from './keyboard.ts'

const SCREENS = join(import.meta.dirname, '../../packages/console/src/screens')

/** The ids of what the pages are about: `client`, `deployment`, … */
export type Subjects = Readonly<Record<string, string>>

export interface ConsolePage {
  /** As the router has it. */
  route: string
  path: string
  /** A text that only the loaded page has. */
  text: string | RegExp
  /** What the users of a client's own company see. */
  forCompany: string | RegExp
}

/** They see it. */
const seen = null
const notSeen = 'You may not see this'

const PAGES: readonly (readonly [
  route: string,
  text: string | RegExp,
  forCompany: string | null,
])[] = [
  ['/', 'What is wrong', notSeen],
  ['/clients/new', 'Create the client', notSeen],
  ['/clients/$clientId', 'Snapshots', seen],
  ['/clients/$clientId/schema', 'Find an object', seen],
  ['/clients/$clientId/diff', /Compare/, seen],
  ['/clients/$clientId/plan', 'Check the plan', notSeen],
  ['/clients/$clientId/deployments', 'Everything that was sent', seen],
  ['/clients/$clientId/deployments/$deploymentId', 'Components', seen],
  ['/clients/$clientId/pushes', 'Records written', seen],
  ['/clients/$clientId/pushes/new', 'Push a file', notSeen],
  ['/clients/$clientId/pushes/$pushId', 'Dry run: nothing was sent', seen],
  ['/clients/$clientId/mappings', 'To which field of Salesforce', seen],
  ['/clients/$clientId/automations', /As the newest snapshot/, seen],
  ['/fleet/blueprints', 'What your clients should have', notSeen],
  ['/fleet/blueprints/$blueprintId', 'Version', notSeen],
  ['/fleet/rollouts', 'One change on its way', notSeen],
  ['/fleet/rollouts/new', 'In which waves', notSeen],
  ['/fleet/rollouts/$rolloutId', 'How it was set up', notSeen],
  ['/fleet/drift', 'Read the Salesforce orgs first', notSeen],
  ['/fleet/search', 'Search', notSeen],
  ['/fleet/campaigns', 'Clients that are asked', notSeen],
  ['/fleet/campaigns/$campaignId', /authorized again/, notSeen],
  ['/fleet/leaving', 'Clients that leave', notSeen],
  ['/fleet/leaving/$offboardingId', 'Salesforce calls', notSeen],
  ['/approvals', 'Changes that a token', seen],
  ['/approvals/$approvalId', 'What will happen', 'Not found, or not yours'],
  ['/audit', 'Who did what', notSeen],
  ['/events', 'What happened in the last 30 days', seen],
  ['/settings/users', 'The people of your organization', notSeen],
  ['/settings/tokens', 'For programs and agents', notSeen],
  ['/settings/webhooks', 'Events are sent', notSeen],
  ['/settings/webhooks/$endpointId', 'What was sent', notSeen],
]

/** The pages about these subjects: those of a client, or all others. */
export const pagesOf = (subjects: Subjects, ofClient: boolean): ConsolePage[] =>
  PAGES.filter(([route]) => route.startsWith('/clients/$') === ofClient).map(
    ([route, text, forCompany]) => ({
      route,
      path: `/console${route.replaceAll(/\$(\w+)Id/g, (_, name: string) => {
        const id = subjects[name]
        if (id === undefined) throw new Error(`no ${name} to show`)
        return id
      })}`,
      text,
      forCompany: forCompany ?? text,
    }),
  )

const hasCome = async (page: Page, text: string | RegExp): Promise<void> => {
  await page.locator('main').getByText(text).filter({ visible: true }).first().waitFor()
  await page.locator('main .loading').first().waitFor({ state: 'detached' })
}

/** Goes to each page, and says what whoever has only the keyboard lacks there. */
export const keyboardFaultsOf = async (
  page: Page,
  pages: readonly ConsolePage[],
): Promise<string[]> => {
  const found: string[] = []
  for (const { route, path, text } of pages) {
    await goTo(page, path)
    await hasCome(page, text)
    for (const fault of await keyboardFaults(page)) found.push(`${route}: ${fault}`)
  }
  return found
}

const BROKEN = {
  type: 'about:blank',
  title: 'Internal error',
  status: 500,
  detail: 'Something broke here.',
  code: 'internal',
  request_id: 'r-1',
  remedy: 'Try again.',
  doc_url: '/docs/errors#internal',
}

/** Of the frame around a client's pages: without them there is nothing but their failure. */
const OF_THE_FRAME: readonly string[] = [
  '/api/auth/me',
  '/api/clients/get',
  '/api/connections/list',
]

/**
 * Goes to each page while the calls of the API fail, and back. Returns those that do not say what failed, or do not
 * show how to try again.
 */
export const silentlyFailing = async (
  page: Page,
  pages: readonly ConsolePage[],
): Promise<string[]> => {
  const isCall = ({ pathname }: URL) =>
    pathname.startsWith('/api/') && !OF_THE_FRAME.includes(pathname)
  await page.route(isCall, (route) =>
    route.fulfill({
      status: 500,
      contentType: 'application/problem+json',
      body: JSON.stringify(BROKEN),
    }),
  )
  const silent: string[] = []
  const main = page.locator('main')
  for (const { route, path, text } of pages) {
    // What the page before said does not count.
    await page.evaluate(
      `for (const one of document.querySelectorAll('main *')) one.dataset.old = ''`,
    )
    await goTo(page, path)
    const said = NEEDS_NOTHING.includes(route)
      ? main.getByText(text).filter({ visible: true })
      : main.locator('.problem:not([data-old])').filter({ hasText: BROKEN.detail })
    const hasSaid = await said
      .first()
      .waitFor({ timeout: 30_000 })
      .then(
        () => true,
        () => false,
      )
    if (!hasSaid) silent.push(route)
  }
  await page.unroute(isCall)
  return silent
}

/** Forms that are there before anything is asked. */
const NEEDS_NOTHING: readonly string[] = ['/clients/new', '/fleet/search']

/** The routes that there are, as the screens define them. */
export const routesOfScreens = (): string[] =>
  readdirSync(SCREENS)
    .map((screen) => readFileSync(join(SCREENS, screen, 'route.ts'), 'utf8'))
    .filter((source) => !source.includes('getParentRoute: () => rootRoute'))
    .map((source) => {
      const path = /path: '([^']+)'/.exec(source)?.[1] ?? ''
      return source.includes('getParentRoute: () => clientRoute')
        ? `/clients/$clientId${path === '/' ? '' : path}`
        : path
    })

export const knownRoutes = (): string[] => PAGES.map(([route]) => route)
