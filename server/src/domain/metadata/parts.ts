// Components inside the metadata files of one moment: read out of them, and written into files again.

import { type JsonObject } from '../../salesforce/json.ts'
import { type XmlValue } from '../../salesforce/xml.ts'
import { filePath, kindOf } from './kinds.ts'
import { type Component, memberOf, ownerOf, sameName } from './names.ts'
import { type FileParts } from './undoing.ts'
import {
  applyEdits,
  asXmlValue,
  childText,
  elementsIn,
  insertBehind,
  insertFirst,
  inSchemaOrder,
  readDocument,
  readRoot,
  removeNode,
  writeFile,
} from './xml-tree.ts'

interface Place {
  /** The root of the file that contains the component. */
  root: string
  path: string
  /** The list of which it is an element, and its name there; null if it has a file of its own. */
  element: { list: string; apiName: string } | null
}

const placeOf = ({ type, fullName }: Component): Place | null => {
  const kind = kindOf(type)
  if (kind === null) return null
  if ('list' in kind) {
    const path = filePath('CustomObject', ownerOf(fullName)) ?? ''
    const element = { list: kind.list, apiName: memberOf(fullName) }
    return { root: 'CustomObject', path, element }
  }
  const path = filePath(type, fullName) ?? ''
  if (kind.within === undefined) return { root: type, path, element: null }
  const { root, list } = kind.within
  return { root, path, element: { list, apiName: fullName } }
}

/** Each file is parsed once, however many of its parts are asked for. */
export const partsIn = (files: ReadonlyMap<string, string>): FileParts => {
  const byPath = new Map([...files].map(([path, text]) => [sameName(path), text]))
  const parsed = new Map<string, ReadonlyMap<string, JsonObject>>()
  const textAt = (place: Place | null): string | null =>
    byPath.get(sameName(place?.path ?? '')) ?? null

  /** The named elements of a list in a file. */
  const elementsOf = (place: Place, list: string): ReadonlyMap<string, JsonObject> => {
    const key = sameName(`${place.path}:${list}`)
    const known = parsed.get(key)
    if (known !== undefined) return known
    const elements = elementsIn(textAt(place), { root: place.root, list })
    parsed.set(key, elements)
    return elements
  }

  return {
    file: (component) => {
      const place = placeOf(component)
      return place?.element === null ? textAt(place) : null
    },
    part: (component) => {
      const place = placeOf(component)
      if (place === null) return null
      if (place.element !== null) {
        const { list, apiName } = place.element
        return elementsOf(place, list).get(sameName(apiName)) ?? null
      }
      const text = textAt(place)
      return text === null ? null : contentOf(component.type, text)
    },
  }
}

/** The files without these parts of them; components with a file of their own stay. */
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
      const { root } = readDocument(text, parts.map(placeOf).at(0)?.root ?? '')
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

/**
 * The files with these parts in them as given; null: without the part. Components with a file of their own
 * are not touched. A file that is not there is begun where a part has to be in it.
 */
export const withParts = (
  files: ReadonlyMap<string, string>,
  parts: readonly { component: Component; element: JsonObject | null }[],
): Map<string, string> => {
  const own = parts.filter(({ component }) => partKey(component) !== null)
  const result = withoutParts(
    files,
    own.map(({ component }) => component),
  )
  for (const { component, element } of own) {
    const place = placeOf(component)
    if (place?.element == null || element === null) continue
    const { list } = place.element
    const path = [...result.keys()].find((name) => sameName(name) === sameName(place.path))
    const text = result.get(path ?? '') ?? writeFile(place.root, {})
    const { root } = readDocument(text, place.root)
    const anchor = root.children.findLast(({ name }) => name <= list)
    const value = asXmlValue(element)
    const edit =
      anchor === undefined
        ? insertFirst(root, text, list, value)
        : insertBehind(anchor, list, value)
    result.set(path ?? place.path, applyEdits(text, [edit]))
  }
  return result
}

/** Its list and name in the file. Null for a component with a file of its own. */
const partKey = (component: Component): string | null => {
  const element = placeOf(component)?.element ?? null
  return element === null ? null : `${element.list}:${sameName(element.apiName)}`
}

const contentOf = (type: string, text: string): JsonObject => {
  const kind = kindOf(type)
  const read = kind !== null && 'folder' in kind ? kind.contentOf : undefined
  return read?.(text) ?? readRoot(text, type)
}

/** Files that hold just these parts, as `partsIn` returned them; an object and its parts share one. */
export const writeParts = (
  parts: readonly { component: Component; element: JsonObject }[],
): Map<string, string> => {
  const files = new Map<string, { root: string; members: Record<string, XmlValue[]> }>()
  for (const { component, element } of parts) {
    const place = placeOf(component)
    if (place === null) continue
    const members = files.get(place.path)?.members ?? {}
    const own = place.element === null ? element : { [place.element.list]: element }
    for (const [name, value] of Object.entries(own)) {
      members[name] = [...(members[name] ?? []), asXmlValue(value)]
    }
    files.set(place.path, { root: place.root, members })
  }
  return new Map(
    [...files].map(([path, { root, members }]) => [path, writeFile(root, inSchemaOrder(members))]),
  )
}
