// The packages as their users get them: built and packed in a copy, so that suites can do it at once, and
// installed into an empty folder without the network.

import { execFile } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

const ROOT = join(import.meta.dirname, '../..')

export const run = promisify(execFile)

export const npm = async (cwd: string, ...argv: string[]): Promise<string> => {
  const { stdout, stderr } = await run('npm', argv, { cwd }).catch((error: unknown) => {
    const { stdout: out, stderr: err } = error as { stdout: string; stderr: string }
    throw new Error(`npm ${argv.join(' ')} failed:\n${out}${err}`)
  })
  return stdout + stderr
}

/** Packs these packages, in this order, and answers their tarballs in `folder`. */
export const packInto = async (
  folder: string,
  ...names: readonly ('client' | 'cli')[]
): Promise<string[]> => {
  const copy = join(folder, 'repository')
  mkdirSync(join(copy, 'packages'), { recursive: true })
  cpSync(join(ROOT, 'tsconfig.json'), join(copy, 'tsconfig.json'))
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'))
  const tarballs: string[] = []
  for (const name of names) {
    const inCopy = join(copy, 'packages', name)
    cpSync(join(ROOT, 'packages', name), inCopy, {
      recursive: true,
      filter: (path) => !/\/(dist|node_modules)$/.test(path),
    })
    const own = join(ROOT, 'packages', name, 'node_modules')
    if (existsSync(own)) symlinkSync(own, join(inCopy, 'node_modules'))
    await npm(inCopy, 'pack', '--pack-destination', folder)
    const made = readdirSync(folder).find((file) => file.startsWith(`sfdc-engine-x-${name}-`))
    if (made === undefined) throw new Error(`npm pack made no tarball of ${name}`)
    tarballs.push(join(folder, made))
  }
  return tarballs
}

/** Installs tarballs into an empty folder; what they depend on comes from here, not from the network. */
export const installInto = async (
  folder: string,
  tarballs: readonly string[],
  dependencies: readonly string[] = [],
): Promise<void> => {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  const local = dependencies.map((name) => {
    const nested = join(ROOT, 'packages/cli/node_modules', name)
    return existsSync(nested) ? nested : join(ROOT, 'node_modules', name)
  })
  await npm(
    folder,
    ...['install', '--offline', '--install-links', '--no-audit', '--no-fund'],
    ...[...tarballs, ...local],
  )
}
