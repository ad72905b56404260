// Permissions, layouts and tabs of a plan: they may speak only of what the plan makes.

import { type Findings } from './findings.ts'
import { nameFault, objectKind, sameName } from '../metadata/names.ts'
import { type Plan } from './schema.ts'

/** Reports what is wrong with permissions, layouts and tabs. */
export const checkAccess = (plan: Plan, findings: Findings): void => {
  checkPermissions(plan, findings)
  checkLayouts(plan, findings)
  checkTabs(plan, findings)
}

const checkPermissions = ({ permissions }: Plan, findings: Findings): void => {
  const { permission_set: main, permission_sets: others, profiles } = permissions
  const path = (...rest: (string | number)[]) => ['permissions', ...rest]
  if (main === null && permissions.assign_to_connected_user) {
    findings.add(
      path('assign_to_connected_user'),
      'attributes_conflict',
      'Without a permission set there is nothing to assign. Set permission_set, or set assign_to_connected_user to false.',
    )
  }
  const seen = new Set<string>()
  for (const [position, name] of [main, ...others].entries()) {
    if (name === null) continue
    const where = position === 0 ? path('permission_set') : path('permission_sets', position - 1)
    // A set of an installed package carries its namespace; that one cannot be changed.
    if (/^[A-Za-z]\w*__/.test(name)) {
      findings.add(
        where,
        'managed',
        `Permission set ${name} belongs to an installed package and cannot be changed. Use one of your own.`,
      )
    } else {
      const fault = nameFault(name, `Permission set name ${name}`, 80)
      if (fault !== null) findings.add(where, fault.code, fault.message)
    }
    if (seen.has(sameName(name))) {
      findings.add(where, 'duplicate', `Permission set ${name} is listed twice. Keep one.`)
    }
    seen.add(sameName(name))
  }
  const seenProfiles = new Set<string>()
  for (const [index, name] of profiles.entries()) {
    if (seenProfiles.has(sameName(name))) {
      findings.add(
        path('profiles', index),
        'duplicate',
        `Profile ${name} is listed twice. Keep one.`,
      )
    }
    seenProfiles.add(sameName(name))
  }
}

const checkLayouts = (plan: Plan, findings: Findings): void => {
  const placed = new Set<string>()
  for (const [index, layout] of plan.layouts.entries()) {
    const path = ['layouts', index]
    const object = plan.objects.find(
      ({ api_name }) => sameName(api_name) === sameName(layout.object),
    )
    if (object === undefined) {
      findings.add(
        [...path, 'object'],
        'object_not_in_plan',
        `Layout ${layout.layout} belongs to ${layout.object}, which is not in the plan. Add the object or remove the layout.`,
      )
      continue
    }
    const known = new Set(object.fields.map(({ api_name }) => sameName(api_name)))
    for (const [position, field] of layout.fields.entries()) {
      const where = [...path, 'fields', position]
      if (!known.has(sameName(field))) {
        findings.add(
          where,
          'field_not_in_plan',
          `Layout ${layout.layout} names ${field}, which is not a field of ${layout.object} in the plan. Add the field or remove it here.`,
        )
      }
      const key = sameName(`${layout.object}-${layout.layout}.${field}`)
      if (placed.has(key)) {
        findings.add(
          where,
          'duplicate',
          `Layout ${layout.layout} would show ${field} twice. Keep one.`,
        )
      }
      placed.add(key)
    }
    if (
      layout.after !== undefined &&
      layout.fields.some((field) => sameName(field) === sameName(layout.after ?? ''))
    ) {
      findings.add(
        [...path, 'after'],
        'attributes_conflict',
        `Layout ${layout.layout} cannot place ${layout.after} after itself. Use a different field.`,
      )
    }
  }
}

const checkTabs = (plan: Plan, findings: Findings): void => {
  const seen = new Set<string>()
  for (const [index, tab] of plan.tabs.entries()) {
    const path = ['tabs', index]
    if (!plan.objects.some(({ api_name }) => sameName(api_name) === sameName(tab))) {
      findings.add(
        path,
        'object_not_in_plan',
        `The tab ${tab} is for an object that is not in the plan. Add the object or remove the tab.`,
      )
    } else if (objectKind(tab) !== 'custom') {
      findings.add(
        path,
        'attribute_not_allowed',
        `${tab} is not a custom object of this Salesforce org, so it already has a tab or cannot have one. Remove it.`,
      )
    }
    if (seen.has(sameName(tab))) {
      findings.add(path, 'duplicate', `The tab ${tab} is listed twice. Keep one.`)
    }
    seen.add(sameName(tab))
  }
}
