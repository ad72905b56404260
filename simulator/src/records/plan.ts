// What a user may write to an object, and what every row is checked against: determined once per state
// of schema and permissions, so that the cost per row stays small.

import { grantsOf, type Viewer } from '../org/visibility.ts'
import { keptByOrg } from '../org/kept.ts'
import { readName } from '../org/metadata-xml.ts'
import { type Field, type ObjectGrant, type Org, type SObject, type User } from '../org/model.ts'
import { isSetupObject } from './targets.ts'

export interface FieldPlan {
  field: Field
  createable: boolean
  updateable: boolean
  /** Values of a restricted picklist by their lower-cased text; null if any value is allowed. */
  restrictedTo: Map<string, string> | null
}

export interface ObjectPlan {
  key: string
  object: SObject
  /** By lower-cased name; only what the user may see. */
  fields: Map<string, FieldPlan>
  /** References by lower-cased relationship name. */
  relationships: Map<string, Field>
  /** Without a value for each of these, no row is created. */
  required: Field[]
  /** Defaults of new rows. */
  defaults: Field[]
  /** No two rows may have the same value. */
  unique: Field[]
  /** Restricted picklists whose values depend on another field. */
  dependent: Field[]
  /** References to records, whose rows a save locks. */
  parents: Field[]
  autoNumbers: Field[]
  /** The picklists of each record type, by its id and then by lower-cased field name. */
  recordTypePicklists: Map<string, Map<string, Set<string>>>
}

/** The system fills these in: they have no defaults. */
const SYSTEM = new Set([
  'id',
  'ownerid',
  'createdbyid',
  'createddate',
  'lastmodifiedbyid',
  'lastmodifieddate',
  'systemmodstamp',
  'isdeleted',
])

/** May see and change everything. */
export const SYSTEM_VIEWER: Viewer = {
  signature: 'system',
  seesObject: () => true,
  seesField: (_object, field) => field.deletedAt === undefined,
  mayEdit: () => true,
  has: () => true,
}

const plansOf = keptByOrg(() => new Map<string, ObjectPlan>())

export const planOf = (org: Org, object: SObject, viewer: Viewer): ObjectPlan => {
  const plans = plansOf(org)
  const name = `${object.name}:${viewer.signature}`
  const key = `${object.schemaModifiedAt.getTime()}:${object.fields.size}:${object.recordTypes.length}`
  const known = plans.get(name)
  if (known?.object === object && known.key === key) return known
  const made = makePlan(object, viewer, key)
  // Signatures change with permissions: old ones are never used again.
  if (plans.size > 2000) plans.clear()
  plans.set(name, made)
  return made
}

const makePlan = (object: SObject, viewer: Viewer, key: string): ObjectPlan => {
  const live = [...object.fields.values()].filter(({ deletedAt }) => deletedAt === undefined)
  const seen = live.filter((field) => viewer.seesField(object, field))
  const fields = new Map(
    seen.map((field): [string, FieldPlan] => {
      const may = viewer.mayEdit(object, field)
      const { describe } = field
      return [
        describe.name.toLowerCase(),
        {
          field,
          createable: describe.createable && !describe.autoNumber && may,
          updateable: describe.updateable && !describe.autoNumber && may,
          restrictedTo:
            describe.restrictedPicklist && describe.picklistValues.length > 0
              ? new Map(
                  describe.picklistValues
                    .filter(({ active }) => active)
                    .map(({ value }) => [value.toLowerCase(), value]),
                )
              : null,
        },
      ]
    }),
  )
  return {
    key,
    object,
    fields,
    relationships: new Map(
      seen.flatMap((field) => {
        const { relationshipName } = field.describe
        return relationshipName === null ? [] : [[relationshipName.toLowerCase(), field] as const]
      }),
    ),
    required: live.filter(
      ({ describe }) =>
        !describe.nillable &&
        !describe.defaultedOnCreate &&
        describe.createable &&
        !describe.autoNumber &&
        describe.type !== 'boolean' &&
        !(describe.type === 'reference' && isUnset(describe.name)),
    ),
    defaults: live.filter(
      ({ describe }) =>
        !SYSTEM.has(describe.name.toLowerCase()) &&
        !describe.calculated &&
        (describe.type === 'boolean' ||
          describe.defaultValueFormula !== null ||
          describe.picklistValues.some(({ defaultValue, active }) => defaultValue && active)),
    ),
    unique: live.filter(({ describe }) => describe.unique && describe.type !== 'id'),
    dependent: live.filter(
      ({ describe }) => describe.restrictedPicklist && describe.dependentPicklist,
    ),
    parents: live.filter(
      ({ describe }) =>
        describe.type === 'reference' && !describe.referenceTo.every((name) => isSetupObject(name)),
    ),
    autoNumbers: live.filter(({ describe }) => describe.autoNumber),
    recordTypePicklists: recordTypePicklists(object),
  }
}

/** Salesforce sets business hours by itself, though describe does not say that it does. */
const isUnset = (name: string): boolean => name === 'BusinessHoursId'

interface TypePicklist {
  picklist?: unknown
  values?: unknown
}

const recordTypePicklists = (object: SObject): ObjectPlan['recordTypePicklists'] =>
  new Map(
    object.recordTypes.map((type) => {
      const lists = [type.metadata?.['picklistValues'] ?? []].flat() as TypePicklist[]
      return [
        type.id,
        new Map(
          lists.map(({ picklist, values }) => [
            String(picklist).toLowerCase(),
            // Salesforce writes these values URL-encoded into the file.
            new Set(
              ([values ?? []].flat() as { fullName?: unknown }[]).map(({ fullName }) =>
                readName(String(fullName)).toLowerCase(),
              ),
            ),
          ]),
        ),
      ]
    }),
  )

/** What the user may do with rows of this object, by profile and permission sets. */
export const mayDo = (
  org: Org,
  user: User,
  object: SObject,
  right: Extract<keyof ObjectGrant, 'create' | 'edit' | 'delete'>,
): boolean => {
  // Salesforce: Help, "Custom Settings": users who may customize the application manage their data.
  if (object.describe.customSetting) {
    return grantsOf(org, user).some((grants) => grants.system.has('CustomizeApplication'))
  }
  if (org.profiles.get(user.profileId)?.readsEveryObject === true) return true
  const key = object.name.toLowerCase()
  return grantsOf(org, user).some((grants) => {
    const grant = grants.objects.get(key)
    return (
      grants.system.has('ModifyAllData') || grant?.[right] === true || grant?.modifyAll === true
    )
  })
}
