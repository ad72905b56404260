// docs/operations, held against the server: what alerts and dashboard ask for exists, every metric is
// explained, and every alert has a section in the runbook.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { sharedRig } from './shared-rig.ts'

const read = (name: string): string =>
  readFileSync(join(import.meta.dirname, '../../docs/operations', name), 'utf8')

const RULES = read('alerts.yml')
const DASHBOARD = JSON.parse(read('dashboard.json')) as { panels: Panel[] }
const RUNBOOK = read('runbook.md')

interface Panel {
  id: number
  type: string
  title: string
  gridPos: { h: number; w: number; x: number; y: number }
  targets?: { expr: string; refId: string }[]
}

const METRIC = /\b(?:sfdc_engine|nodejs|process)_[a-z0-9_]+/g
/** What Prometheus adds to the name of a histogram. */
const SERIES = /_(bucket|count|sum)$/

/** Each metric of the server with its type. */
let types: Map<string, string>

beforeAll(async () => {
  const { urls } = await sharedRig()
  const page = await (await fetch(new URL('/metrics', urls[0]))).text()
  types = new Map(
    [...page.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => [name, type]),
  )
})

const exists = (name: string): boolean =>
  types.has(name) || types.get(name.replace(SERIES, '')) === 'histogram'

const namesIn = (text: string): string[] => [...new Set(text.match(METRIC) ?? [])]

const alerts = [...RULES.matchAll(/^ *- alert: (\w+)$/gm)].map(([, name = '']) => name)
const expressions = DASHBOARD.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))

describe('what alerts and dashboard ask for', () => {
  it('is a metric of the server', () => {
    const asked = namesIn([RULES, ...expressions].join('\n'))
    expect(asked.length).toBeGreaterThan(20)
    expect(asked.filter((name) => !exists(name))).toEqual([])
  })

  it('is every metric of ours, at one of the two places', () => {
    const asked = new Set(
      namesIn([RULES, ...expressions].join('\n')).map((name) =>
        types.has(name) ? name : name.replace(SERIES, ''),
      ),
    )
    const ours = [...types.keys()].filter((name) => name.startsWith('sfdc_engine_'))
    expect(ours.filter((name) => !asked.has(name))).toEqual([])
  })
})

describe('metrics.md', () => {
  it('explains every metric of ours, and no other', () => {
    const ours = [...types.keys()].filter((name) => name.startsWith('sfdc_engine_'))
    const explained = [...read('metrics.md').matchAll(/^\| `(sfdc_engine_\w+)`/gm)].map(
      ([, name]) => name,
    )
    expect(explained.toSorted()).toEqual(ours.toSorted())
  })
})

describe('the runbook', () => {
  const sections = RUNBOOK.split(/^## /m)
    .slice(1)
    .map((section) => ({ name: section.split('\n')[0], text: section }))

  it('has a section for each alert, in their order, and no other', () => {
    expect(alerts.length).toBeGreaterThan(15)
    expect(sections.map(({ name }) => name)).toEqual(alerts)
  })

  it('says in each what the alert means, what to look at and what to do', () => {
    for (const { name, text } of sections) {
      for (const part of ['**Means**', '**Look at**', '**Do**']) {
        expect(text, name).toContain(part)
      }
    }
  })

  it('is where each alert leads to', () => {
    const leads = [...RULES.matchAll(/runbook: docs\/operations\/runbook\.md#(\w+)$/gm)]
    expect(leads.map(([, at]) => at)).toEqual(alerts.map((name) => name.toLowerCase()))
  })

  it('names only panels that the dashboard has', () => {
    const titles = new Set(DASHBOARD.panels.map(({ title }) => title))
    const named = [...RUNBOOK.matchAll(/(?<![\w*])_([A-Z][^_\n]+)_/g)].map(
      ([, title = '']) => title,
    )
    expect(named.length).toBeGreaterThan(5)
    expect(named.filter((title) => !titles.has(title))).toEqual([])
  })
})

describe('the dashboard', () => {
  it('has panels with ids of their own, none over another', () => {
    const ids = DASHBOARD.panels.map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
    const taken = new Set<string>()
    for (const { title, gridPos } of DASHBOARD.panels) {
      expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24)
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(taken.has(`${x},${y}`), title).toBe(false)
          taken.add(`${x},${y}`)
        }
      }
    }
  })
})
