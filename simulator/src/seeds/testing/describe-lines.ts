// A describe in short form, a line for each thing that it says: what recordings are kept as, and what they
// are compared by. `data/compare.ts` writes these lines of a recording.

type Text = string | number | boolean | null

interface DescribedField {
  referenceTo: string[]
  relationshipName: string | null
  compoundFieldName: string | null
  extraTypeInfo: string | null
  defaultValue: Text
  [key: string]: unknown
}

export interface Described {
  name: string
  keyPrefix: string | null
  label: string
  labelPlural: string
  fields: DescribedField[]
  childRelationships?: {
    childSObject: string
    field: string | null
    relationshipName: string | null
    cascadeDelete: boolean
    restrictedDelete: boolean
  }[]
  supportedScopes?: { name: string }[]
  [key: string]: unknown
}

/** The flags that are true for a field, one letter each. */
const FIELD_FLAGS: Record<string, string> = {
  aggregatable: 'a',
  autoNumber: 'n',
  calculated: 'k',
  cascadeDelete: 'd',
  caseSensitive: 's',
  createable: 'c',
  custom: 'x',
  defaultedOnCreate: 'D',
  dependentPicklist: 'P',
  encrypted: 'e',
  externalId: 'E',
  filterable: 'f',
  groupable: 'g',
  htmlFormatted: 'h',
  idLookup: 'i',
  nameField: 'N',
  namePointing: 'p',
  nillable: '0',
  permissionable: 'l',
  polymorphicForeignKey: 'm',
  queryByDistance: 'q',
  restrictedDelete: 'R',
  restrictedPicklist: 'r',
  searchPrefilterable: 'S',
  sortable: 'o',
  unique: 'U',
  updateable: 'u',
  writeRequiresMasterRead: 'w',
}

/** The flags of a field, as letters; `only` leaves out those that an old recording did not have. */
export const flagsOf = (
  field: Record<string, unknown>,
  only = Object.values(FIELD_FLAGS).join(''),
): string =>
  Object.entries(FIELD_FLAGS)
    .map(([key, letter]) => (field[key] === true && only.includes(letter) ? letter : ''))
    .join('')

const orDash = (value: Text): string =>
  value === null || value === '' ? '-' : String(value).replaceAll(' ', '_')

/** Name, type, SOAP type, sizes, flags, compound field, kind of text, targets and their name, default. */
const fieldLine = (field: DescribedField): string => {
  const targets = field.referenceTo.join(',')
  const relationship = field.relationshipName === null ? '' : `.${field.relationshipName}`
  return [
    field['name'],
    field['type'],
    String(field['soapType']).replace(/^\w+:/, ''),
    ['length', 'byteLength', 'precision', 'scale', 'digits'].map((key) => field[key]).join('/'),
    orDash(flagsOf(field)),
    orDash(field.compoundFieldName),
    orDash(field.extraTypeInfo),
    orDash(targets + relationship),
    orDash(field.defaultValue),
  ].join(' ')
}

/** A reference to the object: from where, by which name, and what the object's deletion does. */
const childLines = ({ childRelationships = [] }: Described): string[] =>
  childRelationships
    .map((child) => {
      const rules = [
        ...(child.cascadeDelete ? ['cascade'] : []),
        ...(child.restrictedDelete ? ['restrict'] : []),
      ]
      return `< ${child.childSObject}.${orDash(child.field)} ${orDash(child.relationshipName)} ${orDash(rules.join('+'))}`
    })
    .toSorted()

/** The keys of the object itself that are true, its prefix, and its scopes. */
const objectLines = (described: Described): string[] => [
  `! ${Object.keys(described)
    .filter((key) => described[key] === true)
    .toSorted()
    .join(' ')}`,
  `# ${orDash(described.keyPrefix)} ${orDash(described.label)} ${orDash(described.labelPlural)} ${(
    described.supportedScopes ?? []
  )
    .map(({ name }) => name)
    .join(',')}`,
]

/** All lines of one describe, those of custom fields left out. */
export const describeLines = (described: Described): string[] => [
  ...objectLines(described),
  ...described.fields
    .filter(({ custom, name }) => custom !== true && !String(name).endsWith('__c'))
    .map((field) => fieldLine(field))
    .toSorted(),
  ...childLines(described),
]
