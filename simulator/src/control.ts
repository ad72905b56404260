// A typed client of the control port, for tests, demo and bench in other processes.

import { type Arrival } from './browser.ts'
import { type Call } from './salesforce/host.ts'
import { type FaultRule } from './salesforce/faults.ts'

export interface OrgView {
  id: string
  name: string
  edition: string
  isSandbox: boolean
  instanceUrl: string
  usage: { used: number; max: number }
  usernames: string[]
  objects: number
}

export interface Control {
  /** Any action by its name under `/_sim/`. Orgs are named by id or name. */
  act<T = unknown>(action: string, input?: Record<string, unknown>): Promise<T>
  orgs(): Promise<OrgView[]>
  createOrg(input: {
    name: string
    edition?: string
    isSandbox?: boolean
    seed?: unknown
  }): Promise<OrgView>
  openSession(org: string, username?: string): Promise<{ token: string; instanceUrl: string }>
  /** What the org was asked, oldest first. */
  journal(org?: string): Promise<Call[]>
  clearJournal(): Promise<void>
  addFault(rule: FaultRule): Promise<void>
  clearFaults(): Promise<void>
  /** Does what the person at the browser would do. */
  authorize(input: {
    connectLink: string
    org: string
    username?: string
    integration?: string
    deny?: boolean
  }): Promise<Arrival>
  reset(): Promise<void>
}

export const createControl = (controlUrl: string): Control => {
  const act = async <T>(action: string, input: Record<string, unknown> = {}): Promise<T> => {
    const response = await fetch(`${controlUrl}/_sim/${action}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(input),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${action}: ${response.status} ${text}`)
    return JSON.parse(text) as T
  }
  return {
    act,
    orgs: () => act('orgs'),
    createOrg: (input) => act('orgs/create', input),
    openSession: (org, username) =>
      act('sessions/open', { org, ...(username === undefined ? {} : { username }) }),
    journal: (org) => act('journal', org === undefined ? {} : { org }),
    clearJournal: async () => {
      await act('journal/clear')
    },
    addFault: async (rule) => {
      await act('faults/add', { ...rule })
    },
    clearFaults: async () => {
      await act('faults/clear')
    },
    authorize: (input) => act('authorize', input),
    reset: async () => {
      await act('reset')
    },
  }
}
