import { strToU8, zipSync, type Zippable } from 'fflate'
import {
  childTypes,
  metadataTypes,
  placeOfChild,
  type ChildType,
  type Component,
  type SelectedComponents,
} from './component.ts'
import { writeManifest, type Manifest } from './manifest.ts'
import { inSalesforceOrder, writeMetadataFile, type MetadataNode } from '../../org/metadata-xml.ts'

export interface RetrieveInput {
  manifest: Manifest
  singlePackage: boolean
  /** Every component of the Salesforce org with this type, or undefined for an unknown type. */
  list(type: string): readonly Component[] | undefined
  /** A component that only an exact name reaches, such as a flow version `Name-3`. */
  find(type: string, fullName: string): Component | undefined
}

export interface RetrieveOutput {
  zip: Uint8Array
  /** The retrieved components with their path inside the zip. */
  components: Component[]
  fileNames: ReadonlyMap<Component, string>
  packageFileName: string
  messages: { fileName: string; problem: string }[]
}

/**
 * Builds the zip of one retrieve: package.xml plus one file per component, children merged into their
 * parent's file. Members that do not exist become messages, as in Salesforce.
 */
export function buildRetrieve(input: RetrieveInput): RetrieveOutput {
  const prefix = input.singlePackage ? '' : 'unpackaged/'
  const packageFileName = `${prefix}package.xml`
  const messages: RetrieveOutput['messages'] = []
  const components = new Map<string, Component>()
  for (const { name, members } of input.manifest.types) {
    const all = input.list(name)
    if (!all) {
      messages.push({ fileName: packageFileName, problem: `Entity type: '${name}' is unknown` })
      continue
    }
    const byName = new Map(all.map((component) => [component.fullName.toLowerCase(), component]))
    for (const member of members) {
      if (member === '*') {
        for (const component of all) {
          if (component.wildcard) components.set(key(name, component.fullName), component)
        }
        continue
      }
      const component = byName.get(member.toLowerCase()) ?? input.find(name, member)
      if (component) components.set(key(name, component.fullName), component)
      else {
        messages.push({
          fileName: packageFileName,
          problem: `Entity of type '${name}' named '${member}' cannot be found`,
        })
      }
    }
  }
  const chosen = [...components.values()]
  const selected: SelectedComponents = (type, fullName) => components.has(key(type, fullName))
  const files = assemble(chosen, selected)
  const zip: Zippable = {}
  for (const [path, content] of files) zip[`${prefix}${path}`] = strToU8(content)
  zip[packageFileName] = strToU8(retrievedManifest(chosen, input.manifest.version))
  return {
    zip: zipSync(zip, { level: 6 }),
    components: chosen,
    fileNames: new Map(chosen.map((component) => [component, `${prefix}${component.fileName}`])),
    packageFileName,
    messages,
  }
}

function key(type: string, fullName: string): string {
  return `${type}/${fullName.toLowerCase()}`
}

/** File contents by path. A parent that is retrieved whole already holds its children. */
function assemble(
  components: readonly Component[],
  selected: SelectedComponents,
): Map<string, string> {
  const files = new Map<string, string>()
  const partial = new Map<string, { root: string; node: MetadataNode }>()
  const whole = new Set<string>()
  for (const component of components) {
    const asChild = childTypes.find(({ xmlName }) => xmlName === component.type)
    if (asChild) continue
    whole.add(component.fileName)
    const type = metadataTypes.find(({ xmlName }) => xmlName === component.type)
    const node = component.metadata(selected)
    const meta = writeMetadataFile(
      component.type,
      component.type === 'Flow' ? node : inSalesforceOrder(node),
    )
    if (type?.metaFile) {
      files.set(component.fileName, component.content ?? '')
      files.set(`${component.fileName}-meta.xml`, meta)
    } else {
      files.set(component.fileName, meta)
    }
  }
  for (const component of components) {
    const asChild = childTypes.find(({ xmlName }) => xmlName === component.type)
    if (!asChild || whole.has(component.fileName)) continue
    const file = partial.get(component.fileName) ?? { root: asChild.parent, node: {} }
    const siblings = file.node[asChild.element]
    file.node[asChild.element] = [
      ...(Array.isArray(siblings) ? (siblings as MetadataNode[]) : []),
      childNode(asChild, component, selected),
    ]
    partial.set(component.fileName, file)
  }
  for (const [path, { root, node }] of partial) {
    files.set(path, writeMetadataFile(root, inSalesforceOrder(node)))
  }
  return files
}

/** A child inside its parent's file is named without the parent. */
function childNode(
  type: ChildType,
  component: Component,
  selected: SelectedComponents,
): MetadataNode {
  const fullName = placeOfChild(type, component.fullName)?.name ?? component.fullName
  return { fullName, ...component.metadata(selected) }
}

function retrievedManifest(components: readonly Component[], version: string): string {
  const byType = Map.groupBy(components, ({ type }) => type)
  return writeManifest({
    types: [...byType].map(([name, items]) => ({
      name,
      members: items.map(({ fullName }) => fullName),
    })),
    version,
  })
}
