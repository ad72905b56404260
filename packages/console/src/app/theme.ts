// Light or dark: as the system says, unless somebody chose. The choice is a cookie of the console's own,
// without any meaning for the server.

export type Theme = 'system' | 'light' | 'dark'

const COOKIE = 'sfx-theme'
const A_YEAR_SECONDS = 31_536_000
const CHOSEN = /(?:^|; )sfx-theme=(light|dark)/

export const chosenTheme = (): Theme =>
  (CHOSEN.exec(document.cookie)?.[1] as Theme | undefined) ?? 'system'

export const applyTheme = (theme: Theme): void => {
  if (theme === 'system') delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = theme
}

export const chooseTheme = (theme: Theme): void => {
  const seconds = theme === 'system' ? 0 : A_YEAR_SECONDS
  document.cookie = `${COOKIE}=${theme}; Path=/console; SameSite=Strict; Max-Age=${seconds}`
  applyTheme(theme)
}
