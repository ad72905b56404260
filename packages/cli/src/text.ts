// Texts of strangers on a terminal.

/**
 * Without what could act on a terminal or hide text: control characters, and those that turn its
 * direction. Labels and names in Salesforce are written by anybody. Line breaks remain.
 */
export const clean = (text: string): string => text.replaceAll(/(?!\n)[\p{Cc}\p{Cf}]/gu, '')

/** A time for people: to the minute. */
export const minuteOf = (iso: string): string =>
  iso.replace(/^(\d{4}-\d\d-\d\d)T(\d\d:\d\d):\d\d(\.\d+)?Z$/, '$1 $2 UTC')

// oxlint-disable-next-line no-control-regex -- colours take no place on a line
const COLOURS = /\u001b\[\d+m/g

/**
 * Lines broken between words where a terminal of so many columns would break within one. What is indented
 * stays whole: commands and links are copied from there.
 */
export const wrapped = (text: string, columns: number): string =>
  text
    .split('\n')
    .map((line) => {
      if (line.startsWith(' ') || line.replaceAll(COLOURS, '').length <= columns) return line
      const lines: string[] = []
      let last = ''
      for (const word of line.split(' ')) {
        const longer = last === '' ? word : `${last} ${word}`
        if (last !== '' && longer.replaceAll(COLOURS, '').length > columns) {
          lines.push(last)
          last = word
        } else last = longer
      }
      return [...lines, last].join('\n')
    })
    .join('\n')

/** What the API calls its members, and a command its options. */
const OPTIONS: Readonly<Record<string, string>> = {
  all_or_none: '--all-or-none',
  allow_broken: '--allow-broken',
  allow_data_loss: '--allow-data-loss',
  allow_duplicates: '--allow-duplicates',
  allow_other_org: '--allow-other-org',
  approval_id: '--approval',
  assignment_rules: '--assignment-rules',
  conflict_report_id: '--report',
  dry_run: '--dry-run',
}

/** Endpoints that have a command of their own. */
const COMMANDS: Readonly<Record<string, string>> = {
  '/api/conflicts/check': 'sfx check',
  '/api/connections/create': 'sfx connect',
  '/api/deploy/list': 'sfx deploy list',
  '/api/mappings/create': 'sfx mappings set',
  '/api/mappings/update': 'sfx mappings edit',
  '/api/workflows/remove': 'sfx workflows remove',
  '/api/workflows/set-active': 'sfx workflows activate or deactivate',
}

/**
 * Words of the server as a person types them: its remedies name members and endpoints of the API. Words of
 * strangers stay as they are.
 */
export const typed = (text: string): string =>
  text
    .replaceAll(
      /(?<![\w/]|GET |POST )\/api\/[a-z-]+\/[a-z-]+/g,
      (path) => COMMANDS[path] ?? `sfx api ${path}`,
    )
    .replaceAll(/(?<![\w.-])[a-z]+(?:_[a-z]+)+(?!\w)/g, (name) => OPTIONS[name] ?? name)
