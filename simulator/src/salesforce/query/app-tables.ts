// Apps and their tabs, as REST can query them. Salesforce: Object reference, "AppDefinition",
// "AppTabMember" and "TabDefinition". Salesforce does not document the form of their durable ids.

import { allTabs, tabNamed } from '../../org/standard-apps.ts'
import type { App, Org } from '../../org/model.ts'
import { child, text, texts, type MetadataNode } from '../../org/metadata-xml.ts'
import { noId } from '../tooling/columns.ts'
import { derivedId } from './derived-ids.ts'
import { reference, type VirtualTable } from './tables.ts'

const key = 'DurableId'
const appId = ({ id }: App) => derivedId('06m', id)
const nodeOf = ({ metadata }: App) => metadata as MetadataNode

export const appTables = (org: Org): VirtualTable[] => [
  appDefinitions(org),
  appTabMembers(org),
  tabDefinitions(org),
]

const appDefinitions = (org: Org): VirtualTable => ({
  name: 'AppDefinition',
  key,
  columns: {
    Id: 'id',
    DurableId: 'string',
    DeveloperName: 'string',
    Label: 'string',
    MasterLabel: 'string',
    Description: 'string',
    NamespacePrefix: 'string',
    NavType: 'picklist',
    UiType: 'picklist',
    UtilityBar: 'string',
    HeaderColor: 'string',
    IsOverrideOrgTheme: 'boolean',
    IsSmallFormFactorSupported: 'boolean',
    IsMediumFormFactorSupported: 'boolean',
    IsLargeFormFactorSupported: 'boolean',
    IsNavAutoTempTabsDisabled: 'boolean',
    IsNavPersonalizationDisabled: 'boolean',
    IsNavTabPersistenceDisabled: 'boolean',
    IsOmniPinnedViewEnabled: 'boolean',
  },
  rows: () =>
    org.apps.map((app) => {
      const node = nodeOf(app)
      const factors = texts(node, 'formFactors')
      const brand = child(node, 'brand')
      const is = (element: string) => text(node, element) === 'true'
      return {
        Id: noId,
        DurableId: appId(app),
        DeveloperName: app.name.replace(/^standard__/, ''),
        Label: text(node, 'label') ?? null,
        MasterLabel: text(node, 'label') ?? null,
        Description: text(node, 'description') ?? null,
        NamespacePrefix: app.name.startsWith('standard__') ? 'standard' : null,
        NavType: text(node, 'navType') ?? null,
        UiType: text(node, 'uiType') ?? null,
        UtilityBar: text(node, 'utilityBar') ?? null,
        HeaderColor: text(brand, 'headerColor') ?? null,
        IsOverrideOrgTheme: text(brand, 'shouldOverrideOrgTheme') === 'true',
        IsSmallFormFactorSupported: factors.includes('Small'),
        IsMediumFormFactorSupported: factors.includes('Medium'),
        IsLargeFormFactorSupported: factors.includes('Large'),
        IsNavAutoTempTabsDisabled: is('isNavAutoTempTabsDisabled'),
        IsNavPersonalizationDisabled: is('isNavPersonalizationDisabled'),
        IsNavTabPersistenceDisabled: is('isNavTabPersistenceDisabled'),
        IsOmniPinnedViewEnabled: is('isOmniPinnedViewEnabled'),
      }
    }),
})

const appTabMembers = (org: Org): VirtualTable => ({
  name: 'AppTabMember',
  key,
  columns: {
    Id: 'id',
    DurableId: 'string',
    AppDefinitionId: reference('AppDefinition', 'AppDefinition'),
    TabDefinitionId: reference('TabDefinition', 'TabDefinition'),
    SortOrder: 'int',
    WorkspaceDriverField: 'string',
  },
  rows: () =>
    org.apps.flatMap((app) =>
      texts(nodeOf(app), 'tabs')
        .filter((tab) => tabNamed(org, tab) !== undefined)
        .map((tab, at) => ({
          Id: noId,
          DurableId: `${appId(app)}-${tab}`,
          AppDefinitionId: appId(app),
          TabDefinitionId: tab,
          SortOrder: at,
          WorkspaceDriverField: null,
        })),
    ),
})

const tabDefinitions = (org: Org): VirtualTable => ({
  name: 'TabDefinition',
  key,
  columns: {
    Id: 'id',
    DurableId: 'string',
    Name: 'string',
    Label: 'string',
    IsCustom: 'boolean',
    SobjectName: 'string',
  },
  rows: () =>
    allTabs(org).map(({ name, object }) => {
      const own = org.tabs.find((tab) => tab.name === name)
      return {
        Id: noId,
        DurableId: name,
        Name: name,
        Label:
          text(own?.metadata as MetadataNode | undefined, 'label') ??
          object?.describe.labelPlural ??
          name.replace(/^standard-/, ''),
        IsCustom: own !== undefined,
        SobjectName: object?.name ?? null,
      }
    }),
})
