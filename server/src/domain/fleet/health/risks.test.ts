// What a person reads on the health board, and sends to the client's administrator.

import { describe, expect, it } from 'vitest'
import { type ClientFacts } from './facts.ts'
import { risksOf } from './risks.ts'

const now = new Date('2026-11-29T12:00:00Z')

const facts = (given: Partial<ClientFacts>): ClientFacts => ({
  ...{ client_id: 'a', client_name: 'Acme', mark: null, tags: {}, connection: null, refusal: null },
  ...{ snapshot: null, drift: null, usage: null },
  work: { running: 0, waiting_for_person: 0, failed: 0 },
  ...given,
})

const expired = (message: string): ClientFacts =>
  facts({
    connection: {
      ...{ id: 'c', status: 'expired', environment: 'production', sfdc_org_id: '00D1' },
      error: { code: 'refresh_refused', message },
      ...{ connected_at: now, last_refreshed_at: now },
      ...{ refresh_refused_count: 0, refresh_refused_since: null },
    },
  })

describe('the sentence for the administrator of a client', () => {
  it('speaks to them, names what they act on, and has no step that is ours', () => {
    const texts = [
      expired('Refused.'),
      expired('The user is frozen'),
      expired('idle for long'),
    ].map((client) => risksOf(client, now)[0]?.for_admin ?? '')
    const [many, one, none] = texts
    expect(many).toMatch(
      /Please check, one after the other: 1\. Is the user .* 2\. .* 3\. .* Then please/,
    )
    expect(one).toMatch(/Unfreeze that user under Setup > Users/)
    expect(none).toMatch(
      /^We can no longer reach your Salesforce org 00D1\. To connect it again, please open/,
    )
    for (const text of texts) expect(text).not.toMatch(/administrator|refresh|authorize/i)
  })
})

describe('work that failed', () => {
  it('is counted in words that fit the number', () => {
    const said = (failed: number) =>
      risksOf(facts({ work: { running: 0, waiting_for_person: 0, failed } }), now).find(
        ({ code }) => code === 'work_failed',
      )?.message
    expect(said(1)).toMatch(/^1 piece of work failed/)
    expect(said(2)).toMatch(/^2 pieces of work failed/)
  })
})
