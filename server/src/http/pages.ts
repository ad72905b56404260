// The frame of the pages under /docs that are not the reference.

export const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

const STYLE = `
:root { color-scheme: light dark; --line: #d4d8dd; --soft: #5b6570; --link: #0b5cad; --code: #f3f5f7; }
@media (prefers-color-scheme: dark) { :root { --line: #3a4048; --soft: #a3adb8; --link: #7ab8ff; --code: #1d2126; } }
body { font: 16px/1.55 system-ui, sans-serif; max-width: 46rem; margin: 2.5rem auto; padding: 0 1.25rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
code { font-family: ui-monospace, monospace; font-size: 0.95em; overflow-wrap: anywhere; }
pre { background: var(--code); padding: 0.9rem 1rem; border-radius: 6px; overflow-x: auto; font-size: 0.9em; }
pre code { overflow-wrap: normal; }
table { border-collapse: collapse; } th, td { border: 1px solid var(--line); padding: 0.35rem 0.6rem; text-align: left; vertical-align: top; }
a { color: var(--link); } .soft, dt { color: var(--soft); }
dd { margin: 0 0 1rem; } ul { padding-left: 1.2rem; } ul.codes { columns: 18rem; }
nav { border-bottom: 1px solid var(--line); padding-bottom: 0.6rem; }
`

/** A whole page. `body` is HTML. */
export const page = (title: string, body: string): string => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escaped(title)} · sfdc-engine-x</title><style>${STYLE}</style></head>
<body><nav><a href="/docs/">API reference</a> · <a href="/docs/guides">Guides</a> · <a href="/docs/errors">All codes</a></nav>
${body}
</body></html>
`
