import { describe, expect, it } from 'vitest'
import { misusedFunctions } from './formula-functions.ts'
import { pathsInFormula } from './formula-paths.ts'
import { faultOfFormula, type FormulaType } from './formula-types.ts'

const FIELDS: Readonly<Record<string, FormulaType>> = {
  Amount: 'number',
  Born: 'date',
  At: 'datetime',
  Hour: 'time',
  Stage: 'picklist',
  Topics: 'multipicklist',
  Place: 'location',
  Home: 'address',
  Notes: 'long',
  Secret: 'masked',
  Name: 'text',
  IsWon: 'boolean',
}

const faultOf = (
  formula: string,
  expected: FormulaType | null = null,
  isField = false,
): string | null =>
  faultOfFormula(formula, {
    typeOf: ([first, second]) => (second === undefined ? (FIELDS[first] ?? null) : null),
    expected,
    isField,
  })

describe('a formula', () => {
  it.each<[string, FormulaType]>([
    ['IF(AND(IsWon, Amount > 1), "a" & Name, null)', 'text'],
    ['CASE(Stage, "Open", 1, "Won", 2, 0) * Amount ^ 2', 'number'],
    ['ISPICKVAL(PRIORVALUE(Stage), "Open") || INCLUDES(Topics, "a") && NOT ISNEW()', 'boolean'],
    ['Born + 30', 'date'],
    ['At - 1 / 24', 'datetime'],
    ['NULLVALUE(Born - Unknown__c, 0)', 'number'],
    ['Unknown__c + 5', 'date'],
    ['TIMEVALUE("10:00:00.000")', 'time'],
    ["DISTANCE(Place, GEOLOCATION(1.5, -.5), 'km')", 'number'],
    ['HYPERLINK("/" & Account.Owner:User.Id, TEXT(Stage))', 'text'],
    ['$Permission.May_See /* a "comment" */', 'boolean'],
    ['NOW() - At + 5', 'number'],
    ['3 + Born - Born', 'number'],
    ['Hour + 60000', 'time'],
    ['TIMENOW() - Hour', 'number'],
    ['Unknown__c - Born', 'number'],
    ['TEXT(Hour) & TEXT(Stage) & TEXT(Amount) & TEXT(At)', 'text'],
    ['ISBLANK(Home) || ISNULL(Place) || ISCHANGED(Home)', 'boolean'],
    ['DISTANCE(Home, Place, "mi")', 'number'],
    ['MAX(Amount, LEN(Name), DAY(Born))', 'number'],
    ['"it\\"s" = \'x\' <> false', 'boolean'],
  ])('that Salesforce takes has no fault: %s', (formula, expected) => {
    const plain = formula.replace('NOT ISNEW()', 'NOT(ISNEW())').replace("= 'x' <> false", "= 'x'")
    expect(faultOf(plain, expected)).toBeNull()
  })

  it.each<[string, string]>([
    ['IF(IsWon, "a"', 'ends before a parenthesis is closed'],
    ['Name &', 'ends where a value should be'],
    ['Name Name', 'has Name where an operator or the end should be'],
    ['LEFT(Name,)', 'has ) where a value should be'],
    ['Name # "x"', 'has the character #'],
    ['Name = "x', 'opens a text with " that does not end'],
    ['Name /* x', 'opens a comment that does not end'],
    ['Name /*/', 'opens a comment that does not end'],
    ['LEFT(Name)', 'calls LEFT with 1 argument; it takes 2'],
    ['ISBLANK(Name, Name)', 'calls ISBLANK with 2 arguments; it takes 1'],
    ['IF(IsWon, 1)', 'calls IF with 2 arguments'],
    ['CASE(Stage, "a", 1)', 'calls CASE with 3 arguments'],
    ['TODAY(1)', 'calls TODAY with 1 argument; it takes 0'],
    ['LEN(Amount)', 'gives LEN a number instead of a text'],
    ['DAY(At)', 'gives DAY a date and time instead of a date'],
    ['AND(IsWon, Name)', 'gives AND a text instead of true or false'],
    ['IF(IsWon, 1, "a")', 'gives IF a text instead of a number'],
    ['CASE(Stage, "a", 1, "b", "c", 0)', 'gives CASE a text instead of a number'],
    ['Stage = "Open"', 'uses Stage, which is a picklist, outside ISPICKVAL, CASE or TEXT'],
    ['CONTAINS(Topics, "a")', 'uses Topics, which is a multi-select picklist, outside INCLUDES'],
    ['ISPICKVAL(Name, "a")', 'gives ISPICKVAL a text instead of a picklist'],
    ['Amount & "x"', 'gives & a number instead of a text'],
    ['Amount + Name', 'gives + a text instead of a number'],
    ['Amount > "5"', 'compares a number with a text'],
    ['At > TODAY()', 'compares a date and time with a date'],
    ['NOT(Place)', 'uses Place, which is a geolocation, outside ISBLANK, ISNULL or DISTANCE'],
    ['Name & Home', 'uses Home, which is an address, outside ISBLANK, ISNULL or DISTANCE'],
    ['Home = NULL', 'uses Home, which is an address, outside'],
    ['BLANKVALUE(Home, "x")', 'uses Home, which is an address, outside'],
    ['NULLVALUE(Place, GEOLOCATION(1, 2))', 'uses Place, which is a geolocation, outside'],
    ['PRIORVALUE(Home)', 'uses Home, which is an address, outside'],
    ['CASE(Home, "a", 1, 2)', 'uses Home, which is an address, outside'],
    ['TEXT(Place)', 'uses Place, which is a geolocation, outside'],
    ['TEXT(Name)', 'gives TEXT a text instead of a number, a date, a time or a picklist'],
    ['TEXT(IsWon)', 'gives TEXT true or false instead of a number'],
    ['TEXT(Topics)', 'uses Topics, which is a multi-select picklist, outside INCLUDES'],
    ['TODAY() - At', 'gives - a date and time instead of a date'],
    ['At - Born', 'gives - a date instead of a date and time'],
    ['Hour - At', 'gives - a date and time instead of a time of day'],
    ['Born + Born', 'gives + a date instead of a number'],
    ['Born + Hour', 'gives + a time of day instead of a number'],
    ['Born + Name', 'gives + a text instead of a number'],
    ['Born - Name', 'gives - a text instead of a date'],
    ['5 - Born', 'gives - a date instead of a number'],
    ['Name + Born', 'gives + a date instead of a number'],
    ['Notes & "x"', ''],
  ])('that Salesforce refuses has one: %s', (formula, fault) => {
    const found = faultOf(formula)
    if (fault === '') expect(found).toBeNull()
    else expect(found).toContain(fault)
  })

  it.each<[string, FormulaType, string]>([
    ['Name', 'number', 'results in a text and not in a number'],
    ['LEN(Name)', 'boolean', 'results in a number and not in true or false'],
    ['Stage', 'text', 'uses Stage, which is a picklist'],
    ['Home', 'text', 'uses Home, which is an address'],
    ['NOW()', 'date', 'results in a date and time and not in a date'],
  ])('that results in something else has one: %s', (formula, expected, fault) => {
    expect(faultOf(formula, expected)).toContain(fault)
  })

  it.each(['Notes & "x"', 'LEN(Secret)'])(
    'of a field takes neither long nor encrypted texts, which rules take: %s',
    (formula) => {
      expect(faultOf(formula, null, true)).toMatch(/no formula field can$/)
      expect(faultOf(formula)).toBeNull()
    },
  )

  it('of thousands of parentheses is refused as one, and not by the end of the stack', () => {
    expect(faultOf(`${'('.repeat(1_900)}1${')'.repeat(1_900)}`)).toBe('is nested too deeply')
    for (const long of [
      `${'-'.repeat(3_800)}1`,
      `${'1+'.repeat(1_900)}1`,
      `${'2^'.repeat(1_900)}1`,
    ]) {
      expect(faultOf(long)).toBeNull()
    }
    expect(faultOf(`${'1+'.repeat(100_000)}1`)).toBe('is too long')
  })

  it.each(['"\\', '/* ', `'"`, 'a.', '{!'])(
    'of %s over and over is searched in time that grows with its length only',
    (part) => {
      const hostile = part.repeat(200_000)
      const started = performance.now()
      for (const search of [
        pathsInFormula,
        (text: string) => misusedFunctions(text, 'rule'),
        faultOf,
      ]) {
        search(hostile)
      }
      // Read again from every quotation mark, it would take minutes.
      expect(performance.now() - started).toBeLessThan(5_000)
    },
  )
})
