// The command that was typed, to be typed again with something more.

const quoted = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`

/** A command line of these words. */
export const commandOf = (...words: readonly string[]): string =>
  ['sfx', ...words.map(quoted)].join(' ')

/** This command with these options beside its own; one that it already has stays as it is. */
export const again = (options: Readonly<Record<string, string | undefined>>): string => {
  const typed = process.argv.slice(2)
  const more = Object.entries(options).flatMap(([name, value]) =>
    value === undefined || typed.includes(name) ? [] : [name, value],
  )
  return commandOf(...typed, ...more)
}
