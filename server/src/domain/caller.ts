// Who is asking. Made once per request from the credential, handed to every operation, and the
// only source of the tenant whose rows an operation may touch.

import { type Tenant } from '../db/database.ts'
import { type Role } from '../db/tables/tenancy.ts'
import { EngineError } from '../errors.ts'
import { type Permission } from './auth/permissions.ts'

export interface Credential {
  type: 'api_token' | 'session'
  id: string
}

/** A claim on an idempotency key, to be bound to what the request creates, in the same transaction. */
export interface IdempotencyClaim {
  method: string
  path: string
  key: string
  holder: string
}

export interface Caller {
  readonly tenant: Tenant
  readonly userId: string
  readonly email: string
  readonly role: Role
  readonly permissions: readonly Permission[]
  readonly credential: Credential
  /** When the credential ends by itself; null: never; absent where work goes on without it. */
  readonly expiresAt?: Date | null
  /** What changes a Salesforce org needs the approval of a person. */
  readonly mustAsk?: boolean
  /** The approval that the row this call creates uses up. */
  readonly approvalId?: string
  readonly requestId: string
  readonly idempotency: IdempotencyClaim | null
}

/** A credential hands out no permission that it does not have itself. Throws `forbidden`. */
export const requirePower = (caller: Caller, handedOut: readonly Permission[]): void => {
  const lacking = handedOut.find((permission) => !caller.permissions.includes(permission))
  if (lacking === undefined) return
  throw new EngineError(
    'forbidden',
    `This credential does not have the permission ${lacking}, so it cannot give it to anybody.`,
  )
}

/** For what an operation needs beyond the permission of its endpoint. Throws `forbidden`. */
export const requirePermission = (caller: Caller, permission: Permission): void => {
  if (caller.permissions.includes(permission)) return
  throw new EngineError('forbidden', `This needs the permission ${permission}.`)
}
