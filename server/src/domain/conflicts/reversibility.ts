// Whether a deployment can be rolled back, component by component, known before it is made.

import { EngineError } from '../../errors.ts'
import { type JsonObject } from '../../salesforce/json.ts'
import { sameElement } from '../metadata/equality.ts'
import { reversibilityOfChange, reversibilityOfMade } from '../metadata/fields/reversibility.ts'
import { conversionOf, shapeOfDescribed, shapeOfPlanned } from '../metadata/fields/shape.ts'
import { filePath, kindOf } from '../metadata/kinds.ts'
import { type FileKind, type PartKind } from '../metadata/kinds/kind.ts'
import { memberOf, ownerOf, sameName } from '../metadata/names.ts'
import { parseObjectFile } from '../metadata/object-file.ts'
import { partsIn, writeParts } from '../metadata/parts.ts'
import { RESTORED, type Reversibility, reversible, UNCHANGED } from '../metadata/reversibility.ts'
import { writeFile } from '../metadata/xml-tree.ts'
import { type Compiled, compiledOver, stateOf } from './compiled.ts'
import { type Facts, type FindingComponent, type Subject, type Subjects } from './rule.ts'
import { changesOf, fieldIn } from './subjects.ts'

export interface ComponentReversibility extends Reversibility {
  component: FindingComponent
}

const ofField = async (subject: Subjects['field'], facts: Facts): Promise<Reversibility> => {
  const { field, existing, object, objectExists } = subject
  if (existing === null) return reversibilityOfMade(field.type, !objectExists)
  if (changesOf(subject).length === 0) return UNCHANGED
  const [was, next] = [
    shapeOfDescribed(existing, (name) => fieldIn(subject.describe, name)),
    shapeOfPlanned(field),
  ]
  const there = was === null ? null : conversionOf(was, next)
  const lostRows =
    there?.kind === 'lossy'
      ? await facts.live.rowsAtStake(object.api_name, field.api_name, there.atStake)
      : 0
  return reversibilityOfChange({ was, next, lostRows })
}

/** Whether the deploy creates a component that no snapshot shows; false if Salesforce does not say. */
const isNew = async ({ component }: Subjects['component'], { live }: Facts): Promise<boolean> =>
  (await live.lookUp(component.type, component.fullName))?.exists === false

/** As `compiledOver`; null also for a plan that does not fit that state, which a rule reports. */
const ofFile = (
  kind: FileKind,
  component: FindingComponent,
  before: JsonObject,
  plan: Facts['plan'],
): Compiled | null => {
  try {
    return compiledOver(kind, component, before, plan)
  } catch (error) {
    if (error instanceof EngineError) return null
    throw error
  }
}

/** The element of an existing part of an object (`before`) after the plan. */
const overlaid = (
  kind: PartKind,
  component: FindingComponent,
  before: JsonObject,
  plan: Facts['plan'],
): Compiled | null => {
  const path = filePath('CustomObject', ownerOf(component.fullName)) ?? ''
  const object = plan.objects.find(
    ({ api_name }) => sameName(api_name) === sameName(ownerOf(component.fullName)),
  )
  const text = writeParts([{ component, element: before }]).get(path)
  if (object === undefined || text === undefined) return null
  const planned = kind
    .elements(object, parseObjectFile(text))
    .find(({ apiName }) => sameName(apiName) === sameName(memberOf(component.fullName)))
  if (planned === undefined) return null
  const sent = writeFile('CustomObject', { [kind.list]: planned.element })
  return {
    unchanged: planned.before !== null && sameElement(planned.element, planned.before),
    after: partsIn(new Map([[path, sent]])).part(component),
  }
}

/** From its state in Salesforce and what the plan makes of it; null if the state is not known. */
const byItsFile = async (
  { component }: Subjects['component'],
  { plan, live }: Facts,
): Promise<Reversibility | null> => {
  const kind = kindOf(component.type)
  if (kind?.isToldByItsFile !== true) return null
  const content = await live.contentOf(kind.type, component.fullName)
  if (content === null) return null
  const before =
    'list' in kind
      ? { fullName: memberOf(component.fullName), ...content }
      : stateOf(kind, component, content)
  const compiled =
    'list' in kind ? overlaid(kind, component, before, plan) : ofFile(kind, component, before, plan)
  if (compiled === null) return null
  if (compiled.unchanged) return UNCHANGED
  const { after } = compiled
  return kind.reversibility({ made: false, withObject: false, before, after, lostRows: 0 })
}

const ofComponent = async (
  subject: Subjects['component'],
  facts: Facts,
): Promise<Reversibility | null> =>
  (await byItsFile(subject, facts)) ?? told(subject.component.type, await isNew(subject, facts))

const told = (type: string, made: boolean, withObject = false): Reversibility | null =>
  kindOf(type)?.reversibility({
    made,
    withObject,
    before: null,
    after: null,
    lostRows: 0,
  }) ?? null

/** Null for subjects that are not components of the plan. */
export const reversibilityOf = async (
  subject: Subject,
  facts: Facts,
): Promise<Reversibility | null> => {
  const { type } = subject.component
  switch (subject.kind) {
    case 'package':
      return null
    case 'object':
      return subject.isComponent ? told(type, !subject.exists) : null
    case 'field':
      return ofField(subject, facts)
    case 'record_type':
      return told(type, subject.existing === null, !subject.objectExists)
    case 'validation_rule':
      return told(type, subject.existing === null)
    case 'component':
      return ofComponent(subject, facts)
    case 'workflow':
      if (subject.existing === null) return reversible('Rollback deactivates and deletes it.')
      return subject.workflow.type === 'flow'
        ? reversible('Rollback activates the version that was active, and deletes the new one.')
        : RESTORED
  }
}
