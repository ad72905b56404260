// Texts of strangers on a terminal.

/**
 * Without what could act on a terminal or hide text: control characters, and those that turn its
 * direction. Labels and names in Salesforce are written by anybody. Line breaks remain.
 */
export const clean = (text: string): string => text.replaceAll(/(?!\n)[\p{Cc}\p{Cf}]/gu, '')

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
    .replaceAll(/(?<![\w/])\/api\/[a-z-]+\/[a-z-]+/g, (path) => COMMANDS[path] ?? `sfx api ${path}`)
    .replaceAll(/(?<![\w.-])[a-z]+(?:_[a-z]+)+(?!\w)/g, (name) => OPTIONS[name] ?? name)
