// What a deployment is about to do with each component of its plan, and whether that can be rolled back.

import { type SalesforceOrg } from '../../../salesforce/gateway.ts'
import { kindOf, objectOf } from '../../metadata/kinds.ts'
import { type Step } from '../../metadata/kinds/kind.ts'
import { type Component, keyOf, sameName } from '../../metadata/names.ts'
import { partsIn } from '../../metadata/parts.ts'
import { RESTORED, type Reversibility, UNCHANGED } from '../../metadata/reversibility.ts'
import { type MetadataPackage } from '../../plan/compile.ts'
import { componentsOf } from '../../plan/components.ts'
import { definesObject, type Plan } from '../../plan/schema.ts'
import { type SavedComponent } from '../run/outcome.ts'
import { rowsLost } from './data-guard.ts'

interface Planned extends Omit<Step, 'made' | 'lostRows'> {
  component: Component
  action: SavedComponent['action']
}

const reversibilityOf = async (
  org: SalesforceOrg,
  { component, action, before, after, withObject }: Planned,
): Promise<Reversibility> => {
  if (action === 'unchanged') return UNCHANGED
  const lostRows =
    before === null || after === null
      ? 0
      : await rowsLost(org, { component, from: before, to: after })
  const step = { made: before === null, before, after, withObject, lostRows }
  return kindOf(component.type)?.reversibility(step) ?? RESTORED
}

/**
 * A row for each component, in the plan's order. Asks Salesforce only if a change may make records lose
 * something. Throws SalesforceError as its queries do.
 */
export const componentRows = async (
  org: SalesforceOrg,
  plan: Plan,
  current: ReadonlyMap<string, string>,
  compiled: MetadataPackage,
): Promise<SavedComponent[]> => {
  const unchanged = new Set(compiled.unchanged.map(keyOf))
  const [found, sent] = [partsIn(current), partsIn(compiled.files)]
  const made = new Set(
    plan.objects
      .filter(
        (object) =>
          definesObject(object) &&
          found.part({ type: 'CustomObject', fullName: object.api_name }) === null,
      )
      .map(({ api_name }) => sameName(api_name)),
  )
  const rows: SavedComponent[] = []
  // Only for permission sets and layouts does a merged file include the rest of what the Salesforce org
  // has; for an object it holds only what changes, which is all that is compared here.
  for (const [position, component] of componentsOf(plan).entries()) {
    const [before, after] = [found.part(component), sent.part(component)]
    const isInPlace = unchanged.has(keyOf(component))
    const action = isInPlace ? 'unchanged' : before === null ? 'created' : 'updated'
    const withObject = made.has(sameName(objectOf(component) ?? ''))
    const { level, reason } = await reversibilityOf(org, {
      component,
      action,
      before,
      after,
      withObject,
    })
    rows.push({
      position,
      type: component.type,
      full_name: component.fullName,
      path: component.path,
      action,
      reversibility: level,
      reason,
      success: isInPlace ? true : null,
      problem: null,
    })
  }
  return rows
}
