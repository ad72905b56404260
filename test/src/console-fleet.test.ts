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
import {
  type Subjects,
  keyboardFaultsOf,
  knownRoutes,
  pagesOf,
  routesOfScreens,
  silentlyFailing,
} from './console-pages.ts'
import {
  deploysIn,
  fieldPlan,
  type Member,
  membersOf,
  OBJECT,
  PICKLIST,
  type TargetBody,
} from './fleet-support.ts'
import { expectFocusIn, pressByKeyboard, reach } from './keyboard.ts'
import { type TestOrg } from './rig.ts'
import { type SharedRig, sharedRig } from './shared-rig.ts'

const CLIENTS = 12
/** Nobody may run it, and nothing behind it may be turned around. */
const HOSTILE = '<img src=x onerror=alert(1)> \u202Edettimil'

describeInBrowser('the console', () => {
  let rig: SharedRig
  let agency: TestOrg
  let members: Member[]
  let browser: ConsoleBrowser
  let page: Page
  /** What the pages at the end are about. */
  let subjects: Subjects = {}

  beforeAll(async () => {
    rig = await sharedRig()
    agency = await rig.org()
    members = await membersOf(agency, rig.simulator.control, CLIENTS)
    browser = await openBrowser(rig.urls[0])
    page = await browser.signIn(agency)
  })
  afterAll(() => browser?.[Symbol.asyncDispose]())

  const post = async <Body>(path: string, body: object, api = agency.api): Promise<Body> => {
    const answer = await api.post<Body>(path, body)
    expect([200, 201, 202], answer.text).toContain(answer.status)
    return answer.body
  }
  const press = (name: string | RegExp, at = page) => at.getByRole('button', { name }).click()
  /** Presses the button of the dialog that asks. */
  const confirm = async (action: string | RegExp): Promise<void> => {
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('button', { name: action }).click()
    await dialog.waitFor({ state: 'detached' })
  }
  /** The number of clients, in the dialog that asks for it, with the keyboard alone. */
  const answer = async (clients: string): Promise<void> => {
    await reach(page.getByRole('dialog').getByLabel('The number of clients'))
    await page.keyboard.type(clients)
    await page.keyboard.press('Enter')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await expectFocusIn(page, 'main')
  }
  const reads = (text: string | RegExp, at = page) =>
    at.getByText(text).filter({ visible: true }).first().waitFor()

  /** With the keyboard alone. */
  const strike = (name: string | RegExp) =>
    pressByKeyboard(page.getByRole('button', { name, exact: typeof name === 'string' }))
  const member = (at: number): Member => {
    const found = members[at]
    if (found === undefined) throw new Error(`no member ${at}`)
    return found
  }

  it('brings a version of a blueprint to twelve clients, wave by wave, and takes it back with a proof for each', async () => {
    await post('/api/clients/update', { client_id: member(0).client.id, name: HOSTILE })
    const { id } = await post<{ id: string }>('/api/blueprints/create', { name: 'Standard' })
    await post('/api/blueprints/versions/create', { blueprint_id: id, plan: fieldPlan('Shown') })

    await page.goto(`/console/fleet/blueprints/${id}`)
    await page.getByRole('link', { name: 'Roll out', exact: true }).click()
    await page.getByLabel('Clients', { exact: true }).first().selectOption('all')
    await page.getByLabel('Then wait, in minutes').first().fill('0')
    await press('Create the rollout')
    await reads('Not checked yet')
    await strike('Check')
    await reads('Ready to start')
    await reads(HOSTILE)
    expect(await seriousFindings(page)).toEqual([])

    const sent = async () =>
      Promise.all(members.map(({ salesforce }) => deploysIn(rig.simulator.control, salesforce)))
    const total = async () => (await sent()).reduce((sum, one) => sum + one, 0)
    // From wave to wave by the keyboard alone; after each question it goes on where it was asked.
    await strike('Start')
    await answer('1')
    await reads('The next wave begins when somebody approves it.')
    expect(await total()).toBe(1)
    await strike('Approve the next wave')
    await answer('2')
    await page.getByRole('row', { name: /2\. tenth Closed/ }).waitFor()
    await reads('The next wave begins when somebody approves it.')
    expect(await total()).toBe(3)
    await strike('Approve the next wave')
    await answer('9')
    await reads('Succeeded')
    expect(await sent()).toEqual(members.map(() => 1))

    await strike('Preview the rollback')
    await reads('No data would be lost.')
    await strike('Roll back')
    await answer('12')
    await page.getByText('Rolled back', { exact: true }).first().waitFor()
    await pressByKeyboard(page.getByRole('grid', { name: 'Clients of the rollout' }))
    await reads('It is as before')
    const { items } = await post<{ items: { id: string; state: string; counts: object }[] }>(
      '/api/fleet/rollouts/list',
      {},
    )
    expect(items).toMatchObject([{ state: 'rolled_back', counts: { rolled_back: CLIENTS } }])
    const targets = await post<{ items: TargetBody[] }>('/api/fleet/rollouts/targets', {
      rollout_id: items[0]?.id,
    })
    expect(targets.items.map(({ rollback }) => rollback?.proof?.complete)).toEqual(
      members.map(() => true),
    )
    subjects = { ...subjects, blueprint: id, rollout: items[0]?.id ?? '' }
  })

  it('sets up a rollout with hours, a pace, and waves of clients that somebody chooses', async () => {
    await goTo(page, '/console/fleet/rollouts/new')
    await page.getByLabel('Clients', { exact: true }).first().selectOption('all')
    // What is removed under the focus leaves it to its neighbour.
    await strike('Add a wave')
    await strike('Remove wave 3')
    await expectFocusIn(page, '.wave')
    const wave = page.getByRole('group', { name: 'Wave 1' })
    await wave.getByLabel('Size').selectOption('chosen')
    await wave.getByLabel('Clients', { exact: true }).selectOption('clients')
    await wave.getByLabel('Member 1', { exact: true }).check()
    await wave.getByLabel('Member 2', { exact: true }).check()
    await wave.getByLabel('At once').fill('7')
    await page.getByLabel('After a failure').selectOption('soft')
    await page.getByLabel('Only at certain hours').check()
    await page.getByLabel('From', { exact: true }).fill('22:00')
    await page.getByLabel('Time zone').fill('Berlin')
    await press('Create the rollout')
    await reads(/“Berlin” is not a time zone/)
    await page.getByLabel('Time zone').fill('Europe/Berlin')
    expect(await seriousFindings(page)).toEqual([])
    await press('Create the rollout')
    await reads('22:00 to 06:00, Europe/Berlin')
    const id = new URL(page.url()).pathname.split('/').at(-1)
    expect(await post('/api/fleet/rollouts/get', { rollout_id: id })).toMatchObject({
      mode: 'soft',
      window: { from: '22:00', to: '06:00', zone: 'Europe/Berlin' },
      waves: [{ targets: 2, max_concurrent: 7 }, { targets: 2 }, { targets: 8 }],
    })
    await press('Stop for good')
    await confirm('Stop for good')
    await reads('Stopped')
  })

  it('leads from the url of an approval to its page, where the keyboard alone is enough to grant it', async () => {
    const token = await post<{ token: string }>('/api/tokens/create', {
      name: 'agent',
      approval: 'required',
      expires_at: new Date(Date.now() + 3_600_000).toISOString(),
    })
    const agent = agency.api.as(token.token)
    const plan = fieldPlan('Asked_For')
    const client_id = member(1).client.id
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
    await strike('Grant')
    await page.getByLabel('The client’s name').waitFor()
    await keyboard.type('Member 2')
    await keyboard.press('Enter')
    await page.getByRole('dialog').waitFor() // a different client: nothing was granted
    for (const _ of 'Member 2') await keyboard.press('Backspace')
    await keyboard.type('member 1')
    await keyboard.press('Enter')
    await reads('Granted, not yet used')
    await strike('Withdraw')
    await confirm('Withdraw')
    await reads('Refused by')
    expect(await page.getByRole('button', { name: 'Withdraw' }).count()).toBe(0)

    const { body: again } = await agent.post<typeof asked>(path, deploy)
    expect(again.approval_id).not.toBe(asked.approval_id)
    await goTo(page, again.url)
    await strike('Grant')
    await page.getByLabel('The client’s name').waitFor()
    await keyboard.type('member 1')
    await keyboard.press('Enter')
    await reads('Granted, not yet used')
    await post(path, { ...deploy, approval_id: again.approval_id, wait_seconds: 55 }, agent)
    await page.getByRole('link', { name: 'The deployment' }).waitFor()
    subjects = { ...subjects, approval: again.approval_id }
  })

  it('makes a blueprint of what a client has, sees who drifts from it, and accepts that', async () => {
    await goTo(page, '/console/fleet/blueprints')
    await press('New blueprint')
    await page.getByRole('dialog').getByLabel('Name').fill('Taken over')
    await confirm('Create the blueprint')
    await press('New version')
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Client', { exact: true }).selectOption({ label: 'Member 2' })
    await dialog.getByLabel('Objects and fields').fill(`${OBJECT}: ${PICKLIST}`)
    await press('Create version 1')
    await reads(new RegExp(`"${PICKLIST}"`))
    await page.getByRole('link', { name: 'Bound clients' }).click()
    await press('Bind clients')
    await dialog.getByLabel('Member 3', { exact: true }).check()
    await confirm('Bind')
    await reads('1 client bound')

    await rig.simulator.control.act('schema/alter-field', {
      org: member(3).salesforce,
      object: OBJECT,
      name: PICKLIST,
      changes: { label: 'Changed by hand' },
    })
    await goTo(page, '/console/fleet/drift')
    await page.getByLabel('Read the Salesforce orgs first').check()
    await press('Look now')
    await reads('1 of 1 client drifted')
    await pressByKeyboard(page.getByRole('grid', { name: 'Clients' }))
    await reads('Changed by hand')
    await press('Accept')
    await dialog.getByLabel('Why').fill('They asked for it')
    await confirm(/^Accept \d+ differences?$/)
    await reads(/^\d+ differences? accepted\. Look again to see what is left\.$/)
    await press('Look now')
    await reads('0 of 1 client drifted')
  })

  it('abandons what waits for a connection that is gone for good', async () => {
    const { client, salesforce } = member(4)
    const plan = fieldPlan('Abandoned')
    const client_id = client.id
    const report = await post<{ id: string }>('/api/conflicts/check', {
      client_id,
      plan,
      refresh: true,
      wait_seconds: 55,
    })
    const { control } = rig.simulator
    await control.addFault({
      org: salesforce,
      method: 'POST',
      path: '*/metadata/deployRequest',
      kind: {
        type: 'status',
        status: 403,
        errorCode: 'API_DISABLED_FOR_ORG',
        message: 'The REST API is not enabled for this Organization.',
      },
    })
    const { id } = await post<{ id: string }>('/api/deploy/custom-objects', {
      client_id,
      plan,
      conflict_report_id: report.id,
      accept: ['yellow'],
      wait_seconds: 0,
    })
    await goTo(page, `/console/clients/${client_id}/deployments/${id}`)
    await strike('Abandon the deployment')
    await strike('Let it go on')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await strike('Abandon the deployment')
    await pressByKeyboard(
      page.getByRole('dialog').getByRole('button', { name: 'Abandon the deployment' }),
    )
    await page.getByRole('heading', { name: 'Deployment Failed' }).waitFor()
    await expectFocusIn(page, 'main')
  })

  it('cancels an off-boarding half way, after it has said what is removed already and stays so', async () => {
    const { client, salesforce } = member(1)
    const rule = {
      type: 'validation_rule',
      api_name: `${OBJECT}.Given`,
      definition: { form: 'validation', condition: 'ISBLANK(Name)', message: 'Give a name.' },
    }
    const by = { client_id: client.id, wait_seconds: 55 }
    await post('/api/workflows/deploy', { ...by, workflows: [rule] })
    const { control } = rig.simulator
    await control.act('deploys/pace', { org: salesforce, pendingMs: 0, runMs: 5_000 })
    const { id } = await post<{ id: string }>('/api/fleet/offboard/start', {
      ...{ client_id: client.id, wait_seconds: 0 },
    })
    await goTo(page, `/console/fleet/leaving/${id}`)
    await reads('Removed so far (1)')
    await strike('Cancel the off-boarding')
    const dialog = page.getByRole('dialog')
    await dialog.getByText('1 component is already removed and stays removed:').waitFor()
    await dialog.getByText(`${OBJECT}.Given`).waitFor()
    expect(await seriousFindings(page)).toEqual([])
    await pressByKeyboard(dialog.getByRole('button', { name: 'Cancel the off-boarding' }))
    await reads('It ended early: the client has not left')
    await page.getByText('Cancelled', { exact: true }).waitFor()
    await reads('Removed (1)')
    await expectFocusIn(page, 'main')
    await control.act('deploys/pace', { org: salesforce, pendingMs: 0, runMs: 0 })
  })

  it('off-boards a client after a preview, and shows the certificate', async () => {
    await goTo(page, '/console/fleet/leaving')
    await press('Look what leaving would do')
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Member 1', { exact: true }).check()
    await confirm('Make the preview')
    await press('Off-board the client')
    await reads(/^[1-9]\d* components? removed/)
    await dialog.getByLabel('The client’s name').fill('Member 1')
    await confirm('Off-board the client')
    await page.getByRole('heading', { name: 'Certificate' }).waitFor()
    await reads(/^Read back: \d+ components? as before$/)
    await reads('Revoked')
    expect(await seriousFindings(page)).toEqual([])
    subjects = { ...subjects, offboarding: new URL(page.url()).pathname.split('/').at(-1) ?? '' }
  })

  it('deletes what is stored of a client that has left, once its name is typed, and shows what is left of it', async () => {
    const left = await agency.client('Left for good')
    await post('/api/fleet/offboard/start', { client_id: left.id, wait_seconds: 55 })
    await goTo(page, `/console/clients/${left.id}`)
    await strike('Delete its data here')
    const dialog = page.getByRole('dialog')
    const button = dialog.getByRole('button', { name: 'Delete its data here' })
    expect(await button.isDisabled()).toBe(true)
    expect(await seriousFindings(page)).toEqual([])
    await reach(dialog.getByLabel('The client’s name'))
    await page.keyboard.type('left for good')
    await page.keyboard.press('Enter')
    await reads(
      'Everything that was stored here about the client is deleted. This is what remains.',
    )
    await reads(/^[1-9]\d* rows of \d+ tables$/)
    await page.getByRole('heading', { name: 'Certificate' }).waitFor()
    expect(await seriousFindings(page)).toEqual([])
    await goTo(page, `/console/clients/${left.id}`)
    await reads('Not found, or not yours')
    await goTo(page, '/console/fleet/leaving')
    await reads('Left for good')
  })

  it('shows the new secret of a webhook once, and deletes the webhook', async () => {
    await goTo(page, '/console/settings/webhooks')
    const secretOf = async (): Promise<string> => {
      const secret = (await page.getByLabel('Shown once').textContent())?.trim() ?? ''
      await page.getByLabel('I have stored it').check()
      await confirm('Close')
      return secret
    }
    for (const path of ['kept', 'deleted']) {
      await press('New endpoint')
      await page.getByRole('dialog').getByLabel('Address').fill(`http://127.0.0.1:9/${path}`)
      await page.getByRole('dialog').getByRole('button', { name: 'Create the endpoint' }).click()
      expect(await secretOf()).toMatch(/^whsec_/)
    }
    await page.getByRole('link', { name: 'deleted' }).click()
    await press('New secret')
    await page.getByRole('dialog').getByRole('button', { name: 'Make a new secret' }).click()
    expect(await secretOf()).toMatch(/^whsec_/)
    await strike('Delete')
    await pressByKeyboard(page.getByRole('dialog').getByRole('button', { name: /^Delete/ }))
    await page.getByRole('link', { name: 'kept' }).waitFor()
    await page.getByRole('link', { name: 'deleted' }).waitFor({ state: 'detached' })
    await expectFocusIn(page, 'main')
    const { items } = await post<{ items: { id: string }[] }>('/api/webhook-endpoints/list', {})
    expect(items).toHaveLength(1)
    subjects = { ...subjects, endpoint: items[0]?.id ?? '' }
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
    await strike('Revoke nightly push')
    await pressByKeyboard(page.getByRole('dialog').getByRole('button', { name: /^Revoke/ }))
    await page.getByRole('button', { name: 'Revoke nightly push' }).waitFor({ state: 'detached' })
    await expectFocusIn(page, '[role=grid]')
    expect((await agency.api.as(token).get('/api/auth/me')).status).toBe(401)

    const phone = await browser.signIn(agency, { width: 390, dark: true })
    const clientId = member(2).client.id
    const pages: readonly (readonly [path: string, text: string | RegExp])[] = [
      ['fleet/rollouts', /^Version 1 to 12 clients, /],
      ['fleet/blueprints', 'Standard'],
      ['fleet/drift', '0 of 1 client drifted'],
      [`fleet/search?name=${PICKLIST}`, 'in 11 of 11 clients'],
      ['approvals?state=all', 'Deploy a plan'],
      ['audit?action=rollout.start', 'rollout.start'],
      // Of all events this one may be too far down to be drawn.
      ['events?type=rollout.finished', 'A rollout ended'],
      ['settings/users', agency.email],
      ['settings/webhooks', 'kept'],
      [`clients/${clientId}/automations`, /No automation|Created/],
    ]
    for (const [path, text] of pages) {
      await goTo(phone, `/console/${path}`)
      await reads(text, phone)
      expect(await seriousFindings(phone), path).toEqual([])
      expect(await scrollsSideways(phone), path).toBe(false)
      if (!path.startsWith('audit')) continue
      const outcome = phone.getByRole('gridcell', { name: 'ok', exact: true }).first()
      const box = await outcome.boundingBox()
      expect((box?.x ?? 390) + (box?.width ?? 0)).toBeLessThanOrEqual(390)
      await outcome.click()
      // Below the table, which fills the window.
      const calls = phone.getByText('Salesforce calls', { exact: true }).filter({ visible: true })
      expect((await calls.boundingBox())?.y).toBeLessThan(900)
    }
  })

  it('is used with the keyboard alone on every page, in the order of the page, with the focus in sight', async () => {
    expect(routesOfScreens().toSorted()).toEqual(knownRoutes().toSorted())
    const { id } = await post<{ id: string }>('/api/fleet/reconsent/create', {
      name: 'Again',
      reason: 'dead_grant',
      selector: { client_ids: [member(4).client.id] },
    })
    subjects = { ...subjects, campaign: id }
    expect(await keyboardFaultsOf(page, pagesOf(subjects, false))).toEqual([])
  })

  it('says on every page what failed, and goes on when the server is there again', async () => {
    const fresh = await browser.signIn(agency)
    await reads('Member 2', fresh)
    // The code of this page was never loaded: without the server it cannot be.
    await fresh.context().setOffline(true)
    await goTo(fresh, '/console/fleet/search')
    await reads('The server did not answer.', fresh)
    await fresh.context().setOffline(false)
    await press('Try again', fresh)
    await reads('Search', fresh)
    expect(await fresh.evaluate('sessionStorage.length')).toBe(0)
    expect(await silentlyFailing(fresh, pagesOf(subjects, false).slice(1))).toEqual([])
    await press('Try again', fresh)
    await reads('What was sent', fresh)
  })

  it('tells a user of a company that the fleet is not theirs, and asks the server nothing about it', async () => {
    const user = await agency.user('company_admin', member(2).client.id)
    const guest = await browser.signIn(user)
    const asked: string[] = []
    guest.on('request', (request) => asked.push(new URL(request.url()).pathname))
    for (const { path, forCompany } of pagesOf(subjects, false).slice(1)) {
      await goTo(guest, path)
      await reads(forCompany, guest)
    }
    await guest.goto('/console/')
    await guest.waitForURL('**/console/clients/*')
    expect(asked.filter((path) => /^\/api\/(fleet|blueprints|tokens|audit)/.test(path))).toEqual([])
    expect(await guest.getByRole('link', { name: 'Rollouts' }).count()).toBe(0)
  })

  it('has reported nothing to the policy, and has run nothing that was a text', () => {
    expect(browser.incidents).toEqual([])
  })
})
