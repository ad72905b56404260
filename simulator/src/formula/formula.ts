// Formulas compiled and evaluated. What cannot be evaluated is refused when it is compiled, with its
// name: a rule that silently never fires would prove the wrong thing.

import { FIELD_FUNCTIONS, FUNCTIONS, type FormulaScope } from './functions.ts'
import { FormulaSyntaxError, parseFormula, type Expression } from './parse.ts'
import { add, equal, numeric, order, textOf, truth, type FormulaValue } from './values.ts'

export { FormulaSyntaxError } from './parse.ts'
export { type FormulaScope } from './functions.ts'
export { type FormulaValue, type Moment } from './values.ts'

/** Valid in Salesforce, not evaluated here. */
export class FormulaNotSimulated extends Error {
  override name = 'FormulaNotSimulated'
}

export interface Formula {
  source: string
  /** Throws a `FormulaNotSimulated` if the scope has no such field. */
  evaluate(scope: FormulaScope): FormulaValue
  /** The fields that it names. */
  paths: readonly (readonly string[])[]
}

/** Throws a `FormulaSyntaxError` or a `FormulaNotSimulated`. */
export const compileFormula = (source: string): Formula => {
  const expression = parseFormula(source)
  const paths: (readonly string[])[] = []
  check(expression, paths)
  return { source, paths, evaluate: (scope) => evaluate(expression, scope) }
}

const check = (expression: Expression, paths: (readonly string[])[]): void => {
  switch (expression.kind) {
    case 'literal':
      return
    case 'path':
      paths.push(expression.path)
      return
    case 'unary':
      check(expression.operand, paths)
      return
    case 'binary':
      check(expression.left, paths)
      check(expression.right, paths)
      return
    case 'call': {
      const { name, args } = expression
      const known = FUNCTIONS[name]
      if (known === undefined) throw new FormulaNotSimulated(`the formula function ${name}()`)
      const { min, max = Infinity } = known
      if (args.length < min || args.length > max) {
        throw new FormulaSyntaxError(
          `Incorrect number of parameters for function '${name}()'. Expected ${min}, received ${args.length}`,
        )
      }
      if (FIELD_FUNCTIONS.has(name) && args[0]?.kind !== 'path') {
        throw new FormulaSyntaxError(`Incorrect parameter type for function '${name}()'`)
      }
      for (const argument of args) check(argument, paths)
    }
  }
}

const evaluate = (expression: Expression, scope: FormulaScope): FormulaValue => {
  switch (expression.kind) {
    case 'literal':
      return expression.value
    case 'path':
      return scope.read(expression.path)
    case 'unary': {
      const value = evaluate(expression.operand, scope)
      if (expression.operator === '!') return !truth(value)
      return typeof value === 'number' ? -value : null
    }
    case 'call': {
      const { args } = expression
      const known = FUNCTIONS[expression.name]
      const value = (n: number): FormulaValue => {
        const argument = args[n]
        return argument === undefined ? null : evaluate(argument, scope)
      }
      return known?.run({ scope, args, value }) ?? null
    }
    case 'binary':
      return binary(expression, scope)
  }
}

const binary = (
  { operator, left, right }: Extract<Expression, { kind: 'binary' }>,
  scope: FormulaScope,
): FormulaValue => {
  const first = evaluate(left, scope)
  if (operator === '&&') return truth(first) && truth(evaluate(right, scope))
  if (operator === '||') return truth(first) || truth(evaluate(right, scope))
  const second = evaluate(right, scope)
  switch (operator) {
    case '=':
      return equal(first, second)
    case '<>':
      return !equal(first, second)
    case '&':
      return textOf(first) + textOf(second)
    case '+':
      return add(first, second, 1)
    case '-':
      return add(first, second, -1)
    case '*':
    case '/':
    case '^':
      return reckon(operator, numeric(first), numeric(second))
    default: {
      const difference = order(first, second)
      if (difference === null) return false
      if (operator === '<') return difference < 0
      if (operator === '<=') return difference <= 0
      return operator === '>' ? difference > 0 : difference >= 0
    }
  }
}

const reckon = (operator: '*' | '/' | '^', left: number | null, right: number | null) => {
  if (left === null || right === null) return null
  if (operator === '*') return left * right
  if (operator === '^') return left ** right
  // Salesforce: a division by zero is displayed as an error and counts as no value.
  return right === 0 ? null : left / right
}
