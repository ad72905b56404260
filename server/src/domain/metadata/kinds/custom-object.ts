// An object: its own settings. Its fields, record types and rules are in the same file, but are kinds of
// their own. A plan may add to an object without touching the object itself.

import { type JsonObject } from '../../../salesforce/json.ts'
import { type XmlValue } from '../../../salesforce/xml.ts'
import { definesObject, type Plan, type PlanObject, touchesObject } from '../../plan/schema.ts'
import { type WantedEntry } from '../entries.ts'
import { fileDifferences, sameElement } from '../equality.ts'
import { type Component, objectKind, sameName } from '../names.ts'
import { isAsLeft, type RolledBack } from '../left-over.ts'
import { type ObjectImage, type ObjectPart, parseObjectFile } from '../object-file.ts'
import { isLeftOut, keep, NOT_NAMED, NOTHING, REMOVED, type Scene, undoChange } from '../undoing.ts'
import { listed } from '../../words.ts'
import { asXmlValue, inSchemaOrder, overlay, writeFile } from '../xml-tree.ts'
import { RESTORED, withDataLoss } from '../reversibility.ts'
import { type CompiledFile, type Compiling, type FileKind, refusal, never } from './kind.ts'

type Members = Record<string, XmlValue>

/** What a new object starts with. Salesforce: bulk API, sharing and streaming go together. */
const NEW_OBJECT: Members = {
  deploymentStatus: 'Deployed',
  enableBulkApi: true,
  enableReports: true,
  enableSearch: true,
  enableSharing: true,
  enableStreamingApi: true,
}

const currentSettings = (image: ObjectImage): Members => ({
  ...image.settings,
  ...(image.nameField === null ? {} : { nameField: asXmlValue(image.nameField) }),
})

const nameFieldOf = (object: PlanObject, before: JsonObject | null): XmlValue => {
  const planned = object.name_field
  if (planned === undefined) return null
  const { displayFormat: _format, ...kept } = before ?? {}
  return overlay(kept, {
    displayFormat: planned.type === 'AutoNumber' ? planned.display_format : null,
    label: planned.label,
    type: planned.type,
  })
}

const settingsOf = (object: PlanObject, image: ObjectImage | null): Members => {
  const primary = object.compact_layouts.find(({ assign }) => assign)?.api_name
  const assignment = primary === undefined ? {} : { compactLayoutAssignment: primary }
  if (objectKind(object.api_name) === 'standard') {
    return inSchemaOrder({ ...(image === null ? {} : currentSettings(image)), ...assignment })
  }
  const current = image === null ? NEW_OBJECT : currentSettings(image)
  const isDetail = object.fields.some(({ type }) => type === 'MasterDetail')
  // Salesforce: the sharing of a detail is its master's, inside and outside.
  const inherited = isDetail ? 'ControlledByParent' : undefined
  const sharing = object.sharing_model ?? inherited ?? image?.settings.sharingModel ?? 'ReadWrite'
  const external = image?.settings.externalSharingModel
  return inSchemaOrder({
    ...current,
    ...assignment,
    ...inSchemaOrder({
      label: object.label,
      pluralLabel: object.plural_label,
      nameField: nameFieldOf(object, image?.nameField ?? null),
      description: object.description,
      sharingModel: sharing,
      externalSharingModel: external === undefined ? null : (inherited ?? external),
    }),
  })
}

/** The object file with what differs from the existing one. */
const compileObject = (
  object: PlanObject,
  text: string | null,
  { parts }: Compiling,
): CompiledFile => {
  const image = text === null ? null : parseObjectFile(text)
  const fullName = object.api_name
  const unchanged: Component[] = []
  const members: Record<string, XmlValue[]> = {}
  for (const { type, list, elements } of parts) {
    for (const { apiName, element, before } of elements(object, image)) {
      if (before !== null && sameElement(element, before)) {
        unchanged.push({ type, fullName: `${fullName}.${apiName}` })
      } else (members[list] ??= []).push(element)
    }
  }
  let settings: Members = {}
  if (touchesObject(object)) {
    settings = settingsOf(object, image)
    if (image !== null && sameElement(settings, currentSettings(image))) {
      unchanged.push({ type: 'CustomObject', fullName })
      settings = {}
    }
  }
  const content = inSchemaOrder({ ...settings, ...members })
  const isInPlace = Object.keys(content).length === 0
  return { fullName, text: isInPlace ? null : writeFile('CustomObject', content), unchanged }
}

const compile = (context: Compiling): CompiledFile[] =>
  context.plan.objects.map((object, index) => {
    const name = object.api_name
    const text = context.current('CustomObject', name)
    if (text === null && !definesObject(object) && objectKind(name) !== 'standard') {
      throw refusal(
        `objects.${index}.api_name`,
        'object_not_found',
        `The Salesforce org has no object ${name}. Give its label, plural_label and name_field to create it.`,
      )
    }
    return compileObject(object, text, context)
  })

const wanted = (plan: Plan): WantedEntry[] =>
  plan.objects
    .filter(({ api_name }) => objectKind(api_name) === 'custom')
    .map(({ api_name }) => ({
      list: 'objectPermissions',
      key: api_name,
      grant: {
        allowCreate: true,
        allowDelete: true,
        allowEdit: true,
        allowRead: true,
        modifyAllRecords: false,
        viewAllRecords: false,
      },
    }))

/** Details before their masters, and whatever looks up an object before that object. */
const childrenFirst = (names: readonly string[], plan: Plan): string[] => {
  const sorted: string[] = []
  const visiting = new Set<string>()
  const visit = (name: string): void => {
    if (visiting.has(sameName(name))) return
    visiting.add(sameName(name))
    for (const child of plan.objects) {
      const refers = child.fields.some(
        (field) => 'reference_to' in field && sameName(field.reference_to) === sameName(name),
      )
      const other = names.find((candidate) => sameName(candidate) === sameName(child.api_name))
      if (refers && other !== undefined) visit(other)
    }
    sorted.push(name)
  }
  for (const name of names) visit(name)
  return sorted
}

type Moments = Pick<Scene, 'after' | 'now' | 'since'>

/** What somebody changed in the file of an object since the deployment; null: it is not known. */
const driftOf = (component: Component, { after, now, since }: Moments): string[] | null => {
  const [left, is] = [after.file(component), now.file(component)]
  if (is === null) return []
  if (left === null) return null
  const members = fileDifferences('CustomObject', left, is).map(({ member }) => member)
  if (members.length === 0) return []
  const [was, has] = [parseObjectFile(left).parts, parseObjectFile(is).parts]
  return members.filter((member) => {
    const type = LEFT_OVER[member]
    const sinceOf = ({ apiName }: ObjectPart): readonly RolledBack[] =>
      type === undefined ? [] : since({ type, fullName: `${component.fullName}.${apiName}` })
    return type === undefined || !partsAreAsLeft(was[member] ?? [], has[member] ?? [], sinceOf)
  })
}

/** Parts of an object in which our own rollbacks leave something; by their list. */
const LEFT_OVER: Readonly<Record<string, string>> = {
  fields: 'CustomField',
  recordTypes: 'RecordType',
}

const partsAreAsLeft = (
  before: readonly ObjectPart[],
  now: readonly ObjectPart[],
  sinceOf: (part: ObjectPart) => readonly RolledBack[],
): boolean => {
  const found = new Map(now.map(({ apiName, element }) => [sameName(apiName), element]))
  return (
    before.length === now.length &&
    before.every((part) =>
      isAsLeft(part.element, found.get(sameName(part.apiName)) ?? null, sinceOf(part)),
    )
  )
}

/** A created object whose file is not as the deployment left it contains somebody's work. */
export const isObjectDrifted = (fullName: string, moments: Moments): boolean =>
  driftOf({ type: 'CustomObject', fullName }, moments)?.length !== 0

const undoMadeObject = (component: Component, scene: Scene) => {
  if (scene.now.part(component) === null) return NOTHING
  if (scene.goes.has(sameName(component.fullName))) return REMOVED
  if (isLeftOut(component, scene)) return NOT_NAMED
  const members = driftOf(component, scene) ?? []
  const what = members.length === 0 ? '' : `: ${listed(members)}`
  return keep(`It, or something on it, has been changed by somebody else since${what}.`, {
    drifted: true,
  })
}

export const customObject: FileKind = {
  type: 'CustomObject',
  folder: 'objects',
  suffix: 'object',
  named: (plan) =>
    plan.objects.flatMap((object, index) =>
      touchesObject(object) ? [{ fullName: object.api_name, path: `objects.${index}` }] : [],
    ),
  objectOf: (fullName) => fullName,
  comparedBy: 'describe',
  // Objects that the plan only adds to are read as well: their fields, record types and rules come with them.
  toRead: (plan) => plan.objects.map(({ api_name }) => api_name),
  contentOf: (text) => {
    const image = parseObjectFile(text)
    return { ...image.settings, nameField: image.nameField }
  },
  compile,
  access: { wanted, lists: ['objectPermissions'] },
  holds: 'records',
  deletion: { place: 5, withObject: never, sorted: childrenFirst },
  reversibility: ({ made }) =>
    made
      ? withDataLoss(
          'Rollback deletes the object. If it has records by then, it requires allow_data_loss. Its name stays taken for up to 15 days.',
        )
      : RESTORED,
  undo: ({ component, made }, scene) =>
    made ? undoMadeObject(component, scene) : undoChange(component, scene),
}
