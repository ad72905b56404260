import { type JsonObject } from '../../../salesforce/json.ts'

/** The snapshot that the plan is checked against, as far as live facts need it. */
export interface JudgedSnapshot {
  apiVersion: string
  objectNames: readonly string[]
  /** Null where it was not described. */
  describeOf: (name: string) => JsonObject | null
}
