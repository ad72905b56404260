// The apps and tabs that every org has from the start. Salesforce: Metadata API guide, "CustomApplication";
// which tabs the apps have is taken from retrieved files in public repositories (acautoboardsystems/Litco).

import { findObject } from './changes.ts'
import { type Org, type SObject } from './model.ts'
import { stamps } from './schema.ts'

/** What every app of Lightning Experience is returned with. */
export const LIGHTNING_DEFAULTS = {
  isNavAutoTempTabsDisabled: false,
  isNavPersonalizationDisabled: false,
  isNavTabPersistenceDisabled: false,
  isOmniPinnedViewEnabled: false,
  navType: 'Standard',
}

const lightning = (label: string, description: string, tabs: string) => ({
  ...LIGHTNING_DEFAULTS,
  brand: { headerColor: '#0070D2', shouldOverrideOrgTheme: false },
  description,
  formFactors: ['Large'],
  label,
  tabs: tabs.split(' ').map((tab) => `standard-${tab}`),
  uiType: 'Lightning',
})

const classic = (label: string, tabs: string) => ({
  label,
  tabs: tabs.split(' ').map((tab) => `standard-${tab}`),
  uiType: 'Aloha',
})

const STANDARD_APPS: Record<string, Record<string, unknown>> = {
  standard__LightningSales: lightning(
    'Sales',
    'Manage your sales process with accounts, leads, opportunities, and more',
    'home Opportunity Lead Task File Account Contact Campaign Dashboard report Feed CollaborationGroup Event OtherUserProfile Case News ForecastingLightning',
  ),
  standard__LightningService: lightning(
    'Service',
    'Manage customer service with accounts, contacts, cases, and more',
    'home Feed Account Contact Case report Dashboard',
  ),
  standard__Sales: classic('Sales', 'home Campaign Lead Account Contact Opportunity report'),
  standard__Platform: classic('Platform', 'home Account Contact report Dashboard'),
}

export const addStandardApps = (org: Org): void => {
  org.apps = Object.entries(STANDARD_APPS).map(([name, metadata]) => ({
    id: org.ids.make('02u'),
    name,
    metadata,
    ...stamps(org),
  }))
}

/** Standard tabs without an object, without their `standard-`. */
const OTHER_TABS = [
  'home',
  'Feed',
  'File',
  'News',
  'AppLauncher',
  'Chatter',
  'CollaborationGroup',
  'ContentNote',
  'Dashboard',
  'report',
  'ForecastingLightning',
  'Forecasting3',
  'ListEmail',
  'OtherUserProfile',
  'UserProfile',
  'Workspace',
]

/** Objects that always have a tab: those with pages that people open from a tab. */
const hasOwnTab = ({ describe, deletedAt }: SObject): boolean =>
  deletedAt === undefined && !describe.custom && describe.layoutable

/** The standard tab of this name, `standard-Account`, as Salesforce writes it. */
const standardTab = (org: Org, name: string): string | undefined => {
  const stem = /^standard-(.+)$/i.exec(name)?.[1]
  if (stem === undefined) return undefined
  const other = OTHER_TABS.find((tab) => tab.toLowerCase() === stem.toLowerCase())
  if (other !== undefined) return `standard-${other}`
  const object = findObject(org, stem)
  return object !== undefined && hasOwnTab(object) ? `standard-${object.name}` : undefined
}

/** The tab's own name, if the org has it; `name` in any letter case. */
export const tabNamed = (org: Org, name: string): string | undefined =>
  org.tabs.find((tab) => tab.name.toLowerCase() === name.toLowerCase())?.name ??
  standardTab(org, name)

/** Every tab of the org, with its object. */
export const allTabs = (org: Org): { name: string; object: SObject | undefined }[] => [
  ...OTHER_TABS.map((tab) => ({ name: `standard-${tab}`, object: undefined })),
  ...[...org.objects.values()]
    .filter(hasOwnTab)
    .filter(({ name }) => !OTHER_TABS.includes(name))
    .map((object) => ({ name: `standard-${object.name}`, object })),
  ...org.tabs.map(({ name }) => ({ name, object: findObject(org, name) })),
]
