// A diff as lines of one table: an object, its parts below it, and below these what of them differs.

import { type ChangedPart, type TopologyChange, type TopologyDiff } from '@sfdc-engine-x/client'

export interface DiffLine {
  key: string
  depth: 0 | 1 | 2
  /** What it is, where the name does not say it. */
  kind: string
  name: string
  /** The names of what it is in, for the search and for the whole value. */
  within: string
  /** Null: of an attribute. */
  change: TopologyChange | null
  note: string
  before?: unknown
  after?: unknown
}

type Attributes = ChangedPart['attributes']

const attributeLines = (within: string, attributes: Attributes, depth: 1 | 2): DiffLine[] =>
  attributes.map(({ name, before, after }) => ({
    key: `${within}/@${name}`,
    depth,
    kind: 'attribute',
    name,
    within,
    change: null,
    note: '',
    before,
    after,
  }))

const partLines = (object: string, kind: string, parts: readonly ChangedPart[]): DiffLine[] =>
  parts.flatMap(({ api_name: name, change, attributes }) => [
    {
      key: `${object}/${kind}/${name}`,
      depth: 1,
      kind,
      name,
      within: object,
      change,
      note: '',
    } satisfies DiffLine,
    ...attributeLines(`${object}.${name}`, attributes, 2),
  ])

export const linesOf = ({
  objects,
  automations,
}: Pick<TopologyDiff, 'objects' | 'automations'>): DiffLine[] => [
  ...objects.flatMap((object): DiffLine[] => {
    const { api_name: name, change, fields_count: fields } = object
    return [
      {
        key: name,
        depth: 0,
        kind: 'object',
        name,
        within: '',
        change,
        note: fields === null ? '' : `with ${fields} fields`,
      },
      ...attributeLines(name, object.attributes, 1),
      ...partLines(name, 'field', object.fields),
      ...partLines(name, 'record type', object.record_types),
      ...partLines(name, 'child relationship', object.child_relationships),
    ]
  }),
  ...automations.flatMap(({ type, api_name: name, change, attributes }): DiffLine[] => [
    {
      key: `${type}/${name}`,
      depth: 0,
      kind: type.replaceAll('_', ' '),
      name,
      within: '',
      change,
      note: '',
    },
    ...attributeLines(name, attributes, 1),
  ]),
]

/** The lines with the text in a name, and what they are in. */
export const linesWith = (lines: readonly DiffLine[], query: string): readonly DiffLine[] => {
  if (query === '') return lines
  const wanted = query.toLowerCase()
  const kept = new Set<DiffLine>()
  const parents: (DiffLine | undefined)[] = []
  for (const line of lines) {
    parents[line.depth] = line
    parents.length = line.depth + 1
    // What is in something that fits is shown with it.
    const fits = parents.some((one) => one?.name.toLowerCase().includes(wanted))
    if (fits) for (const one of parents) if (one !== undefined) kept.add(one)
  }
  return lines.filter((line) => kept.has(line))
}

/** A value in one line. */
export const valueText = (value: unknown): string =>
  value === undefined || value === null
    ? '–'
    : typeof value === 'string'
      ? value
      : JSON.stringify(value)
