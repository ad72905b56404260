// The typed client of the control port, for tests, demo and bench, also in other processes.

import { type ActionInput, type ActionName, type ActionResult } from './routes.ts'

export type OrgView = ActionResult<'orgs'>[number]

export interface Control {
  /** Any action under `/_sim/` by its name. Orgs go by name or id. Throws on a refusal. */
  act<Name extends ActionName>(
    action: Name,
    ...input: Record<string, never> extends ActionInput<Name>
      ? [ActionInput<Name>?]
      : [ActionInput<Name>]
  ): Promise<ActionResult<Name>>
  orgs(): Promise<ActionResult<'orgs'>>
  createOrg(input: ActionInput<'orgs/create'>): Promise<OrgView>
  /** A session without OAuth; default: of the org's administrator. */
  openSession(org: string, username?: string): Promise<ActionResult<'sessions/open'>>
  /** Requests to the org, or to all of them, oldest first. */
  journal(org?: string): Promise<ActionResult<'journal'>>
  /** Of the org, or of all of them. */
  clearJournal(org?: string): Promise<void>
  addFault(rule: ActionInput<'faults/add'>): Promise<void>
  /** The rules on the org, or all of them. */
  clearFaults(org?: string): Promise<void>
  /** Follows a connect link of Nango as the person at the browser would, and allows or denies. */
  authorize(input: ActionInput<'authorize'>): Promise<ActionResult<'authorize'>>
  reset(): Promise<void>
}

const ofOrg = (org: string | undefined) => (org === undefined ? {} : { org })

export const createControl = (controlUrl: string): Control => {
  const act: Control['act'] = async (action, ...[input]) => {
    const response = await fetch(`${controlUrl}/_sim/${action}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(input ?? {}),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${action}: ${response.status} ${text}`)
    return JSON.parse(text) as ActionResult<typeof action>
  }
  return {
    act,
    orgs: () => act('orgs'),
    createOrg: (input) => act('orgs/create', input),
    openSession: (org, username) =>
      act('sessions/open', { org, ...(username === undefined ? {} : { username }) }),
    journal: (org) => act('journal', ofOrg(org)),
    clearJournal: async (org) => void (await act('journal/clear', ofOrg(org))),
    addFault: async (rule) => void (await act('faults/add', rule)),
    clearFaults: async (org) => void (await act('faults/clear', ofOrg(org))),
    authorize: (input) => act('authorize', input),
    reset: async () => void (await act('reset')),
  }
}
