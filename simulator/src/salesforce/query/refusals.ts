import { SoqlError, SoqlNotSimulated } from '../../soql/schema.ts'
import { notSimulated, refusal } from '../../refusals.ts'

/** Turns the SOQL engine's errors into Salesforce's answers. */
export function refusing<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (error instanceof SoqlError) throw refusal(400, error.errorCode, error.message)
    if (error instanceof SoqlNotSimulated) throw notSimulated(error.message)
    throw error
  }
}
