// What the search over all clients reads.

import { type Generated } from 'kysely'
import { type Json } from './columns.ts'

export interface SearchClients {
  org_id: string
  client_id: string
  no: number
  snapshot_id: string | null
  manifest_hash: Buffer | null
}

export interface SearchSets {
  org_id: string
  id: Generated<string>
  clients: number[]
  clients_key: Buffer | null
  size: number
}

export interface SearchFacts {
  org_id: string
  hash: Buffer
  set_id: string
  flags: number
  kind: 'object' | 'field' | 'picklist_value' | 'record_type' | 'automation'
  object_key: string
  name_key: string
  label_key: string
  object: string | null
  name: string
  label: string | null
  field: string | null
  type: string
  formula: string | null
  detail: Json<Record<string, unknown>> | null
}

export interface SearchContents {
  org_id: string
  key: Buffer
  facts: Buffer
}
