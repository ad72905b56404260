// Reads the structure of the sources: imports, import cycles, and the length of functions. Uses a parser,
// so that strings and comments are not mistaken for code. The rules are in structure.ts and in the
// architecture tests.

import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { type ESTree, parseSync } from 'rolldown/utils'

export interface FunctionSize {
  /** Its declared name, the name of the variable or member that holds it, or `(anonymous)`. */
  name: string
  line: number
  lines: number
  /** Named create…, start… or open…, and what it returns are closures over its own variables. */
  isFactory: boolean
}

export interface SourceFile {
  /** Relative to the folder given to `readSources`. */
  path: string
  text: string
  /** As written, types included: `./model.ts`, `fastify`. */
  imports: string[]
  functions: FunctionSize[]
}

/** Every `.ts` and `.tsx` file below the folder, by path. Throws if one cannot be read. */
export const readSources = (folder: string): SourceFile[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.tsx?$/.test(name) && !name.includes('node_modules'))
    .toSorted()
    .map((path) => parse(path, readFileSync(join(folder, path), 'utf8')))

/** One source, read from its text. Throws if it is not TypeScript. */
export const parse = (path: string, text: string): SourceFile => {
  const { program, errors } = parseSync(path, text)
  if (errors.length > 0)
    throw new Error(`${path}: ${errors.map(({ message }) => message).join('; ')}`)
  const lineAt = linesOf(text)
  const imports: string[] = []
  const functions: FunctionSize[] = []
  const visit = (node: ESTree.Node, holder: ESTree.Node): void => {
    const imported = importedBy(node)
    if (imported !== null) imports.push(imported)
    if (hasBody(node)) functions.push(sizeOf(node, holder, text, lineAt))
    for (const child of childrenOf(node)) visit(child, node)
  }
  visit(program, program)
  return { path, text, imports, functions }
}

/** What a source imports of the same folder, as paths like `SourceFile.path`. */
export const importedSources = ({ path, imports }: SourceFile): string[] => [
  ...new Set(
    imports
      .filter((target) => target.startsWith('.'))
      .map((target) => relative('.', resolve(dirname(path), target))),
  ),
]

/**
 * Import cycles, each as its sorted paths. Tarjan: "Depth-first search and linear graph algorithms"
 * (1972), the strongly connected components of more than one node.
 */
export const circlesOf = (sources: readonly SourceFile[]): string[][] => {
  const targets = new Map(sources.map((source) => [source.path, importedSources(source)]))
  const index = new Map<string, number>()
  const stack: string[] = []
  const circles: string[][] = []
  const visit = (path: string): number => {
    const own = index.size
    index.set(path, own)
    stack.push(path)
    let lowest = own
    for (const target of targets.get(path) ?? []) {
      if (!targets.has(target)) continue
      if (!index.has(target)) lowest = Math.min(lowest, visit(target))
      else if (stack.includes(target)) lowest = Math.min(lowest, index.get(target) ?? own)
    }
    if (lowest === own) {
      const circle = stack.splice(stack.indexOf(path))
      if (circle.length > 1) circles.push(circle.toSorted())
    }
    return lowest
  }
  for (const path of targets.keys()) if (!index.has(path)) visit(path)
  return circles
}

/** The line, from 1, at which an offset lies. */
const linesOf = (text: string): ((offset: number) => number) => {
  const ends = [...text.matchAll(/\n/g)].map(({ index }) => index)
  return (offset) => {
    const next = ends.findIndex((end) => end >= offset)
    return (next === -1 ? ends.length : next) + 1
  }
}

const isNode = (value: unknown): value is ESTree.Node =>
  typeof value === 'object' && value !== null && 'type' in value && 'start' in value

const childrenOf = (node: ESTree.Node): ESTree.Node[] =>
  (Object.values(node) as unknown[]).flat().filter(isNode)

const importedBy = (node: ESTree.Node): string | null => {
  switch (node.type) {
    case 'ImportDeclaration':
    case 'ExportNamedDeclaration':
    case 'ExportAllDeclaration':
    case 'TSImportType':
    case 'ImportExpression':
      return node.source?.type === 'Literal' && typeof node.source.value === 'string'
        ? node.source.value
        : null
    default:
      return null
  }
}

type WithBody = (ESTree.Function | ESTree.ArrowFunctionExpression) & { body: ESTree.Node }

const FUNCTIONS = ['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression']

const hasBody = (node: ESTree.Node): node is WithBody =>
  FUNCTIONS.includes(node.type) && 'body' in node && node.body !== null

const sizeOf = (
  node: WithBody,
  holder: ESTree.Node,
  text: string,
  lineAt: (offset: number) => number,
): FunctionSize => {
  const name = nameOf(node, holder, text)
  // A method begins with its name, which its holder has.
  const line = lineAt(isMember(holder) ? holder.start : node.start)
  return {
    name,
    line,
    lines: lineAt(node.end) - line + 1,
    isFactory: /^(create|start|open)[A-Z]/.test(name) && returnsClosures(node.body, text),
  }
}

const isMember = (node: ESTree.Node): node is ESTree.MethodDefinition | ESTree.ObjectProperty =>
  node.type === 'MethodDefinition' ||
  (node.type === 'Property' && ((node as ESTree.ObjectProperty).method || node.kind !== 'init'))

const nameOf = (node: WithBody, holder: ESTree.Node, text: string): string => {
  const name =
    node.type !== 'ArrowFunctionExpression' && node.id !== null
      ? node.id
      : holder.type === 'VariableDeclarator'
        ? holder.id
        : holder.type === 'Property' || holder.type === 'MethodDefinition'
          ? holder.key
          : undefined
  return name === undefined ? '(anonymous)' : text.slice(name.start, endOfName(name))
}

/** A variable's name ends before its type. */
const endOfName = (name: ESTree.Node): number =>
  'typeAnnotation' in name && isNode(name.typeAnnotation) ? name.typeAnnotation.start : name.end

/** True if a `return` of this function itself returns a function, or an object that holds one. */
const returnsClosures = (body: ESTree.Node, text: string): boolean => {
  if (body.type !== 'BlockStatement') return isClosure(body, new Set())
  const inner = new Set<string>()
  const returned: ESTree.Node[] = []
  const visit = (node: ESTree.Node, holder: ESTree.Node): void => {
    if (hasBody(node)) {
      inner.add(nameOf(node, holder, text))
      return
    }
    if (node.type === 'ReturnStatement' && node.argument !== null) returned.push(node.argument)
    for (const child of childrenOf(node)) visit(child, node)
  }
  for (const child of childrenOf(body)) visit(child, body)
  return returned.some((expression) => isClosure(expression, inner))
}

const isClosure = (expression: ESTree.Node, inner: ReadonlySet<string>): boolean => {
  const value = withoutWrapping(expression)
  if (hasBody(value)) return true
  if (value.type === 'Identifier') return inner.has(value.name)
  if (value.type !== 'ObjectExpression') return false
  return value.properties.some(
    (member) => member.type === 'Property' && isClosure(member.value, inner),
  )
}

/** `(x)`, `x as T` and `x satisfies T` are `x`. */
const withoutWrapping = (expression: ESTree.Node): ESTree.Node =>
  expression.type === 'ParenthesizedExpression' ||
  expression.type === 'TSAsExpression' ||
  expression.type === 'TSSatisfiesExpression'
    ? withoutWrapping(expression.expression)
    : expression
