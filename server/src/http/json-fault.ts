// Where a text stops being JSON. V8 says it for some faults only, and quotes the text for others.

/** A person's mistake is in a body of this size; a larger one is not read twice. */
export const FAULT_BYTES_MAX = 256 * 1024

const SPACE = /[ \t\n\r]*/y
/** A text has no control characters, and a backslash only before what it escapes. */
const SCALAR =
  /"[ !#-[\]-\u{10ffff}]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[ !#-[\]-\u{10ffff}]*)*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/uy

const WORDS = {
  value: 'a value',
  'first value': 'a value or ]',
  name: 'a name in double quotes',
  'first name': 'a name in double quotes or }',
  colon: 'a colon',
  next: 'a comma or the closing bracket',
  end: 'the end of the body',
} as const

/** The line, the column and what should be there; null for a text that is JSON. */
export const faultIn = (
  text: string,
): { line: number; column: number; expected: string } | null => {
  const open: ('{' | '[')[] = []
  let expected: keyof typeof WORDS = 'value'
  let at = 0
  const take = (pattern: RegExp): string | null => {
    pattern.lastIndex = at
    const found = pattern.exec(text)?.[0] ?? null
    at += found?.length ?? 0
    return found
  }
  const closed = (): keyof typeof WORDS => (open.length === 0 ? 'end' : 'next')
  const fault = () => {
    const before = text.slice(0, at).split('\n')
    return {
      line: before.length,
      column: (before.at(-1)?.length ?? 0) + 1,
      expected: WORDS[expected],
    }
  }
  for (;;) {
    take(SPACE)
    const next = text[at]
    if (next === undefined) return expected === 'end' ? null : fault()
    const isValue = expected === 'value' || expected === 'first value'
    const closes = open.at(-1) === '{' ? '}' : ']'
    if (isValue && (next === '{' || next === '[')) {
      open.push(next)
      expected = next === '{' ? 'first name' : 'first value'
      at += 1
    } else if (next === closes && open.length > 0 && /^(first|next)/.test(expected)) {
      open.pop()
      expected = closed()
      at += 1
    } else if (expected === 'next' && next === ',') {
      expected = open.at(-1) === '{' ? 'name' : 'value'
      at += 1
    } else if (expected === 'colon' && next === ':') {
      expected = 'value'
      at += 1
    } else if (isValue && take(SCALAR) !== null) {
      expected = closed()
    } else if (expected.endsWith('name') && next === '"' && take(SCALAR) !== null) {
      expected = 'colon'
    } else {
      return fault()
    }
  }
}
