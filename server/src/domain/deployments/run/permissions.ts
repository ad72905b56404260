// Why Salesforce refused: asked only after something failed, so that a success costs no call.

import { EngineError } from '../../../errors.ts'
import { concernsWholeOrg, SalesforceError } from '../../../salesforce/failure.ts'
import { readRights } from '../../connections/rights.ts'
import { lackText, lacks, PLAN_PERMISSIONS } from '../../plan/permissions.ts'
import { planSchema } from '../../plan/schema.ts'
import { type DeploymentRow, planOf } from '../rows.ts'
import { type StageContext } from '../../work/stages.ts'

/**
 * The permissions that the connected user lacks for this deployment, in the words of the conflict check,
 * in place of what Salesforce said about the first thing that it hid or refused. Anything else is
 * returned as it is.
 */
export const explainRefusal = async (
  error: unknown,
  { org, userId }: Pick<StageContext, 'org' | 'userId'>,
  deployment: DeploymentRow,
): Promise<unknown> => {
  if (!(error instanceof SalesforceError)) return error
  const { failure } = error
  if (failure.passing || concernsWholeOrg(failure)) return error
  const { username, permissions } = await readRights(org, userId)
  if (permissions === null) return error
  const plan = deployment.kind === 'custom_objects' ? planOf(deployment) : planSchema.parse({})
  const missing = PLAN_PERMISSIONS.filter(
    (permission) =>
      permission.severity === 'red' &&
      permission.neededFor(plan, () => true) &&
      lacks(permissions, permission),
  )
  if (missing.length === 0) return error
  const errors = missing.map((permission) => ({
    path: '',
    code: permission.code,
    message: lackText(username ?? userId, permission).message,
  }))
  return new EngineError('missing_permissions', errors.map(({ message }) => message).join(' '), {
    errors,
    ...(error.upstream === undefined ? {} : { upstream: error.upstream }),
  })
}
