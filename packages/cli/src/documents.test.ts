import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { program } from './program.ts'

const ROOT = join(import.meta.dirname, '../../..')

/** A line as a shell reads it, without its comment. */
const wordsOf = (line: string): string[] =>
  Array.from(line.matchAll(/'([^']*)'|"([^"]*)"|(#.*)|(\S+)/g), ([word, one, two, comment]) =>
    comment === undefined ? (one ?? two ?? word) : '',
  ).filter((word) => word !== '')

/** The commands that a text tells: in blocks of code, and in what the demo prints. */
const commandsIn = (path: string): string[] => {
  const text = readFileSync(join(ROOT, path), 'utf8').replaceAll(/\$\{[^}]+\}/g, 'x')
  const lines = path.endsWith('.md')
    ? Array.from(text.matchAll(/^```sh\n(.*?)^```/gms), ([, block = '']) => block)
        .join('')
        .split('\n')
    : Array.from(text.matchAll(/^\s*['"`]?(sfx .*?)['"`]?,?\)?$|[,(] ['`](sfx .*?)['`]\)/gm), (m) =>
        String(m[1] ?? m[2]),
      )
  return lines
    .flatMap((line) => line.split(' && '))
    .map((line) => line.trim().replace(/^SFX_BOOTSTRAP_SECRET=\S+ /, ''))
    .filter((line) => line.startsWith('sfx '))
}

/** What is wrong with a command: null, if sfx would take it. */
const faultOf = (line: string): string | null => {
  let command = program()
  let [, ...words] = wordsOf(line)
  for (;;) {
    const [first] = words
    const next = command.commands.find((child) => child.name() === first)
    if (next === undefined) break
    command = next
    words = words.slice(1)
  }
  if (command.commands.length > 0) return `there is no such command of ${command.name()}`
  const { operands, unknown } = command.parseOptions(words)
  if (unknown.length > 0) return `unknown: ${unknown.join(' ')}`
  const { registeredArguments: known } = command
  const needed = known.filter(({ required }) => required).length
  const most = known.some(({ variadic }) => variadic) ? Infinity : known.length
  if (operands.length < needed || operands.length > most) return 'too few or too many arguments'
  const missing = command.options.find(
    (option) => option.mandatory && command.opts()[option.attributeName()] === undefined,
  )
  return missing === undefined ? null : `it needs ${missing.flags}`
}

it.each([
  ['README.md', 5],
  ['packages/cli/README.md', 12],
  ['scripts/demo.ts', 23],
  ['scripts/demo-fleet.ts', 10],
  ['scripts/demo-site.ts', 2],
])('%s tells only commands that sfx takes', (path, atLeast) => {
  const commands = commandsIn(path)
  expect(commands.length).toBeGreaterThanOrEqual(atLeast)
  const faults = commands.flatMap((line) => {
    const fault = faultOf(line)
    return fault === null ? [] : [`${line}: ${fault}`]
  })
  expect(faults).toEqual([])
})

it('finds a command that does not exist', () => {
  expect(faultOf('sfx deplyo start plan.yaml')).toContain('no such command')
  expect(faultOf('sfx deploy start plan.yaml')).toContain('--client')
  expect(faultOf('sfx pull acme --fulll')).toContain('--fulll')
  expect(faultOf('sfx pull')).toContain('arguments')
})
