// Whether the report is about the Salesforce org as it is now, and what Salesforce itself says about the
// package.

import { rulesFor } from '../rule.ts'
import { plural } from '../../words.ts'

const rule = rulesFor('drift')

const DAY_MS = 86_400_000
/** At this age a snapshot counts as stale: the engine itself reads everything again weekly. */
const STALE_DAYS = 7

export const driftRules = [
  rule('object', {
    code: 'object_drifted',
    severities: ['yellow'],
    judge: async ({ object, exists }, { live }) => {
      const changed = exists && (await live.changedSinceSnapshot(object.api_name))
      if (changed === 'not_visible') {
        return {
          message: `The connected user no longer sees ${object.api_name}: it was deleted since the snapshot used for this check, or the user lost access to it.`,
          remedy:
            'Give the user access to the object again, then pull the topology and check again.',
        }
      }
      return changed === true
        ? {
            message: `${object.api_name} has changed in the Salesforce org since the snapshot used for this check.`,
            remedy:
              'Pull the topology and check again, or check with refresh: true; a deploy with this report is refused.',
          }
        : null
    },
  }),
  rule('object', {
    code: 'object_appeared',
    severities: ['red'],
    judge: async ({ object, exists }, { live }) => {
      if (exists) return null
      const found = await live.lookUp('CustomObject', object.api_name)
      return found?.exists === true
        ? {
            message: `${object.api_name} is missing from the snapshot but exists in the Salesforce org: it was created since, or was hidden from the connected user.`,
            remedy: 'Pull the topology and check again, or check with refresh: true.',
            at: 'api_name',
          }
        : null
    },
  }),
  rule('package', {
    code: 'snapshot_stale',
    severities: ['yellow'],
    judge: (_, { snapshot, now }) => {
      const days = Math.floor((now.getTime() - snapshot.takenAt.getTime()) / DAY_MS)
      return days < STALE_DAYS
        ? null
        : {
            message: `The snapshot is ${plural(days, 'day')} old; automations changed since then are not considered.`,
            remedy: 'Check again with refresh: true.',
          }
    },
  }),
]

const salesforceRule = rulesFor('salesforce')

export const salesforceRules = [
  salesforceRule('package', {
    code: 'salesforce_refuses',
    severities: ['red'],
    judge: (_, { salesforceProblems }) =>
      (salesforceProblems ?? [])
        .filter(({ kind }) => kind === 'Error')
        .map(({ type, fullName, problem }) => ({
          message: `Salesforce refuses ${type} ${fullName}: ${problem}`,
          remedy: 'Correct what Salesforce reports, then check again.',
          component: { type, fullName },
        })),
  }),
  salesforceRule('package', {
    code: 'salesforce_warns',
    severities: ['yellow'],
    judge: (_, { salesforceProblems }) =>
      (salesforceProblems ?? [])
        .filter(({ kind }) => kind === 'Warning')
        .map(({ type, fullName, problem }) => ({
          message: `Salesforce warns about ${type} ${fullName}: ${problem}`,
          remedy: 'Read the warning; the deploy will go through.',
          component: { type, fullName },
        })),
  }),
]
