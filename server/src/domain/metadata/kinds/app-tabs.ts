// The tabs of an app's navigation. The app exists already; tabs are added to it, nothing that it shows
// is moved or dropped, and what was added can be removed again.

import { leaf } from '../../../salesforce/xml.ts'
import { type Findings, reportDuplicates } from '../../plan/findings.ts'
import { type Plan, type PlanAppTabs } from '../../plan/schema.ts'
import { listed, one } from '../../words.ts'
import { type Component, sameName } from '../names.ts'
import { TAKEN_OUT } from '../reversibility.ts'
import { isNamed, NOTHING, type Scene, type Settled, type Undoing, undoUnread } from '../undoing.ts'
import {
  applyEdits,
  childrenNamed,
  type Edit,
  insertBehind,
  insertFirst,
  readDocument,
  removeNode,
  type XmlDocument,
  type XmlNode,
} from '../xml-tree.ts'
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

const TYPE = 'CustomApplication'
const LIST = 'tabs'

const named = (plan: Plan): Named[] =>
  plan.app_tabs.map(({ app }, index) => ({ fullName: app, path: `app_tabs.${index}` }))

const check = ({ app_tabs: apps }: Plan, findings: Findings): void => {
  reportDuplicates(
    apps.map(({ app }) => app),
    (name) => `The app ${name}`,
    (index) => ['app_tabs', index, 'app'],
    findings,
  )
  for (const [index, { app, tabs, after }] of apps.entries()) {
    const path = ['app_tabs', index]
    if (!/^[A-Za-z]\w*$/.test(app)) {
      const message = `${app} is not the API name of an app. Use one such as Recruiting, or standard__LightningSales for an app of Salesforce.`
      findings.add([...path, 'app'], 'name_bad_character', message)
    }
    reportDuplicates(
      tabs,
      (name) => `The tab ${name} of ${app}`,
      (at) => [...path, 'tabs', at],
      findings,
    )
    if (after !== undefined && tabs.some((tab) => sameName(tab) === sameName(after))) {
      const message = `The app ${app} cannot show ${after} after itself. Use a different tab.`
      findings.add([...path, 'after'], 'attributes_conflict', message)
    }
  }
}

const nameOf = (node: XmlNode): string => leaf(node.value) ?? ''

const tabsOf = ({ root }: XmlDocument): XmlNode[] => childrenNamed(root, LIST)

const tabNamed = (document: XmlDocument, name: string): XmlNode | undefined =>
  tabsOf(document).find((node) => sameName(nameOf(node)) === sameName(name))

/** After the tab, else after the last one, else where the schema's order puts the first. */
const insertTabs = (
  document: XmlDocument,
  behind: XmlNode | undefined,
  tabs: readonly string[],
): Edit => {
  const { root, text } = document
  const anchor =
    behind ?? tabsOf(document).at(-1) ?? root.children.findLast(({ name }) => name < LIST)
  return anchor === undefined
    ? insertFirst(root, text, LIST, tabs)
    : insertBehind(anchor, LIST, tabs)
}

const compileApp = (
  { app, tabs, after }: PlanAppTabs,
  path: string,
  { current }: Compiling,
): CompiledFile => {
  const text = current(TYPE, app)
  if (text === null) {
    throw refusal(
      `${path}.app`,
      'app_not_found',
      `The Salesforce org has no app ${app}. Use the API name of one that exists.`,
    )
  }
  const document = readDocument(text, TYPE)
  const behind = after === undefined ? undefined : tabNamed(document, after)
  if (after !== undefined && behind === undefined) {
    throw refusal(
      `${path}.after`,
      'tab_not_in_app',
      `The app ${app} does not show ${after}. Use a tab that it shows.`,
    )
  }
  const added = tabs.filter((tab) => tabNamed(document, tab) === undefined)
  return added.length === 0
    ? { fullName: app, text: null, unchanged: [{ type: TYPE, fullName: app }] }
    : {
        fullName: app,
        text: applyEdits(text, [insertTabs(document, behind, added)]),
        unchanged: [],
      }
}

/** Our tabs are removed, except those that stay themselves. */
const undoTabs = (component: Component, scene: Scene, { stays }: Settled): Undoing => {
  const early = undoUnread(component, scene)
  const [was, is] = [scene.before.file(component), scene.now.file(component)]
  if (early !== null || was === null || is === null) return early ?? NOTHING
  // If the outcome was never known, nothing is ours unless the caller names it.
  const left = scene.after.file(component) ?? (isNamed(component, scene) ? is : was)
  const [before, after, now] = [was, left, is].map((text) => readDocument(text, TYPE))
  if (before === undefined || after === undefined || now === undefined) return NOTHING
  const ours = tabsOf(after)
    .map(nameOf)
    .filter(
      (tab) => tabNamed(before, tab) === undefined && !stays({ type: 'CustomTab', fullName: tab }),
    )
  const edits = ours.flatMap((tab) => {
    const node = tabNamed(now, tab)
    return node === undefined ? [] : [removeNode(node, is)]
  })
  return edits.length === 0 ? NOTHING : { ...NOTHING, restore: { file: applyEdits(is, edits) } }
}

/** The app as it would be without the tabs that deployments added to it, each as it found and left the app. */
export const withoutAddedTabs = (
  text: string,
  deployments: readonly { before: string; after: string }[],
): string => {
  const added = deployments.flatMap(({ before, after }) => {
    const was = readDocument(before, TYPE)
    return tabsOf(readDocument(after, TYPE))
      .map(nameOf)
      .filter((tab) => tabNamed(was, tab) === undefined)
  })
  const document = readDocument(text, TYPE)
  const edits = added.flatMap((tab) => {
    const node = tabNamed(document, tab)
    return node === undefined ? [] : [removeNode(node, text)]
  })
  return applyEdits(text, edits)
}

/** A rule about an app, with the member of the plan that adds to it. */
const rule = (
  code: string,
  severity: KindRule['severity'],
  judge: (app: PlanAppTabs, asked: Asked) => Promise<Word | null>,
): KindRule => ({
  code,
  severity,
  judge: ({ path }, asked) => {
    const app = asked.plan.app_tabs[Number(path.split('.')[1])]
    return app === undefined ? null : judge(app, asked)
  },
})

const missingTabs = async ({ tabs }: PlanAppTabs, { plan, lookUp }: Asked): Promise<string[]> => {
  const planned = new Set(plan.tabs.map(sameName))
  // Salesforce: tabs of standard objects and pages are named standard-Account.
  const asked = await Promise.all(
    tabs
      .filter((tab) => !/^standard-/i.test(tab) && !planned.has(sameName(tab)))
      .map(async (tab) => ({ tab, found: await lookUp('CustomTab', tab) })),
  )
  return asked.filter(({ found }) => found?.exists === false).map(({ tab }) => tab)
}

const rules: KindRule[] = [
  rule('app_missing', 'red', async ({ app }, { lookUp }) =>
    (await lookUp(TYPE, app))?.exists === false
      ? {
          message: `The app ${app} does not exist in this Salesforce org.`,
          remedy:
            'Correct its API name, for example standard__LightningSales for an app of Salesforce.',
          at: 'app',
        }
      : null,
  ),
  rule('app_tab_missing', 'red', async (app, asked) => {
    const missing = await missingTabs(app, asked)
    return missing.length === 0
      ? null
      : {
          message: `The app ${app.app} would show ${listed(missing)}, which ${one(missing, 'exists as a tab', 'exist as tabs')} neither in the plan nor in this Salesforce org.`,
          remedy: 'Add the object to tabs of the plan, correct the name, or leave it out.',
          at: 'tabs',
        }
  }),
  rule('app_tabs_added', 'green', async ({ app, tabs }, { lookUp }) =>
    (await lookUp(TYPE, app))?.exists === true
      ? {
          message: `The app ${app} shows ${listed(tabs)}; its other tabs stay in place.`,
        }
      : null,
  ),
]

export const appTabs: FileKind = {
  type: TYPE,
  folder: 'applications',
  suffix: 'app',
  isShared: true,
  isToldByItsFile: true,
  named,
  objectOf: () => null,
  toRead: (plan) => plan.app_tabs.map(({ app }) => app),
  check,
  compile: (context) =>
    context.plan.app_tabs.map((app, index) => compileApp(app, `app_tabs.${index}`, context)),
  deletion: { place: null, withObject: never },
  reversibility: () => TAKEN_OUT,
  undo:
    ({ component }, scene) =>
    (settled) =>
      undoTabs(component, scene, settled),
  rules,
}
