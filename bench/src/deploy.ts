// A plan of 50 components: checked, deployed, deployed again.

import { row, type Row } from './row.ts'
import { startSite } from './site.ts'

const CALL_MS = 60
const COMPONENTS = 50

interface Deployment {
  status: string
  components: { type: string; action: string }[]
}

const TYPES: Record<string, unknown>[] = [
  { type: 'Text', length: 80 },
  { type: 'Number', precision: 10, scale: 2 },
  { type: 'Checkbox', default: false },
  { type: 'Date' },
  { type: 'Picklist', values: ['New', 'Open', 'Done'], restricted: true },
  { type: 'Email' },
  { type: 'LongTextArea', length: 4000, visible_lines: 4 },
]

/** An object with a tab, fields on it and on Lead, and the permission set: 50 components. */
const plan = () => {
  const field = (_: unknown, index: number) => ({
    api_name: `Bench_${index}__c`,
    label: `Bench ${index}`,
    ...TYPES[index % TYPES.length],
  })
  return {
    objects: [
      {
        api_name: 'Job_Posting__c',
        label: 'Job Posting',
        plural_label: 'Job Postings',
        name_field: { label: 'Job Posting', type: 'Text' },
        fields: Array.from({ length: 27 }, field),
      },
      { api_name: 'Lead', fields: Array.from({ length: 20 }, field) },
    ],
    tabs: ['Job_Posting__c'],
  }
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN

export const benchDeploy = async (): Promise<Row[]> => {
  await using site = await startSite(['--seed', 'small', '--call-ms', String(CALL_MS)])
  const { bench, control, clientId } = site
  const body = { client_id: clientId, plan: plan(), wait_seconds: 55 }
  await bench.call('/api/topology/pull', { client_id: clientId, wait_seconds: 55 })

  const timed = async <T>(path: string): Promise<{ answer: T; ms: number; calls: number }> => {
    await control.clearJournal()
    const started = performance.now()
    const answer = await bench.call<T>(path, body)
    const ms = performance.now() - started
    const calls = (await control.journal('Acme')).reduce((sum, call) => sum + call.calls, 0)
    return { answer, ms, calls }
  }
  const checks = []
  for (let round = 0; round < 6; round += 1) {
    checks.push(await timed<{ status: string; counts: object }>('/api/conflicts/check'))
  }
  const unfinished = checks.find(({ answer }) => answer.status !== 'complete')
  if (unfinished !== undefined) throw new Error(`a check ended ${unfinished.answer.status}`)
  const [, ...warm] = checks
  const checkMs = median(warm.map(({ ms }) => ms))
  const checkCalls = warm[0]?.calls ?? 0

  const deployed = await timed<Deployment>('/api/deploy/custom-objects')
  const { components, status } = deployed.answer
  if (status !== 'deployed' || components.length !== COMPONENTS) {
    throw new Error(`${components.length} components ended ${status}`)
  }
  const again = await timed<Deployment>('/api/deploy/custom-objects')
  if (again.answer.components.some(({ action }) => action !== 'unchanged')) {
    throw new Error('the second deploy changed something')
  }
  return [
    row(
      `conflict check of ${COMPONENTS} components, warm (${checkCalls} Salesforce calls of ${CALL_MS} ms)`,
      { figure: `${Math.round(checkMs)} ms`, against: '250 ms', ratio: checkMs / 250 },
      { atMost: 1 },
    ),
    row(
      `deploy of ${COMPONENTS} components: Salesforce calls`,
      {
        figure: String(deployed.calls),
        against: `one per component, ${COMPONENTS}`,
        ratio: deployed.calls / COMPONENTS,
      },
      { atMost: 0.5 },
    ),
    row(
      `the same plan again, nothing to do: time`,
      {
        figure: `${Math.round(again.ms)} ms, ${again.calls} calls`,
        against: `first deploy ${Math.round(deployed.ms)} ms`,
        ratio: again.ms / deployed.ms,
      },
      { atMost: 1 },
    ),
  ]
}
