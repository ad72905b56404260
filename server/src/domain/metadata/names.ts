// API names: what kind of object one names, and what is wrong with one, letter by letter.

/** Salesforce: 40 characters before the suffix. */
export const NAME_MAX = 40

/**
 * SOQL's own words (SOQL and SOSL reference, "Reserved Keywords"). Not among them are Group, Order and
 * User, which are words of SOQL or objects too: many Salesforce orgs have custom fields of these names.
 */
const RESERVED: ReadonlySet<string> = new Set(
  'and asc desc excludes from having in includes like limit not null nulls or select true false using where with'.split(
    ' ',
  ),
)

/** Allowed by Salesforce, but easily confused with the standard object or the SOQL keyword. */
export const AMBIGUOUS_NAMES: ReadonlySet<string> = new Set(['group', 'order', 'user'])

/** Salesforce compares API names case-insensitively; so do all our lookups. */
export const sameName = (name: string): string => name.toLowerCase()

/** A metadata component, named as in package.xml. */
export interface Component {
  type: string
  fullName: string
}

/** One text for each component, the same however its name is written. */
export const keyOf = ({ type, fullName }: Component): string => sameName(`${type}:${fullName}`)

/** `Lead` of `Lead.Job_Title__c`; the name itself where it has no dot. */
export const ownerOf = (fullName: string): string => {
  const dot = fullName.indexOf('.')
  return dot < 0 ? fullName : fullName.slice(0, dot)
}

/** `Job_Title__c` of `Lead.Job_Title__c`. */
export const memberOf = (fullName: string): string => fullName.slice(fullName.indexOf('.') + 1)

export type ObjectKind =
  /** Account, Lead … */
  | 'standard'
  /** X__c, of this Salesforce org's own */
  | 'custom'
  /** ns__X__c, of an installed package */
  | 'managed'
  /** Other kinds of objects, by their suffix (events, custom metadata, big and external objects) */
  | 'unsupported'

const SUFFIX = /^(.+?)__([a-z]{1,12})$/i
const PACKAGED = /^[a-z](?:[a-z0-9]|_(?!_)){0,14}__[a-z]\w*__c$/i

export const objectKind = (apiName: string): ObjectKind => {
  if (PACKAGED.test(apiName)) return 'managed'
  // Whatever precedes the last suffix: a double underscore there is a fault, not another kind.
  const suffix = SUFFIX.exec(apiName.slice(Math.max(0, apiName.lastIndexOf('__') - 1)))?.[2]
  if (suffix === undefined) return 'standard'
  return suffix.toLowerCase() === 'c' ? 'custom' : 'unsupported'
}

/** The name without `__c`. */
export const developerName = (apiName: string): string => apiName.replace(/__c$/i, '')

export interface NameFault {
  code: string
  message: string
}

/**
 * What is wrong with a developer name (without suffix); null if nothing is. `what` names the component
 * in the message.
 */
export const nameFault = (name: string, what: string, max = NAME_MAX): NameFault | null => {
  if (name.length > max) {
    return {
      code: 'name_too_long',
      message: `${what} has ${name.length} characters; Salesforce allows ${max}. Shorten it.`,
    }
  }
  if (!/^[A-Za-z]/.test(name)) {
    return { code: 'name_bad_start', message: `${what} must begin with a letter. Rename it.` }
  }
  if (!/^\w*$/.test(name)) {
    return {
      code: 'name_bad_character',
      message: `${what} may hold only letters of the English alphabet, digits and underscores. Rename it.`,
    }
  }
  if (name.includes('__')) {
    return {
      code: 'name_double_underscore',
      message: `${what} has two underscores in a row, which Salesforce keeps for its own suffixes. Use one.`,
    }
  }
  if (name.endsWith('_')) {
    return {
      code: 'name_trailing_underscore',
      message: `${what} ends with an underscore. Remove it.`,
    }
  }
  if (RESERVED.has(sameName(name))) {
    return {
      code: 'name_reserved',
      message: `${what} is a reserved word of SOQL. Use a different name, for example ${name}_Value.`,
    }
  }
  return null
}

/**
 * As `nameFault`, for the name of a field. Salesforce: a custom field of Contact is seen on person accounts
 * with the suffix `__pc`.
 */
export const fieldNameFault = (object: string, apiName: string): NameFault | null =>
  sameName(object) === 'account' && /.__pc$/i.test(apiName)
    ? {
        code: 'name_missing_suffix',
        message: `${apiName} is how person accounts show a field of Contact. Plan ${apiName.replace(/__pc$/i, '__c')} on Contact.`,
      }
    : customNameFault(apiName, `Field name ${object}.${apiName}`)

/** As `nameFault`, for a name that must end in `__c`. */
export const customNameFault = (apiName: string, what: string): NameFault | null =>
  /__c$/i.test(apiName)
    ? nameFault(developerName(apiName), what)
    : {
        code: 'name_missing_suffix',
        message: `${what} must end in __c, as every custom name does. Add it.`,
      }

/**
 * Name of a component in package.xml and in its path. Salesforce: characters that a file name could not
 * contain are percent-encoded there, `Lead-Lead %28Sales%29 Layout` for one.
 */
export const metadataName = (name: string): string =>
  name.replace(
    /[^A-Za-z0-9 _\-\u0080-\uffff]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  )

/** Full name of a page layout: its object, a hyphen, its own name. */
export const layoutFullName = (object: string, layout: string): string =>
  `${object}-${metadataName(layout)}`
