import { useQueryClient } from '@tanstack/react-query'
import { type Offboarding } from '@sfdc-engine-x/client'
import { engine } from '../../api/engine.ts'
import { clientKey } from '../../api/queries.ts'
import { useMay } from '../../api/session.ts'
import { CancelWork } from '../../app/cancel-work.tsx'
import { counted, Foreign } from '../../ui/text.tsx'
import { useToast } from '../../ui/toast.tsx'
import { isCancellable } from '../leavings/words.ts'

/** Ends what runs, as long as the connection is not being revoked; or abandons what waits for one that is gone. */
export const Cancel = ({ offboarding }: { offboarding: Offboarding }) => {
  const { id, client_id: clientId, is_preview: isPreview, error } = offboarding
  const mayWrite = useMay('fleet.write')
  const queryClient = useQueryClient()
  const { say } = useToast()
  if (!mayWrite || !isCancellable(offboarding)) return null
  return (
    <CancelWork
      what={isPreview ? 'preview' : 'off-boarding'}
      mayAbandon={error?.waiting?.for === 'person'}
      onCancel={(abandon) =>
        engine.fleet.offboardCancel({ offboarding_id: id, ...(abandon ? { abandon } : {}) })
      }
      onSuccess={({ is_final: isFinal }) => {
        if (!isFinal) say('Salesforce is asked to stop. It ends as soon as it has.')
      }}
      onSettled={() =>
        Promise.all(
          [['work', 'offboarding', id], ['offboardings'], clientKey(clientId)].map((queryKey) =>
            queryClient.invalidateQueries({ queryKey }),
          ),
        )
      }
    >
      {(isAbandon) =>
        isPreview ? (
          <p>Nothing was changed, and nothing will be.</p>
        ) : (
          <>
            <p>
              <strong>
                <Foreign>{offboarding.client_name}</Foreign>
              </strong>{' '}
              does not leave: its connection is kept, and work for it can begin again.
            </p>
            <DoneAlready offboarding={offboarding} />
            <p>
              {isAbandon
                ? 'Nobody looks any more whether Salesforce has applied what was sent last. Do this only if the connection is lost for good.'
                : 'Salesforce is asked to stop what it works on now. What it has applied by then is removed too, and is listed afterwards.'}
            </p>
          </>
        )
      }
    </CancelWork>
  )
}

/** All of it by name: nothing of it comes back by itself. */
const DoneAlready = ({ offboarding: { removed, restored } }: { offboarding: Offboarding }) =>
  removed.length + restored.length === 0 ? (
    <p>Nothing was removed yet.</p>
  ) : (
    <>
      <Done
        components={removed}
        one="is already removed and stays removed"
        many="are already removed and stay removed"
      />
      <Done
        components={restored}
        one="is already restored and stays so"
        many="are already restored and stay so"
      />
    </>
  )

const Done = ({
  components,
  one,
  many,
}: {
  components: Offboarding['removed']
  one: string
  many: string
}) => {
  if (components.length === 0) return null
  const label = `${counted(components.length, 'component')} ${components.length === 1 ? one : many}`
  return (
    <div>
      <p>{label}:</p>
      {/* Scrolls, so it takes the focus. */}
      <ul className="lines small leaving-done" tabIndex={0} aria-label={label}>
        {components.map(({ type, full_name: name }) => (
          <li key={`${type} ${name}`}>
            {type} <Foreign mono>{name}</Foreign>
          </li>
        ))}
      </ul>
    </div>
  )
}
