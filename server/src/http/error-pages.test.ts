import { describe, expect, it } from 'vitest'
import { FINDING_TEXTS } from '../domain/conflicts/finding-texts.ts'
import { SAFE_RULES, WARNING_RULES } from '../domain/conflicts/rules/rules.ts'
import { allCauses } from '../domain/connections/causes.ts'
import { MAPPING_CODES } from '../domain/mappings/finding-codes.ts'
import { ROW_REMEDIES } from '../domain/pushes/remedies.ts'
import { ERRORS, FAULTS } from '../errors.ts'
import { codePage, codesPage } from './error-pages.ts'

const RULES = [...WARNING_RULES, ...SAFE_RULES]

/** Of every rule, and of what Salesforce did not return (conflicts/check.ts). */
const findingCodes = ['not_checked', ...new Set(RULES.map(({ code }) => code))]

/** Whatever the server can put into a `code`. The types of these tables let nothing else be one. */
const GROUPS: readonly [string, readonly string[]][] = [
  ['problems', Object.keys(ERRORS)],
  ['faults of work', Object.keys(FAULTS)],
  ['errors of rows', [...ROW_REMEDIES.keys()]],
  ['findings of the check', findingCodes],
  ['findings about mappings', Object.keys(MAPPING_CODES)],
  ['causes of a lost connection', allCauses().map(({ code }) => code)],
]

describe.each(GROUPS)('the pages of %s', (_group, codes) => {
  it('are there for each code, with its meaning and what to do, and listed', () => {
    const all = codesPage()
    for (const code of codes) {
      const page = codePage(code) ?? ''
      const parts = [...page.matchAll(/<dd>(.*?)<\/dd>/g)].map(([, text]) => text)
      expect(parts.length, code).toBeGreaterThanOrEqual(3)
      for (const part of parts) expect(part, code).toMatch(/\w{3}.*\.$/)
      expect(page, code).toContain('<dt>What to do</dt>')
      expect(all, code).toContain(`href="/docs/errors/${code}"`)
    }
  })
})

it('the texts of findings are those of the rules: none is missing, and only green ones have no remedy', () => {
  expect([...FINDING_TEXTS.keys()].toSorted()).toEqual(findingCodes.toSorted())
  for (const { code, severities } of RULES) {
    const isGreen = severities.every((severity) => severity === 'green')
    expect([code, FINDING_TEXTS.get(code)?.remedy === null]).toEqual([code, isGreen])
  }
})
