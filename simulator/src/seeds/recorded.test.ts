// Describes of standard objects, held against recordings of real Salesforce orgs, line by line. What
// differs is in the lists of reasons below, and nothing else may.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bodyOf, clientOf, startRig, type Rig } from '../testing/rig.ts'
import { describeLines, flagsOf, type Described } from './testing/describe-lines.ts'

/** The lines of each object in a file of recordings. */
const sectionsOf = (name: string): Map<string, string[]> => {
  const [, ...sections] = readFileSync(join(import.meta.dirname, name), 'utf8').split(/^= /m)
  return new Map(
    sections.map((section) => {
      const [object = '', ...lines] = section.trimEnd().split('\n')
      return [object, lines]
    }),
  )
}
const whole = sectionsOf('recorded-describes.txt')
const flags = sectionsOf('recorded-flags.txt')

let sim: Rig
const ours = new Map<string, Described>()
const names = new Set<string>()
beforeAll(async () => {
  sim = await startRig()
  const admin = await clientOf(sim.control)
  const { sobjects } = await bodyOf<{ sobjects: { name: string }[] }>(await admin.get('/sobjects'))
  for (const { name } of sobjects) names.add(name)
  for (const name of [...whole.keys(), ...flags.keys()]) {
    ours.set(name, await bodyOf<Described>(await admin.get(`/sobjects/${name}/describe`)))
  }
})
afterAll(() => sim.close())

const described = (name: string): Described => {
  const found = ours.get(name)
  if (found === undefined) throw new Error(`no describe of ${name}`)
  return found
}

/** Lines that only the recording has, by the reason. `Object line` is matched. */
const ONLY_RECORDED: Record<string, RegExp> = {
  'the recorded org had a record type of accounts, or custom fields':
    /^Account (RecordTypeId|ns__)/,
  'releases since have made standard picklists 255 characters long, as the younger recordings have them':
    /^(Account|Case|Event|Opportunity|OpportunityContactRole) \w+ picklist string 40\/120/,
  'releases since have added "Filter by scope" to the scopes':
    /^(Account|Case|OpportunityContactRole) # /,
  'activities can be about many objects that the catalogue does not have': /^Event WhatId /,
}

/** Lines that only the simulator has, by the reason. */
const ONLY_HERE: Record<string, RegExp> = {
  'the other side of what is above':
    /^((Account|Case|Event|Opportunity|OpportunityContactRole) (# |\w+ picklist string 255\/765)|Event WhatId )/,
  'field-level security hid them from the recording user; jsforce recorded them':
    /^(Contact (DoNotCall|HasOptedOutOfEmail|HasOptedOutOfFax|CanAllowPortalSelfReg)|Case (BusinessHoursId|HasCommentsUnreadByOwner|HasSelfServiceComments|IsClosedOnCreate|IsSelfServiceClosed|IsStopped|IsVisibleInSelfService|SlaStartDate|StopStartDate)|Lead HasOptedOutOf\w+) /,
  'younger than the recording':
    /^Opportunity (AgeInDays|LastActivityInDays|LastStageChangeInDays|PushCount) /,
  'the small company of the seed has record types of cases, and two objects of its own':
    /^(Case RecordTypeId|\w+ < (Placement__c|signhere__Envelope__c)\.)/,
  'features that the recorded orgs had switched off: quotes, teams, service contracts, entitlements':
    /^\w+ < (Quote|OpportunityTeamMember|ServiceContract|Entitlement)\./,
}

const isExplained = (reasons: Record<string, RegExp>, line: string): boolean =>
  Object.values(reasons).some((reason) => reason.test(line))

/** A relationship from an object that the catalogue does not have cannot be shown. */
const isOfCatalogue = (line: string): boolean => {
  const child = /^< (\w+)\./.exec(line)?.[1]
  return child === undefined || names.has(child)
}

describe('the standard objects and recorded describes', () => {
  it.each([...whole.keys()])('agree on %s, key by key and flag by flag', (object) => {
    const recorded = (whole.get(object) ?? []).filter(isOfCatalogue)
    const own = describeLines(described(object))
    const missing = recorded
      .filter((line) => !own.includes(line))
      .map((line) => `${object} ${line}`)
    const more = own.filter((line) => !recorded.includes(line)).map((line) => `${object} ${line}`)
    expect(missing.filter((line) => !isExplained(ONLY_RECORDED, line))).toEqual([])
    expect(more.filter((line) => !isExplained(ONLY_HERE, line))).toEqual([])
  })

  it.each([...flags.keys()])('agree on the types and flags of %s', (object) => {
    const own = described(object)
    const expected: string[] = []
    const found: string[] = []
    for (const line of flags.get(object) ?? []) {
      if (line.startsWith('<')) {
        expected.push(line)
        const child = line.split(' ').slice(0, 2).join(' ')
        found.push(
          describeLines(own).find((each) => each.startsWith(`${child} `)) ?? `${child} none`,
        )
        continue
      }
      const [kind = '', names = ''] = line.split(': ')
      for (const name of names.split(' ')) {
        const field = own.fields.find((each) => each['name'] === name)
        expected.push(`${name} ${kind}`)
        found.push(`${name} ${flagsOf(field ?? {}, 'afg0o')} ${String(field?.['type'])}`)
      }
    }
    expect(found).toEqual(expected)
  })
})
