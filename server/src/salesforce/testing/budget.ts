// Budgets for tests of what goes to Salesforce.

import { type ApiBudget, type ApiUsage } from '../gateway.ts'

/**
 * A budget that asks `mayTake` before each call, which throws what shall stop it, and gives `seen` what the
 * answers tell.
 */
export const budgetOf = (
  mayTake: () => unknown = () => undefined,
  seen: (usage: ApiUsage) => void = () => undefined,
): ApiBudget => ({
  take: async () => {
    await mayTake()
    return (end) => {
      if (typeof end !== 'string') seen(end)
    }
  },
  record: seen,
  exhausted: () => undefined,
})

export const openBudget = budgetOf()
