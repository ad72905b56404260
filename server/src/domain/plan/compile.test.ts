import { describe, expect, it } from 'vitest'
import { EngineError } from '../../errors.ts'
import { buildDeployPackage } from '../../salesforce/deploy-package.ts'
import { parsePlan } from './check.ts'
import { compilePlan, type CurrentFiles, type MetadataPackage } from './compile.ts'
import { componentAt } from '../metadata/kinds.ts'
import { componentsOf, componentsToRead } from './components.ts'
import { parseObjectFile } from '../metadata/object-file.ts'
import { type PlanInput } from './schema.ts'
import { currentFiles, everyTypePlan, JOB_PLAN } from './testing/samples.ts'
import { readRoot } from '../metadata/xml-tree.ts'

const compile = (input: PlanInput, current: CurrentFiles): MetadataPackage =>
  compilePlan(parsePlan(input), { current })

const textOf = ({ files }: MetadataPackage, path: string): string => {
  const text = files.get(path)
  if (text === undefined) throw new Error(`No file ${path}`)
  return text
}
const manifestOf = ({ members }: MetadataPackage) => Object.fromEntries(members)
/** What the Salesforce org holds after a deploy: the files sent, over those that were there. */
const deployed = (current: CurrentFiles, compiled: MetadataPackage): Map<string, string> =>
  new Map([...current, ...compiled.files])

const refusal = (input: PlanInput, current: CurrentFiles) => {
  try {
    compile(input, current)
  } catch (error) {
    if (error instanceof EngineError) return error.errors?.map(({ path, code }) => ({ path, code }))
    throw error
  }
  throw new Error('It was not refused.')
}

describe('compilePlan', () => {
  const compiled = compile(JOB_PLAN, currentFiles())

  it('puts all into one package', () => {
    expect([...compiled.files.keys()]).toEqual([
      'objects/Job_Posting__c.object',
      'objects/Lead.object',
      'permissionsets/SFDC_Engine_X.permissionset',
      'layouts/Lead-Lead %28Sales%29 Layout.layout',
      'tabs/Job_Posting__c.tab',
    ])
    expect(manifestOf(compiled)).toEqual({
      CustomObject: ['Job_Posting__c'],
      CustomField: [
        'Job_Posting__c.Company__c',
        'Job_Posting__c.Job_Title__c',
        'Job_Posting__c.Opens__c',
        'Lead.Job_Title__c',
        'Lead.Score__c',
      ],
      RecordType: ['Job_Posting__c.Remote'],
      ValidationRule: ['Job_Posting__c.Title_Given'],
      PermissionSet: ['SFDC_Engine_X'],
      Layout: ['Lead-Lead %28Sales%29 Layout'],
      CustomTab: ['Job_Posting__c'],
    })
    expect(compiled.components).toEqual(componentsOf(parsePlan(JOB_PLAN)))
    expect(compiled.unchanged).toEqual([])
    expect(buildDeployPackage(compiled, 'v66.0').fileCount).toBe(6)
  })

  it('writes a new object whole, in the order of the schema', () => {
    const text = textOf(compiled, 'objects/Job_Posting__c.object')
    expect(Object.keys(readRoot(text, 'CustomObject'))).toEqual([
      'deploymentStatus',
      'enableBulkApi',
      'enableReports',
      'enableSearch',
      'enableSharing',
      'enableStreamingApi',
      'fields',
      'label',
      'nameField',
      'pluralLabel',
      'recordTypes',
      'sharingModel',
      'validationRules',
    ])
    const image = parseObjectFile(text)
    expect(image.settings).toMatchObject({ label: 'Job Posting', sharingModel: 'ReadWrite' })
    expect(Object.entries(image.nameField ?? {})).toEqual([
      ['displayFormat', 'JP-{00000}'],
      ['label', 'Posting No.'],
      ['type', 'AutoNumber'],
    ])
    expect(image.parts.recordTypes?.[0]?.element).toEqual({
      fullName: 'Remote',
      label: 'Remote',
      active: 'true',
    })
    expect(image.parts.validationRules?.[0]?.element).toEqual({
      fullName: 'Title_Given',
      active: 'true',
      errorConditionFormula: 'ISBLANK(Job_Title__c)',
      errorMessage: 'A job needs a title.',
    })
  })

  it('writes only new fields for a standard object', () => {
    const text = textOf(compiled, 'objects/Lead.object')
    expect(Object.keys(readRoot(text, 'CustomObject'))).toEqual(['fields'])
    expect(parseObjectFile(text).parts.fields?.map(({ apiName }) => apiName)).toEqual([
      'Job_Title__c',
      'Score__c',
    ])
  })

  it('makes a tab of the object', () => {
    expect(readRoot(textOf(compiled, 'tabs/Job_Posting__c.tab'), 'CustomTab')).toEqual({
      customObject: 'true',
      motif: 'Custom53: Bell',
    })
  })

  it('notes what it added to files of others, as plain JSON', () => {
    expect(compiled.changes.layouts).toEqual({
      'Lead-Lead %28Sales%29 Layout': {
        created: false,
        fields: ['Job_Title__c', 'Score__c'],
        sections: ['Job data'],
      },
    })
    expect(JSON.parse(JSON.stringify(compiled.changes))).toEqual(compiled.changes)
  })

  it('sends nothing the second time, and says that all is unchanged', () => {
    const current = deployed(currentFiles(), compiled)
    const again = compile(JOB_PLAN, current)
    expect(again.files.size + again.members.size).toBe(0)
    expect(again.components).toEqual([])
    expect(again.unchanged).toEqual(compiled.components)
    expect(again.changes).toEqual({ permissionSets: {}, profiles: {}, layouts: {} })
  })

  it('sends nothing the second time for fields of every type', () => {
    const plan = everyTypePlan()
    const first = compilePlan(plan, { current: new Map() })
    const again = compilePlan(plan, { current: first.files })
    expect(again.components).toEqual([])
  })

  it('sends only what changed', () => {
    const current = deployed(currentFiles(), compiled)
    const longer = structuredClone(JOB_PLAN)
    const field = longer.objects?.[1]?.fields?.[0]
    if (field?.type !== 'Text') throw new Error('not the field meant')
    field.length = 200
    const again = compile(longer, current)
    expect([...again.files.keys()]).toEqual(['objects/Lead.object'])
    expect(manifestOf(again)).toEqual({ CustomField: ['Lead.Job_Title__c'] })
  })

  it('keeps the settings of an existing object', () => {
    const current = currentFiles({
      'objects/job_posting__c.object': textOf(compiled, 'objects/Job_Posting__c.object')
        .replace('<enableSearch>true', '<enableSearch>false')
        .replace('<deploymentStatus>Deployed', '<deploymentStatus>InDevelopment')
        .replace('<label>Job Posting</label>', '<label>Job</label>'),
    })
    const { settings } = parseObjectFile(
      textOf(compile(JOB_PLAN, current), 'objects/Job_Posting__c.object'),
    )
    expect(settings).toMatchObject({
      deploymentStatus: 'InDevelopment',
      enableSearch: 'false',
      label: 'Job Posting',
    })
  })
})

describe('a master-detail', () => {
  const detail = (...masters: string[]): PlanInput => ({
    objects: [
      {
        api_name: 'Line__c',
        fields: masters.map((name) => ({
          api_name: `${name}__c`,
          label: name,
          type: 'MasterDetail' as const,
          reference_to: name,
          relationship_name: 'Lines',
        })),
      },
    ],
  })
  const line = (inner: string): CurrentFiles =>
    new Map([
      [
        'objects/Line__c.object',
        `<CustomObject xmlns="http://soap.sforce.com/2006/04/metadata"><externalSharingModel>Private</externalSharingModel>${inner}<label>Line</label><nameField><label>N</label><type>Text</type></nameField><pluralLabel>Lines</pluralLabel><sharingModel>ReadWrite</sharingModel></CustomObject>`,
      ],
    ])

  it('hands the sharing of its object to the parent', () => {
    const compiled = compile(detail('Account'), line(''))
    const { settings, nameField } = parseObjectFile(textOf(compiled, 'objects/Line__c.object'))
    expect(settings).toMatchObject({
      externalSharingModel: 'ControlledByParent',
      label: 'Line',
      sharingModel: 'ControlledByParent',
    })
    expect(nameField).toEqual({ label: 'N', type: 'Text' })
    expect(manifestOf(compiled).CustomObject).toEqual(['Line__c'])
  })

  it('gets the order that is free', () => {
    const orders = (compiled: MetadataPackage) =>
      parseObjectFile(textOf(compiled, 'objects/Line__c.object')).parts.fields?.map(
        ({ element }) => element.relationshipOrder,
      )
    expect(orders(compile(detail('Account', 'Contact'), line('')))).toEqual(['0', '1'])
    const there =
      '<fields><fullName>Old__c</fullName><relationshipOrder>0</relationshipOrder><type>MasterDetail</type></fields>'
    expect(orders(compile(detail('Contact'), line(there)))).toEqual(['1'])
  })
})

describe('a layout', () => {
  const withLayout = (layout: object): PlanInput => ({
    objects: [
      {
        api_name: 'Lead',
        fields: [{ api_name: 'Must__c', label: 'Must', type: 'Date', required: true }, note],
      },
    ],
    layouts: [
      {
        object: 'Lead',
        layout: 'Lead (Sales) Layout',
        section: 'New',
        fields: ['Note__c'],
        ...layout,
      },
    ],
  })
  const note = { api_name: 'Note__c', label: 'Note', type: 'Date' as const }

  it('takes in the required fields that Salesforce would miss on it', () => {
    const compiled = compile(withLayout({}), currentFiles())
    expect(compiled.changes.layouts['Lead-Lead %28Sales%29 Layout']?.fields).toEqual([
      'Note__c',
      'Must__c',
    ])
  })

  it('is added to by several members one after the other', () => {
    const input = withLayout({})
    input.layouts?.push({
      object: 'lead',
      layout: 'Lead (Sales) Layout',
      section: 'New',
      fields: ['Must__c'],
      after: 'Note__c',
    })
    const compiled = compile(input, currentFiles())
    const text = textOf(compiled, 'layouts/Lead-Lead %28Sales%29 Layout.layout')
    expect(text).toMatch(
      /<field>Note__c<\/field>\s*<\/layoutItems>\s*<layoutItems>\s*<behavior>Required<\/behavior>\s*<field>Must__c/,
    )
    expect(manifestOf(compiled).Layout).toHaveLength(1)
  })

  it('is made for an object that the plan makes', () => {
    const input = structuredClone(JOB_PLAN)
    input.layouts = [
      {
        object: 'Job_Posting__c',
        layout: 'Job Posting Layout',
        section: 'Job',
        fields: ['Job_Title__c'],
      },
    ]
    const compiled = compile(input, new Map())
    expect(compiled.changes.layouts['Job_Posting__c-Job Posting Layout']).toEqual({
      created: true,
      fields: ['Job_Title__c', 'Opens__c'],
      sections: ['Job'],
    })
  })

  it('is refused where it, or the field behind which to put something, is not there', () => {
    expect(refusal(withLayout({ layout: 'Other' }), currentFiles())).toEqual([
      { path: 'layouts.0.layout', code: 'layout_not_found' },
    ])
    expect(refusal(withLayout({ after: 'Rating' }), currentFiles())).toEqual([
      { path: 'layouts.0.after', code: 'field_not_on_layout' },
    ])
  })
})

describe('what a plan builds on', () => {
  const fields = [{ api_name: 'X__c', label: 'X', type: 'Date' as const }]

  it.each<[string, PlanInput, string, string]>([
    [
      'an object it only adds to',
      { objects: [{ api_name: 'Gone__c', fields }] },
      'objects.0.api_name',
      'object_not_found',
    ],
    [
      'a permission set it names',
      { objects: [{ api_name: 'Lead', fields }], permissions: { permission_sets: ['Gone'] } },
      'permissions.permission_sets.0',
      'permission_set_not_found',
    ],
    [
      'a profile it names',
      { objects: [{ api_name: 'Lead', fields }], permissions: { profiles: ['Gone'] } },
      'permissions.profiles.0',
      'profile_not_found',
    ],
  ])('%s must be there', (_what, input, path, code) => {
    expect(refusal(input, currentFiles())).toEqual([{ path, code }])
  })

  it('is listed for reading, objects whole', () => {
    expect(componentsToRead(parsePlan(JOB_PLAN))).toEqual([
      { type: 'CustomObject', fullName: 'Job_Posting__c' },
      { type: 'CustomObject', fullName: 'Lead' },
      { type: 'PermissionSet', fullName: 'SFDC_Engine_X' },
      { type: 'Layout', fullName: 'Lead-Lead %28Sales%29 Layout' },
      { type: 'CustomTab', fullName: 'Job_Posting__c' },
    ])
    expect(componentAt('layouts/Lead-Lead %28Sales%29 Layout.layout')).toEqual({
      type: 'Layout',
      fullName: 'Lead-Lead %28Sales%29 Layout',
    })
    expect(componentAt('package.xml')).toBeNull()
  })
})
