// Every rule.

import { accessRules } from './access.ts'
import { automationRules } from './automation.ts'
import { dataPathRules } from './data-path.ts'
import { driftRules, salesforceRules } from './drift.ts'
import { formulaRules } from './formulas.ts'
import { kindReassurances, kindWarnings } from './kinds.ts'
import { limitRules } from './limits.ts'
import { nameRules } from './names.ts'
import { packageRules } from './packages.ts'
import { picklistReassurances, picklistRules } from './picklists.ts'
import { planCheckRules } from './plan-check.ts'
import { pushRules } from './push-rules.ts'
import { relationRules } from './relations.ts'
import { safeRules } from './safe.ts'
import { typeRules } from './types.ts'
import { valueRules } from './values.ts'
import { workflowRules } from './workflows.ts'

/** Those that may warn. */
export const WARNING_RULES = [
  ...planCheckRules,
  ...nameRules,
  ...typeRules,
  ...valueRules,
  ...picklistRules,
  ...formulaRules,
  ...relationRules,
  ...limitRules,
  ...accessRules,
  ...kindWarnings,
  ...automationRules,
  ...workflowRules,
  ...dataPathRules,
  ...pushRules,
  ...driftRules,
  ...packageRules,
  ...salesforceRules,
]

/** Those that say why a component is safe, if no other rule warned. */
export const SAFE_RULES = [...safeRules, ...picklistReassurances, ...kindReassurances]
