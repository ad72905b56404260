import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { inConsoleWords } from './words.ts'

describe('a remedy in the console', () => {
  it('names places of the console', () => {
    expect(inConsoleWords('Pull a new one: /api/topology/pull.')).toBe(
      'Pull a new one: “Capture the schema now” on the page of the client.',
    )
    expect(inConsoleWords('See /api/work/list with states ["failed", "partial"].')).toBe(
      'See the work on the page of the client.',
    )
    expect(inConsoleWords('Wait for it; poll /api/push/get.')).toBe('Wait for it; poll Pushes.')
    expect(inConsoleWords('Ask /api/unknown/thing.')).toBe('Ask /api/unknown/thing.')
  })

  it('names the page of the client from elsewhere only, and what the console calls members', () => {
    expect(inConsoleWords('See /api/work/list.', 'client')).toBe('See the work on this page.')
    expect(inConsoleWords('Rule out possible_causes first.')).toBe(
      'Rule out the possible causes first.',
    )
    expect(inConsoleWords('Check again with refresh: true.')).toBe(
      'Check again with “Read the schema first”.',
    )
    expect(inConsoleWords('use /api/push/status-update.')).toBe(
      'use an update by id, through the API.',
    )
  })

  it('names no endpoint of any remedy of the server, but for those of the operator', () => {
    const errors = readFileSync(join(import.meta.dirname, '../../../../docs/errors.md'), 'utf8')
    const left = [...inConsoleWords(errors).matchAll(/\/api\/[a-z/-]+/g)].map(([path]) => path)
    expect([...new Set(left)].filter((path) => !/super-admin|offboard/.test(path))).toEqual([])
  })
})
