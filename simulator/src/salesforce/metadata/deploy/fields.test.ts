import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeTestOrg } from '../../testing/test-org.ts'
import { startRig, type Rig } from '../../../testing/rig.ts'
import { applyPackage } from './apply.ts'
import { readOptions } from './options.ts'
import { readPackage } from './package.ts'
import { connect, deploy, fieldZip, file, problemOf, zipOf } from './testing/deploys.ts'

let sim: Rig
beforeAll(async () => {
  sim = await startRig()
})
afterAll(() => sim.close())

const type = (name: string) => `<type>${name}</type>`
const lookup = (target: string, children: string) =>
  `<referenceTo>${target}</referenceTo><relationshipName>${children}</relationshipName>`
const values = (...names: string[]) =>
  `<valueSet><restricted>true</restricted><valueSetDefinition>${names
    .map(
      (name) =>
        `<value><fullName>${name}</fullName><default>false</default><label>${name}</label></value>`,
    )
    .join('')}</valueSetDefinition></valueSet>`

/** The field with this metadata as an administrator sees it in describe. */
const described = async (path: string, content: string): Promise<Record<string, unknown>> => {
  const jsforce = await connect(sim, 'Acme')
  const { failures } = await deploy(jsforce, fieldZip(path, content))
  expect(failures).toEqual([])
  await sim.control.act('permissions/grant-field', { org: 'Acme', field: path })
  const [object = '', name] = path.split('.')
  const { fields } = await jsforce.describe(object)
  return { ...fields.find((field) => field.name === name) }
}

describe('a deployed field shows in describe with the properties of its type', () => {
  const cases: [string, string, Record<string, unknown>][] = [
    ['Text', '<length>40</length>', { type: 'string', length: 40, nillable: true, unique: false }],
    [
      'Text key',
      '<type>Text</type><length>20</length><externalId>true</externalId><unique>true</unique><caseSensitive>true</caseSensitive>',
      { type: 'string', externalId: true, unique: true, idLookup: true, caseSensitive: true },
    ],
    [
      'Text required',
      '<type>Text</type><length>20</length><required>true</required>',
      { nillable: false, permissionable: false },
    ],
    ['TextArea', '', { type: 'textarea', length: 255, extraTypeInfo: 'plaintextarea' }],
    [
      'LongTextArea',
      '<length>32768</length><visibleLines>3</visibleLines>',
      { type: 'textarea', length: 32768, filterable: false, sortable: false },
    ],
    [
      'Html',
      '<length>32768</length><visibleLines>10</visibleLines>',
      { type: 'textarea', htmlFormatted: true, extraTypeInfo: 'richtextarea' },
    ],
    [
      'EncryptedText',
      '<length>100</length><maskChar>X</maskChar><maskType>creditCard</maskType>',
      { type: 'encryptedstring', encrypted: true, mask: 'X', maskType: 'creditCard', length: 100 },
    ],
    [
      'Number',
      '<precision>8</precision><scale>2</scale>',
      { type: 'double', precision: 8, scale: 2, length: 0, soapType: 'xsd:double' },
    ],
    ['Currency', '<precision>16</precision><scale>2</scale>', { type: 'currency', precision: 16 }],
    ['Percent', '<precision>5</precision><scale>1</scale>', { type: 'percent', scale: 1 }],
    [
      'Checkbox',
      '<defaultValue>true</defaultValue>',
      { type: 'boolean', defaultValue: true, nillable: false },
    ],
    [
      'Date',
      '<defaultValue>TODAY()</defaultValue>',
      { type: 'date', defaultValueFormula: 'TODAY()', defaultedOnCreate: true },
    ],
    ['DateTime', '', { type: 'datetime', soapType: 'xsd:dateTime' }],
    ['Time', '', { type: 'time' }],
    ['Email', '<unique>false</unique>', { type: 'email', length: 80 }],
    ['Phone', '', { type: 'phone', length: 40 }],
    ['Url', '', { type: 'url', length: 255 }],
    [
      'AutoNumber',
      '<displayFormat>T-{000}</displayFormat>',
      { type: 'string', autoNumber: true, createable: false, updateable: false, nillable: false },
    ],
    [
      'Picklist',
      values('Hot', 'Cold'),
      {
        type: 'picklist',
        restrictedPicklist: true,
        picklistValues: [
          { active: true, defaultValue: false, label: 'Hot', validFor: null, value: 'Hot' },
          { active: true, defaultValue: false, label: 'Cold', validFor: null, value: 'Cold' },
        ],
      },
    ],
    [
      'MultiselectPicklist',
      `${values('A', 'B')}<visibleLines>4</visibleLines>`,
      { type: 'multipicklist', length: 4099 },
    ],
    [
      'Lookup',
      `${lookup('Account', 'Scouts')}<deleteConstraint>Restrict</deleteConstraint>`,
      {
        type: 'reference',
        referenceTo: ['Account'],
        relationshipName: 'F_Lookup__r',
        restrictedDelete: true,
        cascadeDelete: false,
        relationshipOrder: null,
      },
    ],
    [
      'Number formula',
      '<type>Number</type><formula>LEN(LastName) + 1</formula><formulaTreatBlanksAs>BlankAsZero</formulaTreatBlanksAs><precision>18</precision><scale>0</scale><required>false</required><unique>false</unique>',
      {
        type: 'double',
        calculated: true,
        calculatedFormula: 'LEN(LastName) + 1',
        createable: false,
        updateable: false,
        formulaTreatNullNumberAsZero: true,
      },
    ],
    [
      'Text formula',
      '<type>Text</type><formula>Owner:User.FirstName &amp; LastName</formula>',
      { type: 'string', length: 1300, calculated: true },
    ],
    [
      'Numbered characters',
      '<type>Text</type><formula>&#39;it&#x2019;s&#39; &#38; LastName</formula><inlineHelpText>The Contact&#39;s name</inlineHelpText>',
      { calculatedFormula: "'it’s' & LastName", inlineHelpText: "The Contact's name" },
    ],
  ]
  it.each(cases)('%s', async (name, content, expected) => {
    const path = `Lead.F_${name.replace(' ', '_')}__c`
    const body = content.includes('<type>') ? content : `${content}${type(name)}`
    expect(await described(path, body)).toMatchObject({ custom: true, ...expected })
  })

  it('Summary takes the type of what it sums up', async () => {
    expect(
      await described(
        'Placement__c.Fees__c',
        `<summarizedField>Placement_Fee__c.Amount__c</summarizedField><summaryForeignKey>Placement_Fee__c.Placement__c</summaryForeignKey><summaryOperation>sum</summaryOperation>${type('Summary')}`,
      ),
    ).toMatchObject({ type: 'currency', precision: 16, scale: 2, calculated: true })
  })

  it('a dependent picklist has its controlling values as bits', async () => {
    await described('Case.Zone__c', `${values('North', 'South')}${type('Picklist')}`)
    const set = values('Oslo', 'Rome').replace(
      '</valueSet>',
      '<valueSettings><controllingFieldValue>North</controllingFieldValue><valueName>Oslo</valueName></valueSettings><valueSettings><controllingFieldValue>North</controllingFieldValue><controllingFieldValue>South</controllingFieldValue><valueName>Rome</valueName></valueSettings></valueSet>',
    )
    expect(
      await described(
        'Case.City__c',
        `${set.replace('<valueSet>', '<valueSet><controllingField>Zone__c</controllingField>')}${type('Picklist')}`,
      ),
    ).toMatchObject({
      dependentPicklist: true,
      controllerName: 'Zone__c',
      picklistValues: [{ validFor: 'gAAA' }, { validFor: 'wAAA' }],
    })
  })

  it('a checkbox may say that it is not required, as retrieved files do', async () => {
    expect(
      await described(
        'Lead.Sure__c',
        `<defaultValue>false</defaultValue><required>false</required>${type('Checkbox')}`,
      ),
    ).toMatchObject({ type: 'boolean', nillable: false })
  })

  it('a lookup filter is kept and described, and refused when records meet it', async () => {
    const filter =
      '<lookupFilter><active>true</active><filterItems><field>Account.Type</field><operation>equals</operation><value>Prospect</value></filterItems><isOptional>false</isOptional></lookupFilter>'
    expect(
      await described(
        'Placement__c.Payer__c',
        `${filter}${lookup('Account', 'Paid')}${type('Lookup')}`,
      ),
    ).toMatchObject({
      filteredLookupInfo: { controllingFields: [], dependent: false, optionalFilter: false },
    })
    const jsforce = await connect(sim, 'Acme')
    const [account] = (await jsforce.query('SELECT Id FROM Account LIMIT 1')).records
    await expect(
      jsforce.sobject('Placement__c').create({ Payer__c: account?.Id ?? '' }),
    ).rejects.toMatchObject({ errorCode: 'NOT_SIMULATED' })
    const master = `${filter}${lookup('Account', 'Owed')}${type('MasterDetail')}`
    const { failures } = await deploy(jsforce, fieldZip('Placement_Fee__c.Debtor__c', master))
    expect(failures.map(({ problem }) => problem)).toEqual([])
  })

  it('a field becomes unique only without duplicates', async () => {
    const text = (unique: boolean) => `<length>40</length><unique>${unique}</unique>${type('Text')}`
    await described('Case.Badge__c', text(false))
    const jsforce = await connect(sim, 'Acme')
    const saved = await jsforce.sobject('Case').create([
      { Subject: 'One', Badge__c: 'A1' },
      { Subject: 'Other', Badge__c: 'a1' },
    ])
    expect(saved.map(({ success, errors }) => (success ? [] : errors))).toEqual([[], []])
    const { failures } = await deploy(jsforce, fieldZip('Case.Badge__c', text(true)))
    expect(failures).toMatchObject([
      { problem: expect.stringContaining('duplicate value found: Badge__c') as string },
    ])
    await jsforce.sobject('Case').destroy(saved[1]?.id ?? '')
    const again = await deploy(jsforce, fieldZip('Case.Badge__c', text(true)))
    // The one in the recycle bin could be restored.
    expect(again.failures).toMatchObject([
      { problem: expect.stringContaining('duplicate value found: Badge__c') as string },
    ])
  })

  it('a value that a deployment leaves out becomes inactive', async () => {
    await described('Case.Size__c', `${values('S', 'M')}${type('Picklist')}`)
    const field = await described('Case.Size__c', `${values('S')}${type('Picklist')}`)
    expect(field['picklistValues']).toMatchObject([
      { value: 'S', active: true },
      { value: 'M', active: false },
    ])
  })
})

describe('a field is refused', () => {
  const cases: [string, string, string][] = [
    [
      'a text area with a length',
      `<length>255</length>${type('TextArea')}`,
      "Can not specify 'length' for a CustomField of type TextArea",
    ],
    [
      'a required checkbox',
      `<defaultValue>false</defaultValue><required>true</required>${type('Checkbox')}`,
      "Can not specify 'required' for a CustomField of type Checkbox",
    ],
    [
      'a checkbox without a default',
      type('Checkbox'),
      "Must specify 'defaultValue' for a CustomField of type Checkbox",
    ],
    [
      'a long text that is short',
      `<length>255</length><visibleLines>3</visibleLines>${type('LongTextArea')}`,
      'Invalid length, minimum is: 256',
    ],
    [
      'a long text without lines',
      `<length>256</length>${type('LongTextArea')}`,
      "Must specify 'visibleLines' for a CustomField of type LongTextArea",
    ],
    [
      'a text without a length',
      type('Text'),
      "Must specify 'length' for a CustomField of type Text",
    ],
    [
      'a number of 19 digits',
      `<precision>19</precision><scale>0</scale>${type('Number')}`,
      'Invalid precision, maximum is: 18',
    ],
    [
      'more decimals than digits',
      `<precision>4</precision><scale>5</scale>${type('Number')}`,
      'Invalid scale, maximum is: 4',
    ],
    [
      'a picklist with values by name and by list',
      `${values('A').replace('<valueSetDefinition>', '<valueSetName>G</valueSetName><valueSetDefinition>')}${type('Picklist')}`,
      'Value set must reference a value set name or define a value set, but not both.',
    ],
    [
      'a global value set that is not there',
      `<valueSet><valueSetName>Nope</valueSetName></valueSet>${type('Picklist')}`,
      'In field: valueSetName - no GlobalValueSet named Nope found',
    ],
    [
      'a value twice',
      `${values('A', 'a')}${type('Picklist')}`,
      'duplicate value found: a is defined multiple times',
    ],
    [
      'an auto-number without a place for the number',
      `<displayFormat>T-</displayFormat>${type('AutoNumber')}`,
      'The display format must hold one place for the number, such as {0}',
    ],
    ...['{00}-{0}', '{00000000000}', 'T-{0'].map((format): [string, string, string] => [
      `an auto-number as ${format}`,
      `<displayFormat>${format}</displayFormat>${type('AutoNumber')}`,
      'The display format must hold one place for the number, such as {0}',
    ]),
    ...['T-{X}-{0}', 'T-{}{0}', '{0}}'].map((format): [string, string, string] => [
      `an auto-number as ${format}`,
      `<displayFormat>${format}</displayFormat>${type('AutoNumber')}`,
      `The display format has a substitution that does not exist: ${format}`,
    ]),
    [
      'a lookup to nothing',
      `${lookup('Nope__c', 'Xs')}${type('Lookup')}`,
      "referenceTo value of 'Nope__c' does not resolve to a valid sObject type",
    ],
    [
      'a required master-detail',
      `${lookup('Account', 'Xs')}<required>true</required>${type('MasterDetail')}`,
      'Master-Detail Relationship Fields Cannot be Optional or Required',
    ],
    [
      'a master-detail that says what to do on deletion',
      `${lookup('Account', 'Xs')}<deleteConstraint>SetNull</deleteConstraint>${type('MasterDetail')}`,
      "Can not specify 'deleteConstraint' for a CustomField of type MasterDetail",
    ],
    [
      'a summary with a precision',
      `<precision>8</precision><summaryForeignKey>A__c.B__c</summaryForeignKey><summaryOperation>count</summaryOperation>${type('Summary')}`,
      "Can not specify 'precision' for a CustomField of type Summary",
    ],
    [
      'a formula that names an unknown field',
      `<formula>Nope__c &amp; "x"</formula>${type('Text')}`,
      'Field Nope__c does not exist. Check spelling.',
    ],
    ...[
      '$User.Nick',
      '$User.Manager.Nick',
      '$Organization.Nick',
      '$Setup.Absent__c.Most__c',
      'Account.Owner',
      'Owner',
    ].map((path): (typeof cases)[number] => [
      `a formula that names ${path}`,
      `<formula>LEFT(${path}, 1)</formula>${type('Text')}`,
      `Field ${path} does not exist. Check spelling.`,
    ]),
    [
      'a formula that does not end',
      `<formula>IF(true, 1</formula><precision>8</precision><scale>0</scale>${type('Number')}`,
      "Syntax error. Missing ')'",
    ],
    [
      'a formula of a type that cannot be one',
      `<formula>1</formula>${type('Picklist')}`,
      "Can not specify 'formula' for a CustomField of type Picklist",
    ],
    [
      'a type that does not exist',
      type('Formula'),
      "'Formula' is not a valid value for the enum 'FieldType'",
    ],
    [
      'a type that is not simulated',
      type('ExternalLookup'),
      'The simulator does not deploy fields of type ExternalLookup',
    ],
  ]
  it.each(cases)('%s', async (_name, content, problem) => {
    expect(await problemOf(await connect(sim, 'Acme'), fieldZip('Contact.X__c', content))).toBe(
      problem,
    )
  })

  it.each(['1st__c', 'Two__Parts__c', 'End___c', `${'a'.repeat(41)}__c`])(
    'for its name: %s',
    async (name) => {
      const text = `<length>10</length>${type('Text')}`
      expect(
        await problemOf(await connect(sim, 'Acme'), fieldZip(`Contact.${name}`, text)),
      ).toMatch(/API Name can only contain|maximum length is:40/)
    },
  )

  it('when a formula becomes something else, and when a type changes under data', async () => {
    const jsforce = await connect(sim, 'Acme')
    await deploy(jsforce, fieldZip('Contact.Fx__c', `<formula>LastName</formula>${type('Text')}`))
    expect(
      await problemOf(jsforce, fieldZip('Contact.Fx__c', `<length>9</length>${type('Text')}`)),
    ).toBe('Cannot update a field from a Formula to something else')
    const org = makeTestOrg()
    const row = { Id: org.ids.make('a00'), Miles__c: 3 }
    org.records.set('trip__c', new Map([[row.Id, row]]))
    const zip = fieldZip('Trip__c.Miles__c', type('Date'))
    const read = readPackage(zip, { singlePackage: true, allowMissingFiles: false })
    const { messages } = applyPackage(org, '', read, readOptions({ rollbackOnError: true }))
    expect(messages[0]?.problem).toBe('Cannot change type due to existing data')
  })

  describe('a new type', () => {
    const convert = (from: string, to: string, value: unknown) => {
      const org = makeTestOrg()
      const options = readOptions({ rollbackOnError: true })
      const apply = (content: string) => {
        const read = readPackage(fieldZip('Trip__c.Turns__c', content), {
          singlePackage: true,
          allowMissingFiles: false,
        })
        return applyPackage(org, '', read, options).messages[0]?.problem ?? null
      }
      expect(apply(from)).toBeNull()
      const row: Record<string, unknown> & { Id: string } = { Id: org.ids.make('a00') }
      org.records.set('trip__c', new Map([[row.Id, row]]))
      row['Turns__c'] = value
      return { problem: apply(to), value: row['Turns__c'] }
    }
    const sized = (name: string, length: number) => `<length>${length}</length>${type(name)}`
    const long = `<length>1000</length>${type('LongTextArea')}<visibleLines>3</visibleLines>`
    const digits = (name: string, precision: number, scale: number) =>
      `<precision>${precision}</precision><scale>${scale}</scale>${type(name)}`
    const values = (name: string, ...listed: string[]) =>
      `${type(name)}<valueSet><valueSetDefinition><sorted>false</sorted>${listed
        .map(
          (value) =>
            `<value><fullName>${value}</fullName><default>false</default><label>${value}</label></value>`,
        )
        .join('')}</valueSetDefinition></valueSet>`
    const lines = '<visibleLines>4</visibleLines>'

    it.each<[string, string, string, unknown, unknown]>([
      ['text to e-mail', sized('Text', 40), type('Email'), 'a@b.test', 'a@b.test'],
      ['text to long text', sized('Text', 40), long, 'x', 'x'],
      ['number to currency', digits('Number', 18, 2), digits('Currency', 18, 2), 1.25, 1.25],
      ['number to text', digits('Number', 8, 0), sized('Text', 40), 12, '12'],
      ['picklist to text', values('Picklist', 'A'), sized('Text', 40), 'A', 'A'],
      [
        'picklist to several',
        values('Picklist', 'A'),
        values('MultiselectPicklist', 'A') + lines,
        'A',
        'A',
      ],
    ])('keeps the values of %s', (_name, from, to, value, expected) => {
      expect(convert(from, to, value)).toEqual({ problem: null, value: expected })
    })

    it.each<[string, string, string, unknown, unknown]>([
      ['long text to text', long, sized('Text', 5), 'abcdefgh', 'abcde'],
      ['text to phone', sized('Text', 100), type('Phone'), '1'.repeat(60), '1'.repeat(40)],
    ])('cuts the values of %s', (_name, from, to, value, expected) => {
      expect(convert(from, to, value)).toEqual({ problem: null, value: expected })
    })

    it.each<[string, string, string, unknown]>([
      ['text to date', sized('Text', 40), type('Date'), '2026-01-01'],
      ['date to text', type('Date'), sized('Text', 40), '2026-01-01'],
      ['fewer digits', digits('Number', 18, 2), digits('Currency', 18, 0), 1.25],
    ])('is refused over data: %s', (_name, from, to, value) => {
      expect(convert(from, to, value)).toEqual({
        problem: 'Cannot change type due to existing data',
        value,
      })
    })
  })

  it('deletion waits for what uses the field: the filter of a lookup', () => {
    const options = readOptions({ rollbackOnError: true })
    const org = makeTestOrg()
    const apply = (zip: Buffer) => {
      const read = readPackage(zip, { singlePackage: true, allowMissingFiles: false })
      return applyPackage(org, '', read, options).messages.find(({ success }) => !success)?.problem
    }
    const deleted = (name: string) =>
      apply(
        zipOf(
          {},
          {
            'destructiveChanges.xml': file(
              'Package',
              `<types><members>${name}</members><name>CustomField</name></types>`,
            ),
          },
        ),
      )
    const text = `<length>40</length>${type('Text')}`
    const filter = (field: string, value: string) =>
      `<lookupFilter><active>true</active><filterItems><field>${field}</field><operation>equals</operation>${value}</filterItems><isOptional>false</isOptional></lookupFilter>`
    for (const name of ['Account.Kind__c', 'Trip__c.Own__c', 'Trip__c.My_Own__c']) {
      expect(apply(fieldZip(name, text))).toBeUndefined()
    }
    const by = `${filter('Account.Kind__c', '<valueField>$Source.My_Own__c</valueField>')}${lookup('Account', 'Trips')}${type('Lookup')}`
    expect(apply(fieldZip('Trip__c.Payer__c', by))).toBeUndefined()
    for (const name of ['Account.Kind__c', 'Trip__c.My_Own__c']) {
      expect(deleted(name)).toMatch(/referenced elsewhere .*Payer__c$/)
    }
    expect(deleted('Trip__c.Own__c')).toBeUndefined()
  })

  it('deletion removes the data, and a rollback restores it', () => {
    const org = makeTestOrg()
    const row = { Id: org.ids.make('001'), Tier__c: 'Gold' }
    org.records.set('account', new Map([[row.Id, row]]))
    org.layouts = []
    const before = structuredClone([...org.objects])
    const permissions = structuredClone([...org.permissionSets])
    const deletions = (...members: string[]) =>
      readPackage(
        zipOf(
          {},
          {
            'destructiveChanges.xml': file(
              'Package',
              `<types>${members.map((name) => `<members>${name}</members>`).join('')}<name>CustomField</name></types>`,
            ),
          },
        ),
        { singlePackage: true, allowMissingFiles: false },
      )
    const options = readOptions({ rollbackOnError: true })
    const failing = applyPackage(org, '', deletions('Account.Tier__c', 'Account.No__c'), options)
    expect(failing.kept).toBe(false)
    expect([...org.objects]).toEqual(before)
    expect([...org.permissionSets]).toEqual(permissions)
    expect(row).toEqual({ Id: row.Id, Tier__c: 'Gold' })
    const done = applyPackage(org, '', deletions('Account.Tier__c'), options)
    expect(done.messages.filter(({ success }) => !success)).toEqual([])
    expect(row).toEqual({ Id: row.Id, Tier_del__c: 'Gold' })
    expect(org.objects.get('account')?.fields.get('tier_del__c')?.deletedAt).toBeInstanceOf(Date)
    expect([...org.permissionSets.values()][0]?.grants.fields.has('account.tier__c')).toBe(false)
  })

  it('past the limit of the edition, deleted fields included', async () => {
    await sim.control.createOrg({ name: 'Little', edition: 'Professional' })
    const jsforce = await connect(sim, 'Little')
    const field = (name: string) =>
      `<fields><fullName>${name}</fullName><label>${name}</label><type>Date</type></fields>`
    const zip = (names: string[]) =>
      zipOf(
        { CustomField: names.map((name) => `Contact.${name}`) },
        { 'objects/Contact.object': file('CustomObject', names.map(field).join('')) },
      )
    const names = Array.from({ length: 100 }, (_, n) => `F${n}__c`)
    expect((await deploy(jsforce, zip(names))).failures).toEqual([])
    await deploy(
      jsforce,
      zipOf(
        {},
        {
          'destructiveChanges.xml': file(
            'Package',
            '<types><members>Contact.F0__c</members><name>CustomField</name></types>',
          ),
        },
      ),
    )
    expect(await problemOf(jsforce, zip(['More__c']))).toMatch(/^Custom field limit reached/)
    await sim.control.act('schema/erase-deleted', { org: 'Little' })
    expect(await problemOf(jsforce, zip(['More__c']))).toBeUndefined()
  })

  it('past 1,638,400 characters of long and rich texts', async () => {
    await sim.control.createOrg({ name: 'Wordy', edition: 'Enterprise' })
    const jsforce = await connect(sim, 'Wordy')
    const zip = (lengths: Record<string, number>, type = 'LongTextArea') =>
      zipOf(
        { CustomField: Object.keys(lengths).map((name) => `Contact.${name}`) },
        {
          'objects/Contact.object': file(
            'CustomObject',
            Object.entries(lengths)
              .map(
                ([name, length]) =>
                  `<fields><fullName>${name}</fullName><label>${name}</label><length>${length}</length><type>${type}</type><visibleLines>3</visibleLines></fields>`,
              )
              .join(''),
          ),
        },
      )
    const full = Object.fromEntries(Array.from({ length: 12 }, (_, n) => [`L${n}__c`, 131_072]))
    expect((await deploy(jsforce, zip(full))).failures).toEqual([])
    expect(await problemOf(jsforce, zip({ More__c: 100_000 }, 'Html'))).toMatch(/^Long text limit/)
    expect(await problemOf(jsforce, zip({ More__c: 65_536 }, 'Html'))).toBeUndefined()
    expect(await problemOf(jsforce, zip({ More__c: 65_537 }, 'Html'))).toMatch(/^Long text limit/)
    // What takes less is no question of the limit.
    expect(await problemOf(jsforce, zip({ L0__c: 131_000 }))).toBeUndefined()
  })

  it.each([
    [
      'external IDs',
      'Contact',
      '<externalId>true</externalId><length>20</length><type>Text</type>',
      /^External ID limit reached/,
    ],
    [
      'roll-ups',
      'Placement__c',
      '<summaryForeignKey>Placement_Fee__c.Placement__c</summaryForeignKey><summaryOperation>count</summaryOperation><type>Summary</type>',
      /^Roll-up summary limit reached/,
    ],
  ])('past 25 %s of an object', async (what, object, content, refusal) => {
    await sim.control.createOrg({ name: what, edition: 'Enterprise' })
    const jsforce = await connect(sim, what)
    const zip = (names: string[]) =>
      zipOf(
        { CustomField: names.map((name) => `${object}.${name}`) },
        {
          [`objects/${object}.object`]: file(
            'CustomObject',
            names
              .map(
                (name) =>
                  `<fields><fullName>${name}</fullName><label>${name}</label>${content}</fields>`,
              )
              .join(''),
          ),
        },
      )
    const names = Array.from({ length: 25 }, (_, n) => `Many${n}__c`)
    expect((await deploy(jsforce, zip(names))).failures).toEqual([])
    expect(await problemOf(jsforce, zip(['More__c']))).toMatch(refusal)
    expect(await problemOf(jsforce, zip(['Many3__c']))).toBeUndefined()
  })
})

it('a field does not become unique while two records share a value, one in the recycle bin or not', async () => {
  const jsforce = await connect(sim, 'Acme')
  const key = (unique: boolean) =>
    fieldZip(
      'Campaign.Once__c',
      `${type('Text')}<length>20</length><unique>${String(unique)}</unique>`,
    )
  expect((await deploy(jsforce, key(false))).failures).toEqual([])
  await sim.control.act('permissions/grant-field', { org: 'Acme', field: 'Campaign.Once__c' })
  const made = await jsforce.sobject('Campaign').create([
    { Name: 'Once', Once__c: 'a' },
    { Name: 'Twice', Once__c: 'A' },
  ])
  expect(made).toMatchObject([{ success: true }, { success: true }])
  expect(await problemOf(jsforce, key(true))).toContain('duplicate value found')
  await jsforce.sobject('Campaign').destroy(made[1]?.id ?? '')
  expect(await problemOf(jsforce, key(true))).toContain('duplicate value found')
  await jsforce.sobject('Campaign').destroy(made[0]?.id ?? '')
  expect(await problemOf(jsforce, key(true))).toContain('duplicate value found')
})
