// For each rule, a Salesforce org and a plan for which it fires, and nearly the same for which it does
// not.

import { type Severity } from '../rule.ts'
import { type Setup } from './facts.ts'

export interface Case {
  /** Fires with the first of its severities. */
  fires: Setup
  not: Setup
  /** Fires with another of its severities. */
  also?: Partial<Record<Severity, Setup>>
}
/** By the rule's code. */
export type Cases = Readonly<Record<string, Case>>
