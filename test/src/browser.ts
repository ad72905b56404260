// A real Chromium that works in the console as a person does: one for a suite, a window of its own for each
// user. What no page may do is collected whatever the test looks at: reports of the content security policy,
// uncaught errors, and dialogs that some text from outside has opened.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { chromium, type BrowserContext, type Page } from 'playwright-core'
import { describe } from 'vitest'
import { chromiumPath } from './chromium.ts'
import { builtConsole } from './shared-rig.ts'
import { HANGS_MS } from './until.ts'

const executablePath = chromiumPath() ?? undefined

type Describe = (name: string, tests: () => void) => unknown

const describeSkipped: Describe = (name) => {
  if (process.env.REQUIRE_BROWSER === '1') {
    throw new Error(`${name} needs a browser, and there is none: install chromium`)
  }
  process.stderr.write(
    `\n*** SKIPPED: ${name}. There is no Chromium; install one, or name it in CHROMIUM. ***\n`,
  )
  return describe.skip(name, () => undefined)
}

/** `describe` where there is a browser; a loud line where there is none. */
export const describeInBrowser: Describe = executablePath === undefined ? describeSkipped : describe

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js')

/** What axe reports, as far as a test looks at it. */
interface AxeResult {
  violations: { id: string; impact: string | null; nodes: { target: unknown[] }[] }[]
}

export interface ConsoleBrowser extends AsyncDisposable {
  /** A window of this user, signed in by the form. */
  signIn(
    user: { email: string; password: string },
    look?: { width?: number; dark?: boolean },
  ): Promise<Page>
  /** What should never have happened, in all windows. */
  readonly incidents: readonly string[]
}

/** `url` is that of a server, without a path. */
export const openBrowser = async (url: string): Promise<ConsoleBrowser> => {
  await builtConsole()
  const browser = await chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
  })
  const incidents: string[] = []
  const watch = (page: Page): void => {
    page.on('pageerror', (error) => incidents.push(`uncaught: ${error.message}`))
    page.on('console', (message) => {
      const text = message.text()
      if (/content security policy|trusted ?type/i.test(text)) incidents.push(text)
    })
    page.on('dialog', (dialog) => {
      incidents.push(`dialog: ${dialog.message()}`)
      void dialog.dismiss()
    })
  }
  const contexts: BrowserContext[] = []
  return {
    incidents,
    signIn: async ({ email, password }, { width = 1280, dark = false } = {}) => {
      const context = await browser.newContext({
        baseURL: url,
        viewport: { width, height: 900 },
        colorScheme: dark ? 'dark' : 'light',
        reducedMotion: 'reduce',
      })
      context.setDefaultTimeout(HANGS_MS)
      contexts.push(context)
      const page = await context.newPage()
      watch(page)
      await page.goto('/console/signin')
      await page.getByLabel('E-mail').fill(email)
      await page.getByLabel('Password').fill(password)
      await page.getByRole('button', { name: 'Sign in' }).click()
      await page.getByRole('link', { name: 'Skip to the content' }).waitFor({ state: 'attached' })
      return page
    },
    [Symbol.asyncDispose]: async () => {
      for (const context of contexts) await context.close()
      await browser.close()
    },
  }
}

/** To a different page of the console as a link leads there: without loading the document again, which is slow. */
export const goTo = (page: Page, path: string): Promise<void> =>
  page.evaluate((to) => {
    const window = globalThis as unknown as {
      history: { pushState(state: object, unused: string, url: string): void }
      dispatchEvent(event: Event): boolean
    }
    window.history.pushState({}, '', to)
    window.dispatchEvent(new Event('popstate'))
  }, path)

/**
 * What axe finds on the page as it is now that keeps somebody out: `color-contrast: .muted`. Runs in the page
 * under its own policy.
 */
export const seriousFindings = async (page: Page): Promise<string[]> => {
  const isThere = await page.evaluate(() => 'axe' in globalThis)
  if (!isThere) await page.evaluate(readFileSync(AXE, 'utf8'))
  const { violations } = await page.evaluate<AxeResult>(
    'axe.run({ resultTypes: ["violations"], runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"] })',
  )
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`)
}

/** What has moved since the page was loaded, unless somebody did something just before: `tabs: 93 to 193`. */
export const shiftsOf = (page: Page): Promise<string[]> =>
  page.evaluate(`new Promise((resolve) => {
    const found = []
    const observer = new PerformanceObserver((list) => take(list.getEntries()))
    const take = (entries) => {
      for (const { hadRecentInput, sources } of entries) {
        if (hadRecentInput) continue
        for (const { node, previousRect, currentRect } of sources) {
          found.push((node?.className || node?.nodeName) + ': ' + previousRect.y + ' to ' + currentRect.y)
        }
      }
    }
    observer.observe({ type: 'layout-shift', buffered: true })
    // Two frames: what is drawn last is told after it.
    requestAnimationFrame(() => requestAnimationFrame(() => {
      take(observer.takeRecords())
      observer.disconnect()
      resolve(found)
    }))
  })`)

/** Whether the page is wider than its window. */
export const scrollsSideways = (page: Page): Promise<boolean> =>
  page.evaluate(() => {
    // Of the browser's page, which the types of Node do not know.
    const { document, innerWidth } = globalThis as unknown as {
      document: { documentElement: { scrollWidth: number } }
      innerWidth: number
    }
    return document.documentElement.scrollWidth > innerWidth
  })
