// Preloaded into a measured server (`--import`): writes how long its event loop was blocked, to the file
// LOOP_PROBE_FILE, a line in milliseconds for each time that was long enough to matter.
//
// What counts is the CPU time of the main thread between two ticks of a short timer, not the time on the
// clock: on a busy machine the process waits for a core as well.

import { appendFileSync } from 'node:fs'

const TICK_MS = 2
const WORTH_TELLING_MS = 10

const { threadCpuUsage } = process as unknown as {
  threadCpuUsage: () => { user: number; system: number }
}
const cpuMs = (): number => {
  const { user, system } = threadCpuUsage()
  return (user + system) / 1000
}

const watch = (file: string): void => {
  let last = cpuMs()
  setInterval(() => {
    const now = cpuMs()
    if (now - last > WORTH_TELLING_MS) appendFileSync(file, `${(now - last).toFixed(1)}\n`)
    last = now
  }, TICK_MS).unref()
}

if (process.env.LOOP_PROBE_FILE !== undefined) watch(process.env.LOOP_PROBE_FILE)
