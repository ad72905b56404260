// The console as a person uses it, in a real Chromium: a blueprint on its way to several clients, an
// approval, and the pages of an administrator.

import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Page } from 'playwright-core'
import {
  type ConsoleBrowser,
  describeInBrowser,
  goTo,
  openBrowser,
  scrollsSideways,
  seriousFindings,
} from './browser.ts'
import { deploysIn, fieldPlan, type Member, membersOf, PICKLIST } from './fleet-support.ts'
import { type TestOrg } from './rig.ts'
import { type SharedRig, sharedRig } from './shared-rig.ts'

const SLOW_MS = 40_000
/** More than a page has stops. */
const TABS_MAX = 60
/** Nobody may run it, and nothing behind it may be turned around. */
const HOSTILE = '<img src=x onerror=alert(1)> \u202Edettimil'

describeInBrowser('the console', { timeout: 120_000 }, () => {
  let rig: SharedRig
  let agency: TestOrg
  let members: Member[]
  let browser: ConsoleBrowser
  let page: Page

  beforeAll(async () => {
    rig = await sharedRig()
    agency = await rig.org()
    members = await membersOf(agency, rig.simulator.control, 3)
    browser = await openBrowser(rig.urls[0])
    page = await browser.signIn(agency)
    page.setDefaultTimeout(SLOW_MS)
  }, 120_000)
  afterAll(() => browser?.[Symbol.asyncDispose]())

  const post = async <Body>(path: string, body: object, api = agency.api): Promise<Body> => {
    const answer = await api.post<Body>(path, body)
    expect([200, 201, 202], answer.text).toContain(answer.status)
    return answer.body
  }
  const press = (name: string | RegExp, at = page) => at.getByRole('button', { name }).click()
  /** The dialog that asks: types what it wants, and presses its button. */
  const confirm = async (label: string, typed: string, action: string): Promise<void> => {
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel(label).fill(typed)
    await dialog.getByRole('button', { name: action }).click()
    await dialog.waitFor({ state: 'detached' })
  }
  const reads = (text: string | RegExp, at = page) =>
    at.getByText(text).filter({ visible: true }).first().waitFor()

  it('brings a version of a blueprint to several clients, wave by wave, and shows what a rollback would do', async () => {
    const [first] = members
    await post('/api/clients/update', { client_id: first?.client.id, name: HOSTILE })
    const { id } = await post<{ id: string }>('/api/blueprints/create', { name: 'Standard' })
    await post('/api/blueprints/versions/create', { blueprint_id: id, plan: fieldPlan('Shown') })

    await page.goto(`/console/fleet/blueprints/${id}`)
    await page.getByRole('link', { name: 'Roll out', exact: true }).click()
    await page.getByLabel('Clients', { exact: true }).first().selectOption('all')
    await page.getByLabel('Then wait, in minutes').first().fill('0')
    await press('Remove wave 2')
    await press('Create the rollout')
    await reads('Not checked yet')
    await press('Check')
    await reads('Ready to start')
    await reads(HOSTILE)
    expect(await seriousFindings(page)).toEqual([])

    await press('Start')
    await confirm('The number of clients', '1', 'Start')
    await reads('The next wave begins when somebody approves it.')
    const sent = async () =>
      Promise.all(members.map(({ salesforce }) => deploysIn(rig.simulator.control, salesforce)))
    expect((await sent()).toSorted()).toEqual([0, 0, 1])
    await press('Approve the next wave')
    await confirm('The number of clients', '2', 'Approve the next wave')
    await reads('Succeeded')
    expect(await sent()).toEqual([1, 1, 1])

    await press('Preview the rollback')
    await reads('No data would be lost.')
    const { items } = await post<{ items: { state: string; counts: object }[] }>(
      '/api/fleet/rollouts/list',
      {},
    )
    expect(items).toMatchObject([{ state: 'succeeded', counts: { deployed: 3 } }])
  })

  it('leads from the url of an approval to its page, where the keyboard alone is enough to grant it', async () => {
    const member = members[1]
    const token = await post<{ token: string }>('/api/tokens/create', {
      name: 'agent',
      approval: 'required',
      expires_at: new Date(Date.now() + 3_600_000).toISOString(),
    })
    const agent = agency.api.as(token.token)
    const plan = fieldPlan('Asked_For')
    const client_id = member?.client.id
    const report = await post<{ id: string }>(
      '/api/conflicts/check',
      { client_id, plan, refresh: true, wait_seconds: 55 },
      agent,
    )
    const deploy = { client_id, plan, conflict_report_id: report.id, accept: ['yellow'] }
    const path = '/api/deploy/custom-objects'
    const { body: asked, text } = await agent.post<{ url: string; approval_id: string }>(
      path,
      deploy,
    )
    expect(asked.url, text).toBe(`/console/approvals/${asked.approval_id}`)

    await page.goto(asked.url)
    await reads(/CustomField .*Asked_For__c/)
    expect(await seriousFindings(page)).toEqual([])
    const { keyboard } = page
    const focus = async (name: string): Promise<void> => {
      for (let tabs = 0; tabs < TABS_MAX; tabs++) {
        const focused = await page.evaluate('document.activeElement.textContent')
        if (focused === name) return
        await keyboard.press('Tab')
      }
      throw new Error(`the keyboard does not reach ${name}`)
    }
    await focus('Grant')
    await keyboard.press('Enter')
    await page.getByLabel('The client’s name').waitFor()
    await keyboard.type('Member 2')
    await keyboard.press('Enter')
    await page.getByRole('dialog').waitFor() // a different client: nothing was granted
    for (const _ of 'Member 2') await keyboard.press('Backspace')
    await keyboard.type('member 1')
    await keyboard.press('Enter')
    await reads('Granted, not yet used')

    await post(path, { ...deploy, approval_id: asked.approval_id, wait_seconds: 55 }, agent)
    await page.getByRole('link', { name: 'The deployment' }).waitFor()
  })

  it('shows a token once, and no page of an administrator keeps anybody out or is wider than a phone', async () => {
    await page.goto('/console/settings/tokens')
    await press('New token')
    await page.getByLabel('Name', { exact: true }).fill('nightly push')
    await press('Create the token')
    const secret = page.getByLabel('Shown once')
    const token = (await secret.textContent())?.trim() ?? ''
    expect((await agency.api.as(token).get('/api/auth/me')).status).toBe(200)
    expect(await seriousFindings(page)).toEqual([])
    await page.getByLabel('I have stored it').check()
    await press('Close')
    await page.reload()
    await reads('nightly push')
    expect(await page.content()).not.toContain(token)

    const phone = await browser.signIn(agency, { width: 390, dark: true })
    const clientId = members[1]?.client.id ?? ''
    const pages: readonly (readonly [path: string, text: string | RegExp])[] = [
      ['fleet/rollouts', 'A plan to 3 clients'],
      ['fleet/blueprints', 'Standard'],
      ['fleet/drift', 'Nobody has looked yet'],
      [`fleet/search?name=${PICKLIST}`, 'in 3 of 3 clients'],
      ['approvals?state=all', 'Deploy a plan'],
      ['audit', 'rollout.start'],
      ['events', 'A rollout ended'],
      ['settings/users', agency.email],
      ['settings/webhooks', 'No endpoint yet'],
      [`clients/${clientId}/automations`, /No automation|Created/],
    ]
    for (const [path, text] of pages) {
      await goTo(phone, `/console/${path}`)
      await reads(text, phone)
      expect(await seriousFindings(phone), path).toEqual([])
      expect(await scrollsSideways(phone), path).toBe(false)
    }
  })

  it('tells a user of a company that the fleet is not theirs, and asks the server nothing about it', async () => {
    const user = await agency.user('company_admin', members[1]?.client.id)
    const guest = await browser.signIn(user)
    const asked: string[] = []
    guest.on('request', (request) => asked.push(new URL(request.url()).pathname))
    for (const path of ['fleet/rollouts', 'fleet/drift', 'settings/tokens', 'audit']) {
      await goTo(guest, `/console/${path}`)
      await reads('You may not see this', guest)
      await goTo(guest, '/console/approvals')
      await reads('Nothing waits for a decision', guest)
    }
    expect(asked.filter((path) => /^\/api\/(fleet|blueprints|tokens|audit)/.test(path))).toEqual([])
    expect(await guest.getByRole('link', { name: 'Rollouts' }).count()).toBe(0)
  })

  it('has reported nothing to the policy, and has run nothing that was a text', () => {
    expect(browser.incidents).toEqual([])
  })
})
