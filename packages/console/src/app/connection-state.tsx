import { type ConnectionStatus } from '@sfdc-engine-x/client'
import { Status, type StatusTone } from '../ui/status.tsx'

const STATES: Readonly<Record<ConnectionStatus, readonly [StatusTone, string]>> = {
  connected: ['done', 'Connected'],
  pending: ['running', 'Waiting for the authorization'],
  expired: ['attention', 'Authorization expired'],
  error: ['attention', 'Not usable'],
  revoked: ['idle', 'Revoked'],
}

/** How a client's connection stands; null: there never was one. */
export const ConnectionState = ({ status }: { status: ConnectionStatus | null }) => {
  const [tone, words] = status === null ? (['idle', 'Not connected'] as const) : STATES[status]
  return <Status tone={tone}>{words}</Status>
}
