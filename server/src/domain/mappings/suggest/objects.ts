// Which object of the Salesforce org a canonical object most likely is.

import { type DescribedObject } from '../describe.ts'
import { type FieldSuggestion, type Reason } from './fields.ts'
import { indexNames } from './names.ts'
import { conceptOf, wordsOf } from './words.ts'

export interface ObjectProposal {
  api_name: string
  label: string
  score: number
  reasons: Reason[]
}

/** What Salesforce creates beside every object, and what holds no records of its own. */
const SHADOW =
  /(?:__(?:Share|History|Feed|ChangeEvent|Tag|hd|mdt|e|b|x|kav|ka|xo|ViewStat|VoteStat)|(?:Share|History|Feed|ChangeEvent|OwnerSharingRule|TagDefinition|Tag))$/

/** Standard objects that a word may also mean, beside those of its own name. */
const STANDARD: Readonly<Record<string, readonly string[]>> = {
  contact: ['Contact', 'Lead'],
  prospect: ['Lead'],
  lead: ['Lead'],
  account: ['Account'],
  opportunity: ['Opportunity'],
  case: ['Case'],
  task: ['Task'],
  activity: ['Task', 'Event'],
  meeting: ['Event'],
  product: ['Product2'],
  order: ['Order'],
  contract: ['Contract'],
  campaign: ['Campaign'],
  owner: ['User'],
  user: ['User'],
}
const STANDARD_SCORE = 0.7
const USUAL = ['Account', 'Contact', 'Lead']

/** How many describes are worth reading for a guess. */
const CANDIDATES_MAX = 6

/** The candidate objects, by their API names alone, best first. */
export const objectCandidates = (
  canonicalObject: string,
  objectNames: readonly string[],
): string[] => {
  const real = objectNames.filter((name) => !SHADOW.test(name))
  const present = new Set(real)
  const scores = new Map<string, number>()
  const note = (name: string, score: number) => {
    if (present.has(name)) scores.set(name, Math.max(score, scores.get(name) ?? 0))
  }
  for (const { owner, score } of indexNames(
    real.map((name) => [name]),
    [],
  ).alike(canonicalObject)) {
    note(real[owner] ?? '', score)
  }
  for (const word of wordsOf(canonicalObject)) {
    for (const name of STANDARD[conceptOf(word)] ?? []) note(name, STANDARD_SCORE)
  }
  // If the names show nothing, the fields may.
  for (const name of USUAL) note(name, 0.1)
  return [...scores]
    .sort(([a, left], [b, right]) => right - left || (a < b ? -1 : 1))
    .slice(0, CANDIDATES_MAX)
    .map(([name]) => name)
}

/**
 * One described candidate, scored by its names and by how many of the canonical fields it can hold; null
 * if its records cannot be written.
 */
export const judgeObject = (
  canonicalObject: string,
  object: DescribedObject,
  fields: readonly FieldSuggestion[],
): ObjectProposal | null => {
  if (!object.createable && !object.updateable) return null
  const index = indexNames([[object.name, object.label]], [])
  const [alike] = index.alike(canonicalObject)
  const isStandard = wordsOf(canonicalObject).some(
    (word) => STANDARD[conceptOf(word)]?.includes(object.name) === true,
  )
  const named = Math.max(alike?.score ?? 0, isStandard ? STANDARD_SCORE : 0)
  const best = fields.map(({ proposals: [first] }) => first?.score ?? 0)
  const coverage = best.reduce((sum, score) => sum + score, 0) / Math.max(1, best.length)
  const placed = best.filter((score) => score >= 0.6).length
  const shared = alike === undefined ? [] : index.explain(canonicalObject, alike.face)
  const reasons: Reason[] = []
  if (shared.length > 0) {
    reasons.push({ code: 'name', message: `Names share: ${shared.join(', ')}.` })
  } else if (isStandard) {
    reasons.push({
      code: 'name',
      message: `${object.label} is where most Salesforce orgs keep such records.`,
    })
  }
  if (placed > 0) {
    reasons.push({
      code: 'fields',
      message: `It has a field for ${placed} of ${fields.length} canonical fields.`,
    })
  }
  return {
    api_name: object.name,
    label: object.label,
    score: Math.round((0.6 * named + 0.4 * coverage) * 100) / 100,
    reasons,
  }
}
