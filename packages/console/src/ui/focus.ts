// Where the focus goes when what had it is gone: a row that was removed, a page that was left, a button whose work is
// done. Without this it falls back to the document, and whoever uses the keyboard begins again at the top.

import { type RefObject, useEffect } from 'react'

const TAKES_FOCUS =
  '[tabindex], a[href], button:enabled, input:enabled, select:enabled, textarea:enabled, summary'
const IN_ORDER =
  'a[href], button:enabled, input:enabled, select:enabled, textarea:enabled, summary, [tabindex="0"]'

/** An element and everything around it, from the inside out, each with its neighbours of that moment. */
export type Place = readonly {
  element: HTMLElement
  next: Element | null
  previous: Element | null
}[]

export const placeOf = (inside: Element | null): Place => {
  const place: Place[number][] = []
  for (let element = inside; element instanceof HTMLElement; element = element.parentElement) {
    const { nextElementSibling: next, previousElementSibling: previous } = element
    place.push({ element, next, previous })
  }
  return place
}

/**
 * What is nearest to the place and still there: the element itself, or its table or dialog, or its neighbour. Null
 * where nothing but the page is left.
 */
export const nearestLeft = (place: Place): HTMLElement | null => {
  const left = place.findIndex(({ element }) => element.isConnected)
  const still = left === -1 ? [] : place.slice(left).map(({ element }) => element)
  const around = still.find((element) => element.matches(TAKES_FOCUS))
  if (around !== undefined && around.tagName !== 'MAIN') return around
  const [holder] = still
  const gone = place[left - 1]
  // Beside a whole page or a dialog is nothing of it.
  if (gone === undefined || holder?.closest('main') == null || holder.tagName === 'MAIN')
    return null
  return inOrder(gone.next).at(0) ?? inOrder(gone.previous).at(-1) ?? null
}

const inOrder = (element: Element | null): HTMLElement[] =>
  element === null || !element.isConnected
    ? []
    : [element, ...element.querySelectorAll(IN_ORDER)].filter(
        (one): one is HTMLElement => one instanceof HTMLElement && one.matches(IN_ORDER),
      )

/** Keeps the focus near to where it was; `main` takes it where the whole page has gone. */
export const useKeptFocus = (main: RefObject<HTMLElement | null>): void => {
  useEffect(() => {
    let place: Place = []
    const remember = ({ target }: FocusEvent) => {
      place = target instanceof Element ? placeOf(target) : []
    }
    // A click beside everything takes the focus away on purpose.
    const forget = () => {
      place = []
    }
    const observer = new MutationObserver(() => {
      const [last] = place
      if (last === undefined || last.element.isConnected) return
      const { activeElement, body } = document
      if (activeElement !== null && activeElement !== body) return
      const nearest = nearestLeft(place) ?? main.current
      place = []
      nearest?.focus({ preventScroll: true })
    })
    document.addEventListener('focusin', remember)
    document.addEventListener('pointerdown', forget, true)
    observer.observe(document.body, { childList: true, subtree: true })
    return () => {
      document.removeEventListener('focusin', remember)
      document.removeEventListener('pointerdown', forget, true)
      observer.disconnect()
    }
  }, [main])
}
