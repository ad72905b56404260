// CustomApplication: which tabs an app shows, in their order, and how it looks. Salesforce: Metadata API
// guide, type of this name; Object reference, "AppDefinition" on lengths. A file is the whole app.

import type { App } from '../../../org/model.ts'
import { child, nodes, text, texts, type MetadataNode } from '../../../org/metadata-xml.ts'
import { LIGHTNING_DEFAULTS, tabNamed } from '../../../org/standard-apps.ts'
import { appBody } from '../bodies.ts'
import { profileFullName } from '../catalogue.ts'
import { NotDone, Problem, type Draft, type Item, type Outcome } from './draft.ts'
import {
  checkDeveloperName,
  checkLength,
  checkUnmanaged,
  noObject,
  noSuch,
  oneOf,
  required,
} from './names.ts'
import { same, typed } from './typed.ts'

const NAME_MAX = 80
const LABEL_MAX = 40
const DESCRIPTION_MAX = 255
const STANDARD = /^standard__/i

const FLAGS = [
  'isNavAutoTempTabsDisabled',
  'isNavPersonalizationDisabled',
  'isNavTabPersistenceDisabled',
  'isOmniPinnedViewEnabled',
]
const KNOWN = [
  ...FLAGS,
  'actionOverrides',
  'brand',
  'defaultLandingTab',
  'description',
  'formFactors',
  'fullName',
  'label',
  'navType',
  'profileActionOverrides',
  'setupExperience',
  'tabs',
  'uiType',
  'utilityBar',
  'workspaceConfig',
]
const ELSEWHERE = [
  'consoleConfig',
  'isServiceCloudConsole',
  'logo',
  'preferences',
  'subscriberTabs',
  'uiBundle',
]
const BRAND = ['footerColor', 'headerColor', 'logo', 'logoVersion', 'shouldOverrideOrgTheme']

/** Creates or changes an app. */
export function deployApp(draft: Draft, { fullName, node }: Item): Outcome {
  const { org } = draft
  const found = appNamed(draft, fullName)
  // The rule: docs.gearset.com, "Standard applications cannot be added or deleted". The words are ours.
  if (found === undefined && STANDARD.test(fullName)) {
    throw new Problem(`The standard application ${fullName} cannot be created`)
  }
  if (!STANDARD.test(fullName)) {
    checkUnmanaged(org, 'CustomApplication', fullName)
    checkDeveloperName('App', fullName, NAME_MAX)
    required(node, 'label')
  }
  const content = readApp(draft, node)
  if (found !== undefined) checkKept(found, content)
  if (found !== undefined && same(content, typed(appBody(org, found)))) {
    return { id: found.id, created: false, changed: false }
  }
  const app: App = {
    id: found?.id ?? org.ids.make('02u'),
    name: found?.name ?? fullName,
    metadata: content,
    ...draft.stamps(found),
  }
  draft.keep('apps')
  org.apps =
    found === undefined ? [...org.apps, app] : org.apps.map((each) => (each === found ? app : each))
  return { id: app.id, created: found === undefined, changed: true }
}

/** Returns the id of what was deleted, undefined if it did not exist. Nothing shows it any longer. */
export function deleteApp(draft: Draft, fullName: string): string | undefined {
  const { org } = draft
  const found = appNamed(draft, fullName)
  if (found === undefined) return undefined
  if (STANDARD.test(found.name)) {
    throw new Problem(`The standard application ${found.name} cannot be deleted`)
  }
  draft.keep('apps')
  org.apps = org.apps.filter((each) => each !== found)
  for (const [id, profile] of org.profiles) {
    if (profile.extras === undefined) continue
    draft.put(org.profiles, id, { ...profile, extras: withoutApp(profile.extras, found.name) })
  }
  for (const [id, set] of org.permissionSets) {
    if (set.extras === undefined) continue
    draft.put(org.permissionSets, id, { ...set, extras: withoutApp(set.extras, found.name) })
  }
  return found.id
}

const appNamed = ({ org }: Draft, name: string): App | undefined =>
  org.apps.find((each) => each.name.toLowerCase() === name.toLowerCase())

function withoutApp(extras: Record<string, unknown>, name: string): Record<string, unknown> {
  const shown = nodes(extras as MetadataNode, 'applicationVisibilities')
  if (shown.length === 0) return extras
  return {
    ...extras,
    applicationVisibilities: shown.filter((each) => text(each, 'application') !== name),
  }
}

/** Salesforce: "Not updateable" (CustomApplication, navType and uiType). The words are ours. */
function checkKept(found: App, content: MetadataNode): void {
  for (const element of ['navType', 'uiType']) {
    const before = text(found.metadata as MetadataNode, element)
    const now = text(content, element)
    if (before !== undefined && before !== now) {
      throw new Problem(`Cannot change ${element} of the app ${found.name} from ${before}`)
    }
  }
}

function readApp(draft: Draft, node: MetadataNode): MetadataNode {
  checkElements(node)
  checkLength('MasterLabel', text(node, 'label'), LABEL_MAX)
  checkLength('Description', text(node, 'description'), DESCRIPTION_MAX)
  const uiType = oneOf('UiType', ['Aloha', 'Lightning'], text(node, 'uiType') ?? 'Aloha')
  const navType = text(node, 'navType')
  if (navType !== undefined) oneOf('NavType', ['Standard', 'Console'], navType)
  for (const factor of texts(node, 'formFactors')) {
    oneOf('FormFactor', ['Small', 'Medium', 'Large'], factor)
  }
  const landing = text(node, 'defaultLandingTab')
  if (landing !== undefined) tabOf(draft, landing)
  checkPages(draft, node)
  const { fullName: _, ...content } = typed(node)
  return {
    ...(uiType === 'Lightning' && LIGHTNING_DEFAULTS),
    ...content,
    uiType,
    tabs: readTabs(draft, node),
  }
}

function checkElements(node: MetadataNode): void {
  for (const element of Object.keys(node)) {
    if (ELSEWHERE.includes(element)) throw new NotDone(`does not deploy ${element} of apps`)
    if (!KNOWN.includes(element)) throw misplaced(element, 'CustomApplication')
  }
  const brand = child(node, 'brand')
  for (const element of Object.keys(brand ?? {})) {
    if (!BRAND.includes(element)) throw misplaced(element, 'AppBrand')
  }
}

/** In Salesforce's words: forcedotcom/sf-skills#37. */
const misplaced = (element: string, type: string) =>
  new Problem(
    `Error parsing file: Element {http://soap.sforce.com/2006/04/metadata}${element} invalid at this location in type ${type}`,
  )

function readTabs(draft: Draft, node: MetadataNode): string[] {
  const tabs = texts(node, 'tabs').map((name) => tabOf(draft, name))
  const again = tabs.find((name, at) => tabs.indexOf(name) !== at)
  // The words are ours.
  if (again !== undefined) throw new Problem(`Duplicate tab: ${again}`)
  return tabs
}

/** The refusal is in Salesforce's words: trailheadapps/lwc-recipes#586. */
function tabOf({ org }: Draft, name: string): string {
  const found = tabNamed(org, name)
  if (found === undefined) throw noSuch('tab', 'CustomTab', name)
  return found
}

/**
 * Lightning pages are not stored here: only those that the org's apps already name exist. Profiles and
 * objects that overrides name must exist.
 */
function checkPages(draft: Draft, node: MetadataNode): void {
  const { org } = draft
  const pages = new Set(org.apps.flatMap(({ metadata }) => pagesOf(metadata as MetadataNode)))
  for (const page of pagesOf(node)) {
    if (!pages.has(page)) throw noSuch('flexiPage', 'FlexiPage', page)
  }
  const overrides = [...nodes(node, 'actionOverrides'), ...nodes(node, 'profileActionOverrides')]
  for (const override of overrides) {
    required(override, 'actionName')
    const target = required(override, 'pageOrSobjectType')
    if (!/-home$/.test(target) && draft.object(target) === undefined) {
      throw noObject('pageOrSobjectType', target)
    }
    const profile = text(override, 'profile')
    const names = [...org.profiles.values()].map(({ name }) => profileFullName(name))
    if (profile !== undefined && !names.includes(profile)) {
      throw noSuch('profile', 'Profile', profile)
    }
  }
}

const pagesOf = (node: MetadataNode): string[] => [
  ...texts(node, 'utilityBar'),
  ...[...nodes(node, 'actionOverrides'), ...nodes(node, 'profileActionOverrides')].flatMap(
    (override) => texts(override, 'content'),
  ),
]
