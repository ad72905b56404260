// The main job in the console, as a person does it in a real Chromium: a plan with its verdict, the deploy, a
// mapping, a push whose failed rows are mended, and the rollback of it all.

import { readFileSync } from 'node:fs'
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
import { type TestClient, type TestOrg } from './rig.ts'
import { type SharedRig, sharedRig } from './shared-rig.ts'

const SLOW_MS = 40_000
/** Nobody may run it, and nothing behind it may be turned around. */
const HOSTILE = '<img src=x onerror=alert(1)> \u202Edettimil'
const CLIENT = `Acme ${HOSTILE}`

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

describeInBrowser('the main job in the console', { timeout: 120_000 }, () => {
  let rig: SharedRig
  let agency: TestOrg
  let acme: TestClient
  let browser: ConsoleBrowser
  let page: Page
  let deployment = ''
  let push = ''

  beforeAll(async () => {
    rig = await sharedRig()
    agency = await rig.org()
    const salesforce = await rig.salesforceOrg()
    acme = await agency.client(CLIENT)
    await acme.connect(salesforce.name)
    await acme.pull()
    browser = await openBrowser(rig.urls[0])
    page = await browser.signIn(agency)
    page.setDefaultTimeout(SLOW_MS)
  }, 120_000)
  afterAll(() => browser?.[Symbol.asyncDispose]())

  const press = (name: string | RegExp) =>
    page.getByRole('button', { name, exact: typeof name === 'string' }).click()
  const reads = (text: string | RegExp) => page.getByText(text).first().waitFor()
  const open = (to: string) => goTo(page, `/console/clients/${acme.id}${to}`)
  const path = () => new URL(page.url()).pathname
  /** For production: the name of the client, and Enter. */
  const confirm = async () => {
    await page.getByRole('dialog').getByLabel('The client’s name').fill(CLIENT)
    await page.keyboard.press('Enter')
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
      for (const box of await boxes.all()) await box.check()
    }
    await press(/^Deploy \d/)
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
    await page.getByLabel('File').setInputFiles({
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

  it('shows what a rollback would do and lose before it does it, and then the proof', async () => {
    await goTo(page, deployment)
    await press('Show what a rollback would do')
    await page.getByRole('button', { name: /^Roll back \d/ }).waitFor()
    await reads(/30 rows/)
    expect(await page.getByRole('button', { name: /^Roll back \d/ }).isEnabled()).toBe(false)
    await page.getByLabel('Delete these values too').check()
    await isForEverybody()
    await press(/^Roll back \d/)
    await confirm()
    await page.getByRole('heading', { name: 'Deployment Rolled back' }).waitFor()
    await reads(/^Proof: \d+ components read back afterwards, all as before the deployment\.$/)
  })

  it('shows nothing of it to other organizations, and says so to whoever may not', async () => {
    const stranger = await browser.signIn(await rig.org())
    for (const link of [deployment, push]) {
      await goTo(stranger, link)
      await stranger.getByText('Not found, or not yours').first().waitFor()
      expect(await stranger.getByText('Acme').count()).toBe(0)
    }
    const { email } = await agency.user('company_member', acme.id)
    const member = await browser.signIn({ email, password: agency.password })
    await goTo(member, `/console/clients/${acme.id}/plan`)
    await member.getByText('You may not see this').waitFor()
    expect(browser.incidents).toEqual([])
  })
})
