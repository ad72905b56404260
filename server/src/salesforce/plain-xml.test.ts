import { describe, expect, it } from 'vitest'
import { readPlainXml } from './plain-xml.ts'
import { parseXml } from './xml.ts'

/** A comment at the end makes `parseXml` use the full parser. */
const byParser = (text: string): string => JSON.stringify(parseXml(`${text}<!-- end -->`))
const byEither = (text: string): string => JSON.stringify(parseXml(text))
const isPlain = (text: string): boolean => readPlainXml(text, (value) => value) !== null

/** The same numbers for the same seed (mulberry32). */
const randomOf = (seed: number) => {
  let state = seed
  return (): number => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

const TEXTS = [
  '',
  ' ',
  '\n  ',
  '007',
  ' x ',
  'a &amp;lt; b',
  '&#65;&#x42;',
  'true',
  '\ud83d\ude00',
  'a > b',
  '\0',
]
const NAMES = ['a', 'b', 'sf:a', 'fullName', 'x.y-z', '_1']

const elementOf = (random: () => number, depth: number): string => {
  const pick = <T>(from: readonly [T, ...T[]] | readonly T[]): T =>
    from[Math.floor(random() * from.length)] as T
  const name = pick(NAMES)
  const attributes =
    random() < 0.2 ? ` n="1" xsi:type="xsd:string" m='2'` : random() < 0.2 ? ' n="<"' : ''
  if (random() < 0.1) return `<${name}${attributes}/>`
  if (depth === 0 || random() < 0.4) return `<${name}${attributes}>${pick(TEXTS)}</${name}>`
  const children = Array.from({ length: Math.floor(random() * 4) }, () => {
    const child = elementOf(random, depth - 1)
    return random() < 0.5 ? `\n  ${child}` : random() < 0.05 ? `word ${child}` : child
  })
  return `<${name}>${children.join('')}\n</${name}>`
}

describe('plain XML', () => {
  it('is read as the parser of all XML reads it, generated a thousand times', () => {
    let plain = 0
    for (let seed = 1; seed <= 1_000; seed += 1) {
      const text = `<?xml version="1.0" encoding="UTF-8"?>\n<r>${elementOf(randomOf(seed), 4)}</r>\n`
      const outcome = (read: (text: string) => string): string => {
        try {
          return read(text)
        } catch (error) {
          return String(error)
        }
      }
      expect([text, outcome(byEither)]).toEqual([text, outcome(byParser)])
      plain += isPlain(text) ? 1 : 0
    }
    expect(plain).toBeGreaterThan(500)
    expect(plain).toBeLessThan(1_000)
  })

  it.each([
    ['a prefix', '<s:Envelope xmlns:s="urn:s"><s:Body><x/></s:Body></s:Envelope>'],
    ['a repeated element among others', '<r><a>1</a><b/><a>2</a><a><c/></a></r>'],
    ['blanks of a leaf', '<r><a>  </a></r>'],
    ['an empty root', '<r/>'],
    ['a byte order mark', '\ufeff<r><a/></r>'],
    ['blanks in tags', '<r ><a\n b="1"\t></a ></r >'],
  ])('with %s too', (_case, text) => {
    expect(isPlain(text)).toBe(true)
    expect(byEither(text)).toBe(byParser(text))
  })

  it.each([
    ['a comment', '<r><!-- x --><a/></r>'],
    ['CDATA', '<r><![CDATA[<a>]]></r>'],
    ['text beside an element', '<r>text<a/></r>'],
    ['a document type', '<!DOCTYPE r><r/>'],
    ['a name of every object', '<r><__proto__>1</__proto__></r>'],
    ['a tag left open', '<r><a></r>'],
    ['a tag closed twice', '<r></a></r>'],
    ['two roots', '<r/><r/>'],
    ['text around the root', '<r/>text'],
    ['no root', '<?xml version="1.0"?>'],
    ['an attribute twice', '<r a="1" a="2"/>'],
    ['an attribute without quotes', '<r a=1/>'],
    ['nothing', ''],
    ['too much depth', '<a>'.repeat(60) + '</a>'.repeat(60)],
  ])('is none with %s', (_case, text) => {
    expect(isPlain(text)).toBe(false)
  })
})
