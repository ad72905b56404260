// Off-boardings in words.

import { type OffboardingStatus, type OffboardingSummary } from '@sfdc-engine-x/client'
import { type StatusTone } from '../../ui/status.tsx'

const STATES: Readonly<Record<OffboardingStatus, readonly [StatusTone, string]>> = {
  running: ['running', 'Under way'],
  complete: ['done', 'Complete'],
  partial: ['stopped', 'Ended; something stays'],
  failed: ['stopped', 'Failed'],
}

/** Nothing went wrong there: somebody wanted it. */
const ENDED: Readonly<Record<string, readonly [StatusTone, string]>> = {
  cancelled: ['idle', 'Cancelled'],
  abandoned: ['stopped', 'Abandoned'],
}

/** Of a preview nothing has happened, whatever it says. */
export const standing = ({
  status,
  is_preview: preview,
  error,
}: Pick<OffboardingSummary, 'status' | 'is_preview' | 'error'>): readonly [StatusTone, string] => {
  if (status === 'failed') return ENDED[error?.code ?? ''] ?? STATES.failed
  return preview && status !== 'running' ? ['idle', 'Preview only'] : STATES[status]
}

/** What goes on in each stage; of a preview nothing but reading. */
const STAGES: Readonly<Record<string, string>> = {
  automations: 'Removing automations',
  components: 'Removing components',
  settle: 'Writing down what was removed',
  revoke: 'Revoking the connection',
  certify: 'Writing the certificate',
  purge: 'Deleting what is stored here',
}

export const stageOf = ({
  progress: { stage },
  is_preview: isPreview,
}: Pick<OffboardingSummary, 'progress' | 'is_preview'>): string =>
  isPreview ? 'Reading what would go' : (STAGES[stage] ?? stage)

/** As long as the connection is not being revoked. */
export const isCancellable = ({
  status,
  progress: { stage },
}: Pick<OffboardingSummary, 'status' | 'progress'>): boolean =>
  status === 'running' && (stage === 'automations' || stage === 'components')

/** What the page of one is about, in one sentence. */
export const leadOf = ({
  status,
  is_preview: isPreview,
  purged,
  options: { purge },
}: Pick<OffboardingSummary, 'status' | 'is_preview' | 'purged' | 'options'>): string => {
  if (isPreview) return 'What leaving would do. Nothing was changed.'
  if (status === 'failed')
    return 'It ended early: the client has not left, and work for it can begin again.'
  if (purged)
    return 'Everything that was stored here about the client is deleted. This is what remains.'
  return purge
    ? 'What was ever deployed is removed again, the connection is revoked, and what is stored here is deleted.'
    : 'What was ever deployed is removed again, then the connection is revoked.'
}
