// What a rollback leaves as it is, and why.

export interface Component {
  type: string
  fullName: string
}

/** Why one component is kept. */
export class Keep {
  readonly reason: string
  /** What somebody else changed since: usually the component itself. */
  readonly changed: 'it' | 'nobody' | Component
  /** It can still be rolled back by naming it. */
  readonly removable: boolean

  constructor(reason: string, changed: Keep['changed'] = 'it', removable = true) {
    this.reason = reason
    this.changed = changed
    this.removable = removable
  }
}

export const DRIFT = 'Changed by somebody else since.'
export const UNKNOWN = 'It is not known how the deployment left it.'
export const DELETED = 'Deleted by somebody else since.'
export const ANEW = 'Somebody has created it again since.'
