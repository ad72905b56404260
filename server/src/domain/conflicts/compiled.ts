// What a plan makes of a component that exists, compiled over its state in the Salesforce org.

import { type JsonObject } from '../../salesforce/json.ts'
import { filePath } from '../metadata/kinds.ts'
import { type Compiling, type FileKind } from '../metadata/kinds/kind.ts'
import { keyOf, sameName } from '../metadata/names.ts'
import { partsIn, writeParts } from '../metadata/parts.ts'
import { type Plan } from '../plan/schema.ts'
import { type FindingComponent } from './rule.ts'

export interface Compiled {
  unchanged: boolean
  /** Null if nothing is sent for it. */
  after: JsonObject | null
}

/**
 * A component of a kind with files, whose state is `before`, after the plan; null if the plan does not
 * name it. Throws EngineError `invalid_plan` if the plan does not fit that state.
 */
export const compiledOver = (
  kind: FileKind,
  component: FindingComponent,
  before: JsonObject,
  plan: Plan,
): Compiled | null => {
  const current = writeParts([{ component, element: before }])
  const path = filePath(component.type, component.fullName)
  const find: Compiling['current'] = (type, name) =>
    [...current].find(([at]) => sameName(at) === sameName(filePath(type, name) ?? ''))?.[1] ?? null
  const files = kind.compile({ plan, current: find, access: () => [], parts: [] })
  const file = files.find(
    ({ fullName }) => sameName(filePath(kind.type, fullName) ?? '') === sameName(path ?? ''),
  )
  if (file === undefined) return null
  const unchanged = file.unchanged.some((one) => keyOf(one) === keyOf(component))
  const sent = new Map(file.text === null ? [] : [[path ?? '', file.text]])
  return { unchanged, after: partsIn(sent).part(component) }
}

/** The state of a component in the form in which `compiledOver` takes it. */
export const stateOf = (
  kind: FileKind,
  { fullName }: FindingComponent,
  content: JsonObject,
): JsonObject => (kind.within === undefined ? content : { fullName, ...content })
