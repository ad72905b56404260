// Records that metadata refers to by name: users, groups, roles. Salesforce does not list them as
// components, so they are looked up as records.

import { soql, type Soql } from '../../salesforce/escape.ts'

export interface NamedRecords {
  /** The word for one of them in messages. */
  noun: string
  /** The object whose records they are, and the field with the name. */
  object: string
  nameField: string
  /** Which of its records are meant; null for all. */
  where: Soql | null
}

export const USERS: NamedRecords = {
  noun: 'user',
  object: 'User',
  nameField: 'Username',
  where: null,
}

export const ACTIVE_USERS: NamedRecords = {
  noun: 'active user',
  object: 'User',
  nameField: 'Username',
  where: soql`IsActive = true`,
}

const groups = (noun: string, where: Soql): NamedRecords => ({
  noun,
  object: 'Group',
  nameField: 'DeveloperName',
  where,
})

export const QUEUES = groups('queue', soql`Type = 'Queue'`)

/** Salesforce: Object reference, Group: `Organization` is the group of all internal users. */
export const PUBLIC_GROUPS = groups('public group', soql`Type IN ('Regular', 'Organization')`)

export const ROLES: NamedRecords = {
  noun: 'role',
  object: 'UserRole',
  nameField: 'DeveloperName',
  where: null,
}
