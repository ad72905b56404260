// What a check says about a field that exists and that the plan would change where only part of it shows.

import { describe, expect, it } from 'vitest'
import { type JsonObject } from '../../salesforce/json.ts'
import { checkPlan } from './check.ts'
import {
  described,
  describedLink,
  describedObject,
  factsFor,
  formula,
  lookup,
  onLead,
  type Setup,
} from './testing/facts.ts'

const findingsOn = async (setup: Setup) => {
  const { findings } = await checkPlan(factsFor(setup))
  return findings
    .filter(({ component }) => component.type === 'CustomField')
    .map(({ code, severity, message }) => ({ code, severity, message }))
}

describe('a field that exists', () => {
  const link = onLead(lookup('Coach__c', 'Contact', { relationship_name: 'Coached' }))
  const linked = (relationshipName: string): Setup => ({
    plan: link,
    describes: [
      describedObject('Lead', [describedLink('Coach__c', 'Contact')]),
      describedObject('Contact', [], {
        childRelationships: [
          { childSObject: 'Lead', field: 'OwnerId', relationshipName: 'Owned' },
          { childSObject: 'Lead', field: 'Coach__c', relationshipName },
        ],
      }),
    ],
  })

  it('is yellow where the plan renames the relationship to it, which queries and code name', async () => {
    const findings = await findingsOn(linked('Coached_Leads__r'))
    expect(findings).toMatchObject([{ code: 'field_used_elsewhere', severity: 'yellow' }])
    expect(findings[0]?.message).toContain('rename the relationship Coached_Leads of Contact')
  })
  it('keeps its relationship, whatever the case it is written in', async () => {
    for (const name of ['Coached__r', 'COACHED__r']) {
      expect(await findingsOn(linked(name))).toMatchObject([{ code: 'field_unchanged' }])
    }
  })

  const blanks = (asZero: boolean | undefined, treat_blanks_as?: 'BlankAsBlank') => ({
    plan: onLead({
      ...formula('Sum__c', 'Amount__c + 1', 'Number'),
      ...(treat_blanks_as === undefined ? {} : { treat_blanks_as }),
    }),
    describes: [
      describedObject('Lead', [
        described('Amount__c', { type: 'double', precision: 18, scale: 2 }),
        described('Sum__c', {
          type: 'double',
          precision: 18,
          scale: 2,
          calculated: true,
          calculatedFormula: 'Amount__c + 1',
          ...(asZero === undefined ? {} : { formulaTreatNullNumberAsZero: asZero }),
        }),
      ]),
    ],
  })
  it('is yellow where its formula would treat empty numbers differently', async () => {
    const [finding] = await findingsOn(blanks(false))
    expect(finding).toMatchObject({ code: 'formula_replaced', severity: 'yellow' })
    expect(finding?.message).toContain('as BlankAsBlank now and would treat them as BlankAsZero')
    expect(await findingsOn(blanks(true, 'BlankAsBlank'))).toMatchObject([
      { code: 'formula_replaced' },
    ])
    for (const same of [blanks(true), blanks(false, 'BlankAsBlank'), blanks(undefined)]) {
      expect(await findingsOn(same)).toMatchObject([{ code: 'field_unchanged' }])
    }
  })

  it('is not said to stay as it is in what no describe shows', async () => {
    const [finding] = await findingsOn({
      plan: onLead({
        api_name: 'Notes__c',
        label: 'Notes',
        type: 'LongTextArea',
        length: 1000,
        description: 'New',
      }),
      describes: [
        describedObject('Lead', [
          described('Notes__c', { type: 'textarea', length: 1000, label: 'Notes' }),
        ]),
      ],
    })
    expect(finding).toMatchObject({ code: 'field_unchanged', severity: 'green' })
    expect(finding?.message).toMatch(/sets description, visible_lines as planned\.$/)

    const [place] = await findingsOn({
      plan: onLead({ api_name: 'Place__c', label: 'Place', type: 'Location' }),
      describes: [
        describedObject('Lead', [
          described('Place__c', {
            type: 'location',
            label: 'Place',
            displayLocationInDecimal: true,
          }),
        ]),
      ],
    })
    expect(place).toMatchObject({ code: 'field_unchanged' })
    expect(place?.message).toMatch(/sets scale as planned\.$/)
  })

  const tier = {
    api_name: 'Tier__c',
    label: 'Tier',
    help_text: 'How much they buy',
    type: 'Picklist' as const,
    values: [{ value: 'one', label: 'Tier One' }],
  }
  const value = (label: string) => ({ value: 'one', label, active: true, defaultValue: false })
  const translated = (content: JsonObject | null, org = 'en_US'): Setup => ({
    plan: onLead(tier),
    language: 'fr',
    describes: [
      describedObject('Lead', [
        described('Tier__c', {
          type: 'picklist',
          label: 'Niveau',
          inlineHelpText: 'Combien',
          restrictedPicklist: true,
          picklistValues: [value('Premier niveau')],
        }),
      ]),
    ],
    live: {
      organization: async () => ({ edition: 'x', isSandbox: false, language: org }),
      contentOf: async (type) => (type === 'CustomObject' ? content : {}),
    },
  })
  const file = (label: string, help: string, first: string): JsonObject => ({
    fields: {
      fullName: 'Tier__c',
      label,
      inlineHelpText: help,
      valueSet: { valueSetDefinition: { value: { fullName: 'one', label: first } } },
    },
  })
  it('is compared by its master labels where the connected user reads translations', async () => {
    const same = await findingsOn(translated(file('Tier', 'How much they buy', 'Tier One')))
    expect(same).toMatchObject([{ code: 'field_unchanged', severity: 'green' }])
    const other = await findingsOn(translated(file('Level', 'How much they buy', 'Tier One')))
    expect(other).toMatchObject([
      {
        code: 'field_label_changed',
        message: expect.stringContaining('the label Level;') as string,
      },
    ])
    const first = await findingsOn(translated(file('Tier', 'How much they buy', 'First')))
    expect(first.map(({ code }) => code)).not.toContain('field_unchanged')
    const theirs = await findingsOn(translated(null, 'fr'))
    expect(theirs.map(({ code }) => code)).toContain('field_label_changed')
  })
  it('is not judged by translations where nobody tells its master labels', async () => {
    const [finding, ...more] = await findingsOn(translated(null))
    expect(finding).toMatchObject({ code: 'field_unchanged', severity: 'green' })
    expect(finding?.message).toContain(
      'the deploy sets help_text, label, sorted, values as planned',
    )
    expect(more).toEqual([])
  })
})
