// Changes of one org that administrators make by clicking: schema, automations, people, permissions.

import { z } from 'zod'
import { defineAction, fieldIn, Mistake, objectIn, orgIn, userIn } from './actions.ts'
import { type World } from '../world.ts'
import { addField, nextSchemaTime, removeField, touchObject, touchOrg } from '../org/changes.ts'
import { makeCustomMetadataType } from '../org/custom-metadata.ts'
import { addUser, grantField, noGrants, profileNamed } from '../org/create.ts'
import { type Field, type Flow, type Grants, type Org, type SObject } from '../org/model.ts'
import {
  freeKeyPrefix,
  makeField,
  isCustomMetadataType,
  makeObject,
  stamps,
  systemFields,
  type FieldSpec,
} from '../org/schema.ts'
import { enablePersonAccounts } from '../records/person-accounts.ts'
import { addFlow } from '../seeds/small-automations.ts'

const org = z.string()
const ADMIN = 'System Administrator'

/** A field as describe shows it: name and type, and any other key of a describe. */
const fieldSpec = z.looseObject({ name: z.string().min(1), type: z.string().min(1) })

const flowSpec = z.strictObject({
  name: z.string().min(1),
  label: z.string().min(1),
  processType: z.string().default('AutoLaunchedFlow'),
  start: z.record(z.string(), z.unknown()).optional(),
  /** Elements and resources, with the member names of the Metadata API: they act on records. */
  body: z.record(z.string(), z.unknown()).optional(),
  trigger: z
    .strictObject({
      type: z.string(),
      object: z.string().nullable().default(null),
      on: z.string().nullable().default(null),
      order: z.number().optional(),
    })
    .optional(),
  versions: z.number().int().positive().default(1),
  active: z.number().int().nullable().default(1),
  namespace: z.string().optional(),
})

const defined = <T extends object>(value: T): T =>
  Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as T

const profileIn = (of: Org, name: string) => {
  const profile = profileNamed(of, name)
  if (profile === undefined) throw new Mistake(`${of.name} has no profile "${name}"`)
  return profile
}

const setIn = (of: Org, name: string) => {
  const set = [...of.permissionSets.values()].find((each) => each.name === name)
  if (set === undefined) throw new Mistake(`${of.name} has no permission set "${name}"`)
  return set
}

const flowIn = (of: Org, name: string): Flow => {
  const flow = of.flows.get(name.toLowerCase())
  if (flow === undefined) throw new Mistake(`${of.name} has no flow "${name}"`)
  return flow
}

/** A date later than the previous one, also within one millisecond. */
const later = (before: Date): Date => new Date(Math.max(Date.now(), before.getTime() + 1000))

const split = (path: string): [string, string] => {
  const [object, field] = path.split('.')
  if (!object || !field) throw new Mistake(`"${path}" is not Object.Field`)
  return [object, field]
}

/** A field whose values are its own. Those of a global value set are changed in the set, by the APIs. */
const picklistIn = (object: SObject, name: string): Field => {
  const field = fieldIn(object, name)
  const { globalValueSet } = field
  if (globalValueSet === undefined) return field
  throw new Mistake(
    `${object.name}.${name} has the values of the global value set ${globalValueSet}`,
  )
}

/** Puts a changed field in the place of this one, whose deployed metadata no longer describes it. */
const replaceField = (object: SObject, field: Field, changes: Partial<Field>): void => {
  const { metadata: _outdated, ...rest } = field
  object.fields.set(field.describe.name.toLowerCase(), { ...rest, ...changes })
}

const onField = z.strictObject({ org, object: z.string(), name: z.string() })

const schemaActions = {
  /**
   * Salesforce: for good. Adds the fields of people to Account, and their record type; `more` names further
   * record types of people.
   */
  'schema/enable-person-accounts': defineAction(
    z.strictObject({ org, more: z.array(z.string()).default([]) }),
    (world, input) => {
      enablePersonAccounts(orgIn(world, input.org), input.more)
      return {}
    },
  ),
  'schema/add-object': defineAction(
    z.strictObject({ org, name: z.string().regex(/__(c|e|mdt)$/), label: z.string().optional() }),
    (world, input) => {
      const found = orgIn(world, input.org)
      if (found.objects.has(input.name.toLowerCase()))
        throw new Mistake(`${input.name} already exists`)
      const object = isCustomMetadataType(input.name)
        ? makeCustomMetadataType(found, input.name, input.label)
        : makeObject(found, {
            name: input.name,
            ...(input.label === undefined ? {} : { label: input.label }),
            describe: { keyPrefix: freeKeyPrefix(found) },
            fields: [...systemFields(true), nameField],
          })
      touchObject(found, object)
      return { id: object.durableId }
    },
  ),
  /**
   * Changes keys of the object's own describe: `{ label: 'Deal' }`. A label changes every describe's
   * date.
   */
  'schema/alter-object': defineAction(
    z.strictObject({ org, object: z.string(), changes: z.record(z.string(), z.unknown()) }),
    (world, input) => {
      const found = orgIn(world, input.org)
      const object = objectIn(found, input.object)
      Object.assign(object.describe, input.changes)
      touchObject(found, object)
      if ('label' in input.changes) touchOrg(found)
      return {}
    },
  ),
  'schema/remove-object': defineAction(
    z.strictObject({ org, object: z.string() }),
    (world, input) => {
      const found = orgIn(world, input.org)
      const object = objectIn(found, input.object)
      object.deletedAt = new Date()
      touchObject(found, object)
      return {}
    },
  ),
  /** Custom fields are granted to the administrators' profile, unless `grant` is false. */
  'schema/add-field': defineAction(
    z.strictObject({ org, object: z.string(), field: fieldSpec, grant: z.boolean().default(true) }),
    (world, input) => {
      const found = orgIn(world, input.org)
      const object = objectIn(found, input.object)
      const spec = { custom: input.field.name.endsWith('__c'), ...input.field } as FieldSpec
      const field = makeField(found, spec)
      if (input.grant) grantField(profileIn(found, ADMIN).grants, object.name, spec.name)
      addField(found, object, field)
      const at = object.schemaModifiedAt
      replaceField(object, field, { createdDate: at, lastModifiedDate: at })
      return { id: field.id }
    },
  ),
  /**
   * Changes keys of the field's describe: `{ length: 300 }`. A label changes every describe's date. With a
   * `username` it is this user who last changed the field.
   */
  'schema/alter-field': defineAction(
    onField.extend({ changes: z.record(z.string(), z.unknown()), username: z.string().optional() }),
    (world, input) => {
      const found = orgIn(world, input.org)
      const object = objectIn(found, input.object)
      const field = fieldIn(object, input.name)
      touchObject(found, object)
      replaceField(object, field, {
        describe: { ...field.describe, ...input.changes },
        lastModifiedDate: object.schemaModifiedAt,
        ...(input.username === undefined
          ? {}
          : { lastModifiedById: userIn(found, input.username).id }),
      })
      if ('label' in input.changes) touchOrg(found)
      return {}
    },
  ),
  'schema/remove-field': defineAction(onField, (world, input) => {
    const found = orgIn(world, input.org)
    const object = objectIn(found, input.object)
    removeField(found, object, fieldIn(object, input.name).describe.name)
    return {}
  }),
  'schema/add-picklist-value': defineAction(
    onField.extend({ value: z.string(), label: z.string().optional() }),
    (world, input) => {
      const found = orgIn(world, input.org)
      const object = objectIn(found, input.object)
      const field = picklistIn(object, input.name)
      const { describe } = field
      const { value, label = value } = input
      const added = { active: true, defaultValue: false, label, validFor: null, value }
      replaceField(object, field, {
        describe: { ...describe, picklistValues: [...describe.picklistValues, added] },
      })
      touchObject(found, object)
      return {}
    },
  ),
  /** A custom permission, which formulas and flows name as `$Permission.Name`. */
  'schema/add-custom-permission': defineAction(
    z.strictObject({ org, name: z.string().regex(/^[A-Za-z]\w*$/), label: z.string().optional() }),
    (world, { org: of, name, label = name }) => {
      const found = orgIn(world, of)
      const key = name.toLowerCase()
      if (found.customPermissions.has(key)) throw new Mistake(`${name} already exists`)
      const id = found.ids.make('0CP')
      const added = { id, name, label, description: null, ...stamps(found) }
      found.customPermissions.set(key, added)
      return { id }
    },
  ),
  'schema/remove-picklist-value': defineAction(
    onField.extend({ value: z.string() }),
    (world, input) => {
      const found = orgIn(world, input.org)
      const object = objectIn(found, input.object)
      const field = picklistIn(object, input.name)
      const { describe } = field
      const left = describe.picklistValues.filter(({ value }) => value !== input.value)
      if (left.length === describe.picklistValues.length) throw new Mistake('no such value')
      replaceField(object, field, { describe: { ...describe, picklistValues: left } })
      touchObject(found, object)
      return {}
    },
  ),
}

const nameField: FieldSpec = {
  name: 'Name',
  type: 'string',
  label: 'Name',
  length: 80,
  nameField: true,
  idLookup: true,
}

const automationActions = {
  'automations/add-flow': defineAction(z.strictObject({ org, flow: flowSpec }), (world, input) => {
    const found = orgIn(world, input.org)
    const flow = addFlow(found, defined<Parameters<typeof addFlow>[1]>(input.flow))
    flow.lastModifiedDate = new Date()
    for (const version of flow.versions) version.lastModifiedDate = flow.lastModifiedDate
    return { id: flow.id, activeVersion: flow.activeVersion }
  }),
  /** Another version, a draft unless `activate`; its metadata is the last one's with `changes`. */
  'automations/add-flow-version': defineAction(
    z.strictObject({
      org,
      flow: z.string(),
      changes: z.record(z.string(), z.unknown()).default({}),
      activate: z.boolean().default(false),
    }),
    (world, input) => {
      const found = orgIn(world, input.org)
      const flow = flowIn(found, input.flow)
      const last = flow.versions.at(-1)
      const number = (last?.number ?? 0) + 1
      const modified = later(flow.lastModifiedDate)
      flow.versions.push({
        ...stamps(found),
        id: found.ids.make('301'),
        number,
        status: 'Draft',
        label: flow.label,
        metadata: { ...last?.metadata, ...input.changes, status: 'Draft' },
        createdDate: modified,
        lastModifiedDate: modified,
      })
      flow.lastModifiedDate = modified
      if (input.activate) activate(flow, number)
      return { version: number }
    },
  ),
  /** `version` null: no version is active any longer. */
  'automations/activate-flow': defineAction(
    z.strictObject({ org, flow: z.string(), version: z.number().int().nullable() }),
    (world, input) => {
      const flow = flowIn(orgIn(world, input.org), input.flow)
      if (input.version !== null && !flow.versions.some(({ number }) => number === input.version)) {
        throw new Mistake(`${input.flow} has no version ${input.version}`)
      }
      activate(flow, input.version)
      return {}
    },
  ),
  /** Pauses an interview in the version (default: the active one, else the newest). */
  'automations/add-interview': defineAction(
    z.strictObject({
      org,
      flow: z.string(),
      version: z.number().int().optional(),
      status: z.enum(['Paused', 'Waiting']).default('Paused'),
      element: z.string().optional(),
    }),
    (world, input): { id: string } => {
      const found = orgIn(world, input.org)
      const flow = flowIn(found, input.flow)
      const number = input.version ?? flow.activeVersion ?? flow.versions.at(-1)?.number
      const version = flow.versions.find((one) => one.number === number)
      if (version === undefined) throw new Mistake(`${input.flow} has no version ${number ?? ''}`)
      const id = found.ids.make('0Fo')
      found.flowInterviews = [
        ...found.flowInterviews,
        {
          ...stamps(found),
          id,
          versionId: version.id,
          label: `${flow.label} ${new Date().toISOString()}`,
          status: input.status,
          currentElement: input.element ?? null,
        },
      ]
      return { id }
    },
  ),
  'automations/end-interview': defineAction(
    z.strictObject({ org, id: z.string() }),
    (world, input) => {
      const found = orgIn(world, input.org)
      const rest = found.flowInterviews.filter(({ id }) => id !== input.id)
      if (rest.length === found.flowInterviews.length) {
        throw new Mistake(`${found.name} has no interview "${input.id}"`)
      }
      found.flowInterviews = rest
      return {}
    },
  ),
  /** Adds the rule, or changes the given members. */
  'automations/set-validation-rule': defineAction(
    z.strictObject({
      org,
      object: z.string(),
      name: z.string(),
      active: z.boolean().optional(),
      formula: z.string().optional(),
      message: z.string().optional(),
    }),
    (world, input) => {
      const found = orgIn(world, input.org)
      const { validationRules } = objectIn(found, input.object)
      const rule = validationRules.find(({ name }) => name === input.name)
      if (rule !== undefined) {
        rule.active = input.active ?? rule.active
        rule.errorConditionFormula = input.formula ?? rule.errorConditionFormula
        rule.errorMessage = input.message ?? rule.errorMessage
        rule.lastModifiedDate = later(rule.lastModifiedDate)
        return { id: rule.id }
      }
      const id = found.ids.make('03d')
      validationRules.push({
        ...stamps(found),
        id,
        name: input.name,
        active: input.active ?? true,
        description: null,
        errorConditionFormula: input.formula ?? 'false',
        errorMessage: input.message ?? 'Not allowed.',
        errorDisplayField: null,
        namespace: null,
        lastModifiedDate: new Date(),
      })
      return { id }
    },
  ),
  'automations/remove-validation-rule': defineAction(onField, (world, input) => {
    const object = objectIn(orgIn(world, input.org), input.object)
    const left = object.validationRules.filter(({ name }) => name !== input.name)
    if (left.length === object.validationRules.length) throw new Mistake('no such rule')
    object.validationRules = left
    return {}
  }),
}

const activate = (flow: Flow, version: number | null): void => {
  flow.lastModifiedDate = later(flow.lastModifiedDate)
  flow.activeVersion = version
  for (const each of flow.versions) {
    if (each.number === version) each.status = 'Active'
    else if (each.status === 'Active') each.status = 'Obsolete'
    else continue
    each.metadata = { ...each.metadata, status: each.status }
    each.lastModifiedDate = flow.lastModifiedDate
  }
}

/** The owner of the grants: a permission set, or else a profile (the administrators' by default). */
const ofWhom = { set: z.string().optional(), profile: z.string().default(ADMIN) }

const grantsIn = (
  world: World,
  input: { org: string; set?: string | undefined; profile: string },
): { found: Org; grants: Grants } => {
  const found = orgIn(world, input.org)
  const holder = input.set === undefined ? profileIn(found, input.profile) : setIn(found, input.set)
  return { found, grants: holder.grants }
}

const permissionActions = {
  /** Any change of permissions: every describe's Last-Modified changes, whatever it shows. */
  'permissions/touch': defineAction(z.strictObject({ org }), (world, input) => {
    touchOrg(orgIn(world, input.org))
    return {}
  }),
  'permissions/create-set': defineAction(
    z.strictObject({ org, name: z.string(), fields: z.array(z.string()).default([]) }),
    (world, input) => {
      const found = orgIn(world, input.org)
      const set = {
        ...stamps(found),
        id: found.ids.make('0PS'),
        name: input.name,
        label: input.name.replaceAll('_', ' '),
        description: null,
        namespace: null,
        grants: noGrants(),
        lastModifiedDate: nextSchemaTime(found),
      }
      for (const path of input.fields) grantField(set.grants, ...split(path))
      found.permissionSets.set(set.id, set)
      touchOrg(found)
      return { id: set.id }
    },
  ),
  'groups/join': defineAction(
    z.strictObject({ org, group: z.string(), username: z.string() }),
    (world, input) => {
      const found = orgIn(world, input.org)
      const { username } = userIn(found, input.username)
      const group = found.groups.find(({ developerName }) => developerName === input.group)
      if (group === undefined) throw new Mistake(`${found.name} has no group "${input.group}"`)
      const joined = { ...group.members, users: [...group.members.users, username] }
      found.groups = found.groups.map((each) =>
        each === group ? { ...group, members: joined } : each,
      )
      return { id: group.id }
    },
  ),
  'permissions/assign': defineAction(
    z.strictObject({ org, set: z.string(), username: z.string() }),
    (world, input) => {
      const found = orgIn(world, input.org)
      const id = found.ids.make('0Pa')
      found.assignments.push({
        id,
        permissionSetId: setIn(found, input.set).id,
        assigneeId: userIn(found, input.username).id,
      })
      touchOrg(found)
      return { id }
    },
  ),
  'permissions/assign-group': defineAction(
    z.strictObject({ org, group: z.string(), username: z.string() }),
    (world, input) => {
      const found = orgIn(world, input.org)
      const group = [...found.permissionSetGroups.values()].find(
        ({ developerName }) => developerName === input.group,
      )
      if (group === undefined) {
        throw new Mistake(`${found.name} has no permission set group "${input.group}"`)
      }
      const id = found.ids.make('0Pa')
      found.assignments.push({
        id,
        permissionSetId: group.setId,
        permissionSetGroupId: group.id,
        assigneeId: userIn(found, input.username).id,
      })
      touchOrg(found)
      return { id }
    },
  ),
  'permissions/unassign': defineAction(
    z.strictObject({ org, set: z.string(), username: z.string() }),
    (world, input) => {
      const found = orgIn(world, input.org)
      const set = setIn(found, input.set)
      const user = userIn(found, input.username)
      found.assignments = found.assignments.filter(
        ({ permissionSetId, assigneeId }) => permissionSetId !== set.id || assigneeId !== user.id,
      )
      touchOrg(found)
      return {}
    },
  ),
  /** Shows a field (`Object.Field`) to those who have the profile or permission set. */
  'permissions/grant-field': defineAction(
    z.strictObject({ org, field: z.string(), editable: z.boolean().default(true), ...ofWhom }),
    (world, input) => {
      const { found, grants } = grantsIn(world, input)
      grantField(grants, ...split(input.field), input.editable)
      if (input.set === undefined) {
        profileIn(found, input.profile).hidden.delete(input.field.toLowerCase())
      }
      touchOrg(found)
      return {}
    },
  ),
  /** A system permission by its name in PermissionSet: `BulkApiHardDelete`, `ModifyMetadata` … */
  'permissions/grant-system': defineAction(
    z.strictObject({ org, permission: z.string(), ...ofWhom }),
    (world, input) => {
      const { found, grants } = grantsIn(world, input)
      grants.system.add(input.permission)
      touchOrg(found)
      return {}
    },
  ),
  'permissions/revoke-field': defineAction(
    z.strictObject({ org, field: z.string(), ...ofWhom }),
    (world, input) => {
      const { found, grants } = grantsIn(world, input)
      grants.fields.delete(split(input.field).join('.').toLowerCase())
      touchOrg(found)
      return {}
    },
  ),
  /** Hides a field from a profile: a standard one is hidden, the grant of a custom one ends. */
  'permissions/hide-field': defineAction(
    z.strictObject({
      org,
      object: z.string(),
      field: z.string(),
      profile: z.string().default(ADMIN),
    }),
    (world, input) => {
      const found = orgIn(world, input.org)
      const profile = profileIn(found, input.profile)
      const key = `${input.object}.${input.field}`.toLowerCase()
      profile.hidden.add(key)
      profile.grants.fields.delete(key)
      touchOrg(found)
      return {}
    },
  ),
  'users/create': defineAction(
    z.strictObject({
      org,
      username: z.string().min(3),
      firstName: z.string().default(''),
      lastName: z.string().default('User'),
      profile: z.string().default(ADMIN),
    }),
    (world, { org: name, profile, ...spec }) => {
      const found = orgIn(world, name)
      const user = addUser(found, { ...spec, profileId: profileIn(found, profile).id })
      return { id: user.id }
    },
  ),
  'users/update': defineAction(
    z.strictObject({
      org,
      username: z.string(),
      active: z.boolean().optional(),
      frozen: z.boolean().optional(),
      profile: z.string().optional(),
    }),
    (world, input) => {
      const found = orgIn(world, input.org)
      const user = userIn(found, input.username)
      user.active = input.active ?? user.active
      if (input.frozen !== undefined) user.frozen = input.frozen
      if (input.profile !== undefined) {
        user.profileId = profileIn(found, input.profile).id
        touchOrg(found)
      }
      return {}
    },
  ),
}

export const changeActions = { ...schemaActions, ...automationActions, ...permissionActions }
