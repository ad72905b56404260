// The grammar of Salesforce's formula language, of fields, rules, default values and flows alike. Source:
// Salesforce Help, "Formula Operators and Functions by Context".

export type Expression =
  | { kind: 'literal'; value: string | number | boolean | null }
  /** `Account.Owner:User.Name`, `$User.Id`: a field, by its path. */
  | { kind: 'path'; steps: readonly [string, ...string[]] }
  | { kind: 'call'; name: string; args: readonly Expression[] }
  | { kind: 'unary'; operator: string; operand: Expression }
  | { kind: 'binary'; operator: string; left: Expression; right: Expression }

/** What is wrong with a formula, as the end of a sentence about it. */
export class FormulaFault extends Error {
  override name = 'FormulaFault'
}

interface Token {
  kind: 'number' | 'text' | 'name' | 'operator' | 'end'
  written: string
}

const TOKEN =
  /\s+|\/\*(?:[^*]|\*(?!\/))*(?:\*\/)?|(\d+\.?\d*|\.\d+)|("(?:[^"\\]|\\[\s\S])*"|'(?:[^'\\]|\\[\s\S])*')|(\$?[A-Za-z_]\w*(?:[.:]\$?[A-Za-z_]\w*)*)|(&&|\|\||==|<>|!=|<=|>=|[-+*/^&=<>!(),])/y

const KINDS = ['number', 'text', 'name', 'operator'] as const

const tokensOf = (formula: string): Token[] => {
  const tokens: Token[] = []
  TOKEN.lastIndex = 0
  while (TOKEN.lastIndex < formula.length) {
    const at = TOKEN.lastIndex
    const match = TOKEN.exec(formula)
    if (match === null) {
      const character = String.fromCodePoint(formula.codePointAt(at) ?? 0)
      throw new FormulaFault(
        /["']/.test(character)
          ? `opens a text with ${character} that does not end`
          : `has the character ${character}, which means nothing there`,
      )
    }
    if (match[0].startsWith('/*') && !/^\/\*[\s\S]*\*\/$/.test(match[0])) {
      throw new FormulaFault('opens a comment that does not end')
    }
    for (const [index, kind] of KINDS.entries()) {
      const written = match[index + 1]
      if (written !== undefined) tokens.push({ kind, written })
    }
  }
  return tokens
}

/** Binary operators, those that bind least first; operators of one level are joined from the left. */
const LEVELS: readonly (readonly string[])[] = [
  ['||'],
  ['&&'],
  ['=', '==', '<>', '!=', '<', '<=', '>', '>='],
  ['+', '-', '&'],
  ['*', '/'],
]
/** Deeper than any formula of 3,900 characters that a person wrote, and far from the end of the stack. */
const DEPTH_MAX = 500

const CONSTANTS: ReadonlyMap<string, boolean | null> = new Map([
  ['true', true],
  ['false', false],
  ['null', null],
])
const END: Token = { kind: 'end', written: '' }

/** A formula of the 3,900 characters that Salesforce allows has fewer. */
const TOKENS_MAX = 4_000

/** Reads a formula. Throws a `FormulaFault` for what Salesforce's editor calls a syntax error. */
export const parseFormula = (formula: string): Expression => {
  const tokens = tokensOf(formula)
  if (tokens.length > TOKENS_MAX) throw new FormulaFault('is too long')
  let at = 0
  let depth = 0
  const peek = (): Token => tokens[at] ?? END
  const takes = (operator: string): boolean => {
    const isNext = peek().kind === 'operator' && peek().written === operator
    if (isNext) at += 1
    return isNext
  }
  const close = (): void => {
    if (takes(')')) return
    throw new FormulaFault(
      peek() === END
        ? 'ends before a parenthesis is closed'
        : `has ${peek().written} where a comma, an operator or a closing parenthesis should be`,
    )
  }

  const level = (n: number): Expression => {
    const operators = LEVELS[n]
    if (operators === undefined) return power()
    let left = level(n + 1)
    for (;;) {
      const operator = operators.find((one) => takes(one))
      if (operator === undefined) return left
      left = { kind: 'binary', operator, left, right: level(n + 1) }
    }
  }
  const power = (): Expression => {
    const left = unary()
    return takes('^') ? { kind: 'binary', operator: '^', left, right: power() } : left
  }
  const unary = (): Expression => {
    const operator = ['-', '+', '!'].find((one) => takes(one))
    return operator === undefined ? primary() : { kind: 'unary', operator, operand: unary() }
  }
  const argumentsOf = (): Expression[] => {
    const args: Expression[] = []
    if (takes(')')) return args
    do args.push(level(0))
    while (takes(','))
    close()
    return args
  }
  const primary = (): Expression => {
    depth += 1
    if (depth > DEPTH_MAX) throw new FormulaFault('is nested too deeply')
    const read = operand()
    depth -= 1
    return read
  }
  const operand = (): Expression => {
    if (takes('(')) {
      const inner = level(0)
      close()
      return inner
    }
    const { kind, written } = peek()
    at += 1
    switch (kind) {
      case 'number':
        return { kind: 'literal', value: Number(written) }
      case 'text':
        return { kind: 'literal', value: written.slice(1, -1) }
      case 'name': {
        if (takes('(')) return { kind: 'call', name: written.toUpperCase(), args: argumentsOf() }
        const constant = CONSTANTS.get(written.toLowerCase())
        if (constant !== undefined) return { kind: 'literal', value: constant }
        const [first = '', ...rest] = written.split('.')
        return { kind: 'path', steps: [first, ...rest] }
      }
      case 'operator':
        throw new FormulaFault(`has ${written} where a value should be`)
      case 'end':
        throw new FormulaFault('ends where a value should be')
    }
  }

  const whole = level(0)
  if (peek() === END) return whole
  throw new FormulaFault(`has ${peek().written} where an operator or the end should be`)
}
