// The buttons of a rollout, and the question before each that sends something.

import { useQueryClient } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import { type Rollout } from '@sfdc-engine-x/client'
import { engine } from '../../api/engine.ts'
import { Button } from '../../ui/button.tsx'
import { ConfirmFleet, ConfirmSimply } from '../../ui/dialog.tsx'
import { Checkbox } from '../../ui/field.tsx'
import { counted, Foreign } from '../../ui/text.tsx'
import { useToast } from '../../ui/toast.tsx'
import { actionsFor, nameOf, type RolloutAction } from '../rollouts/words.ts'
import { rolloutChanged } from './queries.ts'

/** `allowDataLoss` is for a rollback only. */
const perform = (rollout: Rollout, action: RolloutAction, allowDataLoss: boolean) => {
  const { id: rollout_id, revision } = rollout
  switch (action) {
    case 'check':
      return engine.fleet.rolloutsCheck({ rollout_id })
    case 'start':
      return engine.fleet.rolloutsStart({ rollout_id, revision })
    case 'approve':
      return engine.fleet.rolloutsApprove({ rollout_id, revision, ...waveOf(rollout) })
    case 'resume':
      return engine.fleet.rolloutsResume({ rollout_id, revision })
    case 'pause':
      return engine.fleet.rolloutsPause({ rollout_id })
    case 'retry':
      return engine.fleet.rolloutsRetry({ rollout_id })
    case 'stop':
      return engine.fleet.rolloutsStop({ rollout_id })
    case 'preview':
      return engine.fleet.rolloutsRollback({ rollout_id, dry_run: true })
    case 'rollback':
      return engine.fleet.rolloutsRollback({ rollout_id, allow_data_loss: allowDataLoss })
  }
}

const nextWave = ({ waves }: Rollout) => waves.find(({ state }) => state === 'pending')

/** The wave that the person was shown: a different one is refused. */
const waveOf = (rollout: Rollout): { wave?: number } => {
  const next = nextWave(rollout)
  return next === undefined ? {} : { wave: next.position }
}

const LABELS: Readonly<Record<RolloutAction, string>> = {
  check: 'Check',
  start: 'Start',
  approve: 'Approve the next wave',
  resume: 'Resume',
  pause: 'Pause',
  retry: 'Try failed again',
  stop: 'Stop for good',
  preview: 'Preview the rollback',
  rollback: 'Roll back',
}

/** Nothing is sent by these: they need no question. */
const AT_ONCE: readonly RolloutAction[] = ['check', 'pause', 'preview']

interface Asked {
  rollout: Rollout
  action: RolloutAction
}

export const Actions = ({ rollout }: { rollout: Rollout }) => {
  const queryClient = useQueryClient()
  const { fail } = useToast()
  // With the rollout as it was shown then: what comes in while the question is open was not looked at.
  const [asked, setAsked] = useState<Asked | null>(null)
  const [pending, setPending] = useState<RolloutAction | null>(null)
  const actions = actionsFor(rollout)
  const act = async ({ rollout: shown, action }: Asked, allowDataLoss = false) => {
    try {
      await perform(shown, action, allowDataLoss)
    } finally {
      await rolloutChanged(queryClient, rollout.id)
    }
  }
  const press = async (action: RolloutAction) => {
    if (!AT_ONCE.includes(action)) {
      setAsked({ rollout, action })
      return
    }
    setPending(action)
    await act({ rollout, action }).catch(fail)
    setPending(null)
  }
  return (
    <>
      {actions.map((action, at) => (
        <Button
          key={action}
          look={at === 0 && action !== 'stop' ? 'primary' : 'plain'}
          pending={pending === action}
          onClick={() => void press(action)}
        >
          {LABELS[action]}
        </Button>
      ))}
      {asked !== null && (
        <Question
          {...asked}
          onClose={() => setAsked(null)}
          onConfirm={(allow) => act(asked, allow)}
        />
      )}
    </>
  )
}

interface QuestionProps extends Asked {
  onClose: () => void
  onConfirm: (allowDataLoss: boolean) => Promise<void>
}

const Question = ({ rollout, action, onClose, onConfirm }: QuestionProps) => {
  const [allowDataLoss, setAllowDataLoss] = useState(false)
  const dialog = {
    open: true,
    onClose,
    action: LABELS[action],
    onConfirm: () => onConfirm(allowDataLoss),
  }
  if (action === 'stop') {
    return (
      <ConfirmSimply {...dialog}>
        <p>
          What was sent ends. All other clients are skipped, and stay as they are. What is in place
          stays until it is rolled back.
        </p>
      </ConfirmSimply>
    )
  }
  return (
    <ConfirmFleet
      {...dialog}
      subject={
        <strong>
          <Foreign>{nameOf(rollout)}</Foreign>
        </strong>
      }
      clients={clientsOf(rollout, action)}
    >
      {whatHappens(rollout, action)}
      {action === 'rollback' && (
        <Checkbox
          label="Delete values and records too"
          hint="Without it, what holds data stays, and is reported."
          checked={allowDataLoss}
          onChange={({ target }) => setAllowDataLoss(target.checked)}
        />
      )}
    </ConfirmFleet>
  )
}

/** How many clients the action is about. */
const clientsOf = (rollout: Rollout, action: RolloutAction): number => {
  const { counts, targets } = rollout
  const of = (...states: string[]) => states.reduce((sum, state) => sum + (counts[state] ?? 0), 0)
  if (action === 'start') return rollout.waves[0]?.targets ?? targets
  if (action === 'approve') return nextWave(rollout)?.targets ?? targets
  if (action === 'retry') return of('failed', 'blocked')
  if (action === 'rollback') return of('deployed', 'rollback_partial')
  return targets
}

const whatHappens = (rollout: Rollout, action: RolloutAction): ReactNode => {
  const first = rollout.waves[0]
  const next = nextWave(rollout)
  if (action === 'start') {
    return (
      <p>
        The first wave begins
        {first === undefined ? '' : ` with ${counted(first.targets, 'client')}`}.{' '}
        {rollout.waves.length > 1 && 'The others follow as they were set up.'}
      </p>
    )
  }
  if (action === 'approve') {
    return (
      <p>
        Wave {next?.position}, <Foreign>{next?.name ?? ''}</Foreign>, begins with{' '}
        {counted(next?.targets ?? 0, 'client')}.
      </p>
    )
  }
  if (action === 'resume') {
    return (
      <p>
        It goes on where it was paused. Failures so far{' '}
        {rollout.pause_reason === 'user' ? 'still count.' : 'were seen.'}
      </p>
    )
  }
  if (action === 'retry') {
    return (
      <p>
        Each is checked once more, and goes with its own wave if that has not begun, else with the
        one that is open or comes next.
      </p>
    )
  }
  return (
    <p>
      Rolls back exactly what this rollout deployed, the last wave first, with a proof for each
      client. What others changed since is kept.
    </p>
  )
}
