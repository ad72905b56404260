// Plain links, for lists that draw many at a time: the router's `Link` costs as much as ten other elements.

import { defaultStringifySearch, type RegisteredRouter, useRouter } from '@tanstack/react-router'
import { type MouseEvent, type PointerEvent, useMemo } from 'react'

const BASE = '/console'

export type Path = Extract<keyof RegisteredRouter['routesByPath'], string>

type ParamOf<To extends string> = To extends `${string}$${infer Name}/${infer Rest}`
  ? Name | ParamOf<Rest>
  : To extends `${string}$${infer Name}`
    ? Name
    : never

/** The address of a page. A page that does not exist does not compile. */
export const hrefOf = <To extends Path>(
  to: To,
  params: Readonly<Record<ParamOf<To>, string>>,
  search: object = {},
): string =>
  BASE +
  to.replaceAll(/\$(\w+)/g, (_, name: string) =>
    encodeURIComponent((params as Readonly<Record<string, string>>)[name] ?? ''),
  ) +
  defaultStringifySearch(search as Record<string, unknown>)

/** The page of ours that a plain link leads to; null for anything else. */
const pageOf = (target: EventTarget): string | null => {
  const link = target instanceof Element ? target.closest<HTMLAnchorElement>('a[href]') : null
  if (link === null || link.target !== '' || link.hasAttribute('download')) return null
  if (link.origin !== location.origin || !link.pathname.startsWith(`${BASE}/`)) return null
  return link.pathname.slice(BASE.length) + link.search
}

/** What an element has to do for the plain links in it: as `Link` does, without a page load. */
export const usePlainLinks = () => {
  const router = useRouter()
  return useMemo(
    () => ({
      onClick: (event: MouseEvent) => {
        const { altKey, ctrlKey, metaKey, shiftKey, button, defaultPrevented, target } = event
        const isPlain = button === 0 && !(altKey || ctrlKey || metaKey || shiftKey)
        const page = isPlain && !defaultPrevented ? pageOf(target) : null
        if (page === null) return
        event.preventDefault()
        router.history.push(BASE + page)
      },
      // Somebody is about to open it.
      onPointerOver: ({ target }: PointerEvent) => {
        const page = pageOf(target)
        if (page !== null) void router.preloadRoute({ to: page as '/' })
      },
    }),
    [router],
  )
}
