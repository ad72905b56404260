import { describe, expect, it } from 'vitest'
import { parsePlan } from '../plan/check.ts'
import { wantedAccess } from '../plan/compile.ts'
import { type Plan } from '../plan/schema.ts'
import { JOB_PLAN, PERMISSION_SET } from '../plan/testing/samples.ts'
import {
  mergePermissionSet,
  mergeProfile,
  readAccess,
  takeOutOfPermissionSet,
  takeOutOfProfile,
} from './entries.ts'
import { fileDifferences } from './equality.ts'
import { mastersIn } from './masters.ts'
import { readRoot } from './xml-tree.ts'

const plan = parsePlan(JOB_PLAN)
const profile = (inner: string): string =>
  `<?xml version="1.0" encoding="UTF-8"?><Profile xmlns="http://soap.sforce.com/2006/04/metadata"><custom>false</custom>${inner}</Profile>`

const merge = (wish: Plan, name: string, current: string | null) =>
  mergePermissionSet(
    name,
    wantedAccess(
      wish,
      'PermissionSet',
      mastersIn(wish, () => null),
    ),
    current,
  )

describe('a new permission set', () => {
  const { text, changes } = merge(plan, 'SFDC_Engine_X', null)
  const access = readAccess(text, 'PermissionSet')

  it('opens every new field, formulas to read only, and no required one', () => {
    expect(readRoot(text, 'PermissionSet').label).toBe('SFDC Engine X')
    expect(access.fieldPermissions).toEqual([
      { editable: 'true', field: 'Job_Posting__c.Job_Title__c', readable: 'true' },
      { editable: 'true', field: 'Job_Posting__c.Company__c', readable: 'true' },
      { editable: 'true', field: 'Lead.Job_Title__c', readable: 'true' },
      { editable: 'false', field: 'Lead.Score__c', readable: 'true' },
    ])
  })

  it('gives access to custom objects, their record types and tabs, and leaves standard objects alone', () => {
    expect(access.objectPermissions).toEqual([
      {
        allowCreate: 'true',
        allowDelete: 'true',
        allowEdit: 'true',
        allowRead: 'true',
        modifyAllRecords: 'false',
        object: 'Job_Posting__c',
        viewAllRecords: 'false',
      },
    ])
    expect(access.recordTypeVisibilities).toEqual([
      { recordType: 'Job_Posting__c.Remote', visible: 'true' },
    ])
    expect(access.tabSettings).toEqual([{ tab: 'Job_Posting__c', visibility: 'Visible' }])
    expect(changes.every(({ before }) => before === null)).toBe(true)
  })

  it('has its elements in the order of the schema', () => {
    const names = Object.keys(readRoot(text, 'PermissionSet'))
    expect(names).toEqual([
      'description',
      'fieldPermissions',
      'hasActivationRequired',
      'label',
      'objectPermissions',
      'recordTypeVisibilities',
      'tabSettings',
    ])
  })
})

describe('a permission set that exists', () => {
  const merged = merge(plan, 'SFDC_Engine_X', PERMISSION_SET)

  it('loses nothing, and what it granted it still grants', () => {
    const access = readAccess(merged.text, 'PermissionSet')
    expect(access.objectPermissions?.[0]).toMatchObject({
      allowCreate: 'true',
      viewAllFields: 'false',
      viewAllRecords: 'true',
    })
    expect(merged.text).toContain('<application>Sales &amp; Service</application>')
    expect(merged.text).toContain('<name>ApiEnabled</name>')
    expect(
      merged.text.startsWith(PERMISSION_SET.slice(0, PERMISSION_SET.indexOf('<fieldPerm'))),
    ).toBe(true)
  })

  it('gives up the entry of a field that becomes required, which Salesforce would refuse', () => {
    expect(merged.text).not.toContain('Job_Posting__c.Opens__c')
    expect(merged.changes).toContainEqual({
      list: 'fieldPermissions',
      key: 'Job_Posting__c.Opens__c',
      before: { editable: 'true', field: 'Job_Posting__c.Opens__c', readable: 'true' },
      after: null,
    })
  })

  it('changes nothing the second time', () => {
    expect(merge(plan, 'SFDC_Engine_X', merged.text)).toEqual({
      text: merged.text,
      changes: [],
    })
  })

  it('is as it was once the changes are taken out', () => {
    const { text, kept } = takeOutOfPermissionSet(merged.text, merged.changes)
    expect(kept).toEqual([])
    expect(fileDifferences('PermissionSet', PERMISSION_SET, text)).toEqual([])
  })

  it('keeps entries that somebody changed since, and says which', () => {
    const edited = merged.text.replace(
      /<editable>true<\/editable>(\s*<field>Lead\.Job_Title__c)/,
      '<editable>false</editable>$1',
    )
    const changes = merged.changes.filter(({ key }) => key === 'Lead.Job_Title__c')
    // Back to what it was before the deployment: nothing to do, nothing to keep.
    expect(takeOutOfPermissionSet(edited, changes)).toEqual({ text: edited, removed: [], kept: [] })
    const other = merged.text.replace('<allowDelete>true', '<allowDelete>false')
    const taken = takeOutOfPermissionSet(other, merged.changes)
    expect(taken.kept).toEqual(['objectPermissions:Job_Posting__c'])
    expect(taken.text).toContain('<allowDelete>false')
  })

  it('needs nothing for entries that went with their field', () => {
    const gone = merged.text.replace(
      /\s*<fieldPermissions>\s*<editable>false<\/editable>\s*<field>Lead\.Score__c[\s\S]*?<\/fieldPermissions>/,
      '',
    )
    expect(gone).not.toContain('Lead.Score__c')
    const changes = merged.changes.filter(({ key }) => key === 'Lead.Score__c')
    expect(takeOutOfPermissionSet(gone, changes)).toEqual({ text: gone, removed: [], kept: [] })
  })
})

describe('a field that nobody can edit any longer', () => {
  const numbered = parsePlan({
    objects: [
      {
        api_name: 'Lead',
        fields: [
          { api_name: 'No__c', label: 'No', type: 'AutoNumber', display_format: 'N-{0000}' },
        ],
      },
    ],
  })
  const granting = (root: string): string =>
    `<?xml version="1.0" encoding="UTF-8"?><${root} xmlns="http://soap.sforce.com/2006/04/metadata"><fieldPermissions><editable>true</editable><field>Lead.No__c</field><readable>true</readable></fieldPermissions></${root}>`

  it('has its grant to edit back when the deployment is rolled back', () => {
    const current = granting('PermissionSet')
    const { text, changes } = merge(numbered, 'X', current)
    expect(readAccess(text, 'PermissionSet').fieldPermissions).toEqual([
      { editable: 'false', field: 'Lead.No__c', readable: 'true' },
    ])
    expect(merge(numbered, 'X', text).changes).toEqual([])
    const back = takeOutOfPermissionSet(text, changes)
    expect(fileDifferences('PermissionSet', current, back.text)).toEqual([])
  })

  it('has it back in a profile too', () => {
    const wanted = wantedAccess(
      numbered,
      'Profile',
      mastersIn(numbered, () => null),
    )
    const { changes } = mergeProfile(wanted, granting('Profile'))
    expect(readAccess(takeOutOfProfile(changes), 'Profile').fieldPermissions).toEqual([
      { editable: 'true', field: 'Lead.No__c', readable: 'true' },
    ])
  })
})

describe('a detail', () => {
  it('comes with the right to read its master, without taking more from it', () => {
    const detail = parsePlan({
      objects: [
        {
          api_name: 'Line__c',
          fields: [
            {
              api_name: 'Order__c',
              label: 'Order',
              type: 'MasterDetail',
              reference_to: 'Order',
              relationship_name: 'Lines',
            },
          ],
        },
      ],
    })
    const { text } = merge(detail, 'X', null)
    const access = readAccess(text, 'PermissionSet')
    expect(access.fieldPermissions).toBeUndefined()
    expect(access.objectPermissions?.[1]).toMatchObject({
      object: 'Order',
      allowRead: 'true',
      allowEdit: 'false',
    })
  })

  it('names Task and Event for fields of Activity', () => {
    const activity = parsePlan({
      objects: [{ api_name: 'Activity', fields: [{ api_name: 'X__c', label: 'X', type: 'Date' }] }],
    })
    const { text } = merge(activity, 'X', null)
    expect(text).toContain('<field>Task.X__c</field>')
    expect(text).toContain('<field>Event.X__c</field>')
  })
})

describe('a profile', () => {
  it('is sent with what changes only, and gives it back', () => {
    const current = profile(
      '<fieldPermissions><editable>true</editable><field>Lead.Job_Title__c</field><readable>true</readable></fieldPermissions>' +
        '<userLicense>Salesforce</userLicense>',
    )
    const { text, changes } = mergeProfile(
      wantedAccess(
        plan,
        'Profile',
        mastersIn(plan, () => null),
      ),
      current,
    )
    expect(text).not.toContain('userLicense')
    expect(text).not.toContain('Lead.Job_Title__c')
    expect(text).not.toContain('recordTypeVisibilities')
    expect(text).toContain('<visibility>DefaultOn</visibility>')
    const undone = takeOutOfProfile(changes)
    expect(undone).toContain('<visibility>Hidden</visibility>')
    expect(undone).not.toMatch(/>true</)
    expect(undone).toContain('<field>Lead.Score__c</field>')
  })
})
