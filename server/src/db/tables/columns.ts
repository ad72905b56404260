// Kinds of columns.

import { type ColumnType } from 'kysely'
import { type JsonText } from '../json.ts'

export type Timestamp = ColumnType<Date, Date | string, Date | string>

export type DefaultedTimestamp = ColumnType<Date, Date | string | undefined, Date | string>

/** jsonb: read as the parsed value, written as what `json()` returns; no other text is accepted. */
export type Json<T> = ColumnType<T, JsonText<T>, JsonText<T>>

export type DefaultedJson<T> = ColumnType<T, JsonText<T> | undefined, JsonText<T>>
