// The tab of a custom object.

import { type Findings } from '../../plan/findings.ts'
import { type Plan } from '../../plan/schema.ts'
import { sameElement } from '../equality.ts'
import { objectKind, sameName } from '../names.ts'
import { reversible } from '../reversibility.ts'
import { undoChange, undoMade } from '../undoing.ts'
import { readRoot, writeFile } from '../xml-tree.ts'
import { type CompiledFile, type FileKind, never } from './kind.ts'

// Salesforce: a tab needs one of a hundred styles; anyone can choose a different one there.
const TAB_MOTIF = 'Custom53: Bell'

const check = (plan: Plan, findings: Findings): void => {
  const seen = new Set<string>()
  for (const [index, tab] of plan.tabs.entries()) {
    const path = ['tabs', index]
    if (!plan.objects.some(({ api_name }) => sameName(api_name) === sameName(tab))) {
      findings.add(
        path,
        'object_not_in_plan',
        `The tab ${tab} is for an object that is not in the plan. Add the object or remove the tab.`,
      )
    } else if (objectKind(tab) !== 'custom') {
      findings.add(
        path,
        'attribute_not_allowed',
        `${tab} is not a custom object of this Salesforce org, so it already has a tab or cannot have one. Remove it.`,
      )
    }
    if (seen.has(sameName(tab))) {
      findings.add(path, 'duplicate', `The tab ${tab} is listed twice. Keep one.`)
    }
    seen.add(sameName(tab))
  }
}

export const customTab: FileKind = {
  type: 'CustomTab',
  folder: 'tabs',
  suffix: 'tab',
  named: (plan) => plan.tabs.map((fullName, index) => ({ fullName, path: `tabs.${index}` })),
  objectOf: (fullName) => fullName,
  toRead: (plan) => plan.tabs,
  check,
  compile: ({ plan, current }) =>
    plan.tabs.map((fullName): CompiledFile => {
      const text = current('CustomTab', fullName)
      // An existing tab keeps its style.
      return text !== null && sameElement(readRoot(text, 'CustomTab').customObject, true)
        ? { fullName, text: null, unchanged: [{ type: 'CustomTab', fullName }] }
        : {
            fullName,
            text: writeFile('CustomTab', { customObject: true, motif: TAB_MOTIF }),
            unchanged: [],
          }
    }),
  access: {
    lists: ['tabSettings', 'tabVisibilities'],
    wanted: (plan, holder) =>
      plan.tabs.map((key) =>
        holder === 'PermissionSet'
          ? { list: 'tabSettings', key, grant: { visibility: 'Visible' } }
          : { list: 'tabVisibilities', key, grant: { visibility: 'DefaultOn' } },
      ),
  },
  deletion: { place: 2, withObject: never },
  reversibility: () => reversible('Rollback deletes it if the deploy created it.'),
  undo: ({ component, made }, scene) =>
    made ? undoMade(component, component.fullName, scene) : undoChange(component, scene),
  rules: [
    {
      code: 'tab_safe',
      severity: 'green',
      judge: async ({ fullName }, { lookUp }) => ({
        message:
          (await lookUp('CustomTab', fullName))?.exists === true
            ? `${fullName} already has its tab, which does not change.`
            : `${fullName} gets a tab; users see it if the permission set shows it.`,
      }),
    },
  ],
}
