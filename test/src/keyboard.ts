// The console for whoever has only the keyboard: going to something with Tab, and what a whole page lacks.

import { expect } from 'vitest'
import { type Locator, type Page } from 'playwright-core'

/** More than a page has stops. */
const STOPS_MAX = 150

/** Runs in the page: what can be reached, and what has been. */
const WALK = `(() => {
  const INTERACTIVE = 'a[href], button, input, select, textarea, summary, [tabindex="0"], [contenteditable]'
  const main = document.querySelector('main')
  const isShown = (one) => one.checkVisibility({ visibilityProperty: true, contentVisibilityAuto: true })
  const describe = (one) =>
    one.tagName.toLowerCase() + ' “' + (nameOf(one) || one.outerHTML.slice(0, 80)) + '”'
  const nameOf = (one) => [
    one.getAttribute('aria-label'),
    ...(one.getAttribute('aria-labelledby') ?? '').split(' ').map((id) => document.getElementById(id)?.textContent),
    ...[...(one.labels ?? [])].map(({ textContent }) => textContent),
    one.matches('input, select, textarea') ? '' : one.textContent,
  ].map((text) => (text ?? '').trim()).find((text) => text !== '') ?? ''
  // One row of a table is a stop at a time: that on which the arrows stand.
  const isLeftOut = (one) => one.closest('[role=row]:not(.current)') !== null && one.closest('.table-body') !== null
  const all = [...main.querySelectorAll(INTERACTIVE)].filter((one) => isShown(one) && !one.disabled)
  const expected = all.filter((one) => !isLeftOut(one))
  const faults = []
  for (const one of expected) {
    if (one.tabIndex < 0) faults.push(describe(one) + ' is no stop')
    if (nameOf(one) === '') faults.push(describe(one) + ' has no name')
  }
  const reached = []
  globalThis.walk = {
    /** Where the focus is now; true once it has left the page. */
    look() {
      const one = document.activeElement
      if (!main.contains(one) || one === main) return reached.length > 0
      if (reached.at(-1) === one) return false
      reached.push(one)
      if (isLeftOut(one)) faults.push(describe(one) + ' is a stop, in a row that is not current')
      // A ring of its own, or of the frame that it fills.
      const isMarked = [one, one.parentElement].some((framed) => {
        const { outlineStyle, outlineWidth } = getComputedStyle(framed)
        return outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2
      })
      if (!isMarked) faults.push(describe(one) + ' shows no focus')
      const { left, top, width, height } = one.getBoundingClientRect()
      const at = document.elementFromPoint(
        Math.min(left + width / 2, innerWidth - 1), top + Math.min(height / 2, 8))
      if (at === null || !(one.contains(at) || at.contains(one) || at.closest('label') !== null)) {
        faults.push(describe(one) + ' is out of sight or covered')
      }
      return false
    },
    faults() {
      const seen = reached.filter((one) => expected.includes(one))
      const isStillThere = (one) => one.isConnected && isShown(one) && !one.disabled && !isLeftOut(one)
      for (const one of expected) {
        if (isStillThere(one) && !seen.includes(one)) faults.push(describe(one) + ' is not reached')
      }
      const order = seen.map((one) => expected.indexOf(one))
      if (order.some((place, at) => at > 0 && place < order[at - 1])) faults.push('the order is not that of the page')
      return faults
    },
  }
  main.focus()
  return expected.length
})()`

/**
 * What is wrong with the page as it is for whoever has only the keyboard: what Tab does not reach, or reaches in a
 * different order, what has no name, and what does not show that it has the focus. It ends behind the page's last
 * stop: a page that does not let go of the focus is at fault too.
 */
export const keyboardFaults = async (page: Page): Promise<string[]> => {
  const expected = await page.evaluate<number>(WALK)
  let hasLeft = false
  for (let stops = 0; stops < STOPS_MAX && !hasLeft; stops++) {
    await page.keyboard.press('Tab')
    hasLeft = await page.evaluate<boolean>('walk.look()')
  }
  const faults = await page.evaluate<string[]>('walk.faults()')
  return hasLeft || expected === 0 ? faults : [...faults, 'the focus does not get out of the page']
}

/** Goes on with Tab from where the focus is, until it is there. */
export const reach = async (target: Locator): Promise<void> => {
  await target.waitFor()
  const page = target.page()
  for (let stops = 0; stops < STOPS_MAX; stops++) {
    const isThere = await target.evaluate(
      (element) =>
        (element as { ownerDocument: { activeElement: unknown } }).ownerDocument.activeElement ===
        element,
    )
    if (isThere) return
    await page.keyboard.press('Tab')
  }
  throw new Error(`the keyboard does not reach ${String(target)}`)
}

/** Presses something with the keyboard alone, from where the focus is. */
export const pressByKeyboard = async (target: Locator): Promise<void> => {
  await reach(target)
  await target.page().keyboard.press('Enter')
}

/** Where the focus is: nobody who has only the keyboard begins again at the top. */
export const expectFocusIn = async (page: Page, selector: string): Promise<void> => {
  const where = `document.activeElement.closest(${JSON.stringify(selector)}) !== null`
  await expect
    .poll(() => page.evaluate<boolean>(where), { message: `focus in ${selector}` })
    .toBe(true)
}
