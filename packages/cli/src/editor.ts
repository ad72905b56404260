// The editor of the person at the terminal.

import { spawn } from 'node:child_process'
import { EXIT, Exit, usage } from './exit.ts'

/**
 * Opens a file in `$VISUAL` or `$EDITOR`, which may have arguments (`code --wait`), else in vi; returns when it
 * is closed. Its screen is standard error where results are piped. Throws Exit if there is none, or it fails.
 */
export const openInEditor = async (path: string, isInteractive: boolean): Promise<void> => {
  const { VISUAL, EDITOR } = process.env
  const editor = [VISUAL, EDITOR].find((name) => (name ?? '').trim() !== '')
  if (editor === undefined && !isInteractive) {
    throw usage('There is no terminal to edit on. Set EDITOR, or use: sfx mappings set FILE')
  }
  const shown = process.stdout.isTTY ? 'inherit' : process.stderr
  const child = spawn(`${editor ?? 'vi'} "${path}"`, {
    shell: true,
    stdio: ['inherit', shown, 'inherit'],
  })
  const ended = await new Promise<string | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code, signal) =>
      resolve(code === 0 ? null : `exit code ${code ?? signal ?? 'unknown'}`),
    )
  })
  if (ended !== null) {
    throw new Exit(EXIT.failed, `The editor (${editor ?? 'vi'}) ended with ${ended}.`)
  }
}
