// Whether a deploy that Salesforce lists is the one that we sent. Salesforce: Tooling API, DeployRequest
// has every deploy of a user, including those of the command line and of change sets; only the
// components of a deploy show whose it is.

import { type ComponentResult, type DeployResult } from '../../../salesforce/deploy-result.ts'
import { type Component, keyOf, ownerOf, sameName } from '../../metadata/names.ts'

/** What a package deploys and deletes: full names by metadata type. */
interface Contents {
  members: Readonly<Record<string, readonly string[]>>
  deleteAfter: Readonly<Record<string, readonly string[]>>
}

/** `unclear`: it is running, and has not yet shown enough of its components. */
export type Claim = 'ours' | 'foreign' | 'unclear'

/**
 * A deploy is ours if it holds every component of the package and nothing else, and did with each what the
 * package does: others may delete what ours deploys. A deploy that ended
 * without changing anything and without naming its components may have been ours; nothing is lost by
 * sending the package again.
 */
export const claimOf = (contents: Contents, result: DeployResult): Claim => {
  const [deployed, deleted] = [keysIn(contents.members), keysIn(contents.deleteAfter)]
  const wanted = new Set([...deployed, ...deleted])
  const reported = result.details?.components ?? []
  const others = reported.filter((component) => {
    const key = plainKeyOf(component)
    if (!wanted.has(key)) return !isContainer(component, wanted)
    const { outcome } = component
    return outcome === 'deleted'
      ? !deleted.has(key)
      : (outcome === 'created' || outcome === 'changed') && !deployed.has(key)
  })
  if (others.length > 0) return 'foreign'
  const seen = new Set(reported.map(plainKeyOf))
  if ([...wanted].every((key) => seen.has(key))) return 'ours'
  return result.done ? 'foreign' : 'unclear'
}

const keysIn = (members: Contents['members']): Set<string> =>
  new Set(
    Object.entries(members).flatMap(([type, names]) =>
      names.map((fullName) => plainKeyOf({ type, fullName })),
    ),
  )

/** Salesforce answers some names with the escapes of package.xml and some without (`%28` for a bracket). */
const plainKeyOf = (component: Component): string =>
  keyOf(component).replace(/%([0-9a-f]{2})/g, (_whole, code: string) =>
    sameName(String.fromCharCode(parseInt(code, 16))),
  )

/**
 * What Salesforce reports beside the components that package.xml names: the object in whose file they
 * are, a manifest that has a problem, and each rule of a file of assignment rules.
 */
const isContainer = (
  component: Pick<ComponentResult, 'type' | 'fullName'>,
  wanted: ReadonlySet<string>,
): boolean => {
  const { type, fullName } = component
  if (type === '') return true
  if (type === 'AssignmentRule') {
    return wanted.has(keyOf({ type: 'AssignmentRules', fullName: ownerOf(fullName) }))
  }
  if (type !== 'CustomObject') return false
  const start = `:${sameName(fullName)}.`
  return [...wanted].some((key) => key.includes(start))
}
