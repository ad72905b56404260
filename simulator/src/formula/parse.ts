// The grammar of Salesforce's formula language: validation rules, formula fields, rule criteria,
// default values. Source: Salesforce Help, "Formula Operators and Functions".

export type Expression =
  | { kind: 'literal'; value: string | number | boolean | null }
  /** `Account.Owner.Name`, `$User.Id`: a field, walked through parents. */
  | { kind: 'path'; path: readonly string[] }
  | { kind: 'call'; name: string; args: readonly Expression[] }
  | { kind: 'unary'; operator: '-' | '!'; operand: Expression }
  | { kind: 'binary'; operator: BinaryOperator; left: Expression; right: Expression }

export type BinaryOperator =
  | '||'
  | '&&'
  | '='
  | '<>'
  | '<'
  | '<='
  | '>'
  | '>='
  | '+'
  | '-'
  | '&'
  | '*'
  | '/'
  | '^'

/** What Salesforce's own editor would also refuse. */
export class FormulaSyntaxError extends Error {
  override name = 'FormulaSyntaxError'
}

interface Token {
  kind: 'number' | 'string' | 'name' | 'operator' | 'end'
  text: string
}

const TOKEN =
  /\s+|\/\*[\s\S]*?\*\/|(\d+\.?\d*|\.\d+)|("(?:[^"\\]|\\[\s\S])*"|'(?:[^'\\]|\\[\s\S])*')|(\$?[A-Za-z_]\w*(?:[.:]\$?[A-Za-z_]\w*)*)|(&&|\|\||==|<>|!=|<=|>=|[-+*/^&=<>!(),])/y

const ESCAPES: Record<string, string> = { n: '\n', r: '\r', t: '\t' }

const unescape = (text: string): string =>
  text.slice(1, -1).replaceAll(/\\([\s\S])/g, (_, code: string) => ESCAPES[code] ?? code)

const tokens = (source: string): Token[] => {
  const found: Token[] = []
  TOKEN.lastIndex = 0
  while (TOKEN.lastIndex < source.length) {
    const at = TOKEN.lastIndex
    const match = TOKEN.exec(source)
    if (match === null) {
      throw new FormulaSyntaxError(`Syntax error. Found '${source.slice(at, at + 1)}'`)
    }
    const [, number, string, name, operator] = match
    if (number !== undefined) found.push({ kind: 'number', text: number })
    else if (string !== undefined) found.push({ kind: 'string', text: unescape(string) })
    else if (name !== undefined) found.push({ kind: 'name', text: name })
    else if (operator !== undefined) found.push({ kind: 'operator', text: operator })
  }
  found.push({ kind: 'end', text: '' })
  return found
}

/** Lowest precedence first; operators of one level are left-associative. */
const LEVELS: readonly Record<string, BinaryOperator>[] = [
  { '||': '||' },
  { '&&': '&&' },
  { '=': '=', '==': '=', '<>': '<>', '!=': '<>', '<': '<', '<=': '<=', '>': '>', '>=': '>=' },
  { '+': '+', '-': '-', '&': '&' },
  { '*': '*', '/': '/' },
]

const CONSTANTS: Record<string, boolean | null> = { true: true, false: false, null: null }

/** Throws a `FormulaSyntaxError` in the words of Salesforce's formula editor. */
export const parseFormula = (source: string): Expression => {
  const stream = tokens(source)
  let at = 0
  const peek = (): Token => stream[at] ?? { kind: 'end', text: '' }
  const isOperator = (text: string) => peek().kind === 'operator' && peek().text === text
  const expect = (text: string): void => {
    if (!isOperator(text)) throw new FormulaSyntaxError(`Syntax error. Missing '${text}'`)
    at++
  }

  const level = (n: number): Expression => {
    const operators = LEVELS[n]
    if (operators === undefined) return power()
    let left = level(n + 1)
    for (;;) {
      const operator = peek().kind === 'operator' ? operators[peek().text] : undefined
      if (operator === undefined) return left
      at++
      left = { kind: 'binary', operator, left, right: level(n + 1) }
    }
  }
  const power = (): Expression => {
    const left = unary()
    if (!isOperator('^')) return left
    at++
    return { kind: 'binary', operator: '^', left, right: power() }
  }
  const unary = (): Expression => {
    for (const operator of ['-', '!'] as const) {
      if (!isOperator(operator)) continue
      at++
      return { kind: 'unary', operator, operand: unary() }
    }
    if (isOperator('+')) at++
    return primary()
  }
  const primary = (): Expression => {
    const token = peek()
    at++
    switch (token.kind) {
      case 'number':
        return { kind: 'literal', value: Number(token.text) }
      case 'string':
        return { kind: 'literal', value: token.text }
      case 'name': {
        if (isOperator('(')) return call(token.text)
        const constant = CONSTANTS[token.text.toLowerCase()]
        if (constant !== undefined) return { kind: 'literal', value: constant }
        return { kind: 'path', path: token.text.split('.') }
      }
      case 'operator':
        if (token.text === '(') {
          const inner = level(0)
          expect(')')
          return inner
        }
        throw new FormulaSyntaxError(`Syntax error. Extra '${token.text}'`)
      case 'end':
        throw new FormulaSyntaxError('Syntax error. Found end of formula')
    }
  }
  const call = (name: string): Expression => {
    expect('(')
    const args: Expression[] = []
    while (!isOperator(')') || args.length > 0) {
      args.push(level(0))
      if (!isOperator(',')) break
      at++
    }
    expect(')')
    return { kind: 'call', name: name.toUpperCase(), args }
  }

  const whole = level(0)
  if (peek().kind !== 'end') throw new FormulaSyntaxError(`Syntax error. Extra '${peek().text}'`)
  return whole
}
