// Things of installed packages: what is locked, what clashes, what is not installed.

import { developerName, objectKind, sameName } from '../../metadata/names.ts'
import { definesObject } from '../../plan/schema.ts'
import { type Facts, rulesFor } from '../rule.ts'

const rule = rulesFor('packages')

const namespaceOf = (apiName: string): string | null => {
  const match = /^([a-z]\w{0,14}?)__\w+__[a-z]+$/i.exec(apiName)
  return match?.[1] ?? null
}

/** An object or field of a package with the same developer name. */
const twinIn = (names: readonly string[], apiName: string): string | null =>
  names.find(
    (name) =>
      namespaceOf(name) !== null &&
      sameName(name.slice(name.indexOf('__') + 2)) === sameName(apiName),
  ) ?? null

const installed = async (
  { live }: Facts,
  namespace: string,
): Promise<{ known: boolean; name: string | null }> => {
  const packages = await live.packages()
  const found = packages?.find((one) => sameName(one.namespace ?? '') === sameName(namespace))
  return { known: packages !== null, name: found?.name ?? null }
}

export const packageRules = [
  rule('object', {
    code: 'package_not_installed',
    severities: ['red'],
    judge: async ({ object, exists }, facts) => {
      const namespace = namespaceOf(object.api_name)
      if (namespace === null || exists) return null
      const { known, name } = await installed(facts, namespace)
      return known && name === null
        ? {
            message: `${object.api_name} belongs to a package with the namespace ${namespace}, which is not installed.`,
            remedy: 'Install the package first, or correct the name.',
            at: 'api_name',
          }
        : null
    },
  }),
  rule('object', {
    code: 'object_managed',
    severities: ['red'],
    judge: async ({ object, exists }, facts) => {
      const namespace = namespaceOf(object.api_name)
      if (namespace === null || !exists || !definesObject(object)) return null
      const { name } = await installed(facts, namespace)
      return {
        message: `${object.api_name} belongs to the installed package ${name ?? namespace}; its label, name and sharing are locked.`,
        remedy: 'Plan only fields on it.',
        at: 'api_name',
      }
    },
  }),
  rule('object', {
    code: 'object_of_package_extended',
    severities: ['green'],
    judge: ({ object, exists }) =>
      objectKind(object.api_name) === 'managed' && exists && !definesObject(object)
        ? {
            message: `${object.api_name} belongs to an installed package; what is added to it must be removed before the package can be uninstalled.`,
            at: 'api_name',
          }
        : null,
  }),
  rule('field', {
    code: 'field_managed',
    severities: ['red'],
    judge: ({ field, full }) => {
      const namespace = namespaceOf(field.api_name)
      return namespace === null
        ? null
        : {
            message: `${full} has the namespace ${namespace}: fields of a package are locked, and a new field cannot have a namespace.`,
            remedy: 'Choose a name without a namespace.',
            at: 'api_name',
          }
    },
  }),
  rule('object', {
    code: 'object_name_like_packaged',
    severities: ['yellow'],
    judge: ({ object, exists }, { snapshot }) => {
      if (exists || objectKind(object.api_name) !== 'custom') return null
      const twin = twinIn(snapshot.objectNames, object.api_name)
      return twin === null
        ? null
        : {
            message: `An installed package has ${twin}; ${object.api_name} is easily confused with it.`,
            remedy: `Use ${twin} if that is what you mean, or a more specific name than ${developerName(object.api_name)}.`,
            at: 'api_name',
          }
    },
  }),
  rule('field', {
    code: 'field_name_like_packaged',
    severities: ['yellow'],
    judge: ({ field, full, existing, describe }) => {
      if (existing !== null || !Array.isArray(describe?.fields)) return null
      const names = describe.fields.map((entry: unknown) =>
        typeof entry === 'object' && entry !== null && 'name' in entry ? String(entry.name) : '',
      )
      const twin = twinIn(names, field.api_name)
      return twin === null
        ? null
        : {
            message: `An installed package has added ${twin} to the same object; ${full} is easily confused with it.`,
            remedy: `Map to ${twin} if that is what you mean.`,
            at: 'api_name',
          }
    },
  }),
  rule('validation_rule', {
    code: 'validation_rule_managed',
    severities: ['red'],
    judge: ({ component, existing }) =>
      existing?.managed === true
        ? {
            message: `The validation rule ${component.fullName} belongs to an installed package and is locked.`,
            remedy: 'Choose a different name.',
            at: 'api_name',
          }
        : null,
  }),
]
