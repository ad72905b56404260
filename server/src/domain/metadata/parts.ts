// Components inside the metadata files of one moment: read out of them, and written into files again.

import { type JsonObject } from '../../salesforce/json.ts'
import { type XmlValue } from '../../salesforce/xml.ts'
import { filePath, kindOf } from './kinds.ts'
import { type Component, memberOf, ownerOf, sameName } from './names.ts'
import { type ObjectPart, parseObjectFile } from './object-file.ts'
import { type FileParts } from './undoing.ts'
import {
  applyEdits,
  asXmlValue,
  childText,
  inSchemaOrder,
  readDocument,
  readRoot,
  removeNode,
  writeFile,
} from './xml-tree.ts'

/** The root and path of the file that contains a component. */
const placeOf = ({ type, fullName }: Component): { root: string; path: string } | null => {
  const kind = kindOf(type)
  if (kind === null) return null
  const root = 'list' in kind ? 'CustomObject' : type
  const path = filePath(root, 'list' in kind ? ownerOf(fullName) : fullName)
  return path === null ? null : { root, path }
}

/** Each file is parsed once, however many of its parts are asked for. */
export const partsIn = (files: ReadonlyMap<string, string>): FileParts => {
  const byPath = new Map([...files].map(([path, text]) => [sameName(path), text]))
  const lists = new Map<string, ReadonlyMap<string, JsonObject>>()
  const textOf = (component: Component): string | null =>
    byPath.get(sameName(placeOf(component)?.path ?? '')) ?? null

  /** The elements of an object's file by list and name. */
  const elementsIn = (component: Component): ReadonlyMap<string, JsonObject> => {
    const key = sameName(ownerOf(component.fullName))
    const known = lists.get(key)
    if (known !== undefined) return known
    const text = textOf(component)
    const parts = text === null ? {} : parseObjectFile(text).parts
    const elements = new Map(
      Object.entries(parts).flatMap(([list, elements]) =>
        elements.map(({ apiName, element }: ObjectPart) => [
          `${list}:${sameName(apiName)}`,
          element,
        ]),
      ),
    )
    lists.set(key, elements)
    return elements
  }

  return {
    file: (component) => ('list' in (kindOf(component.type) ?? {}) ? null : textOf(component)),
    part: (component) => {
      const { type, fullName } = component
      const kind = kindOf(type)
      if (kind === null) return null
      if ('list' in kind) {
        return elementsIn(component).get(`${kind.list}:${sameName(memberOf(fullName))}`) ?? null
      }
      const text = textOf(component)
      return text === null ? null : (kind.contentOf?.(text) ?? readRoot(text, type))
    },
  }
}

/** The files without these parts of objects; components with a file of their own stay. */
export const withoutParts = (
  files: ReadonlyMap<string, string>,
  components: readonly Component[],
): Map<string, string> => {
  const byPath = Map.groupBy(
    components.filter((one) => partKey(one) !== null),
    (one) => sameName(placeOf(one)?.path ?? ''),
  )
  return new Map(
    [...files].map(([path, text]) => {
      const parts = byPath.get(sameName(path))
      if (parts === undefined) return [path, text]
      const gone = new Set(parts.map(partKey))
      const { root } = readDocument(text, 'CustomObject')
      const nodes = root.children.filter((node) =>
        gone.has(`${node.name}:${sameName(childText(node, 'fullName') ?? '')}`),
      )
      return [
        path,
        applyEdits(
          text,
          nodes.map((node) => removeNode(node, text)),
        ),
      ]
    }),
  )
}

/** As its object's file has it: its list and its name. Null for what has a file of its own. */
const partKey = ({ type, fullName }: Component): string | null => {
  const kind = kindOf(type)
  return kind !== null && 'list' in kind ? `${kind.list}:${sameName(memberOf(fullName))}` : null
}

/**
 * Files that hold just these parts, as `partsIn` returned them; an object and its parts share one file.
 */
export const writeParts = (
  parts: readonly { component: Component; element: JsonObject }[],
): Map<string, string> => {
  const files = new Map<string, { root: string; members: Record<string, XmlValue[]> }>()
  for (const { component, element } of parts) {
    const kind = kindOf(component.type)
    const place = placeOf(component)
    if (kind === null || place === null) continue
    const members = files.get(place.path)?.members ?? {}
    const own = 'list' in kind ? { [kind.list]: element } : element
    for (const [name, value] of Object.entries(own)) {
      members[name] = [...(members[name] ?? []), asXmlValue(value)]
    }
    files.set(place.path, { root: place.root, members })
  }
  return new Map(
    [...files].map(([path, { root, members }]) => [path, writeFile(root, inSchemaOrder(members))]),
  )
}
