// What the components of a plan look like in the Salesforce org at one moment: their metadata files
// and the describes of their objects.

import { asDescribeOf, describedBy } from '../../../salesforce/activities.ts'
import { describeMany } from '../../../salesforce/describes.ts'
import { makeFailure, SalesforceError } from '../../../salesforce/failure.ts'
import { type SalesforceOrg } from '../../../salesforce/gateway.ts'
import { type JsonObject } from '../../../salesforce/json.ts'
import { type FileProperties, listMetadata, retrieve } from '../../../salesforce/metadata.ts'
import { componentAt, filePath, kindOf } from '../../metadata/kinds.ts'
import { allMasters, mastersIn } from '../../metadata/masters.ts'
import { type Component, objectKind, sameName } from '../../metadata/names.ts'
import { componentsOf, componentsToRead } from '../../plan/components.ts'
import { membersOf } from '../../plan/manifest.ts'
import { type Plan } from '../../plan/schema.ts'

export type Moment = 'before' | 'after'

export interface Images {
  /** Metadata files by path in a package; what does not exist is absent. */
  files: ReadonlyMap<string, string>
  /** Describes by object, as far as the connected user sees them. */
  describes: ReadonlyMap<string, JsonObject>
}

export interface Reading extends Images {
  /** Who changed a file last, if Salesforce says so. */
  properties: readonly FileProperties[]
}

/** Salesforce's words for a component that does not exist; any other problem means that it was not read. */
const ABSENT = /cannot be found|not found|does not exist|no \w+ named/i

const isReadInPart = (type: string): boolean => {
  const kind = kindOf(type)
  return kind !== null && 'folder' in kind && kind.isReadInPart === true
}

/**
 * Reads everything that the plan touches, as it is now. Throws SalesforceError where something could not
 * be read: to treat it as absent would overwrite it unseen.
 */
export const readImages = async (org: SalesforceOrg, plan: Plan): Promise<Reading> => {
  const objects = plan.objects.map(({ api_name }) => api_name)
  return { ...(await readPlanFiles(org, plan)), describes: await readDescribes(org, objects) }
}

/** The same without the describes. */
export const readPlanFiles = async (
  org: SalesforceOrg,
  plan: Plan,
): Promise<Pick<Reading, 'files' | 'properties'>> => {
  const components = componentsToRead(plan)
  const others = components.filter(({ type }) => !isReadInPart(type))
  const read = await readFiles(org, others)
  const files = new Map(read.files)
  const properties = [...read.properties, ...(await readListed(org, components))]
  const masters = await readMasters(org, plan, files)
  if (others.length < components.length) {
    // For these, Salesforce returns only what is named with them, so fields are named one by one, as are
    // objects that the plan does not touch. They are retrieved separately from the rest, because an
    // object that is requested in parts may come in parts.
    const parts = componentsOf(plan).filter(({ type }) => type === 'CustomField')
    const partly = await readFiles(org, [...components, ...masters, ...parts])
    for (const [path, text] of partly.files) {
      if (isReadInPart(componentAt(path)?.type ?? '')) files.set(path, text)
    }
    properties.push(...partly.properties.filter(({ type }) => isReadInPart(type)))
  }
  return { files, properties }
}

/**
 * The master objects of those in the plan that the plan itself does not touch. The files of custom ones
 * are added level by level, since they say what is above them (Salesforce: three levels of details at
 * most).
 */
const readMasters = async (
  org: SalesforceOrg,
  plan: Plan,
  files: Map<string, string>,
): Promise<Component[]> => {
  const own = plan.objects.map(({ api_name }) => api_name)
  const textOf = (name: string): string | null => {
    const wanted = sameName(filePath('CustomObject', name) ?? '')
    return [...files].find(([path]) => sameName(path) === wanted)?.[1] ?? null
  }
  const asked = new Set(own.map(sameName))
  for (;;) {
    const masters = allMasters(own, mastersIn(plan, textOf)).filter(
      (name) => !own.some((object) => sameName(object) === sameName(name)),
    )
    const next = masters.filter(
      (name) => objectKind(name) !== 'standard' && !asked.has(sameName(name)),
    )
    const components = (names: readonly string[]): Component[] =>
      names.map((fullName) => ({ type: 'CustomObject', fullName }))
    if (next.length === 0) return components(masters)
    for (const name of next) asked.add(sameName(name))
    const read = await readFiles(org, components(next))
    for (const [path, text] of read.files) files.set(path, text)
  }
}

/** The files of these components, by path; what does not exist is absent. Throws as `readImages`. */
export const readFiles = async (
  org: SalesforceOrg,
  components: readonly Component[],
): Promise<Pick<Reading, 'files' | 'properties'>> => {
  const files = new Map<string, string>()
  if (components.length === 0) return { files, properties: [] }
  const retrieved = await retrieve(org, membersOf(components))
  const unread = retrieved.problems.find(({ problem }) => !ABSENT.test(problem))
  if (unread !== undefined) {
    throw new SalesforceError(
      makeFailure('other', { code: 'RETRIEVE_INCOMPLETE', message: unread.problem }),
    )
  }
  // Paths escape other characters than names do (`%20`): the name given beside them counts.
  const names = new Map(
    retrieved.properties.map(({ fileName, fullName }) => [
      fileName?.replace(/^unpackaged\//, '') ?? '',
      fullName,
    ]),
  )
  for (const { path, bytes } of retrieved.files()) {
    const at = componentAt(path)
    if (at === null) continue
    const named = filePath(at.type, names.get(path) ?? at.fullName)
    files.set(named ?? path, Buffer.from(bytes).toString('utf8'))
  }
  return { files, properties: retrieved.properties }
}

/**
 * For components that share one file, only Salesforce's list says who changed which one, and gives its
 * id.
 */
const readListed = async (
  org: SalesforceOrg,
  components: readonly Component[],
): Promise<FileProperties[]> => {
  const types = [...new Set(components.map(({ type }) => type))].filter((type) => {
    const kind = kindOf(type)
    return kind !== null && 'folder' in kind && kind.within !== undefined
  })
  return types.length === 0
    ? []
    : listMetadata(
        org,
        types.map((type) => ({ type })),
      )
}

/** Describes of these objects; one that does not exist (or is not visible) is left out. */
export const readDescribes = async (
  org: SalesforceOrg,
  objects: readonly string[],
): Promise<Map<string, JsonObject>> => {
  const describes = new Map<string, JsonObject>()
  const names = [...new Set(objects.map(describedBy))]
  for await (const described of describeMany(org, names)) {
    if (described.result === 'ok') describes.set(described.name, described.body)
    else if (described.result === 'unreadable' && described.failure.kind !== 'not_found') {
      throw new SalesforceError(described.failure)
    }
  }
  return new Map(
    objects.flatMap((object) => {
      const body = describes.get(describedBy(object))
      return body === undefined ? [] : [[object, asDescribeOf(object, body)]]
    }),
  )
}
