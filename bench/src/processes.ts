// Measured programs run as processes of their own, so that their memory and time are their own.

import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

export interface Program extends AsyncDisposable {
  url: string
  pid: number
  /** The whole line in which it printed its address. */
  announced: unknown
}

/**
 * Starts a program (a file and its arguments, behind any flags of Node) and resolves with the first
 * `"address":"http…"` that it writes.
 */
export const startProgram = async (
  command: readonly string[],
  environment: Record<string, string>,
  interpreter = process.execPath,
): Promise<Program> => {
  const child = spawn(interpreter, command, {
    env: { PATH: process.env.PATH ?? '', ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const announced = await announcementOf(child)
  return {
    url: announced.address,
    announced,
    pid: child.pid ?? 0,
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode !== null) return
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      await ended
    },
  }
}

const announcementOf = (child: ChildProcess): Promise<{ address: string }> =>
  new Promise((resolve, reject) => {
    if (child.stdout === null) throw new Error('no output to read')
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (/"address":"http:/.test(line)) resolve(JSON.parse(line) as { address: string })
    })
    setTimeout(
      () => reject(new Error('the program printed no address within 60 s')),
      60_000,
    ).unref()
    child.once('exit', (code, signal) =>
      reject(new Error(`the program ended with ${code ?? signal}`)),
    )
  })

/** Resident memory in MB, from /proc; 0 if there is none. */
export const residentMb = (pid: number): number => {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024
  } catch {
    return 0
  }
}

/** Linux: /proc counts processor time in hundredths of a second, on all usual builds. */
const TICK_MS = 10

/** Processor time that a process has taken so far, in milliseconds, from /proc; 0 if there is none. */
export const cpuMs = (pid: number): number => {
  try {
    // The name of the program, in brackets, may hold spaces.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? []
    return (Number(fields[11]) + Number(fields[12])) * TICK_MS
  } catch {
    return 0
  }
}

/** Samples a process while `work` runs; the peak in MB above the start value. */
export const peakOver = async <T>(
  pid: number,
  work: () => Promise<T>,
): Promise<{ value: T; idleMb: number; peakMb: number }> => {
  const idleMb = residentMb(pid)
  let peakMb = idleMb
  const timer = setInterval(() => {
    peakMb = Math.max(peakMb, residentMb(pid))
  }, 50)
  try {
    return { value: await work(), idleMb, peakMb: Math.max(peakMb, residentMb(pid)) }
  } finally {
    clearInterval(timer)
  }
}
