// What the demo leaves for whoever looks around in the console: beside Acme, in which everything was rolled
// back, a client in a sandbox in which our things are deployed, and one that was never connected.

import { jobPosting, LEAD_MAPPING, leads } from './demo-plans.ts'
import { type DemoSite, step } from './demo-site.ts'

const LEADS = 300

/** Adds it through the public API. */
export const leaveWorld = async ({ call, control }: DemoSite, acmeId: string): Promise<void> => {
  await call('/api/clients/update', { client_id: acmeId, tags: { tier: 'gold', region: 'emea' } })
  await call('/api/clients/create', { name: 'Umbrella', tags: { tier: 'bronze', region: 'amer' } })
  await step(
    'One more client, in a sandbox',
    async () => {
      const { id: client_id } = await call<{ id: string }>('/api/clients/create', {
        name: 'Initech',
        domain: 'initech.example',
        tags: { tier: 'silver', region: 'emea' },
      })
      await control.createOrg({ name: 'Initech', edition: 'Enterprise', isSandbox: true })
      const { connect_link: connectLink } = await call<{ connect_link: string }>(
        '/api/connections/create',
        { client_id, environment: 'sandbox' },
      )
      await control.authorize({ connectLink, org: 'Initech' })
      await call('/api/connections/callback', { client_id })
      const waiting = { client_id, wait_seconds: 55 }
      await call('/api/topology/pull', waiting)
      const report = await call<{ id: string }>('/api/conflicts/check', {
        ...waiting,
        plan: jobPosting(),
      })
      await call('/api/deploy/custom-objects', {
        ...waiting,
        plan: jobPosting(),
        conflict_report_id: report.id,
        accept: ['yellow'],
      })
      await call('/api/topology/pull', waiting)
      await call('/api/mappings/create', {
        client_id,
        canonical_object: 'lead',
        sfdc_object: 'Lead',
        external_id_field: 'Agency_Key__c',
        fields: LEAD_MAPPING,
      })
      return call<{ succeeded: number; failed: number }>('/api/push/records', {
        ...waiting,
        object: 'lead',
        records: leads(LEADS),
      })
    },
    ({ succeeded, failed }) =>
      `captured, deployed to, ${succeeded} leads pushed, ${failed} refused`,
  )
}
