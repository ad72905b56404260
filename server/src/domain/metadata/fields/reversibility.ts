// Whether a field can be rolled back, and what that costs. One decision from facts: the report asks
// before the deploy, the deployment about what it is about to send, the rollback about the state by
// then.

import { plural } from '../../words.ts'
import { valuesStay } from '../gained-values.ts'
import {
  irreversible,
  type Reversibility,
  RESTORED,
  reversible,
  withDataLoss,
} from '../reversibility.ts'
import { gainedPairs, pairsStay } from './dependencies.ts'
import { type FieldType, isCalculated } from './field-kinds.ts'
import { conversionOf, type FieldShape } from './shape.ts'

const ASKS = 'If records hold values by then, it requires allow_data_loss.'

/** A field that the deployment creates. */
export const reversibilityOfMade = (type: FieldType | null, withObject: boolean): Reversibility => {
  if (type !== null && isCalculated(type)) {
    return reversible('Rollback deletes it; it only shows what other fields hold.')
  }
  return withDataLoss(
    withObject
      ? `Rollback deletes the field with its object. ${ASKS}`
      : `Rollback deletes the field. ${ASKS}`,
  )
}

export interface FieldChange {
  /**
   * The field before the deployment and as deployed. Null: its type is one that plans do not support.
   */
  was: FieldShape | null
  next: FieldShape | null
  /** Rows that lose something through the deployment; null if not known. */
  lostRows: number | null
}

/** Values that a picklist's own list gains. */
export const gainedValues = (was: FieldShape | null, next: FieldShape | null): string[] => {
  if (was?.values == null || next?.values == null) return []
  const known = new Set(was.values)
  return next.values.filter((value) => !known.has(value))
}

/** What a picklist gains and Salesforce does not take from it again, in words; null where it gains nothing. */
export const whatStays = (was: FieldShape | null, next: FieldShape | null): string | null => {
  const values = gainedValues(was, next)
  const pairs = gainedPairs(was?.dependency ?? null, next?.dependency ?? null)
  const said = [
    ...(values.length > 0 ? [valuesStay(values)] : []),
    ...(pairs.length > 0 ? [pairsStay(pairs)] : []),
  ]
  return said.length === 0 ? null : said.join(' ')
}

/** Why Salesforce does not change the field back; null if it does. */
export const noWayBack = (next: FieldShape | null, was: FieldShape | null): string | null => {
  if (was === null || next === null) return 'Plans do not support its type.'
  const back = conversionOf(next, was)
  return back.kind === 'refused'
    ? `Salesforce does not convert a ${next.type} back into a ${was.type}: ${back.why}.`
    : null
}

/** An existing field that the deployment changes. */
export const reversibilityOfChange = ({ was, next, lostRows }: FieldChange): Reversibility => {
  const dead = noWayBack(next, was)
  if (was === null || next === null) return irreversible(dead ?? '')
  const isConverted = was.type !== next.type
  const there = conversionOf(was, next)
  if (there.kind === 'refused') {
    return irreversible(
      `Salesforce does not convert a ${was.type} into a ${next.type}: ${there.why}.`,
    )
  }
  if (there.kind === 'lossy' && lostRows !== 0) {
    const change = isConverted ? `Converted to ${next.type}` : 'Made smaller'
    return irreversible(
      `${change}, the field loses ${there.loses}${inRows(lostRows)}. Rollback does not bring that back.`,
    )
  }
  if (dead !== null) return irreversible(dead)
  const stays = whatStays(was, next)
  if (stays !== null) return irreversible(stays)
  const back = conversionOf(next, was)
  if (back.kind !== 'lossy') return RESTORED
  const how = isConverted
    ? `makes the field a ${was.type} again`
    : 'gives the field its old size back'
  return withDataLoss(
    `Rollback ${how}, which loses ${back.loses}. If records hold any by then, it requires allow_data_loss.`,
  )
}

const inRows = (rows: number | null): string =>
  rows === null ? ', in an unknown number of records' : ` in ${plural(rows, 'record')}`
