// Which clients: a form's answers as a selector of the API. Pure.

import { type ClientSelector, type ClientTags, type Environment } from '@sfdc-engine-x/client'
import { InputError } from '../api/input-error.ts'
import { tagsOf } from './tags.ts'

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

/** Tags as they are typed. Throws a sentence for what is none, and where there is none. */
export const requiredTags = (typed: string): ClientTags => {
  const { tags, error } = tagsOf(typed)
  if (tags === null) throw new InputError(error ?? 'These are not tags.')
  if (Object.keys(tags).length === 0) throw new InputError('Type a tag, such as tier=gold.')
  return tags
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
      return { tags: requiredTags(tags), ...more }
    case 'bound':
      return { bound: blueprintId ?? true, ...more }
    case 'drifted':
      return { drifted: blueprintId ?? true, ...more }
    case 'clients':
      if (clientIds.length === 0) throw new InputError('Choose at least one client.')
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
