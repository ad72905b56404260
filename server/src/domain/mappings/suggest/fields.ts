// Proposals for the fields of a mapping: pure, from the describes alone.

import {
  type DescribedField,
  type DescribedObject,
  isKey,
  isRequired,
  isWritable,
} from '../describe.ts'
import { type MappedValue } from '../mapping.ts'
import { parentText } from '../sfdc-field.ts'
import { fitOf, isTelling, kindOf, type KnownKind } from './kinds.ts'
import { indexNames, type NameIndex } from './names.ts'
import { conceptOf, squeezed, wordsOf } from './words.ts'

/** A field of the caller's own model, with hints that help to find its counterpart. */
export interface CanonicalField {
  name: string
  label?: string | undefined
  /** string, number, boolean, date, datetime, email, phone, url … */
  type?: string | undefined
  sample_values?: readonly MappedValue[] | undefined
}

export interface Reason {
  /** Stable: name, type, picklist_values, external_id, used_elsewhere, record_ids, sample_too_long. */
  code: string
  message: string
}

export interface Proposal {
  sfdc_field: string
  label: string
  type: string
  /** 0 to 1; from 0.6 on it is in the draft. */
  score: number
  reasons: Reason[]
  /** Salesforce refuses a record without it. */
  required: boolean
  /** Sample values that match a picklist value except for case. */
  value_map: Record<string, string> | null
}

export interface FieldSuggestion {
  canonical_field: string
  proposals: Proposal[]
}

/** How often other mappings of the same org map a canonical field to a field of this name. */
export type Precedents = ReadonlyMap<string, ReadonlyMap<string, number>>

interface Target {
  sfdcField: string
  label: string
  /** The field that takes the value: for a lookup by external id, the parent's key. */
  field: DescribedField
  /** The field of the object that is written. */
  written: DescribedField
  isLookup: boolean
}

const SCORE_MIN = 0.35
/** With less than this in common, half of the object's fields would match. */
const NAMES_MIN = 0.2
const PROPOSALS_MAX = 5

const isMappable = (field: DescribedField): boolean => isWritable(field) && field.type !== 'base64'

const targetsOf = (
  object: DescribedObject,
  parents: ReadonlyMap<string, DescribedObject>,
): Target[] =>
  object.fields.filter(isMappable).flatMap((written): Target[] => {
    const plain: Target = {
      sfdcField: written.name,
      label: written.label,
      field: written,
      written,
      isLookup: false,
    }
    const { relationshipName, referenceTo } = written
    if (relationshipName === null) return [plain]
    const lookups = referenceTo.flatMap((name) => {
      const parent = parents.get(name)
      const type = referenceTo.length > 1 ? name : null
      return (parent?.fields ?? [])
        .filter((key) => isKey(key) && key.type !== 'id')
        .map((key): Target => ({
          sfdcField: parentText(relationshipName, key.name, type),
          label: `${written.label.replace(/ ID$/, '')} › ${key.label}`,
          field: key,
          written,
          isLookup: true,
        }))
    })
    return [plain, ...lookups]
  })

/** `User:Owner.Email` → "Owner Email": the words that count. */
const namesOf = ({ sfdcField, label, isLookup, field, written }: Target): string[] =>
  isLookup
    ? [
        `${wordsOf(written.relationshipName ?? '').join(' ')} ${wordsOf(field.name).join(' ')}`,
        label,
        `${wordsOf(written.label).join(' ')} id`,
      ]
    : [sfdcField, label]

/** Normal form of picklist values, so that `open` finds `Open` and `on-hold` finds `On Hold`. */
const valueKey = (value: unknown): string => squeezed(String(value))

interface Context {
  canonicalObject: string
  precedents: Precedents
}

interface Prepared {
  targets: Target[]
  names: NameIndex
  /** Normal form of a picklist value → the targets that have it, with the value itself. */
  values: Map<string, { target: number; value: string }[]>
  /** Type → targets. */
  types: Map<string, number[]>
  isObjectWord: (word: string) => boolean
}

const prepare = (
  object: DescribedObject,
  parents: ReadonlyMap<string, DescribedObject>,
  { canonicalObject }: Context,
): Prepared => {
  const targets = targetsOf(object, parents)
  const context = [canonicalObject, object.name, object.label]
  const values: Prepared['values'] = new Map()
  const types: Prepared['types'] = new Map()
  for (const [index, { field, isLookup }] of targets.entries()) {
    if (isLookup) continue
    const sameType = types.get(field.type)
    if (sameType === undefined) types.set(field.type, [index])
    else sameType.push(index)
    for (const { value, label } of field.values) {
      for (const key of new Set([valueKey(value), valueKey(label)])) {
        if (key === '') continue
        const list = values.get(key)
        if (list === undefined) values.set(key, [{ target: index, value }])
        else list.push({ target: index, value })
      }
    }
  }
  const objectWords = new Set(context.flatMap(wordsOf).map(conceptOf))
  return {
    targets,
    names: indexNames(targets.map(namesOf), context),
    values,
    types,
    isObjectWord: (word) => objectWords.has(conceptOf(word)),
  }
}

interface Found {
  score: number
  /** The name that matched; null if something else matched. */
  named: { by: string; face: readonly string[] } | null
  reasons: Reason[]
  valueMap: Record<string, string> | null
}

/** Raises a score towards 1 by a share of what is missing. */
const raise = (score: number, share: number): number => 1 - (1 - score) * (1 - share)

const byName = (canonical: CanonicalField, { names }: Prepared): Map<number, Found> => {
  const found = new Map<number, Found>()
  const texts = [canonical.name, ...(canonical.label === undefined ? [] : [canonical.label])]
  for (const [position, by] of texts.entries()) {
    for (const { owner, score: alike, face } of names.alike(by)) {
      const score = position === 0 ? alike : alike * 0.97
      if (score < NAMES_MIN) continue
      const before = found.get(owner)
      if (before === undefined || score > before.score) {
        found.set(owner, { score, named: { by, face }, reasons: [], valueMap: null })
      }
    }
  }
  return found
}

const SFDC_ID = /^[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?$/

/**
 * Salesforce: record ids have zeros at or near the position after the object's three-character prefix.
 */
const areRecordIds = (samples: readonly MappedValue[]): boolean =>
  samples.length > 0 &&
  samples.every((value) => typeof value === 'string' && SFDC_ID.test(value) && /\d/.test(value))

const suggestField = (
  canonical: CanonicalField,
  prepared: Prepared,
  { precedents }: Context,
): FieldSuggestion => {
  const { targets, values, types } = prepared
  const samples = (canonical.sample_values ?? []).filter((value) => value !== null && value !== '')
  const words = wordsOf(canonical.name)
  const kind = kindOf(words, canonical.type, samples)
  const found = byName(canonical, prepared)
  const at = (target: number): Found => {
    const known = found.get(target) ?? { score: 0, named: null, reasons: [], valueMap: null }
    found.set(target, known)
    return known
  }

  if (kind !== null && isTelling(kind)) {
    for (const target of types.get(kind.kind) ?? []) at(target).score ||= 0.1
  }
  const overlaps = overlapsOf(samples, values)
  for (const target of overlaps.keys()) at(target)
  const elsewhere = precedents.get(canonical.name)
  if (elsewhere !== undefined) {
    for (const [target, { sfdcField }] of targets.entries()) {
      if (elsewhere.has(sfdcField)) at(target)
    }
  }
  const isIdentifier =
    words.every(
      (word) => ['identifier', 'external'].includes(conceptOf(word)) || prepared.isObjectWord(word),
    ) && words.some((word) => conceptOf(word) === 'identifier')
  if (isIdentifier) {
    for (const [target, { field, isLookup }] of targets.entries()) {
      if (field.externalId && !isLookup) at(target)
    }
  }

  const recordIds = areRecordIds(samples)
  const longest = Math.max(0, ...samples.map((value) => String(value).length))
  const ranked = [...found].flatMap(([index, entry]) => {
    const target = targets[index]
    if (target === undefined) return []
    judge(entry, target, {
      kind,
      samples,
      longest,
      overlap: overlaps.get(index),
      isIdentifier,
      recordIds,
    })
    const others = elsewhere?.get(target.sfdcField) ?? 0
    if (others > 0) {
      entry.score = raise(entry.score, 0.7)
      entry.reasons.push({
        code: 'used_elsewhere',
        message: `${others === 1 ? 'One other mapping' : `${others} other mappings`} of your org map it this way.`,
      })
    }
    return entry.score < SCORE_MIN ? [] : [{ target, entry }]
  })
  ranked.sort(
    (a, b) => b.entry.score - a.entry.score || (a.target.sfdcField < b.target.sfdcField ? -1 : 1),
  )
  return {
    canonical_field: canonical.name,
    proposals: ranked
      .slice(0, PROPOSALS_MAX)
      .map(({ target, entry }) => toProposal(target, entry, prepared)),
  }
}

interface Overlap {
  matched: number
  of: number
  map: Record<string, string>
}

/** How many of the distinct sample values each picklist has, and their names there. */
const overlapsOf = (
  samples: readonly MappedValue[],
  values: Prepared['values'],
): Map<number, Overlap> => {
  const distinct = [...new Set(samples.filter((value) => typeof value === 'string'))]
  const overlaps = new Map<number, Overlap>()
  for (const sample of distinct) {
    const seen = new Set<number>()
    for (const { target, value } of values.get(valueKey(sample)) ?? []) {
      if (seen.has(target)) continue
      seen.add(target)
      const overlap = overlaps.get(target) ?? { matched: 0, of: distinct.length, map: {} }
      overlap.matched += 1
      if (value !== sample) overlap.map[sample] = value
      overlaps.set(target, overlap)
    }
  }
  return overlaps
}

interface Evidence {
  kind: KnownKind | null
  samples: readonly MappedValue[]
  /** Characters of the longest sample. */
  longest: number
  overlap: Overlap | undefined
  isIdentifier: boolean
  recordIds: boolean
}

const SAID: Readonly<Record<KnownKind['from'], string>> = {
  declared: 'the declared type says',
  samples: 'the sample values say',
  name: 'the name says',
}

/** Adjusts the entry's score by what else is known, and records each reason. */
const judge = (
  entry: Found,
  { field, written, isLookup }: Target,
  { kind, samples, longest, overlap, isIdentifier, recordIds }: Evidence,
): void => {
  const fit = fitOf(kind, field)
  if (kind !== null && fit.isSame) {
    if (isTelling(kind)) entry.score = Math.max(entry.score, 0.4)
    entry.reasons.push({ code: 'type', message: `${SAID[kind.from]} ${kind.kind}.` })
  }
  entry.score = Math.min(1, entry.score * fit.factor)
  if (overlap !== undefined) {
    entry.score = raise(entry.score, 0.6 * (overlap.matched / overlap.of))
    if (Object.keys(overlap.map).length > 0) entry.valueMap = overlap.map
    entry.reasons.push({
      code: 'picklist_values',
      message: `${overlap.matched} of ${overlap.of} sample values are in its list.`,
    })
  } else if (field.restrictedPicklist && samples.length > 0) {
    entry.score *= 0.7
  }
  if (isIdentifier && field.externalId && !isLookup) {
    entry.score = raise(entry.score, field.unique ? 0.7 : 0.5)
    entry.reasons.push({
      code: 'external_id',
      message: field.unique ? 'A unique external id.' : 'An external id, though not unique.',
    })
  }
  if (isLookup && recordIds) entry.score *= 0.5
  if (!isLookup && written.type === 'reference') {
    // The caller's own keys are not record ids; if the samples are record ids, the plain field is right.
    entry.score = recordIds ? raise(entry.score, 0.3) : entry.score * 0.6
    if (recordIds) {
      entry.reasons.push({ code: 'record_ids', message: 'The sample values look like record ids.' })
    }
  }
  if (field.length > 0 && longest > field.length && field.values.length === 0) {
    entry.score *= 0.8
    entry.reasons.push({
      code: 'sample_too_long',
      message: `A sample value has ${longest} characters; the field holds ${field.length}.`,
    })
  }
}

const toProposal = (target: Target, entry: Found, { names }: Prepared): Proposal => {
  const { named } = entry
  const shared = named === null ? [] : names.explain(named.by, named.face)
  return {
    sfdc_field: target.sfdcField,
    label: target.label,
    type: target.field.type,
    score: Math.round(entry.score * 100) / 100,
    reasons: [
      ...(shared.length === 0
        ? []
        : [{ code: 'name', message: `Names share: ${shared.join(', ')}.` }]),
      ...entry.reasons,
    ],
    required: isRequired(target.written),
    value_map: entry.valueMap,
  }
}

/** Ranked proposals for each canonical field, in the order given. `parents` are described by name. */
export const suggestFields = (
  fields: readonly CanonicalField[],
  object: DescribedObject,
  parents: ReadonlyMap<string, DescribedObject>,
  context: Context,
): FieldSuggestion[] => {
  const prepared = prepare(object, parents, context)
  return fields.map((field) => suggestField(field, prepared, context))
}
