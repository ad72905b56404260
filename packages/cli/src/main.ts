// sfx: the whole command line, and how it ends.

import { CommanderError } from 'commander'
import { EXIT, codeOf, messageOf } from './exit.ts'
import { program } from './program.ts'
import { Terminal } from './terminal.ts'

// A reader that has seen enough (head, less) is no fault.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(EXIT.done)
  throw error
})

try {
  await program().parseAsync()
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? EXIT.done : EXIT.usage
  } else {
    const message = messageOf(error)
    if (message !== '') new Terminal(process.argv.includes('--json')).error(message)
    process.exitCode = codeOf(error)
  }
}
