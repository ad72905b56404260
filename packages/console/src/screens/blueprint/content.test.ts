import { expect, it } from 'vitest'
import { contentOf, objectsOf } from './content.ts'

it('takes the members of a version and nothing else', () => {
  expect(contentOf('{"plan":{"objects":[]},"parameters":[]}')).toEqual({
    plan: { objects: [] },
    parameters: [],
  })
  expect(() => contentOf('{"plan":')).toThrow(/not JSON/)
  expect(() => contentOf('[]')).toThrow(/an object with plan/)
  expect(() => contentOf('{"client_id":"x"}')).toThrow('“client_id” is not a part of a version')
})

it('reads objects a line each, with fields or without', () => {
  expect(objectsOf('Lead\n\n Account : Tier__c, Region__c ,\n')).toEqual([
    { api_name: 'Lead' },
    { api_name: 'Account', fields: ['Tier__c', 'Region__c'] },
  ])
  expect(() => objectsOf(' \n')).toThrow('Name at least one object.')
})
