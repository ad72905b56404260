import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '..')

/** How `npm start` runs Node, from the script `start`: `NAME=value … exec node --flag … file`. */
export const startCommand = (): { command: string[]; environment: Record<string, string> } => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    scripts: { start: string }
  }
  const words = scripts.start.split(' ')
  const settings = words.slice(0, words.indexOf('exec')).map((word) => word.split('='))
  return {
    command: words
      .slice(words.indexOf('node') + 1)
      .map((part) => (part.startsWith('--') ? part : join(ROOT, part))),
    environment: Object.fromEntries(settings) as Record<string, string>,
  }
}
