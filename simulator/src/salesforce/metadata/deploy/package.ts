// The contents of a deployment's zip: components from files, and deletions. Salesforce: Metadata API
// guide, "Sample package.xml Manifest Files" and "Deleting Components from an Organization".

import { strFromU8, unzipSync } from 'fflate'
import {
  childTypes,
  deploysByParts,
  metadataTypes,
  nameOfChild,
  placeOfChild,
  saysTypes,
  type ChildType,
} from '../component.ts'
import { readManifest, type Manifest } from '../manifest.ts'
import { deployerOf } from './deployers.ts'
import type { Item } from './draft.ts'
import { nodes, parseMetadataFile, text, type MetadataNode } from '../../../org/metadata-xml.ts'

export interface Deletion {
  type: string
  fullName: string
  /** The destructive manifest. */
  fileName: string
}

export interface PackageProblem {
  fileName: string
  fullName: string
  type: string
  problem: string
}

export interface DeployPackage {
  fileCount: number
  /** package.xml and destructive manifests, which Salesforce reports as components of no type. */
  manifests: string[]
  apiVersion: string
  deletionsBefore: Deletion[]
  items: Item[]
  deletionsAfter: Deletion[]
  problems: PackageProblem[]
}

/** The zip cannot be read at all. */
export class BadZip extends Error {
  override name = 'BadZip'
}

interface Files {
  readonly names: readonly string[]
  text(name: string): string | undefined
}

function openZip(zip: Uint8Array): Files {
  let entries: Record<string, Uint8Array>
  try {
    entries = unzipSync(zip)
  } catch {
    throw new BadZip('The zip file could not be read')
  }
  const byName = new Map(
    Object.entries(entries)
      .filter(([name]) => !name.endsWith('/'))
      .map(([name, bytes]) => [decoded(name), bytes]),
  )
  return {
    names: [...byName.keys()],
    text: (name) => {
      // Salesforce: full names have their own %XX escapes (`Lead-Sales %28EU%29 Layout`), and so do
      // their files.
      const bytes = byName.get(name) ?? byName.get(decoded(name))
      return bytes && strFromU8(bytes)
    },
  }
}

/** File names come with plain spaces or with %20. */
function decoded(name: string): string {
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}

/**
 * Reads a zip. With `singlePackage` its manifest is at the root, else in one folder per package.
 * Throws `BadZip`; anything else that is wrong is among the `problems`.
 */
export function readPackage(
  zip: Uint8Array,
  options: { singlePackage: boolean; allowMissingFiles: boolean },
): DeployPackage {
  const files = openZip(zip)
  const result: DeployPackage = {
    fileCount: files.names.length,
    manifests: [],
    apiVersion: '',
    deletionsBefore: [],
    items: [],
    deletionsAfter: [],
    problems: [],
  }
  const folders = options.singlePackage
    ? ['']
    : [...new Set(files.names.map((name) => name.slice(0, name.indexOf('/') + 1)))].filter(
        (folder) => folder !== '',
      )
  const prefixes = folders.filter((folder) => files.text(`${folder}package.xml`) !== undefined)
  if (prefixes.length === 0) {
    result.problems.push({
      fileName: 'package.xml',
      fullName: 'package.xml',
      type: '',
      problem: 'No package.xml found',
    })
  }
  for (const prefix of prefixes) readOne(files, prefix, options.allowMissingFiles, result)
  return result
}

function readOne(
  files: Files,
  prefix: string,
  allowMissingFiles: boolean,
  result: DeployPackage,
): void {
  const fileName = `${prefix}package.xml`
  const manifest = manifestOf(files, fileName, result)
  if (manifest === undefined) return
  result.apiVersion = manifest.version
  for (const [name, target] of [
    ['destructiveChangesPre.xml', result.deletionsBefore],
    ['destructiveChanges.xml', result.deletionsBefore],
    ['destructiveChangesPost.xml', result.deletionsAfter],
  ] as const) {
    if (files.text(`${prefix}${name}`) === undefined) continue
    const destructive = manifestOf(files, `${prefix}${name}`, result)
    for (const { name: type, members } of destructive?.types ?? []) {
      for (const fullName of members) {
        target.push({ type, fullName, fileName: `${prefix}${name}` })
      }
    }
  }
  new Picker(files, prefix, allowMissingFiles, result).pick(manifest)
}

function manifestOf(files: Files, fileName: string, result: DeployPackage): Manifest | undefined {
  result.manifests.push(fileName)
  try {
    const { type, node } = parseMetadataFile(files.text(fileName) ?? '')
    if (type === 'Package') return readManifest(node)
    throw new Error(`Package expected, found ${type}`)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    result.problems.push({
      fileName,
      fullName: fileName,
      type: '',
      problem: `Error parsing file: ${reason}`,
    })
    return undefined
  }
}

const keyOf = (type: string, fullName: string) => `${type}/${fullName.toLowerCase()}`

type Positions = ReadonlyMap<string, { line: number; column: number }>
type Parsed = { positions: Positions; node: MetadataNode } | { problem: string } | undefined

/** Selects from one package's files what its manifest names. */
class Picker {
  readonly #files: Files
  readonly #prefix: string
  readonly #allowMissingFiles: boolean
  readonly #result: DeployPackage
  readonly #parsed = new Map<string, Parsed>()
  readonly #picked = new Set<string>()

  constructor(files: Files, prefix: string, allowMissingFiles: boolean, result: DeployPackage) {
    this.#files = files
    this.#prefix = prefix
    this.#allowMissingFiles = allowMissingFiles
    this.#result = result
  }

  pick(manifest: Manifest): void {
    for (const { name, members } of manifest.types) {
      if (deployerOf(name) === undefined) {
        this.#problem(name, `The simulator does not deploy ${name}`)
        continue
      }
      const asChild = childTypes.some((type) => type.xmlName === name)
      for (const member of members) {
        if (asChild) this.#child(name, member)
        else if (member === '*') for (const each of this.#all(name)) this.#whole(name, each)
        else this.#whole(name, member)
      }
    }
    for (const child of childTypes) this.#refuseUnnamed(child)
  }

  #problem(type: string, problem: string, fileName = `${this.#prefix}package.xml`, fullName = '') {
    this.#result.problems.push({ fileName, fullName: fullName || fileName, type, problem })
  }

  #missing(type: string, fullName: string): void {
    if (this.#allowMissingFiles) return
    this.#problem(
      type,
      `An object '${fullName}' of type ${type} was named in package.xml, but was not found in zipped directory`,
    )
  }

  #place(type: string): { folder: string; suffix: string } {
    const found = metadataTypes.find(({ xmlName }) => xmlName === type)
    return {
      folder: `${this.#prefix}${found?.directoryName ?? ''}/`,
      suffix: `.${found?.suffix ?? ''}`,
    }
  }

  /** Names that `*` includes; for objects, the custom ones. */
  #all(type: string): string[] {
    const { folder, suffix } = this.#place(type)
    return this.#files.names
      .filter((name) => name.startsWith(folder) && name.endsWith(suffix))
      .map((name) => name.slice(folder.length, -suffix.length))
      .filter((name) => type !== 'CustomObject' || /__\w+$/.test(name))
  }

  #file(type: string, name: string): { fileName: string; parsed: Parsed } {
    const { folder, suffix } = this.#place(type)
    const fileName = `${folder}${name}${suffix}`
    if (!this.#parsed.has(fileName)) this.#parsed.set(fileName, this.#parse(type, fileName))
    return { fileName, parsed: this.#parsed.get(fileName) }
  }

  #parse(type: string, fileName: string): Parsed {
    const raw = this.#files.text(fileName)
    if (raw === undefined) return undefined
    try {
      const { type: root, node } = parseMetadataFile(raw, saysTypes(type))
      if (root === type) return { positions: positionsIn(raw), node }
      return {
        problem: `Element {http://soap.sforce.com/2006/04/metadata}${root} invalid at this location, ${type} expected`,
      }
    } catch (error) {
      return { problem: `Error parsing file: ${error instanceof Error ? error.message : 'XML'}` }
    }
  }

  #add(item: Item): void {
    const key = keyOf(item.type, item.fullName)
    if (this.#picked.has(key)) return
    this.#picked.add(key)
    this.#result.items.push(item)
  }

  #whole(type: string, fullName: string): void {
    const { fileName, parsed } = this.#file(type, fullName)
    if (parsed === undefined) return this.#missing(type, fullName)
    if ('problem' in parsed) return this.#problem(type, parsed.problem, fileName, fullName)
    this.#add({ type, fullName, fileName, node: parsed.node })
    // The rules of an AssignmentRules file are one component; the children of an object are components
    // of their own.
    if (!deploysByParts(type)) return
    for (const child of childTypes.filter(({ parent }) => parent === type)) {
      for (const node of nodes(parsed.node, child.element)) {
        this.#addChild(child, fullName, fileName, node, parsed.positions)
      }
    }
  }

  #addChild(
    type: ChildType,
    parent: string,
    fileName: string,
    node: MetadataNode,
    positions: Positions,
  ): void {
    const name = text(node, 'fullName') ?? ''
    const position = positions.get(name)
    this.#add({
      type: type.xmlName,
      fullName: nameOfChild(type, parent, name),
      fileName,
      node,
      ...(position && { position }),
    })
  }

  #child(type: string, fullName: string): void {
    const child = childTypes.find(({ xmlName }) => xmlName === type)
    const place = child && placeOfChild(child, fullName)
    if (child === undefined || place === undefined) return this.#missing(type, fullName)
    const { parent, name } = place
    const { fileName, parsed } = this.#file(child.parent, parent)
    if (parsed !== undefined && 'problem' in parsed) {
      return this.#problem(type, parsed.problem, fileName, fullName)
    }
    const node = nodes(parsed?.node, child.element).find(
      (each) => text(each, 'fullName')?.toLowerCase() === name.toLowerCase(),
    )
    if (parsed === undefined || node === undefined) return this.#missing(type, fullName)
    this.#addChild(child, parent, fileName, node, parsed.positions)
  }

  /**
   * Salesforce: labels in the one file of labels that the package does not name fail with these words
   * (scolladon/sfdx-git-delta#284).
   */
  #refuseUnnamed({ xmlName, parent, element, onlyParent }: ChildType): void {
    if (onlyParent === undefined) return
    const { fileName, parsed } = this.#file(parent, onlyParent)
    if (parsed === undefined || 'problem' in parsed) return
    for (const node of nodes(parsed.node, element)) {
      const name = text(node, 'fullName') ?? ''
      if (this.#picked.has(keyOf(xmlName, name))) continue
      this.#problem(xmlName, 'Not in package.xml', fileName, name)
    }
  }
}

/** The positions of the named components in a file, by name. */
function positionsIn(raw: string): Positions {
  const positions = new Map<string, { line: number; column: number }>()
  let line = 1
  let lineStart = 0
  for (const { 0: found, 1: name, index } of raw.matchAll(/\n|<fullName>([^<]*)<\/fullName>/g)) {
    if (found === '\n') {
      line += 1
      lineStart = index + 1
    } else if (name !== undefined && !positions.has(name)) {
      positions.set(name, { line, column: index - lineStart + 1 })
    }
  }
  return positions
}
