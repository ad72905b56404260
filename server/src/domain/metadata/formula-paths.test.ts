import { describe, expect, it } from 'vitest'
import { pathsInFormula } from './formula-paths.ts'

describe('the fields that a formula names', () => {
  it.each([
    ['Amount * 2 + amount', ['Amount']],
    ['IF(ISPICKVAL(Status, "Open"), Account.Owner.Name, NULL)', ['Status', 'Account.Owner.Name']],
    ['Owner:User.Email & Owner:Queue.QueueName', ['Owner:User.Email', 'Owner:Queue.QueueName']],
    ['Parent__r.Parent__r.Rate__c > 1e5 && TRUE', ['Parent__r.Parent__r.Rate__c']],
    [
      '$User.Email & $CustomMetadata.Tax__mdt.AT.Rate__c & $Label.Name',
      ['$User.Email', '$CustomMetadata.Tax__mdt.AT.Rate__c', '$Label.Name'],
    ],
    ["\"Name\" & 'O\\'Hara Name' & /* Name */ TEXT ( CloseDate )", ['CloseDate']],
    ['Today()-CreatedDate', ['CreatedDate']],
    [
      'DISTANCE(Place__c, GEOLOCATION(1, 2), "km") + Place__Latitude__s',
      ['Place__c', 'Place__Latitude__s'],
    ],
  ])('in %s are found once each', (formula, paths) => {
    expect(pathsInFormula(formula).map((path) => path.join('.'))).toEqual(paths)
  })
})
