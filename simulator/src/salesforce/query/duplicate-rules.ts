// DuplicateRule as queries show it. Salesforce: Object Reference, "DuplicateRule".

import type { Org } from '../../org/model.ts'
import { auditColumns, auditValues } from './audit.ts'
import type { VirtualTable } from './tables.ts'

export const duplicateRules = (org: Org): VirtualTable => ({
  name: 'DuplicateRule',
  columns: {
    Id: 'id',
    DeveloperName: 'string',
    MasterLabel: 'string',
    SobjectType: 'picklist',
    IsActive: 'boolean',
    NamespacePrefix: 'string',
    ...auditColumns,
  },
  rows: () =>
    org.duplicateRules.map((rule) => ({
      Id: rule.id,
      DeveloperName: rule.developerName,
      MasterLabel: rule.label,
      SobjectType: rule.object,
      IsActive: rule.active,
      NamespacePrefix: null,
      ...auditValues(rule),
    })),
})
