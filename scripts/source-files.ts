// Reads the structure of the sources: imports, import cycles, and the length of functions. Uses
// TypeScript's parser, so that strings and comments are not mistaken for code. The rules are in
// structure.ts and in the architecture tests.

import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import ts from 'typescript'

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

/** Every `.ts` file below the folder, by path. Throws if one cannot be read. */
export const readSources = (folder: string): SourceFile[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.includes('node_modules'))
    .toSorted()
    .map((path) => parse(path, readFileSync(join(folder, path), 'utf8')))

/** One source, read from its text. */
export const parse = (path: string, text: string): SourceFile => {
  const tree = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true)
  const imports: string[] = []
  const functions: FunctionSize[] = []
  const visit = (node: ts.Node): void => {
    const imported = importedBy(node)
    if (imported !== null) imports.push(imported)
    if (hasBody(node)) functions.push(sizeOf(tree, node))
    ts.forEachChild(node, visit)
  }
  visit(tree)
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

const importedBy = (node: ts.Node): string | null => {
  const named =
    ts.isImportDeclaration(node) || ts.isExportDeclaration(node)
      ? node.moduleSpecifier
      : ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)
        ? node.argument.literal
        : ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword
          ? node.arguments[0]
          : undefined
  return named !== undefined && ts.isStringLiteralLike(named) ? named.text : null
}

type WithBody = ts.FunctionLikeDeclaration & { body: ts.ConciseBody }

const hasBody = (node: ts.Node): node is WithBody =>
  ts.isFunctionLike(node) && 'body' in node && node.body !== undefined

const sizeOf = (tree: ts.SourceFile, node: WithBody): FunctionSize => {
  const name = nameOf(node)
  const first = tree.getLineAndCharacterOfPosition(node.getStart(tree)).line
  const last = tree.getLineAndCharacterOfPosition(node.end).line
  return {
    name,
    line: first + 1,
    lines: last - first + 1,
    isFactory: /^(create|start|open)[A-Z]/.test(name) && returnsClosures(node.body),
  }
}

const nameOf = (node: WithBody): string => {
  if (ts.isConstructorDeclaration(node)) return 'constructor'
  const holder = node.name === undefined ? node.parent : node
  const name =
    ts.isVariableDeclaration(holder) || ts.isPropertyAssignment(holder) || hasBody(holder)
      ? holder.name
      : undefined
  return name?.getText() ?? '(anonymous)'
}

/** True if a `return` of this function itself returns a function, or an object that holds one. */
const returnsClosures = (body: ts.ConciseBody): boolean => {
  if (!ts.isBlock(body)) return isClosure(body, new Set())
  const inner = new Set<string>()
  const returned: ts.Expression[] = []
  const visit = (node: ts.Node): void => {
    if (hasBody(node)) {
      inner.add(nameOf(node))
      return
    }
    if (ts.isReturnStatement(node) && node.expression !== undefined) returned.push(node.expression)
    ts.forEachChild(node, visit)
  }
  ts.forEachChild(body, visit)
  return returned.some((expression) => isClosure(expression, inner))
}

const isClosure = (expression: ts.Expression, inner: ReadonlySet<string>): boolean => {
  const value = withoutWrapping(expression)
  if (hasBody(value)) return true
  if (ts.isIdentifier(value)) return inner.has(value.text)
  if (!ts.isObjectLiteralExpression(value)) return false
  return value.properties.some(
    (member) =>
      ts.isMethodDeclaration(member) ||
      (ts.isShorthandPropertyAssignment(member) && inner.has(member.name.text)) ||
      (ts.isPropertyAssignment(member) && isClosure(member.initializer, inner)),
  )
}

/** `(x)`, `x as T` and `x satisfies T` are `x`. */
const withoutWrapping = (expression: ts.Expression): ts.Expression =>
  ts.isParenthesizedExpression(expression) ||
  ts.isAsExpression(expression) ||
  ts.isSatisfiesExpression(expression)
    ? withoutWrapping(expression.expression)
    : expression
