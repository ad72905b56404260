// What the rules of several kinds ask about the components and records that a component names.

import { list, listObjects } from '../../../salesforce/xml.ts'
import { definesObject, type Plan, type PlanObject } from '../../plan/schema.ts'
import { type NamedRecords, PUBLIC_GROUPS, QUEUES } from '../named-records.ts'
import { sameName } from '../names.ts'
import { seenBelow } from '../masters.ts'
import { type Asked, type KindRule } from './kind.ts'

/** Of these fields of an object, those that neither the plan nor the Salesforce org has. */
export const missingFields = async (
  object: PlanObject,
  names: readonly string[],
  asked: Asked,
): Promise<string[]> => {
  const planned = new Set(object.fields.map(({ api_name }) => sameName(api_name)))
  const isThere = async (name: string): Promise<boolean | null> => {
    if (planned.has(sameName(name))) return true
    if (asked.objectExists(object.api_name)) return asked.fieldExists(object.api_name, name)
    // A new object has the standard fields, and only the plan's custom ones.
    return !/__c$/i.test(name)
  }
  const found = await Promise.all(names.map(async (name) => [name, await isThere(name)] as const))
  return found.filter(([, exists]) => exists === false).map(([name]) => name)
}

/** A permission set or profile that sees all records of a new detail, and not all of its master. */
export const seesAllBelow =
  (type: 'PermissionSet' | 'Profile', noun: string): KindRule['judge'] =>
  async ({ fullName }, { plan, objectExists, contentOf }) => {
    const isAsked = plan.objects.some(
      ({ api_name: object, fields }) =>
        objectExists(object) && fields.some((field) => field.type === 'MasterDetail'),
    )
    const content = isAsked ? await contentOf(type, fullName) : null
    const [found] = content === null ? [] : seenBelow(plan, content)
    return found === undefined
      ? null
      : {
          message: `The ${noun} ${fullName} sees all records of ${found.object}, which the plan makes a detail of ${found.master}, and not all of ${found.master}; Salesforce refuses this.`,
          remedy: `Grant "View All Records" of ${found.master} there first, or take it back for ${found.object}.`,
        }
  }

/** Names of records of one sort. */
export interface NamedWanted {
  records: NamedRecords
  names: readonly string[]
}

const createdBy = (plan: Plan, records: NamedRecords): ReadonlySet<string> => {
  const made =
    records === PUBLIC_GROUPS ? plan.public_groups : records === QUEUES ? plan.queues : []
  return new Set(made.map(({ api_name }) => sameName(api_name)))
}

/** Those of these records that neither the plan nor the Salesforce org has: `role CEO`, each once. */
export const missingRecords = async (
  wanted: readonly NamedWanted[],
  { plan, recordExists }: Asked,
): Promise<string[]> => {
  const asked = await Promise.all(
    wanted.flatMap(({ records, names }) => {
      const created = createdBy(plan, records)
      return names.map(async (name) => ({
        text: `${records.noun} ${name}`,
        exists: created.has(sameName(name)) || (await recordExists(records, name)),
      }))
    }),
  )
  return [...new Set(asked.filter(({ exists }) => exists === false).map(({ text }) => text))]
}

/**
 * What may own records of an object after the plan, `User` or `Group`; null if the object is neither in the
 * plan nor in the Salesforce org, or if Salesforce does not say.
 */
export const ownersOf = (
  name: string,
  { plan, objectExists, describeOf }: Asked,
): readonly unknown[] | null => {
  const planned = plan.objects.find(({ api_name }) => sameName(api_name) === sameName(name))
  // Salesforce: the detail of a master-detail has no owner of its own.
  if (planned?.fields.some(({ type }) => type === 'MasterDetail') === true) return []
  if (!objectExists(name)) {
    return planned !== undefined && definesObject(planned) ? ['User', 'Group'] : null
  }
  const describe = describeOf(name)
  if (describe === null) return null
  const owner = listObjects(describe.fields).find((field) => field.name === 'OwnerId')
  return list(owner?.referenceTo)
}
