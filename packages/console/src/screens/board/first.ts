// What the board asks first, for whoever asks it before the board is there.

import { type AuthMeResponse } from '@sfdc-engine-x/client'

/** Of one page of clients. */
export const LIMIT = 100

/** The address without filters. */
export const FIRST = { path: '/api/fleet/health', body: JSON.stringify({ limit: LIMIT }) }

/** A user of one client has no fleet. */
export const hasBoard = ({ client_id: clientId, permissions }: AuthMeResponse): boolean =>
  clientId === null || permissions.includes('fleet.read')
