// Whether a deployment can be rolled back, component by component, said before it is made.

import { reversibilityOfChange, reversibilityOfMade } from '../metadata/fields/reversibility.ts'
import { conversionOf, shapeOfDescribed, shapeOfPlanned } from '../metadata/fields/shape.ts'
import { kindOf } from '../metadata/kinds.ts'
import { RESTORED, type Reversibility, reversible, UNCHANGED } from '../metadata/reversibility.ts'
import { type Facts, type FindingComponent, type Subject, type Subjects } from './rule.ts'
import { changesOf } from './subjects.ts'

export interface ComponentReversibility extends Reversibility {
  component: FindingComponent
}

const ofField = async (subject: Subjects['field'], facts: Facts): Promise<Reversibility> => {
  const { field, existing, object, objectExists } = subject
  if (existing === null) return reversibilityOfMade(field.type, !objectExists)
  if (changesOf(subject).length === 0) return UNCHANGED
  const [was, next] = [shapeOfDescribed(existing), shapeOfPlanned(field)]
  const there = was === null ? null : conversionOf(was, next)
  const lostRows =
    there?.kind === 'lossy'
      ? await facts.live.rowsAtStake(object.api_name, field.api_name, there.atStake)
      : 0
  return reversibilityOfChange({ was, next, lostRows })
}

/** Whether a component that no snapshot shows is made by the deploy; not where Salesforce does not say. */
const isNew = async ({ component }: Subjects['component'], { live }: Facts): Promise<boolean> =>
  (await live.lookUp(component.type, component.fullName))?.exists === false

const told = (type: string, made: boolean, withObject = false): Reversibility | null =>
  kindOf(type)?.reversibility({
    made,
    withObject,
    before: null,
    after: null,
    lostRows: 0,
  }) ?? null

/** Null for subjects that are no component of the plan. */
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
      return told(type, await isNew(subject, facts))
    case 'workflow':
      if (subject.existing === null) return reversible('Rollback deactivates and deletes it.')
      return subject.workflow.type === 'flow'
        ? reversible('Rollback activates the version that was active, and deletes the new one.')
        : RESTORED
  }
}
