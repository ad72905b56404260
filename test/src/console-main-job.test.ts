// The main job in the console, as a person does it in a real Chromium: a plan with its verdict, the deploy, a
// mapping, a push whose failed rows are mended, and the rollback of it all.

import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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
import { keyboardFaultsOf, pagesOf, silentlyFailing } from './console-pages.ts'
import { expectFocusIn, pressByKeyboard, reach } from './keyboard.ts'
import { type TestClient, type TestOrg } from './rig.ts'
import { type SalesforceOrg, type SharedRig, sharedRig } from './shared-rig.ts'

/** Nobody may run it, and nothing behind it may be turned around. */
const HOSTILE = '<img src=x onerror=alert(1)> \u202Edettimil'
const CLIENT = `Acme ${HOSTILE}`

const ROWS = 100_000
const ROWS_SEEN_BY_WHEEL = 50_000
const ROW_PX = 34
/** All results, and what the console itself takes. */
const HEAP_BYTES_MAX = 160_000_000

interface Errors {
  items: { count: number }[]
}

interface FailedRows {
  items: { index: number; row: unknown }[]
}

const PLAN = {
  objects: [
    {
      api_name: 'Lead',
      fields: [
        { api_name: 'Desk_Title__c', label: '<b onmouseover=alert(1)>', type: 'Text', length: 40 },
        {
          api_name: 'Desk_Key__c',
          label: 'Desk Key',
          type: 'Text',
          length: 40,
          external_id: true,
          unique: true,
        },
      ],
    },
  ],
}

/** Two rows fail before they are sent: one without a name, one with a title that is too long. */
const csvOf = (rows: number): string =>
  [
    'Key;Last Name;Company;Title',
    ...Array.from({ length: rows }, (_, n) =>
      [
        `desk-${n}`,
        n === 3 ? '' : `Person ${n} ${HOSTILE}`,
        'Company',
        n === 7 ? 'x'.repeat(60) : 'Engineer',
      ].join(';'),
    ),
  ].join('\r\n')

/** What scripts of the page hold, after everything that is no longer needed has gone. */
const heapBytes = async (page: Page): Promise<number> => {
  const session = await page.context().newCDPSession(page)
  await session.send('HeapProfiler.collectGarbage')
  const { usedSize } = await session.send('Runtime.getHeapUsage')
  await session.detach()
  return usedSize
}

describeInBrowser('the main job in the console', () => {
  let rig: SharedRig
  let agency: TestOrg
  let acme: TestClient
  let salesforce: SalesforceOrg
  let browser: ConsoleBrowser
  let page: Page
  let deployment = ''
  let push = ''
  let manyRows = ''

  beforeAll(async () => {
    rig = await sharedRig()
    agency = await rig.org()
    salesforce = await rig.salesforceOrg()
    acme = await agency.client(CLIENT)
    await acme.connect(salesforce.name)
    await acme.pull()
    browser = await openBrowser(rig.urls[0])
    page = await browser.signIn(agency)
  })
  afterAll(() => browser?.[Symbol.asyncDispose]())

  const press = (name: string | RegExp) =>
    page.getByRole('button', { name, exact: typeof name === 'string' }).click()
  const reads = (text: string | RegExp) => page.getByText(text).first().waitFor()
  const open = (to: string) => goTo(page, `/console/clients/${acme.id}${to}`)
  const path = () => new URL(page.url()).pathname
  /** With the keyboard alone. */
  const strike = (name: string | RegExp) =>
    pressByKeyboard(page.getByRole('button', { name, exact: typeof name === 'string' }))
  /** For production: the name of the client, and Enter. */
  const confirm = async () => {
    await reach(page.getByRole('dialog').getByLabel('The client’s name'))
    await page.keyboard.insertText(CLIENT)
    await page.keyboard.press('Enter')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await expectFocusIn(page, 'main')
  }
  /** Nobody is kept out of the page as it is, it fits on a phone, and texts of others are texts. */
  const isForEverybody = async () => {
    expect(await seriousFindings(page)).toEqual([])
    await page.setViewportSize({ width: 390, height: 844 })
    expect(await scrollsSideways(page)).toBe(false)
    await page.setViewportSize({ width: 1280, height: 900 })
    expect(browser.incidents).toEqual([])
    expect(await page.locator('main img, main b').count()).toBe(0)
  }

  it('says what is wrong with a plan and on which line, and what a right one would do', async () => {
    await open('/plan')
    const text = page.getByLabel('The plan as JSON or YAML')
    await text.fill('{ "objects": [\n  { "api_name": "Lead" ]\n }')
    await reads(/This is not JSON/)
    await text.fill(JSON.stringify(PLAN, null, 2).replace('"Text"', '"Texxt"'))
    await press('Check the plan')
    await reads('The plan has a mistake.')
    await page.getByRole('alert').getByRole('button', { name: 'Line 9' }).click()
    expect(await text.evaluate((area: { selectionStart: number }) => area.selectionStart)).toBe(
      JSON.stringify(PLAN, null, 2).indexOf('          "type": "Text"'),
    )
    await text.fill(JSON.stringify(PLAN, null, 2))
    await press('New field')
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Label', { exact: true }).fill('Desk Notes')
    await dialog.getByLabel('Type').selectOption('LongTextArea')
    await press('Add the field to the plan')
    expect(await text.inputValue()).toContain('"api_name": "Desk_Notes__c"')
    await page.getByRole('button', { name: 'Check the plan' }).focus()
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: /^Deploy \d/ }).waitFor()
    await press('Show')
    await reads('Lead.Desk_Title__c is new')
    await isForEverybody()
    await text.press('End')
    await text.pressSequentially(' ')
    await reads(/has been edited since this check/)
    expect(await page.getByRole('button', { name: /^Deploy \d/ }).count()).toBe(0)
    await text.press('Backspace')
    // The address alone shows the same.
    await page.reload()
    await page.getByRole('button', { name: /^Deploy \d/ }).waitFor()
    expect(await text.inputValue()).toContain('Desk_Notes__c')
  })

  it('deploys what was checked, and shows its course', async () => {
    const boxes = page.getByRole('checkbox', { name: 'Accept', exact: true })
    if ((await boxes.count()) > 0) {
      expect(await page.getByRole('button', { name: /^Deploy \d/ }).isEnabled()).toBe(false)
      for (const box of await boxes.all()) {
        await reach(box)
        await page.keyboard.press('Space')
      }
    }
    await strike(/^Deploy \d/)
    const go = page.getByRole('dialog').getByRole('button', { name: /^Deploy \d/ })
    expect(await go.isEnabled()).toBe(false)
    await confirm()
    await page.waitForURL(/\/deployments\/[\w-]+$/)
    deployment = path()
    await page.getByRole('heading', { name: 'Deployment Deployed' }).waitFor()
    await reads('Lead.Desk_Key__c')
    await isForEverybody()
    await open('/deployments')
    await page.getByRole('grid', { name: 'Deployments' }).getByText('Deployed').last().waitFor()
    await isForEverybody()
  })

  it('suggests a mapping, validates it against the schema, and stores it', async () => {
    await acme.pull()
    await open('/mappings?mapping=new')
    await page.getByLabel('Your object').fill('lead')
    await page.getByLabel('Salesforce object').fill('Lead')
    await page.getByLabel('Records are found by').fill('Desk_Key__c')
    await page.getByLabel('Names of your fields').fill('desk_key;last_name;company;desk_notes')
    await press('Suggest fields')
    await press(/^Take \d+ proposals/)
    await press('Add a field')
    await page.getByLabel('Your field', { exact: true }).last().fill('title')
    await page.getByLabel('Salesforce field').last().fill('Desk_Titel__c')
    await press('Validate')
    await reads(/Desk_Titel__c/)
    await reads(/It does not fit version 2/)
    await isForEverybody()
    await page.getByLabel('Salesforce field').last().fill('Desk_Title__c')
    await press('Validate')
    await reads('It fits version 2 of the schema.')
    await press('Save the mapping')
    await page.getByRole('heading', { name: 'lead', exact: true }).waitFor()
    await open('/mappings')
    await page.getByRole('link', { name: 'lead' }).waitFor()
    await isForEverybody()
  })

  it('tries a file without sending it, then pushes it and says what went wrong', async () => {
    await open('/pushes')
    await page.getByRole('link', { name: 'Push a file' }).click()
    await page.getByLabel('File', { exact: true }).setInputFiles({
      name: 'leads.csv',
      mimeType: 'text/csv',
      buffer: Buffer.from(csvOf(30)),
    })
    await page
      .getByLabel('Field for the column Key')
      .selectOption({ label: 'desk_key → Desk_Key__c' })
    await press('Try it without sending')
    await page.getByRole('button', { name: 'Push 28 rows' }).waitFor()
    await reads('STRING_TOO_LONG')
    await isForEverybody()
    await press('Push 28 rows')
    await confirm()
    await page.waitForURL(/\/pushes\/[\da-f-]{36}/)
    push = path()
    await page.getByRole('heading', { name: 'lead Partly failed' }).waitFor()
    await page.getByRole('link', { name: 'STRING_TOO_LONG' }).click()
    await page.waitForURL(/code=STRING_TOO_LONG/)
    const rows = page.getByRole('grid', { name: 'Rows' })
    await rows.getByText('desk-3', { exact: true }).waitFor({ state: 'detached' })
    await rows.getByText('desk-7', { exact: true }).waitFor()
    // What the page shows, as any program gets it.
    const push_id = push.split('/').at(-1)
    const errors = await agency.api.post<Errors>('/api/push/errors', { push_id })
    expect(errors.body.items.map(({ count }) => count)).toEqual([1, 1])
    const failed = await agency.api.post<FailedRows>('/api/push/failed-rows', { push_id, index: 7 })
    expect(failed.body.items).toMatchObject([{ index: 7, row: { desk_key: 'desk-7' } }])
  })

  it('says of a dry run what would fail, and never that something did', async () => {
    await open('/pushes')
    const list = page.getByRole('grid', { name: 'Pushes' })
    await list.getByRole('row', { name: /Partly failed/ }).waitFor()
    await list.getByRole('row', { name: /Dry run, 2 rows would fail/ }).waitFor()
    expect(await list.getByRole('row', { name: /Partly failed|Dry run/ }).count()).toBe(2)
    await list.getByRole('row', { name: /Dry run/ }).click()
    await reads('What would go wrong')
    await page.getByRole('row', { name: /desk-7 Would fail/ }).waitFor()
    expect(await seriousFindings(page)).toEqual([])
    await goTo(page, push)
    await reads('What went wrong')
  })

  it('sends a corrected file of one object a line, found from the rows that failed', async () => {
    await page.getByRole('link', { name: 'Push a corrected file' }).click()
    const line = { desk_key: 'desk-7', last_name: 'Person 7', company: 'Company', title: 'Chief' }
    const choosing = page.waitForEvent('filechooser')
    await reach(page.getByLabel('File', { exact: true }))
    await page.keyboard.press('Space')
    await (
      await choosing
    ).setFiles({
      name: 'corrected.ndjson',
      mimeType: 'application/x-ndjson',
      buffer: Buffer.from(`${JSON.stringify(line)}\n`),
    })
    await strike('Try it without sending')
    await strike('Push 1 row')
    await confirm()
    await page.getByRole('heading', { name: 'lead Succeeded' }).waitFor()
    await goTo(page, push)
    await reads('What went wrong')
  })

  it('says on the page of the client why the push did not go through', async () => {
    await open('')
    const work = page.getByRole('grid', { name: 'Work under way or failed' })
    await work.getByRole('row', { name: /Push Partly failed 1 row: / }).waitFor()
    await work.getByRole('link', { name: '1 row' }).first().click()
    await page.waitForURL(/code=/)
    await goTo(page, `${push}?code=STRING_TOO_LONG`)
  })

  it('mends failed rows in place or as a file, and sends them again', async () => {
    const downloading = page.waitForEvent('download')
    await press('Download failed rows as CSV')
    const file = readFileSync(await (await downloading).path(), 'utf8')
    expect(file).toContain('_error,_remedy')
    expect(file.split('\r\n').filter((line) => line !== '')).toHaveLength(3)

    await page.getByRole('grid', { name: 'Rows' }).focus()
    await page.keyboard.press('Enter')
    await page.getByLabel('title').fill('Chief')
    await isForEverybody()
    await press('Keep these values for the retry')
    await press('Show rows without STRING_TOO_LONG, too')
    await page.getByLabel('State', { exact: true }).selectOption('failed')
    await page
      .getByRole('grid', { name: 'Rows' })
      .getByRole('button', { name: '4', exact: true })
      .click()
    await page.getByLabel('last_name').fill('Mended')
    await press('Keep these values for the retry')
    await press('Retry 2 rows, 2 mended')
    await confirm()
    await page.getByRole('heading', { name: 'lead Succeeded' }).waitFor()
    expect(path()).not.toBe(push)
    await reads('Retry of an earlier push')
  })

  it('cancels a push, and keeps what was sent', async () => {
    await rig.simulator.control.act('records/pace', { org: salesforce.name, saveMs: 10 })
    const records = Array.from({ length: 2_000 }, (_, n) => ({
      last_name: `Slow ${n}`,
      company: 'Company',
      desk_key: `slow-${n}`,
    }))
    const { body } = await agency.api.post<{ id: string }>('/api/push/records', {
      client_id: acme.id,
      object: 'lead',
      records,
      options: { transport: 'collections' },
      wait_seconds: 0,
    })
    await open(`/pushes/${body.id}`)
    await strike('Cancel the push')
    await pressByKeyboard(page.getByRole('dialog').getByRole('button', { name: 'Cancel the push' }))
    await reads(/Rows that were not sent yet|was cancelled/)
    await page.getByRole('heading', { name: /lead (Partly failed|Failed)/ }).waitFor()
    await reads('CANCELLED')
    await expectFocusIn(page, 'main')
    await rig.simulator.control.act('records/pace', { org: salesforce.name, saveMs: 0 })
  })

  it('scrolls through 100,000 rows to the last one, with few of them in the page', async () => {
    const lines = Array.from(
      { length: ROWS },
      (_, n) => `{"last_name":"Row ${n}","company":"Company","desk_key":"many-${n}"}`,
    )
    await open('/pushes/new?object=lead')
    const folder = await mkdtemp(join(tmpdir(), 'rows-'))
    try {
      const file = join(folder, 'many.ndjson')
      await writeFile(file, lines.join('\n'))
      await page.getByLabel('File', { exact: true }).setInputFiles(file)
      await press('Try it without sending')
      await page.getByRole('button', { name: 'Push 100,000 rows' }).waitFor()
    } finally {
      await rm(folder, { recursive: true })
    }
    const { body } = await agency.api.post<{ items: { id: string; total: number }[] }>(
      '/api/push/list',
      { client_id: acme.id, limit: 1 },
    )
    expect(body.items[0]?.total).toBe(ROWS)
    manyRows = body.items[0]?.id ?? ''
    await open(`/pushes/${manyRows}`)
    const grid = page.getByRole('grid', { name: 'Rows' })
    await grid.getByText('many-0', { exact: true }).waitFor()
    await reach(grid)
    for (const _ of [1, 2, 3]) await page.keyboard.press('PageDown')
    await grid.getByText('many-0', { exact: true }).waitFor({ state: 'detached' })
    await page.keyboard.press('End')
    await grid.getByText(`many-${ROWS - 1}`, { exact: true }).waitFor()
    expect(await grid.getAttribute('aria-rowcount')).toBe(String(ROWS + 1))
    expect(await grid.getByRole('row').count()).toBeLessThan(60)
    for (const _ of [1, 2, 3]) await page.keyboard.press('PageUp')
    await grid.getByText(`many-${ROWS - 1}`, { exact: true }).waitFor({ state: 'detached' })
    // By the wheel too, from anywhere.
    await grid.evaluate((element, top) => {
      ;(element as { scrollTop: number }).scrollTop = top
    }, ROWS_SEEN_BY_WHEEL * ROW_PX)
    await grid.getByText(`many-${ROWS_SEEN_BY_WHEEL}`, { exact: true }).waitFor()
    expect(await grid.getByRole('row').count()).toBeLessThan(60)
    expect(await heapBytes(page)).toBeLessThan(HEAP_BYTES_MAX)
  })

  it('shows what a rollback would do and lose before it does it, and then the proof', async () => {
    await goTo(page, deployment)
    await strike('Show what a rollback would do')
    await page.getByRole('button', { name: /^Roll back \d/ }).waitFor()
    await reads(/30 rows/)
    expect(await page.getByRole('button', { name: /^Roll back \d/ }).isEnabled()).toBe(false)
    await reach(page.getByLabel('Delete these values too'))
    await page.keyboard.press('Space')
    await isForEverybody()
    await strike(/^Roll back \d/)
    await confirm()
    await page.getByRole('heading', { name: 'Deployment Rolled back' }).waitFor()
    await reads(/^Proof: \d+ components read back afterwards, all as before the deployment\.$/)
  })

  it('deactivates an automation and activates it again', async () => {
    await open('/automations')
    const switches = page.getByRole('button', { name: /^Deactivate / })
    const name = (await switches.first().getAttribute('aria-label'))?.replace('Deactivate ', '')
    for (const verb of ['Deactivate', 'Activate']) {
      await strike(`${verb} ${name}`)
      await confirm()
      await reads('The change is deployed')
    }
    await switches.and(page.getByLabel(`Deactivate ${name}`)).waitFor()
    await isForEverybody()
  })

  it('is used with the keyboard alone on every page of a client', async () => {
    const subjects = {
      client: acme.id,
      deployment: deployment.split('/').at(-1) ?? '',
      push: manyRows,
    }
    const pages = pagesOf(subjects, true)
    expect(await keyboardFaultsOf(page, pages)).toEqual([])
    const fresh = await browser.signIn(agency)
    expect(await silentlyFailing(fresh, pages)).toEqual([])
    const { email } = await agency.user('company_admin', acme.id)
    const member = await browser.signIn({ email, password: agency.password })
    for (const { path: of, forCompany } of pages) {
      await goTo(member, of)
      await member.getByText(forCompany).filter({ visible: true }).first().waitFor()
    }
    // While the server is away, what is there stays, and says that it may be old.
    await goTo(page, `/console/clients/${acme.id}/pushes`)
    await reads('Records written')
    await page.context().setOffline(true)
    await reads('The server does not answer. What you see may be old.')
    await strike('Read it again') // in vain
    await page.context().setOffline(false)
    await page.getByText('What you see may be old').waitFor({ state: 'detached' })
    await expectFocusIn(page, 'main')
  })

  it('shows nothing of it to other organizations', async () => {
    const stranger = await browser.signIn(await rig.org())
    for (const link of [deployment, push]) {
      await goTo(stranger, link)
      await stranger.getByText('Not found, or not yours').first().waitFor()
      expect(await stranger.getByText('Acme').count()).toBe(0)
    }
    expect(browser.incidents).toEqual([])
  })
})
