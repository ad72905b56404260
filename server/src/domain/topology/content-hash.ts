// The names of contents: SHA-256 of their canonical JSON.

import { hash } from 'node:crypto'

/** SHA-256 of the text, as base64 without padding: the name of a content in manifests and maps. */
export const hashOf = (text: string): string => hash('sha256', text, 'base64url')

export const hashBytes = (hashText: string): Buffer => Buffer.from(hashText, 'base64url')
export const hashText = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url')
