import { type Push, type PushKind, type PushStatus } from '@sfdc-engine-x/client'
import { Status, type StatusTone } from '../ui/status.tsx'
import { counted } from '../ui/text.tsx'

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

/** Of a dry run nothing was sent, so nothing has failed either. */
const tried = (failed: number): readonly [StatusTone, string] =>
  failed === 0
    ? ['done', 'Dry run, no row would fail']
    : ['attention', `Dry run, ${counted(failed, 'row')} would fail`]

export const PushState = ({
  status,
  is_final: isFinal,
  dry_run: isDry,
  failed,
  error,
}: Pick<Push, 'status' | 'is_final' | 'dry_run' | 'failed' | 'error'>) => {
  if (!isFinal && error?.waiting !== undefined) {
    return error.waiting.for === 'person' ? (
      <Status tone="attention">Waits for somebody</Status>
    ) : (
      <Status tone="running">Waits</Status>
    )
  }
  const [tone, words] = isDry && isFinal ? tried(failed) : PUSH_STATUSES[status]
  return <Status tone={tone}>{words}</Status>
}
