// What Salesforce itself said about the plan in a validation deploy that has ended.

import { type WorkFault } from '../../db/tables/work.ts'
import { type Deployment } from '../deployments/deployments.ts'
import { type SalesforceProblem } from './facts.ts'
import { WHOLE_PACKAGE } from './rule.ts'

/** Ends of a deployment that say nothing about what would have been deployed. */
const SAYS_NOTHING: ReadonlySet<string> = new Set([
  'cancelled',
  'abandoned',
  'outcome_unknown',
  'internal',
  'client_inactive',
  'connection_not_ready',
  'connection_revoked',
  'salesforce_org_changed',
  'host_refused',
  'not_found',
  'nango_error',
  'unavailable',
])

export type Verdict = { problems: SalesforceProblem[] } | { fault: WorkFault }

export const verdictOf = (deployment: Deployment): Verdict => {
  const { status, error, components, warnings } = deployment
  if (status === 'failed' && error !== null && SAYS_NOTHING.has(error.code)) {
    return { fault: { ...error, message: `The validation deploy failed: ${error.message}` } }
  }
  const problems = components.flatMap(({ type, full_name, problem }): SalesforceProblem[] =>
    problem === null
      ? []
      : [
          {
            type,
            fullName: full_name,
            problem: problem.message,
            kind: problem.severity === 'error' ? 'Error' : 'Warning',
          },
        ],
  )
  const whole = (problem: string, kind: SalesforceProblem['kind']): SalesforceProblem => ({
    ...WHOLE_PACKAGE,
    problem,
    kind,
  })
  problems.push(...warnings.map(({ message }) => whole(message, 'Warning')))
  // Refused, but not because of a component of the plan: something else, or the package as a whole.
  if (status === 'failed' && !problems.some(({ kind }) => kind === 'Error')) {
    problems.push(whole(error?.message ?? 'Salesforce gave no reason.', 'Error'))
  }
  return { problems }
}
