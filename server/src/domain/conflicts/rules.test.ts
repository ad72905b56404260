import { describe, expect, it } from 'vitest'
import { checkPlan } from './check.ts'
import { SAFE_RULES, WARNING_RULES } from './rules/rules.ts'
import {
  AUTOMATION_CASES,
  PUSH_CASES,
  SAFE_CASES,
  WORKFLOW_CASES,
} from './testing/cases-behaviour.ts'
import { ACCESS_CASES, DRIFT_CASES, LIMIT_CASES, PACKAGE_CASES } from './testing/cases-org.ts'
import { NAME_CASES, RELATION_CASES, TYPE_CASES } from './testing/cases-shape.ts'
import { VIEW_CASES, VIEW_SAFE_CASES } from './testing/cases-views.ts'
import { type Cases } from './testing/cases.ts'
import { factsFor, type Setup } from './testing/facts.ts'

const CASES: Cases = {
  ...NAME_CASES,
  ...TYPE_CASES,
  ...RELATION_CASES,
  ...LIMIT_CASES,
  ...ACCESS_CASES,
  ...VIEW_CASES,
  ...PACKAGE_CASES,
  ...DRIFT_CASES,
  ...AUTOMATION_CASES,
  ...WORKFLOW_CASES,
  ...PUSH_CASES,
  ...SAFE_CASES,
  ...VIEW_SAFE_CASES,
}
const RULES = [...WARNING_RULES, ...SAFE_RULES]

const findingsOf = async (setup: Setup, code: string) =>
  (await checkPlan(factsFor(setup))).findings.filter((finding) => finding.code === code)

describe('the rules of the conflict check', () => {
  it('have each a code of its own, and a case in which they fire and one in which they do not', () => {
    const codes = RULES.map(({ code }) => code)
    expect(new Set(codes).size).toBe(codes.length)
    expect(codes.toSorted()).toEqual(Object.keys(CASES).toSorted())
  })

  describe.each(RULES.map((rule) => [rule.code, rule] as const))('%s', (code, rule) => {
    const found = CASES[code]
    if (found === undefined) return it('has cases', () => expect.fail('none'))

    it('fires, says what it is about and what to do', async () => {
      const findings = await findingsOf(found.fires, code)
      expect(findings.map(({ severity }) => severity)).toContain(rule.severities[0])
      for (const finding of findings) {
        expect(finding.message).toMatch(/\w{3}.*[.?!]$/s)
        if (finding.severity === 'green') expect(finding.remedy).toBeNull()
        else expect(finding.remedy).toMatch(/^(?!Nothing to do).*\w{3}.*\.$/s)
        expect(finding.message).not.toMatch(/undefined|NaN|\[object|null/)
        expect(finding.component.fullName).not.toBe('')
      }
    })

    it('does not fire where it should not', async () => {
      expect(await findingsOf(found.not, code)).toEqual([])
    })

    it.each(rule.severities.slice(1))('can be %s', async (severity) => {
      const setup = found.also?.[severity]
      if (setup === undefined) return expect.fail(`no case with ${severity}`)
      const findings = await findingsOf(setup, code)
      expect(findings.map((finding) => finding.severity)).toEqual([severity])
    })
  })
})
