/** A fault in one workflow; `at` is its path below the workflow. */
export interface WorkflowFault {
  at: string
  code: string
  message: string
}

/** What is wrong with one workflow. Its message is that of the first fault. */
export class Refusal extends Error {
  readonly faults: readonly WorkflowFault[]

  constructor(...faults: [WorkflowFault, ...WorkflowFault[]]) {
    super(faults[0].message)
    this.faults = faults
  }
}

export const refuse = (at: string, code: string, message: string): Refusal =>
  new Refusal({ at, code, message })
