// The console's files, built where they are missing or older than what they are built from.

import { spawn } from 'node:child_process'
import { existsSync, readdirSync, statSync, watch } from 'node:fs'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '..')
const CONSOLE = join(ROOT, 'packages/console')
const BUILT = join(CONSOLE, 'dist/index.html')
const VITE = join(ROOT, 'node_modules/vite/bin/vite.js')
const SOURCES = [
  join(CONSOLE, 'src'),
  join(CONSOLE, 'index.html'),
  join(CONSOLE, 'package.json'),
  join(CONSOLE, 'vite.config.ts'),
  join(ROOT, 'packages/client/src'),
  // Other versions of what it is built with.
  join(ROOT, 'package-lock.json'),
]

const changedMs = (path: string): number => {
  const found = statSync(path)
  if (!found.isDirectory()) return found.mtimeMs
  const inside = readdirSync(path).map((name) => changedMs(join(path, name)))
  // A folder changes when a file in it is deleted.
  return Math.max(found.mtimeMs, ...inside)
}

const isBuilt = (): boolean =>
  existsSync(BUILT) && Math.max(...SOURCES.map(changedMs)) <= statSync(BUILT).mtimeMs

/** A process of Vite. Without `empties`, files of earlier builds stay, for pages that are open. */
const startBuild = (empties: boolean) =>
  spawn(
    process.execPath,
    [VITE, 'build', '--logLevel', 'warn', ...(empties ? [] : ['--emptyOutDir', 'false'])],
    {
      cwd: CONSOLE,
      stdio: ['ignore', 'inherit', 'inherit'],
      // Whoever builds: with any other value React brings its tools for developers, half as much again.
      env: { ...process.env, NODE_ENV: 'production' },
    },
  )

/** A save writes several files. */
const QUIET_MS = 150

/** Builds again after each change of a source, one build at a time. Returns what ends that. */
export const watchConsole = (): (() => void) => {
  let build: ReturnType<typeof startBuild> | undefined
  let isStale = false
  const begin = (): void => {
    isStale = build !== undefined
    if (isStale) return
    build = startBuild(false)
    build.once('exit', () => {
      build = undefined
      if (isStale) begin()
    })
  }
  let timer: NodeJS.Timeout | undefined
  const watchers = SOURCES.map((path) =>
    watch(path, { recursive: true }, () => {
      clearTimeout(timer)
      timer = setTimeout(begin, QUIET_MS)
    }),
  )
  return () => {
    clearTimeout(timer)
    for (const watcher of watchers) watcher.close()
    isStale = false
    build?.kill('SIGTERM')
  }
}

/**
 * What became of it: `current` (nothing to do), `built`, or `no-tools`: an installation without development
 * packages, whose image brings the files.
 */
export const buildConsole = async (): Promise<'current' | 'built' | 'no-tools'> => {
  if (!existsSync(VITE)) return 'no-tools'
  if (isBuilt()) return 'current'
  const build = startBuild(true)
  const code = await new Promise<number | null>((resolve) => build.once('exit', resolve))
  if (code !== 0) throw new Error(`the console could not be built (exit code ${code})`)
  return 'built'
}
