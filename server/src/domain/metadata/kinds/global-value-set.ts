// A global value set: values that picklists of many objects share. It is read and added to; existing
// values that the plan does not name stay as they are.

import { componentName } from '../../../salesforce/component-name.ts'
import { isObject, type JsonObject } from '../../../salesforce/json.ts'
import { leaf, listObjects, type XmlValue } from '../../../salesforce/xml.ts'
import { type Findings, reportDuplicates } from '../../plan/findings.ts'
import { type Plan, type PlanGlobalValueSet } from '../../plan/schema.ts'
import { listed } from '../../words.ts'
import { samePart } from '../equality.ts'
import { picklistValues } from '../fields/picklists.ts'
import { gainedValues, undoGained, type ValueList, valuesStay } from '../gained-values.ts'
import { type Component, keyOf, nameFault, sameName } from '../names.ts'
import { irreversible, RESTORED, type Reversibility, reversible } from '../reversibility.ts'
import { keep, type Scene, type Settled, type Undoing, undoMade } from '../undoing.ts'
import { overlay, readRoot, writeFile } from '../xml-tree.ts'
import {
  type CompiledFile,
  type Compiling,
  type FileKind,
  type KindRule,
  type Named,
  never,
  refusal,
  type Step,
} from './kind.ts'

const TYPE = 'GlobalValueSet'

/** Salesforce: Metadata API guide, GlobalValueSet: inactive values count. */
const VALUES_MAX = 1_000

const named = (plan: Plan): Named[] =>
  plan.global_value_sets.map(({ api_name }, index) => ({
    fullName: api_name,
    path: `global_value_sets.${index}`,
  }))

const check = ({ global_value_sets: sets }: Plan, findings: Findings): void => {
  const path = (index: number) => ['global_value_sets', index]
  reportDuplicates(
    sets.map(({ api_name }) => api_name),
    (name) => `Global value set ${name}`,
    (index) => [...path(index), 'api_name'],
    findings,
  )
  for (const [index, set] of sets.entries()) {
    const fault = nameFault(set.api_name, `Global value set name ${set.api_name}`, 80)
    if (fault !== null) findings.add([...path(index), 'api_name'], fault.code, fault.message)
    checkValues(set, path(index), findings)
  }
}

const checkValues = (
  set: PlanGlobalValueSet,
  path: readonly (string | number)[],
  findings: Findings,
): void => {
  const [values, labels] = [new Set<string>(), new Set<string>()]
  for (const [index, { value, label }] of picklistValues(set).entries()) {
    const where = [...path, 'values', index]
    const shown = label ?? value
    if (values.has(sameName(value))) {
      const message = `${set.api_name} has the value ${value} twice. Keep one.`
      findings.add(where, 'duplicate', message)
    } else if (labels.has(sameName(shown))) {
      const message = `${set.api_name} has the label ${shown} twice. Rename one.`
      findings.add(where, 'duplicate', message)
    }
    values.add(sameName(value))
    labels.add(sameName(shown))
  }
}

const VALUES: ValueList = {
  read: (element) => listObjects(element?.customValue),
  write: (element, customValue) => ({ ...element, customValue }),
}

const nameOf = (value: JsonObject): string => sameName(leaf(value.fullName) ?? '')

type Members = Record<string, XmlValue>

/** Existing values in their order, with the plan's changes; then new values in the plan's order. */
const mergeValues = (set: PlanGlobalValueSet, current: readonly JsonObject[]): Members[] => {
  const planned = new Map(picklistValues(set).map((one) => [sameName(one.value), one]))
  const there = new Set(current.map(nameOf))
  const byDefault = set.default === undefined ? null : sameName(set.default)
  const kept = current.map((value) => {
    const isDefault = byDefault === null ? value.default === 'true' : nameOf(value) === byDefault
    const plan = planned.get(nameOf(value))
    if (plan === undefined) return overlay(value, { default: isDefault })
    // An inactive value that the plan names is activated again.
    const { isActive: _off, ...rest } = value
    const label = plan.label ?? leaf(value.label) ?? plan.value
    return overlay(rest, { default: isDefault, label })
  })
  const added = [...planned]
    .filter(([name]) => !there.has(name))
    .map(([name, { value, label }]) => ({
      fullName: value,
      default: name === byDefault,
      label: label ?? value,
    }))
  return [...kept, ...added]
}

const compileSet = (set: PlanGlobalValueSet, path: string, text: string | null): CompiledFile => {
  const fullName = set.api_name
  const root = text === null ? null : readRoot(text, TYPE)
  const values = mergeValues(set, VALUES.read(root))
  if (values.length > VALUES_MAX) {
    throw refusal(
      `${path}.values`,
      'too_many',
      `${fullName} would hold ${values.length} values; Salesforce allows 1,000, including inactive ones. Add fewer, or use another set.`,
    )
  }
  const chosen = values.some((value) => value.default === true && value.isActive !== 'false')
  if (set.default !== undefined && !chosen) {
    throw refusal(
      `${path}.default`,
      'unknown_value',
      `The default ${set.default} of ${fullName} is not one of its active values. Add it to values or choose a different one.`,
    )
  }
  const element = overlay(root, {
    customValue: values,
    description: set.description ?? leaf(root?.description),
    masterLabel: set.label,
    sorted: set.sorted ?? root?.sorted === 'true',
  })
  return root !== null && samePart(element, root)
    ? { fullName, text: null, unchanged: [{ type: TYPE, fullName }] }
    : { fullName, text: writeFile(TYPE, element), unchanged: [] }
}

const compile = ({ plan, current }: Compiling): CompiledFile[] =>
  plan.global_value_sets.map((set, index) =>
    compileSet(set, `global_value_sets.${index}`, current(TYPE, set.api_name)),
  )

const reversibility = ({ made, before, after }: Step): Reversibility => {
  if (made) return reversible('Rollback deletes it, after the fields that use it.')
  if (after === null) return irreversible(valuesStay(['what the deploy adds']))
  const gained = gainedValues(VALUES, before, after)
  return gained.length === 0 ? RESTORED : irreversible(valuesStay(gained))
}

/** Whether a field, by its element, takes its values from the set. */
const usesSet = (element: JsonObject | null, set: string): boolean => {
  const valueSet = element?.valueSet
  const name = isObject(valueSet) ? leaf(valueSet.valueSetName) : null
  return name !== null && sameName(componentName(TYPE, name)) === sameName(set)
}

/**
 * One that the deployment created is deleted after the fields that use it; while one of them stays, it
 * stays.
 */
const undoMadeSet = (component: Component, scene: Scene, settled: Settled): Undoing => {
  const undoing = undoMade(component, null, scene)
  if (!undoing.remove) return undoing
  const users = [
    ...scene.usersOf(component).filter((user) => !settled.isTakenBack(user)),
    ...settled.kept.filter((one) => usesSet(scene.now.part(one), component.fullName)),
  ]
  const names = new Map(users.map((user) => [keyOf(user), user.fullName]))
  return names.size === 0 ? undoing : keep(`It is used by ${listed([...names.values()])}.`)
}

const rules: KindRule[] = [
  {
    code: 'value_set_managed',
    severity: 'red',
    judge: async ({ fullName }, { lookUp }) =>
      (await lookUp(TYPE, fullName))?.managed === true
        ? {
            message: `The global value set ${fullName} belongs to an installed package and cannot be changed.`,
            remedy: 'Use a set of your own.',
          }
        : null,
  },
  {
    code: 'value_set_shared',
    severity: 'yellow',
    judge: async ({ fullName }, { lookUp }) =>
      (await lookUp(TYPE, fullName))?.exists === true
        ? {
            message: `The global value set ${fullName} exists. Every field that uses it, on any object, will show what the plan adds or relabels; its other values do not change.`,
            remedy:
              'Make sure that all of these fields should offer the values, or use a set of your own.',
          }
        : null,
  },
  {
    code: 'value_set_new',
    severity: 'green',
    judge: async ({ fullName }, { lookUp }) =>
      (await lookUp(TYPE, fullName))?.exists === false
        ? {
            message: `The global value set ${fullName} is new; no existing field uses it.`,
          }
        : null,
  },
]

export const globalValueSet: FileKind = {
  type: TYPE,
  folder: 'globalValueSets',
  suffix: 'globalValueSet',
  isDescribedAnywhere: true,
  isKeptWhileUsed: true,
  isToldByItsFile: true,
  named,
  objectOf: () => null,
  toRead: (plan) => named(plan).map(({ fullName }) => fullName),
  check,
  compile,
  // After fields and objects, which may use it.
  deletion: { place: 7, withObject: never },
  reversibility,
  undo: ({ component, made }, scene) =>
    made
      ? (settled) => undoMadeSet(component, scene, settled)
      : undoGained(VALUES, component, scene),
  rules,
}
