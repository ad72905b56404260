import { describe, expect, it } from 'vitest'
import { isObjectDrifted } from './kinds/custom-object.ts'
import { type Component, keyOf } from './names.ts'
import { sceneAt, undone } from './testing/scenes.ts'
import { type MergeChanges, NOTHING, type Scene, type Settled, type Undoing } from './undoing.ts'

type Files = Record<string, string>

const file = (root: string, content: string): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<${root} xmlns="http://soap.sforce.com/2006/04/metadata">${content}</${root}>\n`
const JOB = 'objects/Job__c.object'
const job = (content: string): Files => ({ [JOB]: file('CustomObject', content) })
const title = (length: number, more = ''): string =>
  `<fields><fullName>Title__c</fullName><length>${length}</length><type>Text</type>${more}</fields>`
const stage = (values: Record<string, boolean>): string =>
  `<fields><fullName>Stage__c</fullName><type>Picklist</type><valueSet><valueSetDefinition>${Object.entries(
    values,
  )
    .map(
      ([name, active]) =>
        `<value><fullName>${name}</fullName><default>false</default>${active ? '' : '<isActive>false</isActive>'}<label>${name}</label></value>`,
    )
    .join('')}</valueSetDefinition></valueSet></fields>`

const OBJECT: Component = { type: 'CustomObject', fullName: 'Job__c' }
const TITLE: Component = { type: 'CustomField', fullName: 'Job__c.Title__c' }
const STAGE: Component = { type: 'CustomField', fullName: 'Job__c.Stage__c' }

/** The three moments, and what the caller named. */
const sceneOf = (
  moments: readonly [Files, Files, Files],
  {
    named,
    goes = [],
    stays = [],
    others = 0,
    ...changes
  }: {
    named?: Component[]
    goes?: string[]
    stays?: string[]
    others?: number
  } & Partial<MergeChanges> = {},
): Scene =>
  sceneAt(moments, {
    named: named === undefined ? null : new Set(named.map(keyOf)),
    goes: new Set(goes),
    stays: new Set(stays),
    changes: { permissionSets: {}, profiles: {}, layouts: {}, ...changes },
    othersWith: () => others,
  })

const undo = (
  component: Component,
  made: boolean,
  scene: Scene,
  settled: Partial<Settled> = {},
): Undoing => undone({ component, made }, scene, settled)
const undoMade = (component: Component, scene: Scene): Undoing => undo(component, true, scene)
const undoChange = (component: Component, scene: Scene): Undoing => undo(component, false, scene)

describe('an object that was made', () => {
  const made = [{}, job(title(40)), job(title(40))] as const
  it('has drifted as soon as its file is another one', () => {
    expect(isObjectDrifted('Job__c', sceneOf(made))).toBe(false)
    expect(isObjectDrifted('Job__c', sceneOf([{}, job(title(40)), job(title(50))]))).toBe(true)
    expect(isObjectDrifted('Job__c', sceneOf([{}, {}, job(title(40))]))).toBe(true)
    expect(isObjectDrifted('Job__c', sceneOf([{}, job(title(40)), {}]))).toBe(false)
  })
  it('goes, stays, or is left alone', () => {
    expect(undoMade(OBJECT, sceneOf(made, { goes: ['job__c'] })).remove).toBe(true)
    expect(undoMade(OBJECT, sceneOf(made, { stays: ['job__c'] })).kept).toMatchObject({
      drifted: true,
      removable: true,
    })
    expect(undoMade(OBJECT, sceneOf(made, { named: [TITLE] })).kept).toMatchObject({
      drifted: false,
    })
    expect(undoMade(OBJECT, sceneOf([{}, job(''), {}]))).toBe(NOTHING)
  })
})

describe('a part that was made', () => {
  const images = [job(''), job(title(40)), job(title(40))] as const
  const drifted = [job(''), job(title(40)), job(title(90))] as const

  it('goes while it is as it was left, or when it is named', () => {
    expect(undoMade(TITLE, sceneOf(images)).remove).toBe(true)
    expect(undoMade(TITLE, sceneOf(drifted)).kept).toMatchObject({ drifted: true })
    expect(undoMade(TITLE, sceneOf(drifted, { named: [TITLE] })).remove).toBe(true)
    expect(undoMade(TITLE, sceneOf(images, { named: [STAGE] })).kept?.reason).toBe(
      'Not named in components.',
    )
    expect(undoMade(TITLE, sceneOf([job(''), job(title(40)), job('')]))).toBe(NOTHING)
  })
  it('goes with its object and stays with it', () => {
    expect(undoMade(TITLE, sceneOf(drifted, { goes: ['job__c'], named: [OBJECT] })).remove).toBe(
      true,
    )
    expect(undoMade(TITLE, sceneOf(images, { stays: ['job__c'] })).kept?.reason).toBe(
      'Its object stays.',
    )
  })
  it('that is a record type goes only with its object', () => {
    const recordType: Component = { type: 'RecordType', fullName: 'Job__c.Big' }
    const there = job('<recordTypes><fullName>Big</fullName><active>true</active></recordTypes>')
    const moments = [job(''), there, there] as const
    expect(undoMade(recordType, sceneOf(moments, { goes: ['job__c'] })).remove).toBe(true)
    expect(undoMade(recordType, sceneOf(moments)).kept).toMatchObject({
      removable: false,
    })
    const asked = undoMade(recordType, sceneOf(moments, { named: [recordType] }))
    expect(asked.kept).toMatchObject({ removable: false })
    expect(undoMade(recordType, sceneOf([job(''), there, job('')]))).toBe(NOTHING)
  })
})

describe('something that was changed', () => {
  it('is put back as it was, unless somebody changed it since', () => {
    const changed = [job(title(40)), job(title(80)), job(title(80))] as const
    expect(undoChange(TITLE, sceneOf(changed)).restore).toMatchObject({ element: { length: '40' } })
    const drifted = [job(title(40)), job(title(80)), job(title(90))] as const
    expect(undoChange(TITLE, sceneOf(drifted)).kept).toMatchObject({ drifted: true })
    expect(undoChange(TITLE, sceneOf(drifted, { named: [TITLE] })).restore).not.toBeNull()
    expect(undoChange(TITLE, sceneOf(changed, { named: [STAGE] })).kept?.reason).toBe(
      'Not named in components.',
    )
  })
  it('is nothing to do when it is back already, and told when it is gone', () => {
    const back = [job(title(40)), job(title(80)), job(title(40))] as const
    expect(undoChange(TITLE, sceneOf(back))).toEqual(NOTHING)
    const gone = [job(title(40)), job(title(80)), job('')] as const
    expect(undoChange(TITLE, sceneOf(gone)).kept).toMatchObject({ removable: false })
  })
  it('that is a picklist has the values that it gained deactivated', () => {
    const grown = job(stage({ New: true, Won: true }))
    const scene = sceneOf([job(stage({ New: true })), grown, grown])
    const { restore } = undoChange(STAGE, scene)
    const values = JSON.stringify(restore)
    expect(values).toContain('"fullName":"Won","default":"false","label":"Won","isActive":"false"')
  })
  it('that is a picklist back but for inactive values is reported as kept, even when it is named', () => {
    const moments = [
      job(stage({ New: true })),
      job(stage({ New: true, Won: true })),
      job(stage({ New: true, Won: false })),
    ] as const
    for (const named of [undefined, [STAGE]]) {
      const scene = sceneOf(moments, named === undefined ? {} : { named })
      expect(undoChange(STAGE, scene)).toMatchObject({
        restore: null,
        kept: {
          reason: 'Salesforce does not delete values by API; rollback deactivates Won.',
          removable: false,
        },
      })
    }
  })
})

describe('a list of values whose later values an earlier rollback switched off', () => {
  const left = stage({ New: true })
  const off = stage({ New: true, Won: false })
  const SET: Component = { type: 'GlobalValueSet', fullName: 'Stages' }
  const set = (values: string): Files => ({
    'globalValueSets/Stages.globalValueSet': file(
      'GlobalValueSet',
      `${values}<masterLabel>Stages</masterLabel><sorted>false</sorted>`,
    ),
  })
  const value = (name: string, active: boolean): string =>
    `<customValue><fullName>${name}</fullName><default>false</default>${active ? '' : '<isActive>false</isActive>'}<label>${name}</label></customValue>`

  it('is as the deployment left it: it goes, as do its object and its set', () => {
    expect(undoMade(STAGE, sceneOf([job(''), job(left), job(off)])).remove).toBe(true)
    expect(isObjectDrifted('Job__c', sceneOf([{}, job(left), job(off)]))).toBe(false)
    const [one, more] = [set(value('A', true)), set(value('A', true) + value('B', false))]
    expect(undoMade(SET, sceneOf([{}, one, more])).remove).toBe(true)
  })
  it('is restored where it was there before, and the values that it gained are told', () => {
    const moments = [
      job(left),
      job(stage({ New: true, Won: true })),
      job(stage({ New: true, Won: true, Lost: false })),
    ] as const
    expect(undoChange(STAGE, sceneOf(moments))).toMatchObject({
      restore: { element: {} },
      kept: { drifted: false },
    })
  })
  it('has drifted with one that can be chosen, that was switched off in place, or beside a different change', () => {
    for (const now of [
      stage({ New: true, Won: true }),
      stage({ New: false }),
      `${off}${title(40)}`,
      off.replace('<label>New<', '<label>Newer<'),
    ]) {
      expect(isObjectDrifted('Job__c', sceneOf([{}, job(left), job(now)]))).toBe(true)
    }
    for (const now of [
      stage({ New: true, Won: true }),
      stage({ New: false }),
      off.replace('<label>New<', '<label>Newer<'),
    ]) {
      expect(undoMade(STAGE, sceneOf([job(''), job(left), job(now)])).kept?.drifted).toBe(true)
    }
  })
})

describe('access', () => {
  const PATH = 'permissionsets/Ours.permissionset'
  const SET: Component = { type: 'PermissionSet', fullName: 'Ours' }
  const set = (...fields: string[]): Files => ({
    [PATH]: file(
      'PermissionSet',
      `${fields
        .map(
          (field) =>
            `<fieldPermissions><editable>true</editable><field>${field}</field><readable>true</readable></fieldPermissions>`,
        )
        .join('')}<label>Ours</label>`,
    ),
  })
  const entry = {
    list: 'fieldPermissions',
    key: 'Job__c.Title__c',
    before: null,
    after: { editable: 'true', field: 'Job__c.Title__c', readable: 'true' },
  }
  const ours = { permissionSets: { Ours: [entry] } }
  const one = set('Job__c.Title__c')
  const two = set('Job__c.Title__c', 'Lead.Theirs__c')

  it('in a set that we made is removed with the set, while nobody else uses it', () => {
    expect(undoMade(SET, sceneOf([{}, one, one], ours)).remove).toBe(true)
    const used = undoMade(SET, sceneOf([{}, one, one], { ...ours, others: 2 }))
    expect(used).toMatchObject({ remove: false, kept: { removable: false } })
    expect(used.kept?.reason).toContain('2 other users')
  })
  it('is taken out of a set that now holds more', () => {
    const { remove, restore, kept } = undoMade(SET, sceneOf([{}, one, two], ours))
    expect([remove, kept?.removable]).toEqual([false, false])
    expect(JSON.stringify(restore)).toContain('Lead.Theirs__c')
    expect(JSON.stringify(restore)).not.toContain('Title__c')
  })
  it('that somebody changed since is kept and named', () => {
    const theirs = { [PATH]: one[PATH]?.replace('<editable>true', '<editable>false') ?? '' }
    const { restore, kept } = undoChange(SET, sceneOf([set(), one, theirs], ours))
    expect(restore).toBeNull()
    expect(kept).toMatchObject({ drifted: true })
    expect(kept?.reason).toContain('fieldPermissions:Job__c.Title__c')
  })
  it('in a set that is not named is left alone, and told only where it differs', () => {
    const elsewhere = { ...ours, named: [TITLE] }
    expect(undoMade(SET, sceneOf([one, one, one], elsewhere))).toBe(NOTHING)
    const { kept } = undoMade(SET, sceneOf([set(), one, one], elsewhere))
    expect(kept?.reason).toBe('Not named in components.')
  })
  it('in a profile is set back where it grants still what was granted', () => {
    const path = 'profiles/Admin.profile'
    const profile = (editable: boolean): Files => ({
      [path]: file(
        'Profile',
        `<fieldPermissions><editable>${String(editable)}</editable><field>Job__c.Title__c</field><readable>true</readable></fieldPermissions>`,
      ),
    })
    const admin: Component = { type: 'Profile', fullName: 'Admin' }
    const before = { [path]: file('Profile', '') }
    const profiles = { Admin: [entry] }
    const granted = sceneOf([before, profile(true), profile(true)], { profiles })
    const { restore } = undoChange(admin, granted)
    expect(JSON.stringify(restore)).toContain('<readable>false</readable>')
    expect(undo(admin, false, granted, { isRemoved: () => true })).toEqual(NOTHING)
    const lowered = sceneOf([before, profile(true), profile(false)], { profiles })
    expect(undoChange(admin, lowered)).toMatchObject({
      restore: null,
      kept: {
        reason: 'Changed by somebody else since: fieldPermissions:Job__c.Title__c.',
        drifted: true,
        removable: false,
      },
    })
    expect(undo(admin, false, lowered, { isRemoved: () => true })).toEqual(NOTHING)
  })
})

describe('a layout that was changed', () => {
  const PATH = 'layouts/Job__c-Job Layout.layout'
  const LAYOUT: Component = { type: 'Layout', fullName: 'Job__c-Job Layout' }
  const layout = (...fields: string[]): Files => ({
    [PATH]: file(
      'Layout',
      fields.length === 0
        ? ''
        : `<layoutSections><label>Job</label><layoutColumns>${fields
            .map((field) => `<layoutItems><field>${field}</field></layoutItems>`)
            .join('')}</layoutColumns></layoutSections>`,
    ),
  })
  const layouts = {
    'Job__c-Job Layout': { created: false, fields: ['Title__c'], sections: ['Job'] },
  }

  it('loses our fields, and our sections unless they hold other fields', () => {
    const ours = layout('Title__c')
    const alone = undoChange(LAYOUT, sceneOf([layout(), ours, ours], { layouts }))
    expect(alone.kept).toBeNull()
    expect(JSON.stringify(alone.restore)).not.toContain('layoutSections')

    const shared = layout('Title__c', 'Theirs__c')
    const { restore, kept } = undoChange(LAYOUT, sceneOf([layout(), ours, shared], { layouts }))
    expect(JSON.stringify(restore)).toContain('Theirs__c')
    expect(JSON.stringify(restore)).not.toContain('Title__c')
    expect(kept).toMatchObject({ removable: false })
  })
  it('that is gone, or that we did nothing to, is nothing to do', () => {
    const gone = sceneOf([layout(), layout('Title__c'), {}], { layouts })
    expect(undoChange(LAYOUT, gone)).toBe(NOTHING)
    const scene = sceneOf([layout(), layout(), layout()])
    expect(undoChange(LAYOUT, scene)).toBe(NOTHING)
  })
})
