// Code that is loaded when somebody goes to a page.

import { lazyRouteComponent } from '@tanstack/react-router'

/** A document that is younger was loaded from the server as it is now: loading it again would not help. */
const YOUNG_MS = 10_000

/**
 * The component of that name, loaded when it is needed. Where its file is gone because the console is a newer one now,
 * the document is loaded again. (The router's own way to do so remembers it in web storage, and does it offline too,
 * where nothing would be left.)
 */
export const lazy = <const Name extends string>(
  // No more of its type: what a screen returns depends on the routes, and these on this.
  load: () => Promise<{ readonly [One in Name]: () => void }>,
  name: Name,
) =>
  lazyRouteComponent(async () => {
    try {
      return await load()
    } catch (error) {
      if (performance.now() > YOUNG_MS && (await isServerThere())) {
        location.reload()
        return new Promise<never>(() => undefined)
      }
      // What the API throws if nobody answers.
      throw new TypeError('The page was not loaded.', { cause: error })
    }
  }, name)

const isServerThere = async (): Promise<boolean> => {
  try {
    return (await fetch('/console/', { cache: 'no-store' })).ok
  } catch {
    return false
  }
}
