import { PassThrough } from 'node:stream'
import { expect, it } from 'vitest'
import { Terminal } from './terminal.ts'
import { minuteOf, wrapped } from './text.ts'

it('an error stands on a line of its own, whoever drew the bar above it', () => {
  const screen = Object.assign(new PassThrough(), { isTTY: true }) as unknown as NodeJS.WriteStream
  const drawing = new Terminal(false, screen, screen)
  drawing.progress({ stage: 'pushing', done: 1, total: 2 })
  new Terminal(false, screen, screen).error('Stopped.')
  const [, after = ''] = String(screen.read()).split('pushing 1 of 2')
  expect(after.startsWith('\r\u001b[K')).toBe(true)
  expect(after).toContain('Stopped.\n')
})

it('lines are broken between words, and commands not at all', () => {
  const text = 'one two \u001b[31mthree\u001b[39m four\n  sfx wait push 1 --client 2'
  expect(wrapped(text, 13)).toBe(
    'one two \u001b[31mthree\u001b[39m\nfour\n  sfx wait push 1 --client 2',
  )
  expect(wrapped('https://engine.example/a/long/link', 10)).toBe(
    'https://engine.example/a/long/link',
  )
  expect(minuteOf('2026-11-29T09:46:56.396Z')).toBe('2026-11-29 09:46 UTC')
})
