// What a deleted mapping leaves behind.

import { sameName } from '../metadata/names.ts'
import { type CompleteSnapshot } from '../topology/topology.ts'
import { type DescribedObject, relationshipNamed } from './describe.ts'
import { type Finding, placed, warning } from './finding.ts'
import { type Mapping } from './mapping.ts'
import { describedObjects } from './schema-of.ts'
import { parseSfdcField } from './sfdc-field.ts'

/** Mappings that look up parents that no mapping pushes any longer, now that this one is gone. */
export const orphansOf = async (
  gone: Mapping,
  others: readonly Mapping[],
  snapshot: CompleteSnapshot,
): Promise<Finding[]> => {
  const isStillPushed = others.some(
    ({ sfdc_object }) => sameName(sfdc_object) === sameName(gone.sfdc_object),
  )
  const children = others.filter(({ fields }) =>
    fields.some(({ sfdc_field }) => parseSfdcField(sfdc_field)?.kind === 'parent'),
  )
  if (isStillPushed || children.length === 0) return []
  const objects = new Map(
    [
      ...(await describedObjects(
        snapshot,
        children.map(({ sfdc_object }) => sfdc_object),
      )),
    ].map(([name, object]) => [sameName(name), object]),
  )
  return children.flatMap((child) => {
    const object = objects.get(sameName(child.sfdc_object))
    const lookups = child.fields.filter(
      ({ sfdc_field }) => object !== undefined && leadsTo(object, sfdc_field, gone.sfdc_object),
    )
    return lookups.map(({ canonical_field, sfdc_field }) =>
      placed(
        'sfdc_object',
        warning(
          'parents_not_pushed',
          `${child.canonical_object}.${canonical_field} looks up its parent by ${sfdc_field}, but no mapping pushes ${gone.sfdc_object} any longer.`,
          'Make sure the parents get into Salesforce another way, or remove the lookup.',
        ),
      ),
    )
  })
}

const leadsTo = (object: DescribedObject, sfdcField: string, parent: string): boolean => {
  const target = parseSfdcField(sfdcField)
  if (target?.kind !== 'parent') return false
  const referenceTo =
    target.object === null
      ? (relationshipNamed(object, target.relationship)?.referenceTo ?? [])
      : [target.object]
  return referenceTo.some((name) => sameName(name) === sameName(parent))
}
