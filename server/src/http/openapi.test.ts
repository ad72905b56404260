import { describe, expect, it } from 'vitest'
import { parseWorkflows } from '../domain/workflows/definition/parse.ts'
import { describeRoutes } from '../engine.ts'
import { openApiDocument } from './openapi.ts'

interface Schema {
  $ref?: string
  anyOf?: Schema[]
  properties?: Record<string, Schema & { const?: string }>
}

interface Document {
  paths: Record<
    string,
    {
      post?: {
        requestBody?: {
          content: Record<
            string,
            { schema: Schema; example?: unknown; examples?: Record<string, { value: unknown }> }
          >
        }
      }
    }
  >
  components: { schemas: Record<string, Schema> }
}

const document = openApiDocument(describeRoutes()) as unknown as Document
const bodyOf = (path: string) =>
  document.paths[path]?.post?.requestBody?.content['application/json'] ?? { schema: {} }

describe('the short forms of workflows', () => {
  const forms = ['record_triggered', 'assignment', 'validation']

  it('are described in full, beside Metadata JSON', () => {
    const { properties } = document.components.schemas.Workflow ?? {}
    const choices = properties?.definition?.anyOf ?? []
    const shapes = choices.map(
      ({ $ref }) => document.components.schemas[$ref?.split('/').at(-1) ?? '']?.properties,
    )
    const described = shapes.flatMap((members) => members?.form?.const ?? [])
    expect(described).toEqual(forms)
    expect(Object.keys(shapes[0] ?? {})).toEqual(expect.arrayContaining(['criteria', 'action']))
    expect(choices).toHaveLength(forms.length + 1)
  })

  it.each(['/api/workflows/deploy', '/api/deploy/workflows'])(
    'have an example each that %s accepts',
    (path) => {
      const examples = Object.values(bodyOf(path).examples ?? {}).map(
        ({ value }) => value as { workflows: { definition: { form?: string } }[] },
      )
      for (const { workflows } of examples) parseWorkflows(workflows, 'workflows')
      const shown = examples.map(({ workflows }) => workflows[0]?.definition.form)
      expect(shown).toEqual([...forms, undefined])
    },
  )
})
