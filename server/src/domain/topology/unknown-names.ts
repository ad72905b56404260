// Warnings about object names from a caller that are in no snapshot, with the most similar name that is.

import { didYouMean } from '../mappings/suggest/words.ts'
import { sameName } from '../metadata/names.ts'
import { hiddenNames, type Manifest } from './manifest.ts'

export interface NameWarning {
  /** In the request: `objects.0`. */
  path: string
  code: 'object_unknown' | 'object_not_visible' | 'object_unreadable'
  message: string
}

export const noLongerSeen = (name: string): string =>
  `The connected user no longer sees ${name}; an earlier version has it.`

/** The warnings about names that the snapshot does not describe; case-insensitive. */
export const warningsOf = (
  wanted: readonly string[] | undefined,
  manifest: Manifest,
): NameWarning[] => {
  const names = [...manifest.objects.keys()]
  const known = new Set(names.map(sameName))
  const hidden = new Set(hiddenNames(manifest).map(sameName))
  const unreadable = new Set(manifest.unreadable.map(sameName))
  return (wanted ?? []).flatMap((name, at): NameWarning[] => {
    const path = `objects.${at}`
    const key = sameName(name)
    if (known.has(key)) return []
    if (hidden.has(key)) {
      return [{ path, code: 'object_not_visible', message: noLongerSeen(name) }]
    }
    if (unreadable.has(key)) {
      const message = `${name} exists and could not be described; see stats.unreadable.`
      return [{ path, code: 'object_unreadable', message }]
    }
    const message = `This version has no object ${name}.${didYouMean(name, names)}`
    return [{ path, code: 'object_unknown', message }]
  })
}
