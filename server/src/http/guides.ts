// The guides of docs/guides as pages, and as Markdown for whoever reads that better; and /llms.txt, what an
// agent reads first.

import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ROOT } from '../root.ts'
import { escaped, page } from './pages.ts'

const DOCS = join(ROOT, 'docs')
const GUIDES = join(DOCS, 'guides')
/** In this order, others after them. */
const ORDER = ['quick-start', 'long-operations', 'idempotency', 'errors', 'deploying-safely']

const namesOf = async (): Promise<string[]> => {
  const names = (await readdir(GUIDES))
    .filter((file) => file.endsWith('.md'))
    .map((file) => file.slice(0, -'.md'.length))
    .sort()
  return [...ORDER, ...names.filter((name) => !ORDER.includes(name))]
}

const titleOf = (text: string): string => /^# (.+)$/m.exec(text)?.[1] ?? ''

/** The text of a guide; null if there is none of that name. */
export const guideText = async (name: string): Promise<string | null> =>
  (await namesOf()).includes(name) ? readFile(join(GUIDES, `${name}.md`), 'utf8') : null

/** The page of a guide; null if there is none of that name. */
export const guidePage = async (name: string): Promise<string | null> => {
  const text = await guideText(name)
  if (text === null) return null
  const { marked } = await import('marked') // most servers are never asked
  const html = await marked.parse(text, { gfm: true })
  // Between files in the repository, between pages here.
  return page(titleOf(text), html.replaceAll(/href="([\w-]+)\.md"/g, 'href="/docs/guides/$1"'))
}

export const guidesPage = async (): Promise<string> => {
  const names = await namesOf()
  const titles = await Promise.all(
    names.map(async (name) => titleOf((await guideText(name)) ?? '')),
  )
  const items = names.map(
    (name, at) => `<li><a href="/docs/guides/${name}">${escaped(titles[at] ?? name)}</a></li>`,
  )
  return page('Guides', `<h1>Guides</h1><ul>${items.join('')}</ul>`)
}

export const llmsText = (): Promise<string> => readFile(join(DOCS, 'llms.txt'), 'utf8')
