// A page that no developer tools look into. Playwright listens to the network of each of its pages, for which Chromium
// notes which code has asked and looks for its place in scripts that are compiled already; and it puts a library of its
// own into a page that it asks something. Both cost what is to be measured.

import { setTimeout as pause } from 'node:timers/promises'
import { type Browser, type Cookie } from 'playwright-core'

const LOOK_MS = 250

export interface BarePage extends AsyncDisposable {
  goto(url: string): Promise<void>
  /** What the expression says as soon as that is a number. */
  numberOf(expression: string): Promise<number>
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
  await send('Emulation.setCPUThrottlingRate', { rate: look.slowed })

  return {
    goto: async (url) => void (await send('Page.navigate', { url })),
    numberOf: async (expression) => {
      for (;;) {
        const { result } = (await send('Runtime.evaluate', { expression })) as {
          result: { value?: unknown }
        }
        if (typeof result.value === 'number') return result.value
        await pause(LOOK_MS)
      }
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
