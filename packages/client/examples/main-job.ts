// The main job, whole: onboard a client, check and deploy an object, push leads, take all back.
import { type Plan, SfdcEngine } from '@sfdc-engine-x/client'

const { SFX_URL: baseUrl = 'http://127.0.0.1:8080', SFX_TOKEN: token } = process.env
const engine = new SfdcEngine({ baseUrl, token })

const { id: client_id } = await engine.clients.create({ name: 'Acme Staffing' })
const { connect_link } = await engine.connections.create({ client_id, environment: 'production' })
console.log(`An administrator of Acme opens ${connect_link}`)
await engine.connected({ client_id })
const pulled = await engine.topology.pull({ client_id }).done()
console.log(`Version ${pulled.version}: ${pulled.objects_count} objects`)

const key = { type: 'Text', label: 'Key', length: 64, external_id: true, unique: true } as const
const plan: Plan = {
  objects: [
    { api_name: 'Lead', fields: [{ api_name: 'Agency_Key__c', ...key }] },
    {
      api_name: 'Job_Posting__c',
      label: 'Job Posting',
      plural_label: 'Job Postings',
      name_field: { label: 'Posting No.', type: 'AutoNumber', display_format: 'JP-{00000}' },
      fields: [{ api_name: 'Title__c', label: 'Title', type: 'Text', length: 120 }],
    },
  ],
}
const report = await engine.conflicts.check({ client_id, plan }).done()
for (const { severity, message } of report.findings) console.log(`  ${severity}: ${message}`)
if (report.severity === 'red') throw new Error('The plan would do harm')
const deployment = await engine.deploy
  .customObjects({ client_id, plan, conflict_report_id: report.id, accept: ['yellow'] })
  .done({ onProgress: ({ progress }) => console.log(`  ${progress.stage}`) })
await engine.topology.pull({ client_id }).done() // a mapping is checked against the newest snapshot

const names = { key: 'Agency_Key__c', name: 'LastName', company: 'Company', email: 'Email' }
await engine.mappings.create({
  client_id,
  canonical_object: 'lead',
  sfdc_object: 'Lead',
  external_id_field: names.key,
  fields: Object.entries(names).map(([canonical_field, sfdc_field]) => ({
    canonical_field,
    sfdc_field,
  })),
})
const records = Array.from({ length: 500 }, (_, n) => ({
  key: `lead-${n}`,
  name: `Person ${n}`,
  company: 'Acme',
  email: n % 200 === 42 ? 'not an address' : `person-${n}@acme.example`,
}))
const push = await engine.push.records({ client_id, object: 'lead', records }).done()
console.log(`${push.succeeded} of ${push.total} leads are in Salesforce`)
for await (const row of engine.push.results({ push_id: push.id, status: 'failed' })) {
  console.log(`  ${row.key}: ${row.errors[0]?.message} → ${row.errors[0]?.remedy}`)
}

const undo = { deployment_id: deployment.id, allow_data_loss: true }
const { rollback } = await engine.deploy.rollback(undo).done()
console.log(`Rolled back: ${rollback?.status}; as before: ${rollback?.proof?.complete}`)
