// Phrases that many findings share.

export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${count.toLocaleString('en-US')} ${count === 1 ? one : many}`

/** The word that fits one name, or the one that fits several. */
export const one = (names: readonly unknown[], single: string, several: string): string =>
  names.length === 1 ? single : several

/** At most five names, and how many more there are. */
export const listed = (names: readonly string[]): string =>
  names.length <= 5
    ? names.join(', ')
    : `${names.slice(0, 5).join(', ')} and ${names.length - 5} more`

/** Share of a push in whole per cent; a share above zero is never shown as zero. */
export const share = (part: number, whole: number): string => {
  if (whole === 0) return '0 %'
  const percent = (part / whole) * 100
  return percent > 0 && percent < 1 ? 'under 1 %' : `${Math.round(percent)} %`
}

/** Null: the number is not known. */
export const inRecords = (count: number | null): string =>
  count === null ? 'an unknown number of records' : plural(count, 'record')
