// The message of a flow that fails. The frame is Salesforce's, as issue threads quote it ("We can't save
// this record because the … process failed"), and so is the sentence about records that could not be
// saved; "Error element … (…)" is from the mail that Salesforce sends about a failed flow.

import { problem, type RowProblem } from '../records/row-errors.ts'
import { type RowError } from '../records/save-types.ts'

const UNHANDLED =
  '<b>An unhandled fault has occurred in this flow</b><br>An unhandled fault has occurred while processing the flow.  Please contact your system administrator for more information.'

/** Thrown when an element cannot continue. */
export class FlowFault extends Error {
  override name = 'FlowFault'
  /** True if the simulator cannot do it, and the flow is not at fault. */
  readonly unhandled: boolean

  constructor(message: string, unhandled = true) {
    super(message)
    this.unhandled = unhandled
  }
}

export type DataVerb = 'create' | 'update' | 'delete'

/** The flow's records that Salesforce would not save. */
export const dataFault = (verb: DataVerb, errors: readonly RowError[]): FlowFault =>
  new FlowFault(
    `This error occurred when the flow tried to ${verb} records: ${errors
      .map(({ statusCode, message }) => `${statusCode}: ${message}`)
      .join('; ')}. You can look up ExceptionCode values in the SOAP API Developer Guide.`,
    false,
  )

/** The row's error for a fault at this element; `type` as in `FlowRecordUpdate`. */
export const triggerProblem = (
  label: string,
  element: { name: string; type: string },
  fault: Pick<FlowFault, 'message' | 'unhandled'>,
): RowProblem => {
  const where = `Error element ${element.name} (${element.type})`
  const details = fault.unhandled
    ? `${UNHANDLED} ${where}: ${fault.message}`
    : `${fault.message} ${where}.`
  return problem(
    'CANNOT_EXECUTE_FLOW_TRIGGER',
    `We can't save this record because the “${label}” process failed. Give your Salesforce admin these details. ${details}`,
  )
}
