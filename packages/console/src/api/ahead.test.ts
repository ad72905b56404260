import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { askAhead, fetchOnce } from './ahead.ts'

const ORIGIN = 'https://engine.example'
let sent: { path: string; signal: AbortSignal | null | undefined }[] = []

beforeEach(() => {
  sent = []
  vi.stubGlobal('location', { origin: ORIGIN })
  vi.stubGlobal('fetch', async (path: string, init?: RequestInit) => {
    sent.push({ path, signal: init?.signal })
    return new Response(String(sent.length))
  })
})
afterEach(() => {
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})

const answerTo = async (path: string, init?: RequestInit) => (await fetchOnce(path, init)).text()
const BODY = JSON.stringify({ limit: 100 })

it('hands what was asked ahead to whoever asks the same, once', async () => {
  vi.spyOn(performance, 'now').mockReturnValue(500)
  await askAhead({ path: '/api/fleet/health', body: BODY })
  const init = { method: 'POST', body: BODY }
  expect(await answerTo(`${ORIGIN}/api/fleet/health`, { ...init, body: '{}' })).toBe('2')
  expect(await answerTo(`${ORIGIN}/api/fleet/health`, init)).toBe('1')
  expect(await answerTo(`${ORIGIN}/api/fleet/health`, init)).toBe('3')
})

it('asks now where it is too late for what was asked ahead, or it was not asked after all', async () => {
  const now = vi.spyOn(performance, 'now').mockReturnValue(500)
  void askAhead({ path: '/api/late' })
  void askAhead({ path: '/api/unwanted', when: Promise.resolve(false) })
  expect(await answerTo('/api/unwanted')).toBe('2')
  now.mockReturnValue(11_000)
  expect(await answerTo('/api/late')).toBe('3')
  expect(sent.map(({ path }) => path)).toEqual(['/api/late', '/api/unwanted', '/api/late'])
})

it('passes on that nobody wants the answer any longer', async () => {
  vi.spyOn(performance, 'now').mockReturnValue(500)
  void askAhead({ path: '/api/left' })
  const controller = new AbortController()
  await answerTo('/api/left', { signal: controller.signal })
  controller.abort(new Error('left'))
  expect(sent.map(({ signal }) => signal?.aborted)).toEqual([true])
  void askAhead({ path: '/api/left' })
  await expect(fetchOnce('/api/left', { signal: controller.signal })).rejects.toThrow('left')
})
