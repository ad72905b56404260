// Which clients: a form's answers as a selector of the API. Pure.

import { type ClientSelector, type Environment } from '@sfdc-engine-x/client'

export type SelectionKind = 'all' | 'tags' | 'bound' | 'drifted' | 'clients'

export interface Selection {
  by: SelectionKind
  /** `plan=premium, region=eu`, as it is typed. */
  tags: string
  clientIds: readonly string[]
  /** '': both. */
  environment: Environment | ''
}

export const NOTHING_SELECTED: Selection = { by: 'all', tags: '', clientIds: [], environment: '' }

/** Tags as they are typed. Throws a sentence for what is none. */
export const tagsOf = (typed: string): Record<string, string> => {
  const pairs = typed
    .split(',')
    .map((pair) => pair.trim())
    .filter((pair) => pair !== '')
  if (pairs.length === 0) throw new Error('Type a tag, such as plan=premium.')
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=')
      const [key, value] = [pair.slice(0, at).trim(), pair.slice(at + 1).trim()]
      if (at < 1 || key === '' || value === '') {
        throw new Error(`“${pair}” is not a tag. Type a key and a value, such as plan=premium.`)
      }
      return [key, value]
    }),
  )
}

/**
 * The selector of the API. `blueprintId` is what bound and drifted are about; without one, any. Throws a
 * sentence that says what is missing.
 */
export const selectorOf = (
  { by, tags, clientIds, environment }: Selection,
  blueprintId: string | null = null,
): ClientSelector => {
  const more = environment === '' ? {} : { environment }
  switch (by) {
    case 'all':
      return { all: true, ...more }
    case 'tags':
      return { tags: tagsOf(tags), ...more }
    case 'bound':
      return { bound: blueprintId ?? true, ...more }
    case 'drifted':
      return { drifted: blueprintId ?? true, ...more }
    case 'clients':
      if (clientIds.length === 0) throw new Error('Choose at least one client.')
      return { client_ids: clientIds, ...more }
  }
}

/** What is wrong with a selection, in a sentence; null: nothing. */
export const selectionError = (selection: Selection): string | null => {
  try {
    selectorOf(selection)
    return null
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
