// Who created and last changed a row, as queries show it.

import { salesforceDateTime } from '../../org/ids.ts'
import type { Stamps } from '../../org/model.ts'
import type { SoqlRow } from '../../soql/schema.ts'
import { reference, type ColumnSpec } from './tables.ts'

export const auditColumns: Record<string, ColumnSpec> = {
  CreatedDate: 'datetime',
  CreatedById: reference('User', 'CreatedBy'),
  LastModifiedDate: 'datetime',
  LastModifiedById: reference('User', 'LastModifiedBy'),
  SystemModstamp: 'datetime',
}

export function auditValues(stamps: Stamps): SoqlRow {
  return {
    CreatedDate: salesforceDateTime(stamps.createdDate),
    CreatedById: stamps.createdById,
    LastModifiedDate: salesforceDateTime(stamps.lastModifiedDate),
    LastModifiedById: stamps.lastModifiedById,
    SystemModstamp: salesforceDateTime(stamps.lastModifiedDate),
  }
}
