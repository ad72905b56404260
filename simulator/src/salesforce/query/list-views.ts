// ListView as queries show it. Salesforce: Object Reference, "ListView".

import type { Org } from '../../org/model.ts'
import { liveObjects } from '../metadata/catalogue.ts'
import { auditColumns, auditValues } from './audit.ts'
import type { VirtualTable } from './tables.ts'

export const listViews = (org: Org): VirtualTable => ({
  name: 'ListView',
  columns: {
    Id: 'id',
    Name: 'string',
    DeveloperName: 'string',
    NamespacePrefix: 'string',
    SobjectType: 'picklist',
    IsSoqlCompatible: 'boolean',
    LastViewedDate: 'datetime',
    LastReferencedDate: 'datetime',
    ...auditColumns,
  },
  rows: () =>
    liveObjects(org).flatMap((object) =>
      object.parts.listViews.map((view) => ({
        Id: view.id,
        Name: view.label,
        DeveloperName: view.name,
        NamespacePrefix: view.namespace,
        SobjectType: object.name,
        IsSoqlCompatible: true,
        LastViewedDate: null,
        LastReferencedDate: null,
        ...auditValues(view),
      })),
    ),
})
