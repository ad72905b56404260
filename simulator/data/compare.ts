// Compares recorded describes with those of an org of the simulator:
//
//   node simulator/data/compare.ts DESCRIBE.json...            prints every difference, key by key
//   node simulator/data/compare.ts --lines DESCRIBE.json...    prints the recordings in short form
//
// `src/seeds/recorded-describes.txt` is the second, and `recorded.test.ts` there lists the differences
// that stay, with their reasons.

import { readFileSync } from 'node:fs'
import { bodyOf, clientOf, startRig } from '../src/testing/rig.ts'
import { describeLines, type Described } from '../src/seeds/testing/describe-lines.ts'

type Part = Record<string, unknown>

const IGNORED = new Set(['urls', 'fields', 'childRelationships', 'recordTypeInfos', 'picklistValues'])
const [first, ...rest] = process.argv.slice(2)
const asLines = first === '--lines'
const paths = asLines || first === undefined ? rest : [first, ...rest]
const recordings = paths.map((path) => JSON.parse(readFileSync(path, 'utf8')) as Described)

/** What differs between two parts of the same name. */
const differences = (recorded: Part, ours: Part): string[] =>
  Object.keys(recorded)
    .filter((key) => !IGNORED.has(key) && JSON.stringify(recorded[key]) !== JSON.stringify(ours[key]))
    .map((key) => `${key}: recorded ${JSON.stringify(recorded[key])}, here ${JSON.stringify(ours[key])}`)

const compareParts = (title: string, recorded: Part[], ours: Part[], nameOf: (part: Part) => string): string[] => {
  const own = new Map(ours.map((part) => [nameOf(part), part]))
  const lines = recorded.flatMap((part) => {
    const name = nameOf(part)
    const found = own.get(name)
    own.delete(name)
    return found === undefined
      ? [`${title}.${name}: only recorded`]
      : differences(part, found).map((line) => `${title}.${name} ${line}`)
  })
  return [...lines, ...[...own.keys()].map((name) => `${title}.${name}: only here`)]
}

if (asLines) {
  for (const recording of recordings) {
    process.stdout.write(`= ${recording.name}\n${describeLines(recording).join('\n')}\n`)
  }
} else {
  const rig = await startRig()
  const admin = await clientOf(rig.control)
  for (const recording of recordings) {
    const ours = await bodyOf<Described>(await admin.get(`/sobjects/${recording.name}/describe`))
    const lines = [
      ...differences(recording, ours).map((line) => `${recording.name} ${line}`),
      ...compareParts(recording.name, recording.fields, ours.fields, ({ name }) => String(name)),
      ...compareParts(
        `${recording.name} <`,
        recording.childRelationships ?? [],
        recording.childRelationships === undefined ? [] : (ours.childRelationships ?? []),
        ({ childSObject, field }) => `${String(childSObject)}.${String(field)}`,
      ),
    ]
    process.stdout.write(lines.map((line) => `${line}\n`).join(''))
  }
  await rig.close()
}
