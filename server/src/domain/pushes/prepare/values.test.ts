// Which values go to Salesforce, in which form, and which are refused before they cost a call.

import { describe, expect, it } from 'vitest'
import { parseExactly } from '../../../exact-json.ts'
import { errorsOf, judgeValue, map, mapping, preparerOf } from './testing/fixtures.ts'
import { toRecordId } from './ids.ts'

const sends = (field: string, cases: readonly [given: unknown, sent: unknown][]) => {
  for (const [given, sent] of cases) {
    expect(judgeValue(field, given), `${field} ${JSON.stringify(given)}`).toEqual({ [field]: sent })
  }
}

const refuses = (field: string, code: string, values: readonly unknown[]) => {
  for (const value of values) {
    expect(judgeValue(field, value), `${field} ${JSON.stringify(value)}`).toBe(`${code} it`)
  }
}

const WRONG_TYPE = 'INVALID_TYPE_ON_FIELD_IN_RECORD'

describe('a text', () => {
  it('is sent without the blanks that Salesforce would drop; scalars become text', () => {
    sends('Phone', [
      ['  030 1 ', '030 1'],
      [301, '301'],
      [true, 'true'],
    ])
  })

  it('is refused one character beyond the length of the field, blanks at the ends not counted', () => {
    sends('FirstName', [
      ['abcde', 'abcde'],
      [' abcde ', 'abcde'],
      ['abc😀', 'abc😀'],
    ])
    refuses('FirstName', 'STRING_TOO_LONG', ['abcdef', 'abcd😀'])
  })

  it('is refused where it cannot be stored, or is none', () => {
    refuses('Phone', 'INVALID_TEXT', ['a\0b', '\ud800'])
    refuses('Phone', WRONG_TYPE, [{ a: 1 }, ['a'], 2 ** 60])
    sends('Phone', [['a\tb\u{1f600}', 'a\tb\u{1f600}']])
  })

  it('takes any address of the web, as Salesforce does', () => {
    sends('Website', [['example.com/a b', 'example.com/a b']])
  })

  it('is refused as an e-mail address only where it is certainly none', () => {
    sends('Email', [
      ["o'neil+x@mail.example.co.uk", "o'neil+x@mail.example.co.uk"],
      [' a@b.de ', 'a@b.de'],
    ])
    refuses('Email', 'INVALID_EMAIL_ADDRESS', [
      'a',
      'a@b',
      'a@@b.de',
      'a b@c.de',
      'a@b..de',
      'a@b.de.',
      'a@b.de,c@d.de',
    ])
    refuses('Email', 'STRING_TOO_LONG', [`${'a'.repeat(76)}@b.de`])
  })
})

describe('a number', () => {
  it('keeps its decimals, which Salesforce stores beyond the scale', () => {
    sends('Revenue__c', [
      [12.3456, 12.3456],
      ['-9999.99', -9999.99],
      [' 1e3 ', 1000],
      ['.5', 0.5],
      [0, 0],
    ])
  })

  it('is refused with too many digits before the point, or as another text', () => {
    refuses('Revenue__c', 'NUMBER_OUTSIDE_VALID_RANGE', [10000, '-10000', Infinity])
    refuses('Revenue__c', WRONG_TYPE, ['1,234', '1.234,5', '12 %', '$5', true, [1], {}, 'NaN'])
  })

  it('is never written out with millions of zeros, however small it is', () => {
    for (const exponent of ['-999999999', '-99999999', `-${'9'.repeat(400)}`]) {
      const text = `1e${exponent}`
      const [inexact] = parseExactly(`[${text}]`) as unknown[]
      sends('Revenue__c', [
        [text, 0],
        [`-${text}`, -0],
        [inexact, 0],
      ])
      refuses('Staff__c', WRONG_TYPE, [text, inexact])
    }
  })

  it('is a place on the earth where it is a latitude or a longitude, and only there', () => {
    for (const [name, most] of [
      ['Place__Latitude__s', 90],
      ['Latitude', 90],
      ['Place__Longitude__s', 180],
      ['MailingLongitude', 180],
    ] as const) {
      sends(name, [
        [most, most],
        [`-${most}`, -most],
      ])
      refuses(name, 'NUMBER_OUTSIDE_VALID_RANGE', [most + 0.1, `-${most}.00001`, '181e0'])
    }
    sends('Latitude__c', [[4711, 4711]])
  })

  it('is whole in a whole field', () => {
    sends('Staff__c', [
      [9999, 9999],
      ['3.0', 3],
    ])
    refuses('Staff__c', WRONG_TYPE, [3.5, '3.5'])
    refuses('Staff__c', 'NUMBER_OUTSIDE_VALID_RANGE', [10000])
  })
})

describe('a checkbox', () => {
  it('takes the usual words for true and false, and no others', () => {
    for (const yes of [true, 'true', 'TRUE', 1, '1', 'yes', ' Yes '])
      sends('Opted__c', [[yes, true]])
    for (const no of [false, 'false', 0, '0', 'no']) sends('Opted__c', [[no, false]])
    refuses('Opted__c', WRONG_TYPE, ['maybe', 2, {}, []])
  })

  it('cannot be emptied', () => {
    expect(judgeValue('Opted__c', null, { nullPolicy: 'blank' })).toBe(`${WRONG_TYPE} it`)
    expect(judgeValue('Opted__c', null)).toEqual({})
  })
})

describe('a date', () => {
  it('is taken in ISO form; of a time only midnight, whose day is certain', () => {
    sends('Born__c', [
      ['2024-02-29', '2024-02-29'],
      ['2026-03-31T00:00:00.000Z', '2026-03-31'],
      ['1700-01-01', '1700-01-01'],
    ])
    refuses('Born__c', WRONG_TYPE, [
      '2026-02-29',
      '2026-13-01',
      '31.03.2026',
      '03/04/2026',
      '2026-3-1',
      20260331,
      1774915200000,
      '2026-03-31T23:30:00-05:00',
      ['2026-03-31'],
    ])
    refuses('Born__c', 'FIELD_INTEGRITY_EXCEPTION', ['1699-12-31', '4001-01-01', '0001-01-01'])
  })

  it('with a time needs a zone and is sent in UTC', () => {
    sends('Met__c', [
      ['2026-03-31T09:30:00Z', '2026-03-31T09:30:00.000Z'],
      ['2026-03-31T01:30:00.1234+02:00', '2026-03-30T23:30:00.123Z'],
      ['2026-12-31 23:30-0530', '2027-01-01T05:00:00.000Z'],
    ])
    refuses('Met__c', WRONG_TYPE, [
      '2026-03-31T09:30:00',
      '2026-03-31',
      '2026-02-30T09:30:00Z',
      '2026-03-31T24:00:00Z',
      '2026-03-31T09:60:00Z',
      1774915200,
    ])
    refuses('Met__c', 'FIELD_INTEGRITY_EXCEPTION', ['9999-12-31T00:00:00Z'])
  })

  it('less the day is a time without a zone', () => {
    sends('Wakes__c', [
      ['06:15', '06:15:00.000Z'],
      ['06:15:30.5Z', '06:15:30.500Z'],
    ])
    refuses('Wakes__c', WRONG_TYPE, ['6:15', '25:00', '06:15+02:00', 615])
  })
})

describe('a picklist value', () => {
  it('of a restricted list is sent as the list writes it, and nothing else is', () => {
    sends('Status', [
      ['Open', 'Open'],
      ['open', 'Open'],
      [' CLOSED ', 'Closed'],
    ])
    refuses('Status', 'INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST', ['Old', 'Other', 'Offen', 7])
    const preparer = preparerOf(mapping([map('it', 'Status')]))
    const remedy = (it: string) => errorsOf(preparer.judge(0, { key: 'k', it }).row)[0]
    expect(remedy('Offen')?.remedy).toContain('send its API value "Open"')
    expect(remedy('old')?.message).toContain('(inactive)')
    expect(remedy('X')?.remedy).toContain('Open, Closed')
  })

  it('of an open list may be new', () => {
    sends('Source', [
      ['web', 'Web'],
      ['Fair', 'Fair'],
    ])
    refuses('Source', 'STRING_TOO_LONG', ['x'.repeat(256)])
  })

  it('of many comes as an array or with semicolons, each once', () => {
    sends('Skills__c', [
      [['Crane', 'forklift', 'Crane'], 'Crane;Forklift'],
      ['Crane; Welding;', 'Crane;Welding'],
    ])
    refuses('Skills__c', 'INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST', ['Crane;Cooking', ['Cooking']])
    refuses('Skills__c', WRONG_TYPE, [['Crane;Welding'], [['Crane']], [{}]])
    expect(judgeValue('Skills__c', [])).toEqual({})
  })
})

describe('an id', () => {
  it('is sent with 18 characters; a wrong checksum, length or object is refused', () => {
    sends('Company__c', [
      ['001RM000003oLrB', '001RM000003oLrBYAU'],
      ['001RM000003oLrBYAU', '001RM000003oLrBYAU'],
    ])
    refuses('Company__c', 'MALFORMED_ID', [
      '001RM000003oLrB000',
      '001',
      '001RM000003oLr-',
      1,
      'acme',
    ])
    refuses('Company__c', 'FIELD_INTEGRITY_EXCEPTION', ['003RM000003oLrB'])
    expect(toRecordId('000000000000000')).toBe('000000000000000AAA')
  })

  it('of several objects may be of any of them', () => {
    expect(judgeValue('OwnerId', '005RM000003oLrB')).toEqual({
      OwnerId: toRecordId('005RM000003oLrB'),
    })
    refuses('OwnerId', 'FIELD_INTEGRITY_EXCEPTION', ['001RM000003oLrB'])
  })

  it('of a record type may be its developer name or name, if it is open to the user', () => {
    sends('RecordTypeId', [
      ['partner', '012000000000001AAA'],
      ['Partner Lead', '012000000000001AAA'],
      ['012000000000001', '012000000000001AAA'],
    ])
    refuses('RecordTypeId', 'INVALID_CROSS_REFERENCE_KEY', [
      'Gone',
      'Other',
      '012000000000009AAA',
      4,
    ])
  })
})

describe('no value', () => {
  const NOTHING = [null, '', '  ']

  it('is not sent under skip, and empties the field under blank', () => {
    for (const nothing of NOTHING) {
      for (const field of [
        'Phone',
        'Revenue__c',
        'Born__c',
        'Met__c',
        'Wakes__c',
        'Status',
        'Company__c',
        'Email',
      ]) {
        expect(judgeValue(field, nothing), field).toEqual({})
        expect(judgeValue(field, nothing, { nullPolicy: 'blank' }), field).toEqual({
          [field]: null,
        })
      }
    }
    expect(judgeValue('Phone', undefined, { nullPolicy: 'blank' })).toEqual({})
  })

  it('of a parent found by its key empties the field that holds the id', () => {
    expect(judgeValue('Company__r.Key__c', null, { nullPolicy: 'blank' })).toEqual({
      Company__c: null,
    })
  })

  it('cannot empty a required field', () => {
    expect(judgeValue('Phone', null, { nullPolicy: 'blank', required: true })).toBe(
      'REQUIRED_FIELD_MISSING it',
    )
  })

  it('is replaced by the default, in Salesforce’s own words', () => {
    for (const nothing of [undefined, ...NOTHING]) {
      const more = { default: 'closed', value_map: { closed: 'Open' } }
      expect(judgeValue('Status', nothing, more)).toEqual({ Status: 'Closed' })
    }
    expect(judgeValue('Status', undefined, { default: 'Bad' })).toBe(
      'INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST it',
    )
    expect(judgeValue('Status', 'Open', { default: 'Bad' })).toEqual({ Status: 'Open' })
  })

  it('of a field that the mapping requires fails the row', () => {
    for (const nothing of [undefined, ...NOTHING]) {
      expect(judgeValue('Phone', nothing, { required: true })).toBe('REQUIRED_FIELD_MISSING it')
    }
    expect(judgeValue('Phone', 1, { required: true })).toEqual({ Phone: '1' })
    expect(judgeValue('Phone', null, { required: true, default: '0' })).toEqual({ Phone: '0' })
  })
})

describe('a value map', () => {
  const value_map = { new: 'Open', '3': 'closed', true: 'Open', none: null, bad: 'Nope' }

  it('says what is sent for a value; others go as they are', () => {
    const judge = (value: unknown) => judgeValue('Status', value, { value_map })
    expect(judge('new')).toEqual({ Status: 'Open' })
    expect(judge(' new ')).toEqual({ Status: 'Open' })
    expect(judge(3)).toEqual({ Status: 'Closed' })
    expect(judge(true)).toEqual({ Status: 'Open' })
    expect(judge('none')).toEqual({ Status: null })
    expect(judge('Closed')).toEqual({ Status: 'Closed' })
    expect(judge('bad')).toBe('INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST it')
    expect(judge('constructor')).toBe('INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST it')
  })

  it('maps each of many values', () => {
    const more = { value_map: { lift: 'Forklift', all: 'Crane;Welding', x: null } }
    expect(judgeValue('Skills__c', ['lift', 'Crane', 'x'], more)).toEqual({
      Skills__c: 'Forklift;Crane',
    })
    expect(judgeValue('Skills__c', 'lift;crane', more)).toEqual({ Skills__c: 'Forklift;Crane' })
    expect(judgeValue('Skills__c', 'all', more)).toEqual({ Skills__c: 'Crane;Welding' })
    expect(judgeValue('Skills__c', ['x'], more)).toEqual({ Skills__c: null })
  })
})

describe('a field', () => {
  it('that does not exist or cannot be written fails the rows that have a value for it, and no others', () => {
    const cases = [
      ['Nope__c', 'INVALID_FIELD'],
      ['Nope__r.Key__c', 'INVALID_FIELD'],
      ['Company__r.Nope__c', 'INVALID_FIELD'],
      ['Company__r.Site', 'INVALID_FIELD'],
      ['Partner__r.Key__c', 'INVALID_FIELD'],
      ['User:Partner__r.Email', 'INVALID_FIELD'],
      ['Score__c', 'INVALID_FIELD_FOR_INSERT_UPDATE'],
    ] as const
    for (const [field, code] of cases) {
      expect(judgeValue(field, '1'), field).toBe(`${code} it`)
      expect(judgeValue(field, undefined), field).toEqual({})
    }
  })

  it('that only a new record takes is sent by an upsert', () => {
    expect(judgeValue('Once__c', 'a')).toEqual({ Once__c: 'a' })
  })

  it('finds a parent by its key, with its object where there are several', () => {
    expect(judgeValue('company__r.key__c', ' A1 ')).toEqual({ Company__r: { Key__c: 'A1' } })
    expect(judgeValue('Account:Partner__r.Key__c', 7)).toEqual({
      Partner__r: { attributes: { type: 'Account' }, Key__c: '7' },
    })
    expect(judgeValue('Company__r.Id', '001RM000003oLrB')).toEqual({
      Company__c: '001RM000003oLrBYAU',
    })
    expect(judgeValue('Company__r.Key__c', 'x'.repeat(21))).toBe('STRING_TOO_LONG it')
  })
})
