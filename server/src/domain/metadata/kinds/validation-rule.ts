// A validation rule of an object.

import { type Findings, reportDuplicates } from '../../plan/findings.ts'
import { type Plan } from '../../plan/schema.ts'
import { nameFault, ownerOf } from '../names.ts'
import { findPart } from '../object-file.ts'
import { undoChange, undoMade } from '../undoing.ts'
import { overlay } from '../xml-tree.ts'
import { DELETED_AGAIN, RESTORED } from '../reversibility.ts'
import { type PartKind, partsNamed, always } from './kind.ts'

const check = (plan: Plan, findings: Findings): void => {
  for (const [index, { api_name: object, validation_rules: rules }] of plan.objects.entries()) {
    const path = (at: number) => ['objects', index, 'validation_rules', at, 'api_name']
    reportDuplicates(
      rules.map(({ api_name }) => api_name),
      (name) => `Validation rule ${name} of ${object}`,
      path,
      findings,
    )
    for (const [at, { api_name: name }] of rules.entries()) {
      const fault = nameFault(name, `Validation rule name ${name}`)
      if (fault !== null) findings.add(path(at), fault.code, fault.message)
    }
  }
}

export const validationRule: PartKind = {
  type: 'ValidationRule',
  list: 'validationRules',
  named: partsNamed('validation_rules'),
  objectOf: ownerOf,
  check,
  elements: (object, image) =>
    object.validation_rules.map((planned) => {
      const before = findPart(image, 'validationRules', planned.api_name)
      const element = overlay(before, {
        fullName: planned.api_name,
        active: planned.active,
        description: planned.description,
        errorConditionFormula: planned.error_condition_formula,
        errorDisplayField: planned.error_display_field,
        errorMessage: planned.error_message,
      })
      return { apiName: planned.api_name, element, before }
    }),
  deletion: { place: 1, withObject: always },
  reversibility: ({ made }) => (made ? DELETED_AGAIN : RESTORED),
  undo: ({ component, made }, scene) =>
    made ? undoMade(component, ownerOf(component.fullName), scene) : undoChange(component, scene),
}
