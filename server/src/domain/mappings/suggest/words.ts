// Names split into words, so that `companyPhone`, `Company_Phone__c` and "Company phone" are the same,
// and synonyms are known.

/** Words that CRMs use for the same thing; the first of a line represents all of them. */
const SYNONYMS: readonly string[] = [
  'phone telephone tel telefon phoneno',
  'mobile cell cellphone handy smartphone',
  'email mail emailaddress',
  'account company organization organisation employer business customer firm',
  'website url web homepage site link domain webpage',
  'postalcode zip zipcode postcode plz',
  'first given forename',
  'last surname family lastname',
  'title position',
  'street addressline addr',
  'city town locality',
  'state province county',
  'country nation',
  'region territory',
  'description summary about note comment remark detail',
  'status stage phase',
  'source origin channel referrer',
  'amount value total sum volume',
  'revenue turnover sale',
  'salary compensation pay wage remuneration',
  'price cost fee rate',
  'quantity qty',
  'count number headcount size',
  'employee staff worker',
  'industry sector vertical branch',
  'identifier id key uid uuid guid ref reference code',
  'external ext foreign',
  'owner assignee rep recruiter agent responsible',
  'created creation added',
  'updated modified changed',
  'start begin from commence',
  'end finish until close due expiry expiration expire',
  'birth birthday dob born',
  'salutation prefix honorific',
  'gender sex',
  'department dept division',
  'priority urgency severity importance',
  'type kind category classification class',
  'language lang locale',
  'currency curr iso',
  'latitude lat',
  'longitude lng lon long',
  'linkedin li',
  'contact person candidate applicant individual',
  'opportunity deal',
  'case ticket issue',
  'job vacancy requisition role opening',
  'subject headline topic',
  'manager supervisor boss reportsto',
  'resume cv curriculum',
  'skill competency',
  'score rating grade',
  'active enabled',
  'opt consent permission',
  'fax telefax facsimile',
  'probability likelihood chance',
  'campaign promotion',
  'product item sku',
  'contract agreement',
  'invoice bill',
  'shipping delivery ship',
  'billing invoicing',
  'mailing postal correspondence',
]

/** Compound words: each is split into its parts, even if written as one word. */
const COMPOUNDS: Readonly<Record<string, readonly string[]>> = {
  firstname: ['first', 'name'],
  lastname: ['last', 'name'],
  forename: ['first', 'name'],
  surname: ['last', 'name'],
  givenname: ['first', 'name'],
  familyname: ['last', 'name'],
  fullname: ['full', 'name'],
  middlename: ['middle', 'name'],
  companyname: ['company', 'name'],
  accountname: ['account', 'name'],
  birthdate: ['birth', 'date'],
  dateofbirth: ['birth', 'date'],
  dob: ['birth', 'date'],
  birthday: ['birth', 'date'],
  jobtitle: ['job', 'title'],
  mobilephone: ['mobile', 'phone'],
  cellphone: ['mobile', 'phone'],
  homephone: ['home', 'phone'],
  workphone: ['work', 'phone'],
  phonenumber: ['phone'],
  mobilenumber: ['mobile', 'phone'],
  leadsource: ['lead', 'source'],
  headcount: ['employee', 'count'],
  closedate: ['close', 'date'],
  startdate: ['start', 'date'],
  enddate: ['end', 'date'],
  externalid: ['external', 'id'],
  extid: ['external', 'id'],
  addressline: ['street'],
  address1: ['street'],
}

/** Two words with one meaning: looked up before the single words. */
const PAIRS: Readonly<Record<string, string>> = {
  'zip code': 'postalcode',
  'postal code': 'postalcode',
  'post code': 'postalcode',
  'web site': 'website',
  'home page': 'website',
  'e mail': 'email',
  'cell phone': 'mobile phone',
  'mobile number': 'mobile phone',
  'cell number': 'mobile phone',
  'phone number': 'phone',
  'fax number': 'fax',
  'company size': 'employee count',
  'team size': 'employee count',
  'street address': 'street',
  'address line': 'street',
}

/** Words that say little by themselves, since so many names have them. */
const WEAK: Readonly<Record<string, number>> = {
  name: 0.45,
  identifier: 0.5,
  count: 0.4,
  date: 0.4,
  type: 0.6,
  account: 0.85,
  field: 0.1,
  value: 0.3,
  is: 0.1,
  has: 0.1,
  at: 0.1,
  on: 0.1,
  of: 0.05,
  the: 0.05,
  and: 0.05,
  in: 0.1,
  for: 0.1,
  by: 0.2,
  primary: 0.3,
  main: 0.3,
  default: 0.3,
  current: 0.3,
  custom: 0.2,
  address: 0.5,
  external: 0.6,
  annual: 0.5,
  total: 0.5,
  full: 0.5,
}

/** Words that say whose or which one: a name without them means something else. */
const STRONG: ReadonlySet<string> = new Set(
  'owner manager assistant parent spouse emergency other secondary alternate previous former linkedin twitter facebook instagram github xing'.split(
    ' ',
  ),
)

export const weightOf = (word: string): number =>
  WEAK[word] ?? (STRONG.has(word) ? 2 : /^\d+$/.test(word) ? 0.4 : 1)

const IRREGULAR: Readonly<Record<string, string>> = {
  people: 'person',
  status: 'status',
  address: 'address',
  class: 'class',
  business: 'business',
  canvas: 'canvas',
  series: 'series',
  news: 'news',
  has: 'has',
  is: 'is',
  sales: 'sale',
}

const singular = (word: string): string => {
  const known = IRREGULAR[word]
  if (known !== undefined) return known
  if (word.length < 4 || !word.endsWith('s') || /(ss|us|is)$/.test(word)) return word
  if (word.endsWith('ies') && word.length > 4) return `${word.slice(0, -3)}y`
  return /(ches|shes|xes|sses)$/.test(word) ? word.slice(0, -2) : word.slice(0, -1)
}

const CONCEPTS: ReadonlyMap<string, string> = new Map(
  // Earlier lines win: "state" is the place before it is the stage.
  SYNONYMS.toReversed().flatMap((line) => {
    const words = line.split(' ')
    const [first = ''] = words
    return words.toReversed().map((word) => [word, first] as const)
  }),
)

/** The word that represents this one and its synonyms. */
export const conceptOf = (word: string): string => CONCEPTS.get(word) ?? word

/**
 * Salesforce: `ns__Name__c`, `Name__c`, `Name__pc` (person account), `Name__r`: what surrounds the name.
 * The namespace is that of an installed package.
 */
const bare = (apiName: string): string =>
  apiName.replace(/__(?:c|pc|r|pr|e|mdt|x|b|kav)$/i, '').replace(/^[A-Za-z]\w{0,14}?__(?=\w)/, '')

const split = (text: string): string[] =>
  text
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/([A-Z]+)([A-Z][a-z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== '')

/**
 * The words of a name or label, singular, in order: API names lose suffix and namespace, and compound
 * words are split.
 */
export const wordsOf = (text: string): string[] => {
  const words: string[] = []
  const raw = split(bare(text))
  for (let i = 0; i < raw.length; i += 1) {
    const pair = PAIRS[`${raw[i] ?? ''} ${raw[i + 1] ?? ''}`]
    if (pair !== undefined) {
      words.push(...pair.split(' '))
      i += 1
      continue
    }
    const word = raw[i] ?? ''
    const parts = Object.hasOwn(COMPOUNDS, word) ? COMPOUNDS[word] : undefined
    words.push(...(parts ?? [singular(word)]))
  }
  return words
}

/** Letters only, for names that differ only in spelling. */
export const squeezed = (text: string): string => split(bare(text)).join('')

/** Whether the words differ by one letter added, removed or changed, or by two swapped. */
export const isNear = (a: string, b: string): boolean => {
  if (Math.abs(a.length - b.length) > 1 || a === b) return a === b
  const [short, long] = a.length <= b.length ? [a, b] : [b, a]
  let i = 0
  while (i < short.length && short[i] === long[i]) i += 1
  if (short.length !== long.length) return short.slice(i) === long.slice(i + 1)
  if (short.slice(i + 1) === long.slice(i + 1)) return true
  return (
    short[i] === long[i + 1] && short[i + 1] === long[i] && short.slice(i + 2) === long.slice(i + 2)
  )
}

const VOWELS = /[aeiou]/g

/** Words in their own right: they begin other words without being abbreviations of them. */
const isWord = (word: string): boolean =>
  CONCEPTS.has(word) ||
  Object.hasOwn(WEAK, word) ||
  ['time', 'day', 'year', 'open', 'close'].includes(word)

/** `dept` for department, `mgr` for manager, `desc` for description, `amt` for amount. */
export const isAbbreviation = (short: string, long: string): boolean => {
  if (short.length < 2 || short.length >= long.length || short[0] !== long[0]) return false
  if (isWord(short)) return false
  if (short.length >= 3 && long.startsWith(short)) return true
  // Without vowels, it must consist of letters of the word in order and end at or near the end of the
  // word.
  if (short.slice(1).replace(VOWELS, '').length !== short.length - 1 || long.length < 4)
    return false
  let from = 0
  for (const letter of short) {
    const found = long.indexOf(letter, from)
    if (found < 0) return false
    from = found + 1
  }
  return short.length >= 3 || from === long.length
}

/** How similar two words are, 0 to 1, and why. */
export interface Likeness {
  quality: number
  how: 'same' | 'synonym' | 'abbreviation' | 'spelling'
}

const SAME: Likeness = Object.freeze({ quality: 1, how: 'same' })
const SYNONYM: Likeness = Object.freeze({ quality: 0.93, how: 'synonym' })
const ABBREVIATION: Likeness = Object.freeze({ quality: 0.8, how: 'abbreviation' })
const SPELLING: Likeness = Object.freeze({ quality: 0.8, how: 'spelling' })

export const likeness = (a: string, b: string): Likeness | null => {
  if (a === b) return SAME
  if (conceptOf(a) === conceptOf(b)) return SYNONYM
  if (a[0] !== b[0]) return null
  if (a.length >= 5 && b.length >= 5 && isNear(a, b)) return SPELLING
  return isAbbreviation(a, b) || isAbbreviation(b, a) ? ABBREVIATION : null
}

/** Changes of one letter that turn one text into the other; `most + 1` once there are more. */
const distance = (a: string, b: string, most: number): number => {
  if (Math.abs(a.length - b.length) > most) return most + 1
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i]
    let least = i
    for (let j = 1; j <= b.length; j += 1) {
      const cost = Math.min(
        (row[j] ?? 0) + 1,
        (next[j - 1] ?? 0) + 1,
        (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1),
      )
      next.push(cost)
      least = Math.min(least, cost)
    }
    if (least > most) return most + 1
    row = next
  }
  return row[b.length] ?? most + 1
}

/**
 * The name that was most likely meant; null if none is close. Of equally close ones the one of the most
 * similar length (`placement` before `Placement__c` for `placemnt`), whatever the order of the names.
 */
export const closestName = (meant: string, names: readonly string[]): string | null => {
  const wanted = squeezed(meant)
  if (wanted === '') return null
  const gapOf = (name: string): number => Math.abs(name.length - meant.length)
  let best: { name: string; cost: number } | null = null
  const most = wanted.length <= 3 ? 1 : wanted.length <= 8 ? 2 : 3
  for (const name of names) {
    const cost = distance(wanted, squeezed(name), most)
    if (cost > most) continue
    const isBetter =
      best === null ||
      (cost - best.cost || gapOf(name) - gapOf(best.name) || (name < best.name ? -1 : 1)) < 0
    if (isBetter) best = { name, cost }
  }
  return best?.name ?? null
}

/** No name of Salesforce is longer, and a comparison costs the product of the lengths. */
const NAME_MAX = 100
/** Of many unknown names, the first ones: that is how many a finding lists. */
const NEAR_MAX = 5

/** ` Did you mean Lead, Contact?`, to be added to a sentence; empty if no name is close. */
export const nearNames = (meant: readonly string[], names: readonly string[]): string => {
  const near = meant
    .slice(0, NEAR_MAX)
    .flatMap((name) => (name.length > NAME_MAX ? [] : (closestName(name, names) ?? [])))
  return near.length === 0 ? '' : ` Did you mean ${[...new Set(near)].join(', ')}?`
}

/** The same for one name. */
export const didYouMean = (meant: string, names: readonly string[]): string =>
  nearNames([meant], names)
