// A record of a custom metadata type: settings that flows, formulas and code read. The type exists
// already; the record is created, or gets the values that the plan names. Its file states the type of
// each value, so it is changed in single places and never rewritten.

import { xmlText } from '../../../salesforce/escape.ts'
import { isObject, type JsonObject } from '../../../salesforce/json.ts'
import { leaf, listObjects } from '../../../salesforce/xml.ts'
import { type Findings, reportDuplicates } from '../../plan/findings.ts'
import { type Plan, type PlanCustomMetadataRecord } from '../../plan/schema.ts'
import { listed, one } from '../../words.ts'
import { samePart } from '../equality.ts'
import { type Component, nameFault, sameName } from '../names.ts'
import { reversible, TAKEN_OUT } from '../reversibility.ts'
import {
  changedSince,
  isLeftOut,
  isNamed,
  keep,
  NOT_NAMED,
  NOTHING,
  type Scene,
  type Undoing,
  undoMade,
} from '../undoing.ts'
import {
  applyEdits,
  childrenNamed,
  childText,
  type Edit,
  elementsIn,
  readDocument,
  removeNode,
  writeFile,
  type XmlDocument,
  type XmlNode,
} from '../xml-tree.ts'
import {
  faultOfValue,
  fieldInDescribe,
  fieldInFile,
  isFlag,
  isValue,
  type Value,
  type ValueField,
} from './custom-metadata-values.ts'
import {
  type Asked,
  type CompiledFile,
  type Compiling,
  type FileKind,
  type KindRule,
  type Named,
  never,
  refusal,
  type Word,
} from './kind.ts'

const TYPE = 'CustomMetadata'

/** Salesforce: Metadata API guide, CustomMetadata; Help, "Custom Metadata Types Limitations". */
const NAME_MAX = 40

/** Salesforce names records by their type without its suffix: `Tier.Gold` of `Tier__mdt`. */
const fullNameOf = ({ type, api_name }: PlanCustomMetadataRecord): string =>
  `${type.replace(/__mdt$/i, '')}.${api_name}`

const named = (plan: Plan): Named[] =>
  plan.custom_metadata_records.map((record, index) => ({
    fullName: fullNameOf(record),
    path: `custom_metadata_records.${index}`,
  }))

const check = ({ custom_metadata_records: records }: Plan, findings: Findings): void => {
  reportDuplicates(
    records.map(fullNameOf),
    (name) => `Custom metadata record ${name}`,
    (index) => ['custom_metadata_records', index, 'api_name'],
    findings,
  )
  for (const [index, { type, api_name, values }] of records.entries()) {
    const path = ['custom_metadata_records', index]
    if (!/^[A-Za-z]\w*__mdt$/i.test(type)) {
      const message = `${type} is not a custom metadata type. Use its API name, which ends in __mdt.`
      findings.add([...path, 'type'], 'name_missing_suffix', message)
    }
    const fault = nameFault(api_name, `Custom metadata record name ${api_name}`, NAME_MAX)
    if (fault !== null) findings.add([...path, 'api_name'], fault.code, fault.message)
    const fields = Object.keys(values)
    reportDuplicates(
      fields,
      (name) => `The value of ${name} in ${api_name}`,
      (at) => [...path, 'values', fields[at] ?? ''],
      findings,
    )
  }
}

const XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
const XSD = 'xmlns:xsd="http://www.w3.org/2001/XMLSchema"'
const INDENT = '    '

/** Declares its prefixes itself, since a file may or may not do so at its root. */
const writeValue = (field: string, value: Value, { form: { xsd } }: ValueField): string => {
  const written =
    value === null
      ? `<value ${XSI} xsi:nil="true"/>`
      : `<value ${XSI} ${XSD} xsi:type="xsd:${xsd}">${xmlText(String(value))}</value>`
  return `<values>\n${INDENT.repeat(2)}<field>${xmlText(field)}</field>\n${INDENT.repeat(2)}${written}\n${INDENT}</values>`
}

const valueNodes = ({ root }: XmlDocument): ReadonlyMap<string, XmlNode> =>
  new Map(
    childrenNamed(root, 'values').map((node) => [sameName(childText(node, 'field') ?? ''), node]),
  )

/** The text of a value; '' if there is none. */
const textOf = (node: XmlNode | undefined): string =>
  (node === undefined ? null : childText(node, 'value')) ?? ''

const replace = ({ start, end }: XmlNode, text: string): Edit => ({ start, end, text })

const append = ({ root }: XmlDocument, text: string): Edit => {
  const at = root.children.at(-1)?.end ?? root.innerEnd ?? root.end
  return { start: at, end: at, text: `\n${INDENT}${text}` }
}

/** The fields of a custom metadata type, from its file. */
const fieldsIn = (typeFile: string): ReadonlyMap<string, ValueField> =>
  new Map(
    [...elementsIn(typeFile, { root: 'CustomObject', list: 'fields' })].map(([name, field]) => [
      name,
      fieldInFile(field),
    ]),
  )

const valueEdits = (
  document: XmlDocument,
  record: PlanCustomMetadataRecord,
  path: string,
  fields: ReadonlyMap<string, ValueField>,
): Edit[] => {
  const nodes = valueNodes(document)
  return Object.entries(record.values).flatMap(([name, value]) => {
    const field = fields.get(sameName(name))
    const at = `${path}.values.${name}`
    if (field === undefined) {
      const message = `${record.type} has no field ${name}. Correct the name or leave it out.`
      throw refusal(at, 'field_not_found', message)
    }
    const fault = faultOfValue(name, value, field)
    if (fault !== null) throw refusal(at, 'wrong_value', `${fault} Correct it.`)
    const node = nodes.get(sameName(name))
    if (isValue(textOf(node), value, field)) return []
    const text = writeValue(name, value, field)
    return [node === undefined ? append(document, text) : replace(node, text)]
  })
}

const leafEdits = (document: XmlDocument, name: string, wanted: string | undefined): Edit[] => {
  const [node] = childrenNamed(document.root, name)
  if (wanted === undefined || node === undefined || leaf(node.value) === wanted) return []
  return [replace(node, `<${name}>${xmlText(wanted)}</${name}>`)]
}

const compileRecord = (
  record: PlanCustomMetadataRecord,
  path: string,
  { current }: Compiling,
): CompiledFile => {
  const fullName = fullNameOf(record)
  const typeFile = current('CustomObject', record.type)
  if (typeFile === null) {
    throw refusal(
      `${path}.type`,
      'type_not_found',
      `The Salesforce org has no custom metadata type ${record.type}. Use one that exists.`,
    )
  }
  const found = current(TYPE, fullName)
  const text =
    found ?? writeFile(TYPE, { label: record.label, protected: record.protected ?? false })
  const document = readDocument(text, TYPE)
  const edits = [
    ...leafEdits(document, 'label', record.label),
    ...leafEdits(document, 'protected', record.protected?.toString()),
    ...valueEdits(document, record, path, fieldsIn(typeFile)),
  ]
  return found !== null && edits.length === 0
    ? { fullName, text: null, unchanged: [{ type: TYPE, fullName }] }
    : { fullName, text: applyEdits(text, edits), unchanged: [] }
}

/** The members of a record's file that a plan can set: its own, and its values by field. */
const membersOf = (document: XmlDocument): ReadonlyMap<string, XmlNode> =>
  new Map([
    ...['label', 'protected'].flatMap((name) =>
      childrenNamed(document.root, name).map((node) => [name, node] as const),
    ),
    ...valueNodes(document),
  ])

const sameNode = (a: XmlNode | undefined, b: XmlNode | undefined): boolean => {
  const said = (node: XmlNode | undefined): string =>
    node === undefined ? '' : isObject(node.value) ? textOf(node) : (leaf(node.value) ?? '')
  return said(a) === said(b)
}

/** What the deployment changed is restored, member by member; what others changed since stays. */
const undoChangedRecord = (component: Component, scene: Scene): Undoing => {
  const [was, is] = [scene.before.file(component), scene.now.file(component)]
  // If the outcome was never known, nothing is ours unless the caller names it.
  const left = scene.after.file(component) ?? (isNamed(component, scene) ? is : was)
  if (is === null) return keep('Deleted by somebody else since.', { removable: false })
  if (was === null || left === null) return NOTHING
  const same = samePart(scene.before.part(component), scene.now.part(component))
  if (same) return NOTHING
  if (isLeftOut(component, scene)) return NOT_NAMED
  const now = readDocument(is, TYPE)
  const [before, after, current] = [readDocument(was, TYPE), readDocument(left, TYPE), now].map(
    membersOf,
  )
  if (before === undefined || after === undefined || current === undefined) return NOTHING
  const edits: Edit[] = []
  const drifted: string[] = []
  for (const name of new Set([...before.keys(), ...after.keys()])) {
    const [old, ours, there] = [before.get(name), after.get(name), current.get(name)]
    if (sameNode(old, ours) || sameNode(old, there)) continue
    if (!isNamed(component, scene) && !sameNode(ours, there)) {
      drifted.push(there === undefined ? name : (childText(there, 'field') ?? name))
      continue
    }
    const raw = old === undefined ? null : was.slice(old.start, old.end)
    if (there === undefined) edits.push(append(now, raw ?? ''))
    else edits.push(raw === null ? removeNode(there, is) : replace(there, raw))
  }
  const { kept } = keep(changedSince(drifted), { drifted: true })
  return {
    remove: false,
    restore: edits.length === 0 ? null : { file: applyEdits(is, edits) },
    kept: drifted.length > 0 ? kept : null,
  }
}

/** A rule about a record, with the member of the plan that describes it. */
const rule = (
  code: string,
  severity: KindRule['severity'],
  judge: (
    record: PlanCustomMetadataRecord,
    asked: Asked,
    exists: () => Promise<boolean | null>,
  ) => Word | null | Promise<Word | null>,
): KindRule => ({
  code,
  severity,
  judge: ({ path, fullName }, asked) => {
    const record = asked.plan.custom_metadata_records[Number(path.split('.')[1])]
    const exists = async () => (await asked.lookUp(TYPE, fullName))?.exists ?? null
    return record === undefined ? null : judge(record, asked, exists)
  },
})

/** The fields of a record's type by name, as in the describe; null if it has not been described. */
const fieldsOf = (
  { type }: PlanCustomMetadataRecord,
  { describeOf }: Asked,
): ReadonlyMap<string, JsonObject> | null => {
  const describe = describeOf(type)
  return (
    describe &&
    new Map(
      listObjects(describe.fields)
        // The label and the name of a record are members of their own.
        .filter(({ custom }) => custom !== false)
        .map((field) => [sameName(String(field.name)), field]),
    )
  )
}

const hasValue = ({ values }: PlanCustomMetadataRecord, field: string): boolean =>
  Object.entries(values).some(([name, value]) => sameName(name) === field && value !== null)

const rules: KindRule[] = [
  rule('custom_metadata_type_missing', 'red', async ({ type }, { lookUp }) =>
    (await lookUp('CustomObject', type))?.exists === false
      ? {
          message: `The custom metadata type ${type} does not exist in this Salesforce org.`,
          remedy: 'Create the type in Salesforce, or correct its name.',
          at: 'type',
        }
      : null,
  ),
  rule('custom_metadata_field_missing', 'red', (record, asked) => {
    const fields = fieldsOf(record, asked)
    const missing = Object.keys(record.values).filter(
      (name) => fields?.has(sameName(name)) === false,
    )
    return missing.length === 0
      ? null
      : {
          message: `${record.type} has no ${one(missing, 'field', 'fields')} ${listed(missing)}.`,
          remedy: 'Correct the name, or leave the value out.',
          at: 'values',
        }
  }),
  rule('custom_metadata_value_invalid', 'red', (record, asked) => {
    const fields = fieldsOf(record, asked)
    const faults = Object.entries(record.values).flatMap(([name, value]) => {
      const field = fields?.get(sameName(name))
      return field === undefined ? [] : (faultOfValue(name, value, fieldInDescribe(field)) ?? [])
    })
    return faults.length === 0
      ? null
      : {
          message: `The record ${record.api_name} of ${record.type}: ${faults.join(' ')}`,
          remedy: 'Correct the value.',
          at: 'values',
        }
  }),
  rule('custom_metadata_value_required', 'red', async (record, asked, exists) => {
    const required = [...(fieldsOf(record, asked) ?? [])]
      .filter(([, field]) => field.custom === true && field.nillable === false)
      .filter(([name, { type }]) => !isFlag(type) && !hasValue(record, name))
      .map(([, field]) => String(field.name))
    return required.length === 0 || (await exists()) !== false
      ? null
      : {
          message: `The new record ${record.api_name} of ${record.type} needs a value for ${listed(required)}.`,
          remedy: 'Add the value to the record.',
          at: 'values',
        }
  }),
  rule('custom_metadata_record_exists', 'yellow', async ({ type, api_name }, _asked, exists) =>
    (await exists()) === true
      ? {
          message: `The record ${api_name} of ${type} exists. Flows, formulas and code that read it use the values of the plan from then on; its other values stay.`,
          remedy: 'Make sure that it is the record you mean, or choose a different name.',
        }
      : null,
  ),
  rule('custom_metadata_record_new', 'green', async ({ type, api_name }, _asked, exists) =>
    (await exists()) === false ? { message: `The record ${api_name} of ${type} is new.` } : null,
  ),
]

export const customMetadataRecord: FileKind = {
  type: TYPE,
  folder: 'customMetadata',
  suffix: 'md',
  isShared: true,
  named,
  objectOf: () => null,
  mentions: (plan) => plan.custom_metadata_records.map(({ type }) => type),
  toRead: (plan) => plan.custom_metadata_records.map(fullNameOf),
  buildsOn: (plan) =>
    plan.custom_metadata_records.map(({ type }) => ({ type: 'CustomObject', fullName: type })),
  check,
  compile: (context) =>
    context.plan.custom_metadata_records.map((record, index) =>
      compileRecord(record, `custom_metadata_records.${index}`, context),
    ),
  deletion: { place: 11, withObject: never },
  reversibility: ({ made }) =>
    made ? reversible('Rollback deletes it, unless somebody changed it by then.') : TAKEN_OUT,
  undo: ({ component, made }, scene) =>
    made ? undoMade(component, null, scene) : undoChangedRecord(component, scene),
  rules,
}
