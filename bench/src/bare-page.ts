// A page that no developer tools look into. Playwright listens to the network of each of its pages, for which Chromium
// notes which code has asked and looks for its place in scripts that are compiled already; and it puts a library of its
// own into a page that it asks something. Both cost what is to be measured.

import { setTimeout as pause } from 'node:timers/promises'
import { type Browser, type Cookie } from 'playwright-core'

const LOOK_MS = 250
/** Of one core, while nothing is loaded. */
const AT_REST = 0.1
const REST_TRIES = 60

/** With their Windows key codes, by which Chromium knows them. */
const KEYS = { PageUp: 33, PageDown: 34, End: 35, Home: 36, ArrowUp: 38, ArrowDown: 40 }
/** A finger stays on a key for about this long. */
const HELD_MS = 30

export interface BarePage extends AsyncDisposable {
  goto(url: string): Promise<void>
  /** What the expression says as soon as that is a number. */
  numberOf(expression: string): Promise<number>
  /** What the expression says, as JSON has it. */
  valueOf(expression: string): Promise<unknown>
  /** A key that writes nothing, by the name that its event has. */
  press(key: keyof typeof KEYS): Promise<void>
  /** A key for each character. */
  type(text: string): Promise<void>
  /** In the middle of the first element that the selector finds. */
  click(selector: string): Promise<void>
}

/**
 * Chromium opens a window for a page, with pages of its own in it: while these are loaded, they take the processor
 * from the one that is measured, half of it on two cores.
 */
const untilAtRest = async (browser: Browser): Promise<void> => {
  const tools = await browser.newBrowserCDPSession()
  const look = async () => {
    const { processInfo } = await tools.send('SystemInfo.getProcessInfo')
    return { at: performance.now(), cpu: processInfo.reduce((sum, one) => sum + one.cpuTime, 0) }
  }
  let before = await look()
  for (let tries = 0; tries < REST_TRIES; tries++) {
    await pause(LOOK_MS)
    const now = await look()
    const share = (1_000 * (now.cpu - before.cpu)) / (now.at - before.at)
    before = now
    if (share < AT_REST) return await tools.detach()
  }
  throw new Error('Chromium does not come to rest')
}

/** `script` runs in each document before all others; `slowed` says how many times slower the processor is. */
export const openBarePage = async (
  browser: Browser,
  look: { cookies: Cookie[]; slowed: number; script: string; width: number; height: number },
): Promise<BarePage> => {
  const tools = await browser.newBrowserCDPSession()
  // None of Playwright's: it leaves alone what is in others. Nothing is kept from one to the next.
  const { browserContextId } = await tools.send('Target.createBrowserContext')
  const cookies = look.cookies.map(({ partitionKey: _, ...cookie }) => cookie)
  await tools.send('Storage.setCookies', { browserContextId, cookies })
  const { targetId } = await tools.send('Target.createTarget', {
    url: 'about:blank',
    browserContextId,
  })
  const { sessionId } = await tools.send('Target.attachToTarget', { targetId, flatten: false })

  const asked = new Map<number, (answer: Answer) => void>()
  tools.on('Target.receivedMessageFromTarget', ({ sessionId: from, message }) => {
    if (from !== sessionId) return
    const answer = JSON.parse(message) as Answer
    asked.get(answer.id)?.(answer)
  })
  const send = async (method: string, params: object = {}): Promise<unknown> => {
    const id = asked.size + 1
    const { promise, resolve } = Promise.withResolvers<Answer>()
    asked.set(id, resolve)
    const message = JSON.stringify({ id, method, params })
    await tools.send('Target.sendMessageToTarget', { sessionId, message })
    const { result, error } = await promise
    if (error !== undefined) throw new Error(`${method}: ${error.message}`)
    return result
  }

  const { width, height } = look
  await send('Emulation.setDeviceMetricsOverride', {
    width,
    height,
    deviceScaleFactor: 1,
    mobile: false,
  })
  await send('Page.enable')
  await send('Page.addScriptToEvaluateOnNewDocument', { source: look.script })
  await untilAtRest(browser)
  await send('Emulation.setCPUThrottlingRate', { rate: look.slowed })

  const valueOf = async (expression: string): Promise<unknown> => {
    const answer = await send('Runtime.evaluate', { expression, returnByValue: true })
    return (answer as { result: { value?: unknown } }).result.value
  }
  const key = async (named: { key: string; windowsVirtualKeyCode: number; text?: string }) => {
    const { text } = named
    await send('Input.dispatchKeyEvent', {
      type: text === undefined ? 'rawKeyDown' : 'keyDown',
      ...named,
    })
    await pause(HELD_MS)
    await send('Input.dispatchKeyEvent', { ...named, text: undefined, type: 'keyUp' })
  }

  return {
    goto: async (url) => void (await send('Page.navigate', { url })),
    valueOf,
    numberOf: async (expression) => {
      for (;;) {
        const value = await valueOf(expression)
        if (typeof value === 'number') return value
        await pause(LOOK_MS)
      }
    },
    press: (name) => key({ key: name, windowsVirtualKeyCode: KEYS[name] }),
    type: async (text) => {
      for (const letter of text) {
        const windowsVirtualKeyCode = letter.toUpperCase().charCodeAt(0)
        await key({ key: letter, text: letter, windowsVirtualKeyCode })
      }
    },
    click: async (selector) => {
      const [x, y] = (await valueOf(`
        (() => {
          const { x, y, width, height } = document.querySelector(${JSON.stringify(selector)}).getBoundingClientRect()
          return [x + width / 2, y + height / 2]
        })()`)) as [number, number]
      const place = { x, y, button: 'left', clickCount: 1 }
      await send('Input.dispatchMouseEvent', { type: 'mousePressed', ...place })
      await pause(HELD_MS)
      await send('Input.dispatchMouseEvent', { type: 'mouseReleased', ...place })
    },
    [Symbol.asyncDispose]: async () => {
      await tools.send('Target.closeTarget', { targetId })
      await tools.send('Target.disposeBrowserContext', { browserContextId })
      await tools.detach()
    },
  }
}

interface Answer {
  id: number
  result?: unknown
  error?: { message: string }
}
