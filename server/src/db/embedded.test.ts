import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, it } from 'vitest'

it('a process that has PostgreSQL from npm at hand ends with the exit code that it has set', () => {
  const module = JSON.stringify(join(import.meta.dirname, 'embedded.ts'))
  const program = `await import(${module}); process.exitCode = 3`
  const { status, stderr } = spawnSync(
    process.execPath,
    ['--input-type=module', '--eval', program],
    { encoding: 'utf8' },
  )
  expect({ status, stderr }).toEqual({ status: 3, stderr: '' })
})
