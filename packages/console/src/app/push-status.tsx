import { type Push, type PushKind, type PushStatus } from '@sfdc-engine-x/client'
import { Status, type StatusTone } from '../ui/status.tsx'

export const PUSH_KINDS: Readonly<Record<PushKind, string>> = {
  records: 'Records',
  status_update: 'Updates',
  link: 'Links',
}

export const PUSH_STATUSES: Readonly<Record<PushStatus, readonly [StatusTone, string]>> = {
  queued: ['running', 'Queued'],
  in_progress: ['running', 'Running'],
  succeeded: ['done', 'Succeeded'],
  partial: ['attention', 'Partly failed'],
  failed: ['stopped', 'Failed'],
}

export const PushState = ({
  status,
  is_final: isFinal,
  error,
}: Pick<Push, 'status' | 'is_final' | 'error'>) => {
  if (!isFinal && error?.waiting !== undefined) {
    return error.waiting.for === 'person' ? (
      <Status tone="attention">Waits for somebody</Status>
    ) : (
      <Status tone="running">Waits</Status>
    )
  }
  const [tone, words] = PUSH_STATUSES[status]
  return <Status tone={tone}>{words}</Status>
}
