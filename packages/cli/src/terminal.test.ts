import { PassThrough } from 'node:stream'
import { expect, it } from 'vitest'
import { Terminal } from './terminal.ts'

it('an error stands on a line of its own, whoever drew the bar above it', () => {
  const screen = Object.assign(new PassThrough(), { isTTY: true }) as unknown as NodeJS.WriteStream
  const drawing = new Terminal(false, screen, screen)
  drawing.progress({ stage: 'pushing', done: 1, total: 2 })
  new Terminal(false, screen, screen).error('Stopped.')
  const [, after = ''] = String(screen.read()).split('pushing 1 of 2')
  expect(after.startsWith('\r\u001b[K')).toBe(true)
  expect(after).toContain('Stopped.\n')
})
