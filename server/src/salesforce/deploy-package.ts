// The zip of a deploy: files, their manifest, and the manifests of what it deletes.

import { strToU8, zipSync } from 'fflate'
import { EngineError } from '../errors.ts'
import { bareVersion, METADATA_NAMESPACE } from './metadata.ts'
import { toXml } from './xml.ts'

/** Metadata type → full names: `CustomField` → `Lead.Job_Title__c`. */
export type Members = ReadonlyMap<string, readonly string[]>

export interface PackageContents {
  /**
   * Path inside the package (`objects/Lead.object`) → content. Manifests are generated, not passed in.
   */
  files: ReadonlyMap<string, string | Uint8Array>
  /** What package.xml names; a file that no member names is not deployed. `*` means all of a type. */
  members: Members
  /** Deleted before the files are deployed, and after; by full name, never `*`, in this order. */
  deleteBefore?: Members
  deleteAfter?: Members
}

/** Made by `buildDeployPackage` only, so that nothing over Salesforce's limits is ever sent. */
export interface DeployPackage {
  readonly zip: Uint8Array
  readonly fileCount: number
  readonly unzippedBytes: number
}

/**
 * Salesforce: Metadata API guide, "Deploy and Retrieve limits". Decimal megabytes: 39 of them are
 * just under the 50 MB that the same zip may have as base64.
 */
export const PACKAGE_LIMITS = Object.freeze({
  zipBytes: 39_000_000,
  files: 10_000,
  unzippedBytes: 600_000_000,
})

const PACKAGE_XML = 'package.xml'
const DELETE_BEFORE = 'destructiveChangesPre.xml'
const DELETE_AFTER = 'destructiveChangesPost.xml'
const MANIFESTS: ReadonlySet<string> = new Set([
  PACKAGE_XML,
  DELETE_BEFORE,
  DELETE_AFTER,
  'destructiveChanges.xml',
])

// fflate writes local calendar fields; these give the same bytes in every time zone.
const ZIP_EPOCH = new Date(1980, 0, 1)

const manifest = (members: Members, version: string | null): string => {
  const types = [...members]
    .filter(([, names]) => names.length > 0)
    .map(([name, names]) => toXml('types', { members: [...new Set(names)], name }))
  return (
    '<?xml version="1.0" encoding="UTF-8"?>\n' +
    `<Package xmlns="${METADATA_NAMESPACE}">${types.join('')}${toXml('version', version)}</Package>\n`
  )
}

const byAlphabet = (members: Members): Members =>
  new Map(
    [...members]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([type, names]) => [type, [...names].sort()] as const),
  )

const destructive = (members: Members): string => {
  for (const [type, names] of members) {
    // Salesforce: Metadata API guide, deleting components: wildcards are not supported.
    if (names.some((name) => name.includes('*')))
      throw new TypeError(`Wildcards cannot be deleted: ${type}`)
  }
  // In the given order: the caller knows what must be deleted before what.
  return manifest(members, null)
}

const isEmpty = (members: Members | undefined): members is undefined =>
  members === undefined || [...members.values()].every((names) => names.length === 0)

const checkPath = (path: string): void => {
  const bad =
    path === '' || path.startsWith('/') || path.includes('\\') || path.split('/').includes('..')
  if (bad) throw new TypeError(`Not a path inside a package: ${JSON.stringify(path)}`)
  if (MANIFESTS.has(path)) throw new TypeError(`${path} is written by the package itself`)
}

const refuse = (what: string): EngineError =>
  new EngineError(
    'payload_too_large',
    `The package ${what}, more than Salesforce takes in a deploy.`,
  )

/**
 * The package as one zip, its manifests at the root (`singlePackage`). Equal contents give equal bytes.
 * `apiVersion` as in paths (`v66.0`). Throws EngineError `payload_too_large` over Salesforce's limits
 * and TypeError for a path that leads outside, a manifest among the files, or a wildcard to delete.
 */
export const buildDeployPackage = (
  { files, members, deleteBefore, deleteAfter }: PackageContents,
  apiVersion: string,
): DeployPackage => {
  const all: Record<string, Uint8Array> = {}
  const put = (path: string, content: string | Uint8Array): void => {
    all[path] = typeof content === 'string' ? strToU8(content) : content
  }
  put(PACKAGE_XML, manifest(byAlphabet(members), bareVersion(apiVersion)))
  if (!isEmpty(deleteBefore)) put(DELETE_BEFORE, destructive(deleteBefore))
  if (!isEmpty(deleteAfter)) put(DELETE_AFTER, destructive(deleteAfter))
  for (const path of [...files.keys()].sort()) {
    checkPath(path)
    put(path, files.get(path) ?? '')
  }

  const fileCount = Object.keys(all).length
  if (fileCount > PACKAGE_LIMITS.files) throw refuse(`has ${fileCount} files`)
  const unzippedBytes = Object.values(all).reduce((sum, { byteLength }) => sum + byteLength, 0)
  if (unzippedBytes > PACKAGE_LIMITS.unzippedBytes) throw refuse(`has ${unzippedBytes} bytes`)
  const zip = zipSync(all, { mtime: ZIP_EPOCH })
  if (zip.byteLength > PACKAGE_LIMITS.zipBytes) throw refuse(`has ${zip.byteLength} bytes zipped`)
  return Object.freeze({ zip, fileCount, unzippedBytes })
}
