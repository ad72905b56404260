import { describe, expect, it } from 'vitest'
import { runQuery, type QueryResult } from './engine.ts'
import {
  SoqlError,
  SoqlNotSimulated,
  type SoqlField,
  type SoqlObject,
  type SoqlRow,
  type SoqlSource,
} from './schema.ts'

interface TableDef {
  fields: Record<string, string | Partial<SoqlField>>
  children?: Record<string, { object: string; field: string }>
  restrictions?: SoqlObject['restrictions']
  rows: SoqlRow[]
}

function table(name: string, def: TableDef): SoqlObject {
  const fields = Object.entries(def.fields).map(([field, spec]): SoqlField => {
    const flags = {
      custom: field.endsWith('__c'),
      filterable: true,
      sortable: true,
      groupable: true,
    }
    const own = typeof spec === 'string' ? { type: spec } : spec
    return { name: field, type: 'string', ...flags, ...own }
  })
  const same = (left: string, right: string) => left.toLowerCase() === right.toLowerCase()
  const children = Object.entries(def.children ?? {})
  return {
    name,
    field: (wanted) => fields.find((field) => same(field.name, wanted)),
    fields: () => fields,
    relationship: (wanted) => fields.find((field) => same(field.relationshipName ?? '', wanted)),
    childRelationship(wanted) {
      const found = children.find(([key]) => same(key, wanted))
      return found && { name: found[0], ...found[1] }
    },
    ...(def.restrictions ? { restrictions: def.restrictions } : {}),
    url: (row) => `/services/data/v67.0/sobjects/${name}/${String(row['Id'])}`,
  }
}

function sourceOf(tables: Record<string, TableDef>): SoqlSource & { scans: number } {
  const objects = Object.entries(tables).map(([name, def]) => ({ def, object: table(name, def) }))
  const of = (object: SoqlObject) => objects.find((item) => item.object === object)?.def.rows ?? []
  return {
    scans: 0,
    object: (name) =>
      objects.find(({ object }) => object.name.toLowerCase() === name.toLowerCase())?.object,
    rows(object) {
      this.scans += 1
      return of(object)
    },
    rowById: (object, id) =>
      of(object).find((row) => String(row['Id']).slice(0, 15) === id.slice(0, 15)),
    now: () => new Date('2026-11-22T12:00:00Z'),
  }
}

const ann = '005000000000001AAA'
const queue = '00G000000000001AAA'
const acme = '001000000000001AAA'
const zeta = '001000000000002AAA'
const bare = '001000000000003AAA'
const reference = (to: string[], relationshipName: string): Partial<SoqlField> => ({
  type: 'reference',
  referenceTo: to,
  relationshipName,
})

const crm = () =>
  sourceOf({
    User: {
      fields: { Id: 'id', Name: 'string', Email: 'email' },
      rows: [{ Id: ann, Name: 'Ann', Email: 'ann@example.com' }],
    },
    Group: { fields: { Id: 'id', Name: 'string' }, rows: [{ Id: queue, Name: 'Sales queue' }] },
    Account: {
      fields: {
        Id: 'id',
        Name: 'string',
        Industry: {
          type: 'picklist',
          label: (value) => (value === 'Tech' ? 'Technology' : value),
        },
        AnnualRevenue: 'currency',
        Regions__c: 'multipicklist',
        IsPartner: 'boolean',
        CreatedDate: 'datetime',
        Founded__c: 'date',
        Notes__c: { type: 'textarea', filterable: false, sortable: false, groupable: false },
        OwnerId: reference(['User'], 'Owner'),
        ParentId: reference(['Account'], 'Parent'),
      },
      children: {
        Contacts: { object: 'Contact', field: 'AccountId' },
        ChildAccounts: { object: 'Account', field: 'ParentId' },
      },
      rows: [
        {
          Id: acme,
          Name: 'Acme 100%',
          Industry: 'Tech',
          AnnualRevenue: 500,
          Regions__c: 'North;South',
          IsPartner: true,
          CreatedDate: '2026-11-22T08:00:00.000+0000',
          Founded__c: '2020-02-29',
          OwnerId: ann,
          ParentId: zeta,
        },
        {
          Id: zeta,
          Name: 'Zeta',
          Industry: 'tech',
          AnnualRevenue: 100,
          Regions__c: 'East',
          IsPartner: false,
          CreatedDate: '2026-11-01T00:00:00.000+0000',
          Founded__c: '2021-07-01',
          OwnerId: ann,
        },
        {
          Id: bare,
          Name: "O'Neil",
          IsPartner: false,
          CreatedDate: '2025-01-15T10:00:00.000+0000',
        },
      ],
    },
    Contact: {
      fields: {
        Id: 'id',
        LastName: 'string',
        AccountId: reference(['Account'], 'Account'),
        OwnerId: reference(['Group', 'User'], 'Owner'),
      },
      rows: [
        { Id: '003000000000001AAA', LastName: 'Roe', AccountId: acme, OwnerId: ann },
        { Id: '003000000000002AAA', LastName: 'Doe', AccountId: acme, OwnerId: queue },
        { Id: '003000000000003AAA', LastName: 'Poe', AccountId: null, OwnerId: ann },
      ],
    },
    EntityDefinition: {
      fields: {
        Id: 'id',
        QualifiedApiName: 'string',
        Metadata: { type: 'complexvalue', filterable: false, read: () => ({ label: 'x' }) },
      },
      restrictions: { metadataEntity: true, singleRowFields: ['Metadata'] },
      rows: ['Account', 'Contact'].map((name) => ({ Id: name, QualifiedApiName: name })),
    },
    FieldDefinition: {
      fields: { Id: 'id', EntityDefinitionId: 'string' },
      restrictions: { metadataEntity: true, requiredFilters: ['EntityDefinitionId'] },
      rows: [{ Id: 'a', EntityDefinitionId: 'Account' }],
    },
  })

const pageChildren = (children: QueryResult) => ({
  totalSize: children.totalSize,
  done: true,
  records: children.records(0, 2000),
})

function run(soql: string, source: SoqlSource = crm()): QueryResult {
  return runQuery(source, soql, pageChildren)
}

/** Names of the accounts that match a WHERE clause. */
function names(where: string): unknown[] {
  return run(`SELECT Name FROM Account WHERE ${where} ORDER BY Name`)
    .records(0, 100)
    .map((record) => record['Name'])
}

function failure(soql: string): SoqlError {
  try {
    run(soql)
  } catch (error) {
    if (error instanceof SoqlError) return error
    throw error
  }
  throw new Error(`did not fail: ${soql}`)
}

describe('SELECT', () => {
  it('answers fields in their own letter case and walks references', () => {
    const [record] = run(
      `SELECT id, a.NAME, Owner.Name, Parent.Owner.Email FROM account a WHERE Id = '${acme}'`,
    ).records(0, 1)
    expect(record).toEqual({
      attributes: { type: 'Account', url: `/services/data/v67.0/sobjects/Account/${acme}` },
      Id: acme,
      Name: 'Acme 100%',
      Owner: {
        attributes: { type: 'User', url: `/services/data/v67.0/sobjects/User/${ann}` },
        Name: 'Ann',
      },
      Parent: {
        attributes: { type: 'Account', url: `/services/data/v67.0/sobjects/Account/${zeta}` },
        Owner: {
          attributes: { type: 'User', url: `/services/data/v67.0/sobjects/User/${ann}` },
          Email: 'ann@example.com',
        },
      },
    })
  })

  it('answers null for the record behind an empty reference', () => {
    const [record] = run(`SELECT Owner.Name FROM Account WHERE Id = '${bare}'`).records(0, 1)
    expect(record?.['Owner']).toBeNull()
  })

  it('names a polymorphic target Name and answers its fields and type', () => {
    const records = run('SELECT Owner.Name, Owner.Type FROM Contact ORDER BY LastName').records(
      0,
      9,
    )
    expect(records.map((record) => record['Owner'])).toMatchObject([
      { attributes: { type: 'Name' }, Name: 'Sales queue', Type: 'Group' },
      { Name: 'Ann', Type: 'User' },
      { Name: 'Ann', Type: 'User' },
    ])
  })

  it('chooses the fields of TYPEOF by the target of each row', () => {
    const records = run(
      'SELECT TYPEOF Owner WHEN User THEN Email ELSE Name END FROM Contact ORDER BY LastName LIMIT 2',
    ).records(0, 9)
    expect(records.map((record) => record['Owner'])).toMatchObject([
      { Name: 'Sales queue' },
      { Email: 'ann@example.com' },
    ])
  })

  it('nests child rows with their own filter, order and limit, and null without any', () => {
    const records = run(
      "SELECT Name, (SELECT LastName FROM Contacts WHERE LastName LIKE '%oe' ORDER BY LastName LIMIT 1) FROM Account ORDER BY Name",
    ).records(0, 9)
    expect(records.map((record) => record['Contacts'])).toMatchObject([
      { totalSize: 1, done: true, records: [{ LastName: 'Doe' }] },
      null,
      null,
    ])
  })

  it('translates picklist values with toLabel', () => {
    const [record] = run(`SELECT toLabel(Industry) FROM Account WHERE Id = '${acme}'`).records(0, 1)
    expect(record?.['Industry']).toBe('Technology')
  })

  it('expands FIELDS() and insists on LIMIT 200 for the unbounded groups', () => {
    const [standard] = run('SELECT FIELDS(STANDARD) FROM Account').records(0, 1)
    expect(Object.keys(standard ?? {})).not.toContain('Founded__c')
    const [custom] = run('SELECT FIELDS(CUSTOM) FROM Account LIMIT 200').records(0, 1)
    expect(Object.keys(custom ?? {})).toEqual([
      'attributes',
      'Regions__c',
      'Founded__c',
      'Notes__c',
    ])
    expect(failure('SELECT FIELDS(ALL) FROM Account LIMIT 201')).toMatchObject({
      errorCode: 'MALFORMED_QUERY',
      message: 'The SOQL FIELDS function must have a LIMIT of at most 200',
    })
  })

  it('counts without records for COUNT()', () => {
    const result = run('SELECT count() FROM Account WHERE IsPartner = false')
    expect(result.totalSize).toBe(2)
    expect(result.records(0, 10)).toEqual([])
  })
})

describe('WHERE', () => {
  it('compares text without letter case', () => {
    expect(names("Name = 'ZETA'")).toEqual(['Zeta'])
    expect(names("Industry IN ('TECH')")).toEqual(['Acme 100%', 'Zeta'])
  })

  it('keeps rows without a value under != and NOT IN, and drops them under < and >', () => {
    expect(names("Industry != 'Tech'")).toEqual(["O'Neil"])
    expect(names("Owner.Name NOT IN ('Bob')")).toEqual(['Acme 100%', "O'Neil", 'Zeta'])
    expect(names('AnnualRevenue < 1000')).toEqual(['Acme 100%', 'Zeta'])
    expect(names('AnnualRevenue = null')).toEqual(["O'Neil"])
  })

  it('understands escapes and the wildcards of LIKE', () => {
    expect(names("Name = 'O\\'Neil'")).toEqual(["O'Neil"])
    expect(names("Name LIKE 'z_t%'")).toEqual(['Zeta'])
    expect(names("Name LIKE '%\\%'")).toEqual(['Acme 100%'])
  })

  it('groups by parentheses, and refuses AND beside OR without them', () => {
    expect(names("(Name = 'Zeta' OR Name LIKE 'a%') AND IsPartner = true")).toEqual(['Acme 100%'])
    expect(names("NOT (Name = 'Zeta' OR Name LIKE 'a%')")).toEqual(["O'Neil"])
    expect(names("NOT Name = 'Zeta' AND NOT Name LIKE 'a%'")).toEqual(["O'Neil"])
    expect(
      failure("SELECT Id FROM Account WHERE Name = 'a' OR Name = 'b' AND Name = 'c'"),
    ).toMatchObject({
      errorCode: 'MALFORMED_QUERY',
      message: expect.stringContaining('unexpected token: AND') as string,
    })
  })

  it('matches multi-select picklists by INCLUDES and EXCLUDES', () => {
    expect(names("Regions__c INCLUDES ('North;South', 'West')")).toEqual(['Acme 100%'])
    expect(names("Regions__c EXCLUDES ('East')")).toEqual(['Acme 100%', "O'Neil"])
  })

  it('takes ids of 15 and 18 characters', () => {
    expect(names(`Id = '${acme.slice(0, 15)}'`)).toEqual(['Acme 100%'])
    expect(names(`OwnerId = '${ann.slice(0, 15)}'`)).toEqual(['Acme 100%', 'Zeta'])
  })

  it('reads only the named rows when Id is compared for equality', () => {
    const source = crm()
    run(`SELECT Name FROM Account WHERE Id IN ('${acme}', '${zeta}') AND IsPartner = true`, source)
    expect(source.scans).toBe(0)
  })

  it('joins by an inner SELECT, both ways', () => {
    expect(names("Id IN (SELECT AccountId FROM Contact WHERE LastName = 'Roe')")).toEqual([
      'Acme 100%',
    ])
    expect(names('Id NOT IN (SELECT AccountId FROM Contact)')).toEqual(["O'Neil", 'Zeta'])
  })

  it.each([
    ['CreatedDate = TODAY', ['Acme 100%']],
    ['CreatedDate = THIS_MONTH', ['Acme 100%', 'Zeta']],
    ['CreatedDate < THIS_YEAR', ["O'Neil"]],
    ['CreatedDate = LAST_N_DAYS:30', ['Acme 100%', 'Zeta']],
    ['CreatedDate >= 2026-11-01T01:00:00+01:00', ['Acme 100%', 'Zeta']],
    ['CALENDAR_YEAR(CreatedDate) = 2025', ["O'Neil"]],
    ['Founded__c = 2020-02-29', ['Acme 100%']],
    ['Founded__c > 2020-02-29', ['Zeta']],
    ['Founded__c = N_YEARS_AGO:5', ['Zeta']],
  ])('evaluates %s', (where, expected) => {
    expect(names(where)).toEqual(expected)
  })
})

describe('ORDER BY, LIMIT and OFFSET', () => {
  const revenue = (order: string) =>
    run(`SELECT AnnualRevenue FROM Account ORDER BY ${order}`)
      .records(0, 9)
      .map((record) => record['AnnualRevenue'])

  it('puts nulls first in both directions unless told otherwise', () => {
    expect(revenue('AnnualRevenue')).toEqual([null, 100, 500])
    expect(revenue('AnnualRevenue DESC')).toEqual([null, 500, 100])
    expect(revenue('AnnualRevenue DESC NULLS LAST')).toEqual([500, 100, null])
  })

  it('counts totalSize after LIMIT and OFFSET', () => {
    const result = run('SELECT Name FROM Account ORDER BY Name LIMIT 1 OFFSET 1')
    expect(result.totalSize).toBe(1)
    expect(result.records(0, 9)).toMatchObject([{ Name: "O'Neil" }])
    expect(failure('SELECT Id FROM Account OFFSET 2001').errorCode).toBe(
      'NUMBER_OUTSIDE_VALID_RANGE',
    )
  })
})

describe('aggregates', () => {
  it('groups without letter case and numbers the unnamed columns', () => {
    const result = run(
      'SELECT Industry, COUNT(Id), SUM(AnnualRevenue) total, MAX(CreatedDate) FROM Account GROUP BY Industry ORDER BY COUNT(Id) DESC',
    )
    expect(result.records(0, 9)).toEqual([
      {
        attributes: { type: 'AggregateResult' },
        Industry: 'Tech',
        expr0: 2,
        total: 600,
        expr1: '2026-11-22T08:00:00.000+0000',
      },
      {
        attributes: { type: 'AggregateResult' },
        Industry: null,
        expr0: 1,
        total: null,
        expr1: '2025-01-15T10:00:00.000+0000',
      },
    ])
  })

  it('filters groups by HAVING and groups by date functions', () => {
    const result = run(
      'SELECT CALENDAR_YEAR(CreatedDate) y, COUNT(Id) c FROM Account GROUP BY CALENDAR_YEAR(CreatedDate) HAVING COUNT(Id) > 1',
    )
    expect(result.records(0, 9)).toMatchObject([{ y: 2026, c: 2 }])
  })

  it('answers one row over no rows', () => {
    const result = run("SELECT COUNT(Id) c, MAX(AnnualRevenue) m FROM Account WHERE Name = 'none'")
    expect(result.records(0, 9)).toMatchObject([{ c: 0, m: null }])
  })

  it('refuses a column that is neither grouped nor aggregated', () => {
    expect(failure('SELECT Name, COUNT(Id) FROM Account GROUP BY Industry')).toMatchObject({
      errorCode: 'MALFORMED_QUERY',
      message: expect.stringContaining('Field must be grouped or aggregated: Name') as string,
    })
  })
})

describe('errors', () => {
  it('points at an unknown column with an excerpt and a caret', () => {
    const { errorCode, message } = failure('SELECT Id, Nmae FROM Account')
    expect(errorCode).toBe('INVALID_FIELD')
    expect(message.split('\n')).toEqual([
      '',
      'SELECT Id, Nmae FROM Account',
      '           ^',
      'ERROR at Row:1:Column:12',
      expect.stringMatching(/^No such column 'Nmae' on entity 'Account'\./) as string,
    ])
  })

  it.each([
    ['SELECT Id FROM Acount', 'INVALID_TYPE', "sObject type 'Acount' is not supported."],
    ['SELECT Boss.Name FROM Account', 'INVALID_FIELD', "Didn't understand relationship 'Boss'"],
    ['SELECT (SELECT Id FROM Foos) FROM Account', 'INVALID_TYPE', "relationship 'Foos'"],
    ['SELECT Id, FROM Account', 'MALFORMED_QUERY', 'unexpected token'],
    ['SELECT Id FROM Account WHERE', 'MALFORMED_QUERY', 'unexpected token'],
    ["SELECT Id FROM Account WHERE Name = 'x", 'MALFORMED_QUERY', 'unexpected token'],
    ["SELECT Id FROM Account WHERE AnnualRevenue = '5'", 'INVALID_FIELD', 'must be of type double'],
    ['SELECT Id FROM Account WHERE Name = 5', 'INVALID_FIELD', 'should be enclosed in quotes'],
    ['SELECT Id FROM Account WHERE CreatedDate = 2026-01-01', 'INVALID_FIELD', 'type dateTime'],
    ["SELECT Id FROM Account WHERE Id = 'x'", 'INVALID_QUERY_FILTER_OPERATOR', 'invalid ID field'],
    ["SELECT Id FROM Account WHERE Notes__c = 'x'", 'INVALID_FIELD', 'can not be filtered'],
    ['SELECT Id FROM Account ORDER BY Notes__c', 'MALFORMED_QUERY', 'can not be sorted'],
    ['SELECT Id, Id FROM Account', 'INVALID_FIELD', 'duplicate field selected: Id'],
    [
      'SELECT Id x FROM Account',
      'MALFORMED_QUERY',
      'only aggregate expressions use field aliasing',
    ],
    ['SELECT Id FROM Account WITH SECURITY_ENFORCED', 'MALFORMED_QUERY', 'unexpected token: WITH'],
  ])('refuses %s', (soql, errorCode, text) => {
    expect(failure(soql)).toMatchObject({
      errorCode,
      message: expect.stringContaining(text) as string,
    })
  })

  it.each(['SELECT FORMAT(AnnualRevenue) FROM Account', 'SELECT Id FROM Account USING SCOPE mine'])(
    'says that it does not evaluate %s',
    (soql) => {
      expect(() => run(soql)).toThrow(SoqlNotSimulated)
    },
  )
})

describe('entities with restrictions', () => {
  it('ignores LIMIT and refuses queryMore', () => {
    const result = run('SELECT QualifiedApiName FROM EntityDefinition LIMIT 1')
    expect(result.totalSize).toBe(2)
    expect(result.singleBatch).toBe('EntityDefinition does not support queryMore()')
  })

  it.each([
    'SELECT COUNT() FROM EntityDefinition',
    "SELECT Id FROM EntityDefinition WHERE QualifiedApiName = 'a' OR QualifiedApiName = 'b'",
    "SELECT Id FROM EntityDefinition WHERE NOT QualifiedApiName = 'a'",
    "SELECT Id FROM EntityDefinition WHERE QualifiedApiName LIKE 'a%'",
    'SELECT Id FROM EntityDefinition OFFSET 1',
    'SELECT Id FROM FieldDefinition',
  ])('refuses %s', (soql) => {
    expect(failure(soql).errorCode).toBe('MALFORMED_QUERY')
  })

  it('gives Metadata for one row and refuses it for more', () => {
    const one = run("SELECT Metadata FROM EntityDefinition WHERE QualifiedApiName = 'Account'")
    expect(one.records(0, 1)).toMatchObject([{ Metadata: { label: 'x' } }])
    expect(failure('SELECT Metadata FROM EntityDefinition').message).toBe(
      'When retrieving results with Metadata or FullName fields, the query qualifications must specify no more than one row for retrieval. Result size: 2',
    )
  })
})
