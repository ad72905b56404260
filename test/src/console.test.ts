// The console as a person uses it, in a real Chromium: signing in, the board, a client from its creation to
// what changed in its schema.

import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Page } from 'playwright-core'
import {
  type ConsoleBrowser,
  describeInBrowser,
  openBrowser,
  scrollsSideways,
  seriousFindings,
  shiftsOf,
} from './browser.ts'
import { entryFiles } from './console-entry.ts'
import { expectFocusIn, pressByKeyboard } from './keyboard.ts'
import { type TestClient, type TestOrg } from './rig.ts'
import { type SalesforceOrg, type SharedRig, sharedRig } from './shared-rig.ts'

/** Nobody may run it, and nothing behind it may be turned around. */
const HOSTILE = '<img src=x onerror=alert(1)> \u202Edettimil'
const ENTRY_BYTES_MAX = 120_000

describeInBrowser('the console', () => {
  let rig: SharedRig
  let agency: TestOrg
  let acme: TestClient
  let salesforce: SalesforceOrg
  let browser: ConsoleBrowser
  let page: Page
  const elsewhere: string[] = []

  beforeAll(async () => {
    rig = await sharedRig()
    agency = await rig.org()
    salesforce = await rig.salesforceOrg()
    acme = await agency.client('Acme')
    await acme.connect(salesforce.name)
    await acme.pull()
    await agency.client(HOSTILE)
    browser = await openBrowser(rig.urls[0])
    page = await browser.signIn(agency)
    page.on('request', (request) => {
      if (!request.url().startsWith(rig.urls[0])) elsewhere.push(request.url())
    })
  })
  afterAll(() => browser?.[Symbol.asyncDispose]())

  const press = (name: string | RegExp, at = page) =>
    at.getByRole('button', { name, exact: typeof name === 'string' }).click()
  const reads = (text: string | RegExp, at = page) => at.getByText(text).first().waitFor()
  const pathOf = (at = page) => new URL(at.url()).pathname + new URL(at.url()).search
  /** Of the browser's page, whose types Node does not know. */
  const stored = (): Promise<unknown> =>
    page.evaluate('[localStorage.length, sessionStorage.length, document.cookie]')

  it('loads no more than it says before somebody has signed in', async () => {
    const files = await entryFiles(async (path) => {
      const answer = await fetch(`${rig.urls[0]}/console/${path}`)
      expect(answer.status).toBe(200)
      return answer.text()
    })
    const scripts = [...files].filter(([path]) => path.endsWith('.js'))
    expect(scripts.map(([path]) => path).join()).toMatch(/assets\/base-/)
    const sizes = scripts.map(([, text]) => gzipSync(text, { level: 9 }).length)
    expect(sizes.reduce((sum, one) => sum + one, 0)).toBeLessThanOrEqual(ENTRY_BYTES_MAX)
  })

  it('asks for what its first page shows before its code is there, and for nothing twice', async () => {
    const visitor = await page.context().newPage()
    const asked: string[] = []
    const { promise: areAsked, resolve: allAsked } = Promise.withResolvers<void>()
    visitor.on('request', (request) => {
      const { pathname } = new URL(request.url())
      if (pathname.startsWith('/api/')) asked.push(pathname)
      if (asked.length === 2) allAsked()
    })
    await visitor.route(/\/assets\/base-/, async (route) => {
      await areAsked
      await route.continue()
    })
    await visitor.goto('/console/')
    await reads('Acme', visitor)
    expect(asked).toEqual(['/api/auth/me', '/api/fleet/health'])
    await visitor.close()
  })

  it('leads back to the page that was asked for, and is used by the keyboard alone', async () => {
    const visitor = await browser.signIn(agency)
    await press('Sign out', visitor)
    await reads('Password', visitor)
    await visitor.goto('/console/?q=acm')
    await reads('Password', visitor)
    const { keyboard } = visitor
    await visitor.getByLabel('E-mail').focus()
    await keyboard.type(agency.email)
    await keyboard.press('Tab')
    await keyboard.type('not the password')
    await keyboard.press('Enter')
    await reads('E-mail or password is wrong.', visitor)
    await visitor.getByLabel('Password').fill(agency.password)
    await keyboard.press('Enter')
    await reads('Acme', visitor)
    expect(pathOf(visitor)).toBe('/console/?q=acm')
    await visitor.getByRole('grid', { name: 'Clients' }).focus()
    await keyboard.press('Enter')
    await visitor.getByRole('heading', { name: 'Overview' }).waitFor()
    expect(pathOf(visitor)).toBe(`/console/clients/${acme.id}`)
    // The focus goes with the page: to its beginning, and not to that of the document.
    await expectFocusIn(visitor, 'main')
    await pressByKeyboard(visitor.getByRole('link', { name: 'Rollouts' }))
    await visitor.getByRole('heading', { name: 'Rollouts', level: 1 }).waitFor()
    await expectFocusIn(visitor, 'main')
    await keyboard.press('Tab')
    expect(await visitor.evaluate('document.activeElement.textContent')).toBe('New rollout')
    await visitor.close()
  })

  it('signs in by the link of the demo, and takes its session out of the address', async () => {
    const { session } = await agency.user('org_admin')
    const context = await page.context().browser()?.newContext({ baseURL: rig.urls[0] })
    const visitor = await context?.newPage()
    if (visitor === undefined) throw new Error('no window')
    await visitor.goto(`/console/#session=${session}`)
    await visitor.getByRole('heading', { name: 'Clients', level: 1 }).waitFor()
    expect(visitor.url()).not.toContain('session')
    expect(await visitor.evaluate('document.cookie')).toBe('')
    await context?.close()
  })

  it('shows the worst clients first, and what others wrote as text', async () => {
    await page.goto('/console/')
    await reads(HOSTILE)
    await page.getByLabel('What is wrong').selectOption('never_connected')
    await page.getByRole('link', { name: 'Acme' }).waitFor({ state: 'detached' })
    expect(pathOf()).toBe('/console/?code=never_connected')
    await page.reload()
    await page.getByLabel('Name').fill('dettimil')
    await page.waitForURL(/q=dettimil/)
    await page.getByRole('link', { name: 'img src' }).click()
    await page.getByRole('heading', { name: 'Overview' }).waitFor()
    expect(await page.locator('.client-bar img').count()).toBe(0)
    await reads('Not connected yet')
    expect(await seriousFindings(page)).toEqual([])
  })

  it('shows on the board which of the clients of one name is which, however long the name is', async () => {
    const name = `Namesake ${'of a long name '.repeat(8)}`.trim()
    const namesakes = [await agency.client(name), await agency.client(name)]
    const domain = 'first.example'
    await agency.api.post('/api/clients/update', { client_id: namesakes[0]?.id, domain })
    await page.goto('/console/?q=namesake')
    for (const mark of [domain, namesakes[1]?.id.slice(-12) ?? '']) {
      const link = page.getByRole('link', { name: mark })
      const [cell, shown] = [await link.boundingBox(), await link.getByText(mark).boundingBox()]
      if (cell === null || shown === null) throw new Error('it is not drawn')
      expect(shown.width).toBeGreaterThan(60)
      expect(shown.x + shown.width).toBeLessThanOrEqual(cell.x + cell.width + 1)
    }
    expect(await seriousFindings(page)).toEqual([])
  })

  it('shows in a long table the row that a key leads to, keeps the focus, and opens what a link says', async () => {
    const many = await rig.org()
    const names = Array.from({ length: 40 }, (_, at) => `Row ${at + 10}`)
    await Promise.all(names.map((name) => many.client(name)))
    await using other = await openBrowser(rig.urls[0])
    const visitor = await other.signIn(many)
    await visitor.goto('/console/')
    const grid = visitor.getByRole('grid', { name: 'Clients' })
    await grid.focus()
    const current = async (): Promise<string> => {
      const row = visitor.locator(`[id="${await grid.getAttribute('aria-activedescendant')}"]`)
      const [table, box] = [await grid.boundingBox(), await row.boundingBox()]
      if (table === null || box === null) throw new Error('the row is not drawn')
      // Below the head, and above the lower edge.
      expect(box.y).toBeGreaterThanOrEqual(table.y + box.height)
      expect(box.y + box.height).toBeLessThanOrEqual(table.y + table.height + 1)
      return (await row.getByRole('link').textContent()) ?? ''
    }
    const shown: string[] = []
    for (const key of ['Home', 'End', 'ArrowUp', 'PageUp', 'PageUp', 'PageDown', 'ArrowDown']) {
      await visitor.keyboard.press(key)
      shown.push(await current())
    }
    expect(shown[0]).toBe('Row 10')
    expect(shown.slice(1, 3)).toEqual(['Row 49', 'Row 48'])
    expect(shown[5]).toBe(shown[3])

    // The row of the focus goes; the focus does not go to the client that comes in its place.
    await visitor.getByRole('link', { name: await current(), exact: true }).focus()
    await visitor.keyboard.press('Home')
    expect(await current()).toBe('Row 10')
    expect(await grid.evaluate('document.activeElement.getAttribute("role")')).toBe('grid')

    await visitor.evaluate('globalThis.isSamePage = true')
    await visitor.getByRole('link', { name: 'Row 13' }).click()
    await reads('Not connected yet', visitor)
    expect(await visitor.locator('.client-name').textContent()).toContain('Row 13')
    expect(await visitor.evaluate('globalThis.isSamePage')).toBe(true)
    expect(other.incidents).toEqual([])
  })

  it('takes a new client from its creation to a change in its schema', async () => {
    const { control } = rig.simulator
    const { name: org } = await rig.salesforceOrg()
    await page.goto('/console/')
    await page.getByRole('link', { name: 'New client' }).click()
    // The board, which has a field of that name too, stays until the form has come.
    await page.getByRole('heading', { name: 'New client' }).waitFor()
    await page.getByLabel('Name').fill('Globex')
    await page.getByLabel('Tags').fill('tier')
    await reads(/is not a key and a value/)
    await page.getByLabel('Tags').fill('tier=gold')
    await press('Create the client')
    await press('Connect by link')
    await press('Create the link')
    const link = await page.getByRole('link', { name: 'Open it in a new tab' }).getAttribute('href')
    await control.authorize({ connectLink: link ?? '', org })
    await reads('Globex is connected.')
    await reads('Production')
    await press('Capture the schema now')
    await page.getByRole('link', { name: 'Version 1' }).waitFor()
    await control.act('schema/alter-field', {
      org,
      object: 'Lead',
      name: 'Rating',
      changes: { label: 'Temperature' },
    })
    await press('Capture the schema now')
    await page.getByRole('link', { name: '1 changed' }).click()
    await page.getByRole('heading', { name: 'Compare' }).waitFor()
    await reads('Temperature')
    expect(await seriousFindings(page)).toEqual([])
    await page.getByRole('navigation', { name: 'This client' }).getByText('Schema').click()
    await page.getByLabel('Find an object').fill('lead')
    await page.getByRole('row', { name: /^Lead \d/ }).click()
    await page.getByLabel('Find a field of this object').fill('temper')
    await page.getByRole('row', { name: /Rating/ }).click()
    await reads('Everything that Salesforce says about it')
    expect(pathOf()).toContain('object=Lead&fq=temper&field=Rating')
    expect(await seriousFindings(page)).toEqual([])
  })

  it('asks for the name of the client before it revokes a connection to production', async () => {
    await page.goto(`/console/clients/${acme.id}`)
    await press('Revoke')
    const dialog = page.getByRole('dialog')
    const revoke = dialog.getByRole('button', { name: 'Revoke the connection' })
    expect(await revoke.isDisabled()).toBe(true)
    await dialog.getByLabel('The client’s name').fill('Globex')
    expect(await revoke.isDisabled()).toBe(true)
    await dialog.getByLabel('The client’s name').fill('Acme')
    await revoke.click()
    await reads('Revoked at Salesforce and deleted at Nango.')
    await acme.connect(salesforce.name)
  })

  it('shows a user of one client that client, and says what is not theirs', async () => {
    const member = await agency.user('company_member', acme.id)
    const theirs = await browser.signIn(member)
    await reads('Acme', theirs)
    expect(pathOf(theirs)).toBe(`/console/clients/${acme.id}`)
    expect(await theirs.getByRole('button', { name: 'Revoke' }).count()).toBe(0)
    const other = await agency.client('Other')
    for (const id of [other.id, '01931f2a-7c00-7000-8000-000000000000']) {
      await theirs.goto(`/console/clients/${id}`)
      await reads('Not found, or not yours', theirs)
    }
    await theirs.goto('/console/audit')
    await reads('You may not see this', theirs)
    await theirs.goto('/console/clients/new')
    await reads('You may not see this', theirs)
  })

  it('moves nothing on the page of a client once it is there, on a phone or a desk, whatever the name', async () => {
    const long = await agency.client(`Client ${'of a long name '.repeat(8)}`.trim())
    for (const width of [390, 1280]) {
      const visitor = await browser.signIn(agency, { width })
      for (const [{ id }, text] of [
        [acme, 'Version 1'],
        [long, 'Not connected yet'],
      ] as const) {
        await visitor.goto(`/console/clients/${id}`)
        await reads(text, visitor)
        await reads('None in the last 7 days', visitor)
        await reads('Details', visitor)
        expect(await shiftsOf(visitor), `${width} px, ${text}`).toEqual([])
      }
      await visitor.close()
    }
  })

  it('is for a phone, in the dark, and stores nothing in the page', async () => {
    const phone = await browser.signIn(agency, { width: 390, dark: true })
    for (const path of ['', `clients/${acme.id}`, `clients/${acme.id}/schema?object=Lead`]) {
      await phone.goto(`/console/${path}`)
      await phone.getByRole('heading', { level: 1 }).waitFor()
      await reads(path.includes('Lead') ? 'API name' : path === '' ? 'Acme' : 'Version 1', phone)
      expect(await seriousFindings(phone)).toEqual([])
      expect(await scrollsSideways(phone), path).toBe(false)
    }
    expect(await stored()).toEqual([0, 0, ''])
  })

  it('asks to sign in again when the session has ended, and asks nobody else anything', async () => {
    await page.goto(`/console/clients/${acme.id}`)
    await reads('Details')
    await rig.query(`update login_sessions set ended_at = now() where user_id = $1`, [
      agency.adminId,
    ])
    await page.reload()
    await reads('Password')
    expect(pathOf()).toMatch(/^\/console\/signin\?return=.*clients/)
    await page.getByLabel('E-mail').fill(agency.email)
    await page.getByLabel('Password').fill(agency.password)
    await press('Sign in')
    await reads('Details')
    await rig.query(`update login_sessions set ended_at = now() where user_id = $1`, [
      agency.adminId,
    ])
    // With the page open, whatever is asked first notices.
    await Promise.any([press('Check at Salesforce now'), reads('Password')])
    await reads('Password')
    expect(elsewhere).toEqual([])
    expect(browser.incidents).toEqual([])
  })
})
