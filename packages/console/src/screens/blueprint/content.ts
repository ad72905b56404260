// What somebody types as the content of a version. Pure.

import { InputError } from '../../api/input-error.ts'

const MEMBERS: readonly string[] = ['plan', 'workflows', 'mappings', 'parameters']

/** The body's members; the server checks what is in them. Throws a sentence. */
export const contentOf = (json: string): object => {
  const content = parsed(json)
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    throw new InputError('The content is an object with plan, workflows, mappings and parameters.')
  }
  const unknown = Object.keys(content).find((member) => !MEMBERS.includes(member))
  if (unknown !== undefined) {
    throw new InputError(`“${unknown}” is not a part of a version: ${MEMBERS.join(', ')} are.`)
  }
  return content
}

const parsed = (json: string): unknown => {
  try {
    return JSON.parse(json)
  } catch (error) {
    throw new InputError(
      `The content is not JSON: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    )
  }
}

interface NamedObject {
  api_name: string
  fields?: string[]
}

/** `Lead: Tier__c, Region__c`, one object a line. Throws a sentence. */
export const objectsOf = (typed: string): NamedObject[] => {
  const lines = typed
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
  if (lines.length === 0) throw new InputError('Name at least one object.')
  return lines.map((line) => {
    const [name = '', rest = ''] = line.split(':', 2)
    const fields = rest
      .split(',')
      .map((field) => field.trim())
      .filter((field) => field !== '')
    return { api_name: name.trim(), ...(fields.length === 0 ? {} : { fields }) }
  })
}
