// The types of the client library against the document that they are made from: each of its examples
// compiles as what it is an example of, and what the contract refuses does not.

import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import document from '../docs/openapi.json' with { type: 'json' }
import { ENDPOINTS } from '../packages/client/src/contract.ts'
import { type Endpoint } from '../packages/client/src/calls.ts'

const ROOT = join(import.meta.dirname, '..')
const LIBRARY = join(ROOT, 'packages/client/src/index.ts')

interface Example {
  example?: unknown
  examples?: Record<string, { value: unknown }>
}
interface Operation {
  requestBody?: { content: Record<string, Example> }
  responses: Record<string, { content?: Record<string, Example> }>
}

const examplesIn = (content: Record<string, Example> | undefined): unknown[] => {
  const { example, examples = {} } = content?.['application/json'] ?? {}
  return [
    ...(example === undefined ? [] : [example]),
    ...Object.values(examples).map(({ value }) => value),
  ]
}

const HEAD = `
import { type Operation, type Page, type Pages, type Plan, type SfdcEngine, type WebhookEvent } from '${LIBRARY}'
type Answer<Method> = Method extends (...given: never[]) => infer Given
  ? Given extends Promise<Operation<infer Resource>> ? Resource
  : Given extends Pages<unknown, infer One extends Page<unknown>> ? One
  : Given extends Promise<infer Result> ? Result
  : never : never
declare const engine: SfdcEngine
declare const is: <Type>(value: Type) => void
`

const ACCEPTED = `
interface Lead { readonly key: string; readonly name?: string }
declare const leads: readonly Lead[]
declare const stream: () => AsyncGenerator<Lead>
engine.push.records({ client_id: '', object: 'lead', records: leads })
engine.push.records({ client_id: '', object: 'lead', records: stream })
`

const REFUSED = `
// @ts-expect-error no such member
engine.clients.create({ name: 'Acme', nmae: 1 })
// @ts-expect-error no such type of a field
is<Plan>({ objects: [{ api_name: 'Lead', fields: [{ api_name: 'A__c', label: 'A', type: 'Txt' }] }] })
// @ts-expect-error a member is missing
engine.topology.pull({})
// @ts-expect-error a deployment has no such status
engine.deploy.list({ status: 'done' })
`

it('every example of the document compiles with the types of the client library', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'client-contract-'))
  try {
    const lines: string[] = []
    for (const [group, verbs] of Object.entries(ENDPOINTS)) {
      for (const [verb, endpoint] of Object.entries(verbs as Record<string, Endpoint>)) {
        const { path, method = 'post' } = endpoint
        const operation = (document.paths as unknown as Record<string, Record<string, Operation>>)[
          path
        ]?.[method.toLowerCase()]
        const call = `engine.${group}.${verb}`
        for (const body of examplesIn(operation?.requestBody?.content)) {
          lines.push(`${call}(${endpoint.bare === true ? '' : JSON.stringify(body)})`)
        }
        for (const [status, { content }] of Object.entries(operation?.responses ?? {})) {
          if (!status.startsWith('2')) continue
          for (const body of examplesIn(content)) {
            lines.push(`is<Answer<typeof ${call}>>(${JSON.stringify(body)})`)
          }
        }
      }
    }
    for (const { post } of Object.values(document.webhooks)) {
      for (const body of examplesIn(post.requestBody.content)) {
        lines.push(`is<WebhookEvent>(${JSON.stringify(body)})`)
      }
    }
    expect(lines.length).toBeGreaterThan(100)
    await writeFile(
      join(folder, 'examples.ts'),
      `${HEAD}${lines.join('\n')}\n${ACCEPTED}${REFUSED}`,
    )
    const config = { extends: join(ROOT, 'tsconfig.json'), include: ['*.ts'] }
    const compilerOptions = { incremental: false, types: [], lib: ['es2023', 'dom'] }
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ ...config, compilerOptions }))
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc')
    const said = await promisify(execFile)(process.execPath, [tsc, '-p', folder]).then(
      () => '',
      (error: unknown) => (error as { stdout: string }).stdout,
    )
    expect(said).toBe('')
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
