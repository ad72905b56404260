import { type Role } from '@sfdc-engine-x/client'

export const ROLES: Readonly<Record<Role, { label: string; hint: string }>> = {
  org_admin: { label: 'Administrator', hint: 'Everything, for all clients' },
  company_admin: {
    label: 'Company administrator',
    hint: 'Reads everything about one client',
  },
  company_member: {
    label: 'Company member',
    hint: 'Reads the connection and the schema of one client',
  },
}

/** Whether users of this role belong to one client. */
export const isOfCompany = (role: Role): boolean => role !== 'org_admin'
