// Objects beside those of a plan that are read through them: Salesforce does not remove read access to a
// master from a permission set or profile that gives read access to a detail.

import { type SalesforceOrg } from '../../../salesforce/gateway.ts'
import { isObject, type JsonObject } from '../../../salesforce/json.ts'
import { readableIn } from '../../metadata/entries.ts'
import { filePath } from '../../metadata/kinds.ts'
import { givesRead } from '../../metadata/masters.ts'
import { type Component, keyOf, objectKind, sameName } from '../../metadata/names.ts'
import { type Plan } from '../../plan/schema.ts'
import { type Changes } from '../rows.ts'
import { readDescribes, readFiles, type Reading } from './images.ts'

export interface Beside {
  /** The file of a detail; null if it is not one. */
  file: (object: string) => string | null
  /**
   * Details that profiles give read access to, by the key of the profile: a profile's file contains only
   * what the same package names.
   */
  readable: ReadonlyMap<string, readonly string[]>
}

const NOTHING: Beside = { file: () => null, readable: new Map() }

/** Objects to which the deployment gave somebody read access. */
const openedBy = ({ permissionSets, profiles }: Changes): string[] => [
  ...new Set(
    [...Object.values(permissionSets), ...Object.values(profiles)]
      .flat()
      .filter(givesRead)
      .map(({ key }) => key),
  ),
]

/** Custom details of the object, as its describe shows them to the connected user. */
const detailsIn = ({ childRelationships: list }: JsonObject): string[] =>
  (Array.isArray(list) ? (list as unknown[]) : []).flatMap((one) =>
    isObject(one) &&
    one.cascadeDelete === true &&
    typeof one.childSObject === 'string' &&
    objectKind(one.childSObject) === 'custom'
      ? [one.childSObject]
      : [],
  )

/**
 * Reads details of the objects that the deployment gave access to, and which of them its profiles give
 * read access to.
 */
export const readBeside = async (
  org: SalesforceOrg,
  plan: Plan,
  changes: Changes,
  { describes }: Pick<Reading, 'describes'>,
): Promise<Beside> => {
  const opened = new Set(openedBy(changes).map(sameName))
  const own = new Set(plan.objects.map(({ api_name }) => sameName(api_name)))
  const others = openedBy(changes).filter((name) => !own.has(sameName(name)))
  const bodies = [...describes, ...(await readDescribes(org, others))]
    .filter(([name]) => opened.has(sameName(name)))
    .map(([, body]) => body)
  const details = [...new Set(bodies.flatMap((body) => detailsIn(body)))].filter(
    (name) => !own.has(sameName(name)),
  )
  if (details.length === 0) return NOTHING

  const componentsOf = (type: string, names: readonly string[]): Component[] =>
    names.map((fullName) => ({ type, fullName }))
  const profiles = componentsOf('Profile', Object.keys(changes.profiles))
  const { files } = await readFiles(org, [...componentsOf('CustomObject', details), ...profiles])
  const byPath = new Map([...files].map(([path, text]) => [sameName(path), text]))
  const textOf = (type: string, fullName: string): string | null =>
    byPath.get(sameName(filePath(type, fullName) ?? '')) ?? null
  return {
    file: (object) => textOf('CustomObject', object),
    readable: new Map(
      profiles.map((profile) => {
        const text = textOf('Profile', profile.fullName)
        return [keyOf(profile), text === null ? [] : readableIn(text, 'Profile')]
      }),
    ),
  }
}
