// The names of contents: SHA-256 of their canonical JSON.

import { hash } from 'node:crypto'

/** SHA-256 of the text, as base64 without padding: the name of a content in manifests and maps. */
export const hashOf = (text: string): string => hash('sha256', text, 'base64url')

/** Members of a describe that each Salesforce org has values of its own for, and that say nothing about the schema. */
const OWN_MEMBERS =
  /"(?:keyPrefix|layout|recordTypeId|uiDetailTemplate|uiEditTemplate|uiNewRecord)":"[^"]*"/g

/**
 * Of a describe's canonical JSON: equal for two Salesforce orgs if their describes differ in nothing but hosts,
 * prefixes of keys and ids of record types. In strings quotes are escaped, so nothing else can look like these members.
 */
export const gistOf = (text: string): string => hashOf(text.replaceAll(OWN_MEMBERS, ''))

export const hashBytes = (hashText: string): Buffer => Buffer.from(hashText, 'base64url')
export const hashText = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url')
