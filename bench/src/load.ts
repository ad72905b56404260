// A closed loop of requests from this process: so many at once, for so long.

import { Pool } from 'undici'

export interface LoadResult {
  perSecond: number
  p50Ms: number
  p99Ms: number
  failures: number
}

interface Request {
  path: string
  headers: Record<string, string>
  body: string
}

/** Sends `request` over `connections` keep-alive connections for `seconds`, after a second of warm-up. */
export const load = async (
  origin: string,
  request: Request,
  options: { connections: number; seconds: number },
): Promise<LoadResult> => {
  const pool = new Pool(origin, { connections: options.connections, pipelining: 1 })
  const times: number[] = []
  let failures = 0
  const warmUntil = performance.now() + 1_000
  const end = warmUntil + options.seconds * 1_000
  const loop = async () => {
    for (;;) {
      const started = performance.now()
      if (started >= end) return
      const { statusCode, body } = await pool.request({ method: 'POST', ...request })
      await body.dump()
      if (statusCode !== 200) failures++
      if (started >= warmUntil) times.push(performance.now() - started)
    }
  }
  await Promise.all(Array.from({ length: options.connections }, loop))
  await pool.close()
  times.sort((a, b) => a - b)
  const at = (share: number) =>
    times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0
  return { perSecond: times.length / options.seconds, p50Ms: at(0.5), p99Ms: at(0.99), failures }
}

export const median = (values: number[]): number => {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? 0
}
