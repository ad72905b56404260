// A preview of an off-boarding asks Salesforce about components while automations that go first still use them. What
// Salesforce refuses for that reason alone would go.

import { soql } from '../../../salesforce/escape.ts'
import { SalesforceError } from '../../../salesforce/failure.ts'
import { type SalesforceOrg } from '../../../salesforce/gateway.ts'
import { asText } from '../../../salesforce/json.ts'
import { type FileProperties, listMetadata } from '../../../salesforce/metadata.ts'
import { toolingQuery } from '../../../salesforce/tooling.ts'
import { type Component, keyOf, memberOf, ownerOf, sameName } from '../../metadata/names.ts'
import { type Changes, type NamedComponent } from '../rows.ts'

/** Salesforce takes a field that it deletes out of layouts itself. */
const LETS_GO: ReadonlySet<string> = new Set(['Layout'])

/** Of the types of which Salesforce says who uses them. */
const LISTED = ['CustomField', 'CustomObject', 'ValidationRule'].map((type) => ({ type }))

const keyIn = ({ type, full_name: fullName }: NamedComponent): string => keyOf({ type, fullName })

/**
 * Of what Salesforce refused to delete, what only automations use that no longer do then, and components that go as
 * well. Nothing where Salesforce does not say who uses it.
 */
export const heldByFirst = async <Refused extends NamedComponent>(
  org: SalesforceOrg,
  refused: readonly Refused[],
  { first, going }: { first: NonNullable<Changes['first']>; going: readonly NamedComponent[] },
): Promise<Refused[]> => {
  if (first.length === 0) return []
  const goes = new Set(going.map(keyIn))
  try {
    const listed = await listMetadata(org, LISTED)
    const held: Refused[] = []
    for (const one of refused) {
      const users = await usersOf(org, one, listed)
      const isFree = (user: Component): boolean =>
        goes.has(keyOf(user)) || first.some((automation) => letsGo(automation, user, one))
      if (users.length > 0 && users.every(isFree)) held.push(one)
    }
    return held
  } catch (error) {
    // MetadataComponentDependency is a beta: a Salesforce org without it leaves its refusal as it is.
    if (error instanceof SalesforceError && error.failure.kind === 'other') return []
    throw error
  }
}

/** Whether it is this automation, and no longer mentions the component afterwards. */
const letsGo = (
  automation: NonNullable<Changes['first']>[number],
  user: Component,
  { full_name: name }: NamedComponent,
): boolean =>
  keyIn(automation) === keyOf(user) && !automation.names.includes(sameName(memberOf(name)))

/** Who uses a component or, for an object, something on it. */
const usersOf = async (
  org: SalesforceOrg,
  { type, full_name: fullName }: NamedComponent,
  listed: readonly FileProperties[],
): Promise<Component[]> => {
  const isMeant = (one: FileProperties): boolean =>
    keyOf(one) === keyOf({ type, fullName }) ||
    (type === 'CustomObject' &&
      one.type === 'CustomField' &&
      sameName(ownerOf(one.fullName)) === sameName(fullName))
  const byId = new Map(listed.map((one) => [one.id?.slice(0, 15) ?? '', one]))
  const users: Component[] = []
  for (const { id } of listed.filter(isMeant)) {
    // Salesforce: it can be filtered by only one id at a time.
    const rows = toolingQuery(
      org,
      soql`SELECT MetadataComponentId, MetadataComponentType, MetadataComponentName FROM MetadataComponentDependency WHERE RefMetadataComponentId = ${id ?? ''}`,
    )
    for await (const row of rows) {
      const [user, name] = [asText(row.MetadataComponentType), asText(row.MetadataComponentName)]
      if (user === null || name === null || LETS_GO.has(user)) continue
      // Rules and fields are named without their object, and versions of a flow may have their number.
      const known = byId.get(asText(row.MetadataComponentId)?.slice(0, 15) ?? '')
      const plain = user === 'Flow' ? name.replace(/-\d+$/, '') : name
      const component = { type: user, fullName: known?.fullName ?? plain }
      if (keyOf(component) !== keyOf({ type, fullName })) users.push(component)
    }
  }
  // What is on an object goes with it.
  return users.filter(
    (user) => type !== 'CustomObject' || sameName(ownerOf(user.fullName)) !== sameName(fullName),
  )
}
