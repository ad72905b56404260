// The deployers of components, type by type: what a package and the single calls can deploy.

import { deployApp } from './apps.ts'
import {
  deployAssignmentRule,
  deployAssignmentRules,
  deployFlow,
  deployFlowDefinition,
} from './automations.ts'
import { deployCompactLayout } from './compact-layouts.ts'
import { deployCustomMetadata } from './custom-metadata.ts'
import { deployBusinessProcess } from './business-processes.ts'
import type { Draft, Item, Outcome } from './draft.ts'
import { deployFieldSet } from './field-sets.ts'
import { deployField } from './fields.ts'
import { deployGlobalValueSet } from './global-value-sets.ts'
import { deployGroup } from './groups.ts'
import { deployLabel, deployLabels } from './labels.ts'
import { deployLayout, deployTab } from './layouts.ts'
import { deployListView } from './list-views.ts'
import { deployObject, deployRecordType, deployValidationRule } from './objects.ts'
import { deployPermissionSet, deployProfile } from './permissions.ts'
import { deployPermissionSetGroup } from './permission-set-groups.ts'
import { deployQueue } from './queues.ts'
import { deployQuickAction } from './quick-actions.ts'
import { deployWebLink } from './web-links.ts'

/** Creates or changes one component. Throws `Problem` for what Salesforce refuses. */
export type Deployer = (draft: Draft, item: Item) => Outcome

/** Each type comes after those that it may refer to. */
export const DEPLOYERS: readonly [string, Deployer][] = [
  ['GlobalValueSet', deployGlobalValueSet],
  ['CustomLabels', deployLabels],
  ['CustomLabel', deployLabel],
  ['CustomObject', deployObject],
  ['CustomField', deployField],
  ['CustomMetadata', deployCustomMetadata],
  ['BusinessProcess', deployBusinessProcess],
  ['CompactLayout', deployCompactLayout],
  ['FieldSet', deployFieldSet],
  ['RecordType', deployRecordType],
  ['ValidationRule', deployValidationRule],
  ['WebLink', deployWebLink],
  ['CustomTab', deployTab],
  ['CustomApplication', deployApp],
  ['Group', deployGroup],
  ['Queue', deployQueue],
  ['ListView', deployListView],
  ['Flow', deployFlow],
  ['FlowDefinition', deployFlowDefinition],
  ['QuickAction', deployQuickAction],
  ['Layout', deployLayout],
  ['AssignmentRules', deployAssignmentRules],
  ['AssignmentRule', deployAssignmentRule],
  ['Profile', deployProfile],
  ['PermissionSet', deployPermissionSet],
  ['PermissionSetGroup', deployPermissionSetGroup],
]

/** The deployer of this type, inside and outside a deployment. */
export const deployerOf = (type: string): Deployer | undefined =>
  DEPLOYERS.find(([name]) => name === type)?.[1]
