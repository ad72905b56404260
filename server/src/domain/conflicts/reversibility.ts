// Whether a deployment can be rolled back, component by component, said before it is made.

import { kindOf } from '../metadata/kinds.ts'
import { RESTORED, type Reversibility } from '../metadata/kinds/kind.ts'
import { isCalculated, isPicklist } from '../metadata/fields/field-kinds.ts'
import { picklistValues } from '../metadata/fields/picklists.ts'
import { conversionOf, shapeOfDescribed, shapeOfPlanned } from '../metadata/fields/shape.ts'
import { type Facts, type FindingComponent, type Subject, type Subjects } from './rule.ts'
import { activeValues, changesOf, numberIn } from './subjects.ts'
import { listed } from '../words.ts'

export interface ComponentReversibility extends Reversibility {
  component: FindingComponent
}

const reversible = (reason: string): Reversibility => ({ level: 'reversible', reason })

const withDataLoss = (reason: string): Reversibility => ({
  level: 'reversible_with_data_loss',
  reason,
})

const ofField = async (subject: Subjects['field'], facts: Facts): Promise<Reversibility> => {
  const { field, existing, object, objectExists } = subject
  if (existing === null && isCalculated(field.type)) {
    return reversible('Rollback deletes it; it only shows what other fields hold.')
  }
  if (existing === null) {
    return withDataLoss(
      objectExists
        ? 'It is deleted again; once records hold values, only with your leave to lose them.'
        : 'It goes with its object; once records hold values, only with your leave to lose them.',
    )
  }
  if (changesOf(subject).length === 0) return reversible('Nothing changes, so nothing is to undo.')

  const from = shapeOfDescribed(existing)
  const isConverted = from !== null && from.type !== field.type
  const conversion = isConverted ? conversionOf(from, shapeOfPlanned(field)) : null
  const filled = () => facts.live.filledCount(object.api_name, field.api_name)
  if (conversion?.kind === 'lossy' && (await filled()) !== 0) {
    return {
      level: 'irreversible',
      reason: `The way back to ${from?.type ?? 'the old type'} does not bring back what the conversion loses: ${conversion.loses}.`,
    }
  }
  if (isPicklist(field) && field.values !== undefined) {
    const there = new Set(activeValues(existing))
    const added = picklistValues(field)
      .map(({ value }) => value)
      .filter((value) => !there.has(value))
    if (added.length > 0) {
      return {
        level: 'irreversible',
        reason: `Values once added cannot be deleted by API; a rollback deactivates ${listed(added)} instead.`,
      }
    }
  }
  const shrinks =
    ('length' in field && field.length < (numberIn(existing, 'length') ?? 0)) ||
    ('precision' in field && field.scale < (numberIn(existing, 'scale') ?? 0))
  if (shrinks && (await filled()) !== 0) {
    return withDataLoss(
      'The field gets its old size back; what was cut off or rounded does not come back.',
    )
  }
  const grows =
    ('length' in field && field.length > (numberIn(existing, 'length') ?? field.length)) ||
    ('precision' in field && field.precision > (numberIn(existing, 'precision') ?? field.precision))
  if (grows) {
    return withDataLoss(
      'The field gets its old size back; what is entered until then and does not fit goes, with your leave.',
    )
  }
  return RESTORED
}

/** Whether a component that no snapshot shows is made by the deploy; not where Salesforce does not say. */
const isNew = async ({ component }: Subjects['component'], { live }: Facts): Promise<boolean> =>
  (await live.lookUp(component.type, component.fullName))?.exists === false

const told = (type: string, made: boolean, withObject = false): Reversibility | null =>
  kindOf(type)?.reversibility({ made, withObject, before: null, after: null }) ?? null

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
      if (subject.existing === null) return reversible('It is deactivated and deleted again.')
      return subject.workflow.type === 'flow'
        ? reversible('The version that was active runs again, and the new one is deleted.')
        : RESTORED
  }
}
