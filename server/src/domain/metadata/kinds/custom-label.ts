// A custom label: a text that formulas, flows and code show by its name. All labels of a Salesforce org
// are in one file; a deployed file with some of them does not change the others (Metadata API guide,
// "CustomLabels").

import { type JsonObject } from '../../../salesforce/json.ts'
import { leaf } from '../../../salesforce/xml.ts'
import { type Findings, reportDuplicates } from '../../plan/findings.ts'
import { type Plan, type PlanCustomLabel } from '../../plan/schema.ts'
import { listed } from '../../words.ts'
import { samePart } from '../equality.ts'
import { LANGUAGES } from '../languages.ts'
import { type Component, nameFault, sameName } from '../names.ts'
import { RESTORED, reversible } from '../reversibility.ts'
import { keep, type Scene, type Settled, undoChange, type Undoing, undoMade } from '../undoing.ts'
import { elementsIn, overlay, writeFile } from '../xml-tree.ts'
import {
  type CompiledFile,
  type Compiling,
  type FileKind,
  type KindRule,
  type Named,
  never,
} from './kind.ts'

const TYPE = 'CustomLabel'
const FILE = { name: 'CustomLabels', root: 'CustomLabels', list: 'labels' }

/** Salesforce: Metadata API guide, CustomLabel. */
const NAME_MAX = 80
const SHORT_DESCRIPTION_MAX = 80
const CATEGORIES_MAX = 255
const LANGUAGE = 'en_US'

const named = (plan: Plan): Named[] =>
  plan.custom_labels.map(({ api_name }, index) => ({
    fullName: api_name,
    path: `custom_labels.${index}`,
  }))

/** Salesforce stores the categories of a label as one comma-separated text. */
const categoriesOf = (label: PlanCustomLabel): string | undefined => label.categories?.join(',')

const check = ({ custom_labels: labels }: Plan, findings: Findings): void => {
  reportDuplicates(
    labels.map(({ api_name }) => api_name),
    (name) => `Custom label ${name}`,
    (index) => ['custom_labels', index, 'api_name'],
    findings,
  )
  for (const [index, label] of labels.entries()) {
    const path = ['custom_labels', index]
    const fault = nameFault(label.api_name, `Custom label name ${label.api_name}`, NAME_MAX)
    if (fault !== null) findings.add([...path, 'api_name'], fault.code, fault.message)
    if (label.language !== undefined && !LANGUAGES.has(label.language)) {
      const message = `Salesforce has no language ${label.language} for ${label.api_name}. Write its code as Salesforce does, for example en_US, de or pt_BR.`
      findings.add([...path, 'language'], 'unknown_value', message)
    }
    const where = [...path, 'categories']
    for (const category of label.categories ?? []) {
      if (!category.includes(',')) continue
      const message = `The category ${category} of ${label.api_name} has a comma in it, which Salesforce reads as the end of a category. Leave it out.`
      findings.add(where, 'bad_text', message)
    }
    const length = categoriesOf(label)?.length ?? 0
    if (length > CATEGORIES_MAX) {
      const message = `The categories of ${label.api_name} have ${length} characters in total; Salesforce allows ${CATEGORIES_MAX}. Use fewer.`
      findings.add(where, 'too_long', message)
    }
  }
}

const elementOf = (label: PlanCustomLabel, current: JsonObject | null) =>
  overlay(current, {
    fullName: leaf(current?.fullName) ?? label.api_name,
    categories: categoriesOf(label),
    language: label.language ?? leaf(current?.language) ?? LANGUAGE,
    protected: label.protected ?? leaf(current?.protected) === 'true',
    shortDescription:
      label.short_description ??
      leaf(current?.shortDescription) ??
      label.api_name.slice(0, SHORT_DESCRIPTION_MAX),
    value: label.value,
  })

const compile = ({ plan, current }: Compiling): CompiledFile[] => {
  if (plan.custom_labels.length === 0) return []
  const there = elementsIn(current(TYPE, FILE.name), FILE)
  const unchanged: Component[] = []
  const sent = plan.custom_labels.flatMap((label) => {
    const found = there.get(sameName(label.api_name)) ?? null
    const element = elementOf(label, found)
    if (found === null || !samePart(element, found)) return [element]
    unchanged.push({ type: TYPE, fullName: label.api_name })
    return []
  })
  const text = sent.length === 0 ? null : writeFile(FILE.root, { [FILE.list]: sent })
  return [{ fullName: FILE.name, text, unchanged }]
}

/**
 * Salesforce does not delete a label that a formula, a flow or code shows. Components that the same
 * rollback deletes do not count.
 */
const undoMadeLabel = (component: Component, scene: Scene, settled: Settled): Undoing => {
  const undoing = undoMade(component, null, scene)
  const users = scene
    .usersOf(component)
    .filter((user) => !settled.isTakenBack(user))
    .map(({ fullName }) => fullName)
  return undoing.remove && users.length > 0 ? keep(`It is used by ${listed(users)}.`) : undoing
}

const rules: KindRule[] = [
  {
    code: 'label_exists',
    severity: 'yellow',
    judge: async ({ fullName }, { lookUp }) =>
      (await lookUp(TYPE, fullName))?.exists === true
        ? {
            message: `The custom label ${fullName} exists. Its text changes wherever it is shown; its translations stay as they are.`,
            remedy: 'Make sure that it is the label you mean, or choose a different name.',
          }
        : null,
  },
  {
    code: 'label_new',
    severity: 'green',
    judge: async ({ fullName }, { lookUp }) =>
      (await lookUp(TYPE, fullName))?.exists === false
        ? {
            message: `The custom label ${fullName} is new; nothing shows it yet.`,
          }
        : null,
  },
]

export const customLabel: FileKind = {
  type: TYPE,
  folder: 'labels',
  suffix: 'labels',
  within: FILE,
  isKeptWhileUsed: true,
  isToldByItsFile: true,
  named,
  objectOf: () => null,
  toRead: (plan) => plan.custom_labels.map(({ api_name }) => api_name),
  check,
  compile,
  // After the fields and objects whose formulas may show it.
  deletion: { place: 10, withObject: never },
  reversibility: ({ made }) =>
    made ? reversible('Rollback deletes it, unless something shows it by then.') : RESTORED,
  undo: ({ component, made }, scene) =>
    made ? (settled) => undoMadeLabel(component, scene, settled) : undoChange(component, scene),
  rules,
}
