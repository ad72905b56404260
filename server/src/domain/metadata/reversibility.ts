// Whether something can be rolled back, in words that the report uses before the deploy, the deployment
// for its components, and the rollback for what it keeps.

export type ReversibilityLevel = 'reversible' | 'reversible_with_data_loss' | 'irreversible'

export interface Reversibility {
  level: ReversibilityLevel
  reason: string
}

export const reversible = (reason: string): Reversibility => ({ level: 'reversible', reason })

/** A rollback asks for allow_data_loss where there is data to lose by then. */
export const withDataLoss = (reason: string): Reversibility => ({
  level: 'reversible_with_data_loss',
  reason,
})

/** A rollback restores what it can; the reason says what stays as it is. */
export const irreversible = (reason: string): Reversibility => ({ level: 'irreversible', reason })

export const UNCHANGED = reversible('Nothing changes, so there is nothing to undo.')

export const RESTORED = reversible('Rollback restores it as it was before the deploy.')

export const DELETED_AGAIN = reversible('Rollback deletes it.')

export const TAKEN_OUT = reversible('Rollback removes what the plan adds; changes by others stay.')
