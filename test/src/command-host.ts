// A process that runs one command of sfx after the other, as `installed-sfx.ts` asks for them. What the
// package ships is what runs, `dist/main.js` afresh for each command, with its own arguments, environment and
// input; only what it imports stays loaded, and the connections that it has open.

import { Readable } from 'node:stream'
import { pathToFileURL } from 'node:url'

export interface HostedCommand {
  argv: string[]
  env: Record<string, string>
  input: string
}

export interface Ended {
  code: number | null
  out: string
  err: string
}

const [, , main = ''] = process.argv
let commands = 0

/** What is written to this stream from now on, until `restore`. */
const capture = (stream: NodeJS.WriteStream) => {
  const write = stream.write.bind(stream)
  const pieces: string[] = []
  stream.write = (piece: string | Uint8Array, ...rest: unknown[]): boolean => {
    pieces.push(Buffer.from(piece as string).toString('utf8'))
    const written = rest.find((one) => typeof one === 'function')
    if (written !== undefined) process.nextTick(written)
    return true
  }
  return {
    text: () => pieces.join(''),
    restore: () => {
      stream.write = write
      stream.removeAllListeners('error')
    },
  }
}

const run = async ({ argv, env, input }: HostedCommand): Promise<Ended> => {
  const [out, err] = [capture(process.stdout), capture(process.stderr)]
  process.argv.splice(2, Infinity, ...argv)
  process.env = env
  process.exitCode = undefined
  const stdin = Readable.from(input === '' ? [] : [Buffer.from(input)])
  Object.defineProperty(process, 'stdin', { value: stdin, configurable: true })
  try {
    commands += 1
    await import(`${pathToFileURL(main).href}?command=${commands}`)
    return { code: Number(process.exitCode ?? 0), out: out.text(), err: err.text() }
  } finally {
    for (const { restore } of [out, err]) restore()
    process.removeAllListeners('SIGINT')
    process.exitCode = undefined
  }
}

process.on('message', (command: HostedCommand) => {
  void run(command).then(
    (ended) => process.send?.(ended),
    // As a process of its own would end: with 1, and what was thrown.
    (error: unknown) => process.send?.({ code: 1, out: '', err: String(error) }),
  )
})
