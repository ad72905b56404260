// What can be searched for, and by what. Pure.

import { type FleetSearchRequest, type SearchHit, type SearchKind } from '@sfdc-engine-x/client'
import { requiredTags } from '../../app/selection.ts'
import { type FleetSearch } from './search.ts'

type Flag =
  | 'custom'
  | 'required'
  | 'unique'
  | 'external_id'
  | 'calculated'
  | 'encrypted'
  | 'restricted'
  | 'managed'
  | 'active'

interface Kind {
  label: string
  flags: readonly Flag[]
  /** Whether it has an object of its own, or one that triggers it. */
  object: 'object' | 'trigger_object' | null
  hasFormula: boolean
}

export const KINDS: Readonly<Record<SearchKind, Kind>> = {
  field: {
    label: 'Fields',
    flags: [
      'custom',
      'required',
      'unique',
      'external_id',
      'calculated',
      'encrypted',
      'restricted',
      'managed',
    ],
    object: 'object',
    hasFormula: true,
  },
  object: { label: 'Objects', flags: ['custom', 'managed'], object: null, hasFormula: false },
  picklist_value: {
    label: 'Picklist values',
    flags: ['active'],
    object: 'object',
    hasFormula: false,
  },
  record_type: {
    label: 'Record types',
    flags: ['active', 'managed'],
    object: 'object',
    hasFormula: false,
  },
  automation: {
    label: 'Automations',
    flags: ['active', 'managed'],
    object: 'trigger_object',
    hasFormula: true,
  },
}

/** The request without a page; null: nothing was asked for yet. Throws a sentence for tags that are none. */
export const requestOf = (search: FleetSearch): FleetSearchRequest | null => {
  const { kind = 'field', object, name, label, formula, flag, missing, tags } = search
  const { flags, object: member, hasFormula } = KINDS[kind]
  const flagged = flags.find((one) => one === flag)
  const filters = {
    ...(object === undefined || member === null ? {} : { [member]: object }),
    ...(name === undefined ? {} : { name }),
    ...(label === undefined ? {} : { label }),
    ...(formula === undefined || !hasFormula ? {} : { formula }),
    ...(flagged === undefined ? {} : { [flagged]: true }),
  }
  if (Object.keys(filters).length === 0) return null
  return {
    kind,
    ...filters,
    ...(missing === true ? { missing } : {}),
    ...(tags === undefined ? {} : { selector: { tags: requiredTags(tags) } }),
  }
}

/** `Lead.Tier__c`, and what else tells a hit from others. */
export const hitName = ({ kind, object, name, field }: SearchHit): string => {
  if (kind === 'object' || object === null) return name
  return [object, ...(field === null ? [] : [field]), name].join('.')
}

/** The flags that are set, in words. */
export const flagsInWords = ({ flags }: SearchHit): string =>
  Object.entries(flags)
    .flatMap(([name, isSet]) => (isSet ? [name.replaceAll('_', ' ')] : []))
    .join(', ')
