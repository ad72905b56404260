// How criteria are joined: `and`, `or`, or their numbers with AND, OR, NOT and parentheses.

const TOKEN = /\s*(\d+|\(|\)|[A-Za-z]+|\S)/y
const WORDS: ReadonlySet<string> = new Set(['AND', 'OR', 'NOT'])

const tokensOf = (text: string): string[] => {
  const tokens: string[] = []
  const pattern = new RegExp(TOKEN)
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    tokens.push((match[1] ?? '').toUpperCase())
  }
  return tokens
}

const isNumber = (token: string | undefined): token is string =>
  token !== undefined && /^\d+$/.test(token)

export type Logic = { text: string; fault: null } | { text: null; fault: string }

const wrong = (fault: string): Logic => ({ text: null, fault })

/**
 * The logic over `count` criteria in Salesforce's notation, or what is wrong with it. Salesforce: every
 * criterion must be named in a logic by numbers.
 */
export const readLogic = (written: string, count: number): Logic => {
  const word = written.trim().toLowerCase()
  if (word === 'and' || (word === 'or' && count < 2)) return { text: 'and', fault: null }
  if (word === 'or') return { text: 'or', fault: null }
  const tokens = tokensOf(written.trim())
  const strange = tokens.find((token) => !/^[\d()]/.test(token) && !WORDS.has(token))
  if (strange !== undefined) return wrong(`${strange} has no meaning in it`)
  const used = new Set<number>()
  let at = 0

  const term = (): boolean => {
    const token = tokens[at]
    if (isNumber(token)) {
      used.add(Number(token))
      at += 1
      return true
    }
    if (token === 'NOT') {
      at += 1
      return term()
    }
    if (token !== '(') return false
    at += 1
    if (!expression() || tokens[at] !== ')') return false
    at += 1
    return true
  }
  const expression = (): boolean => {
    if (!term()) return false
    while (tokens[at] === 'AND' || tokens[at] === 'OR') {
      at += 1
      if (!term()) return false
    }
    return true
  }

  if (!expression() || at < tokens.length) return wrong('it cannot be read')
  const unknown = [...used].find((number) => number < 1 || number > count)
  if (unknown !== undefined) return wrong(`there is no criterion ${unknown}`)
  const left = Array.from({ length: count }, (_, index) => index + 1).find(
    (number) => !used.has(number),
  )
  if (left !== undefined) return wrong(`criterion ${left} is not in it`)
  const text = tokens
    .map((token) => (isNumber(token) ? String(Number(token)) : token))
    .join(' ')
    .replaceAll('( ', '(')
    .replaceAll(' )', ')')
  return { text, fault: null }
}
