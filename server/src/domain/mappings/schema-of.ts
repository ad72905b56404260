// The describes that a mapping needs, from the newest snapshot.

import { type Tenant } from '../../db/database.ts'
import { type CompleteSnapshot } from '../topology/topology.ts'
import { checkMapping, checkShape, parentsOf } from './check.ts'
import { type KnownSchema } from './check-field.ts'
import { type DescribedObject, readObject } from './describe.ts'
import { type Finding } from './finding.ts'
import { type MappingDraft } from './mapping.ts'
import { type Present, type PresentSnapshot } from './present.ts'

/** Where the describes come from. */
export type Snapshots = Present

export interface Checked {
  findings: Finding[]
  /** The snapshot it was checked against; null if there is none. */
  snapshotVersion: number | null
}

/** What this mapping needs: its object, and the parents that it looks up. */
const schemaFor = async (
  mapping: MappingDraft,
  snapshot: PresentSnapshot,
): Promise<KnownSchema> => {
  const describes = await snapshot.readObjects([mapping.sfdc_object])
  const [describe] = describes.values()
  const parents = describe === undefined ? [] : parentsOf(mapping, describe)
  return {
    objectNames: snapshot.objectNames,
    unreadable: snapshot.unreadable,
    notVisible: snapshot.notVisible,
    removed: snapshot.removed,
    describes: new Map([
      ...describes,
      ...(parents.length === 0 ? [] : await snapshot.readObjects(parents)),
    ]),
  }
}

export const checkAgainst = async (
  mapping: MappingDraft,
  snapshot: PresentSnapshot | null,
): Promise<Checked> =>
  snapshot === null
    ? { findings: checkShape(mapping), snapshotVersion: null }
    : {
        findings: checkMapping(mapping, await schemaFor(mapping, snapshot)),
        snapshotVersion: snapshot.version,
      }

/** Checks against the newest snapshot, or without one if the client has none. */
export const checkNewest = async (
  snapshots: Snapshots,
  tenant: Tenant,
  clientId: string,
  mapping: MappingDraft,
): Promise<Checked> => checkAgainst(mapping, await snapshots.newestComplete(tenant, clientId))

/** Described objects by their names in Salesforce. */
export const describedObjects = async (
  snapshot: CompleteSnapshot,
  names: readonly string[],
): Promise<Map<string, DescribedObject>> =>
  new Map(
    [...(await snapshot.readObjects(names))].map(([name, describe]) => [
      name,
      readObject(describe),
    ]),
  )
