import { useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { type WebhookEndpoint } from '@sfdc-engine-x/client'
import { engine } from '../../api/engine.ts'
import { Button } from '../../ui/button.tsx'
import { ConfirmSimply } from '../../ui/dialog.tsx'
import { Select } from '../../ui/field.tsx'
import { SecretDialog } from '../../ui/secret.tsx'
import { useToast } from '../../ui/toast.tsx'

const KEPT = [
  { value: '24', label: 'Signs too for a day' },
  { value: '168', label: 'Signs too for a week' },
  { value: '0', label: 'Ends at once' },
] as const

export const Actions = ({ endpoint: { id, status } }: { endpoint: WebhookEndpoint }) => {
  const queryClient = useQueryClient()
  const navigate = useNavigate()
  const { say, fail } = useToast()
  const [asked, setAsked] = useState<'rotate' | 'disable' | 'delete' | null>(null)
  const [isTesting, setTesting] = useState(false)
  const [kept, setKept] = useState<(typeof KEPT)[number]['value']>('24')
  const [secret, setSecret] = useState<string | null>(null)
  const isActive = status === 'active'
  const close = () => setAsked(null)
  const changed = () => queryClient.invalidateQueries({ queryKey: ['webhooks'] })
  const test = async () => {
    setTesting(true)
    try {
      const answer = await engine.webhookEndpoints.test({ endpoint_id: id })
      say(
        answer.delivered
          ? `The test message was taken after ${answer.ms} ms.`
          : `The test message was not taken: ${(answer.failure ?? 'no answer').replaceAll('_', ' ')}${answer.status === null ? '' : ` ${answer.status}`}.`,
      )
    } catch (error) {
      fail(error)
    }
    setTesting(false)
  }
  const setStatus = async (wanted: 'active' | 'disabled') => {
    await engine.webhookEndpoints.update({ endpoint_id: id, status: wanted })
    await changed()
  }
  return (
    <>
      {isActive && (
        <Button pending={isTesting} onClick={() => void test()}>
          Send a test
        </Button>
      )}
      <Button onClick={() => setAsked('rotate')}>New secret</Button>
      {isActive ? (
        <Button onClick={() => setAsked('disable')}>Disable</Button>
      ) : (
        <Button onClick={() => void setStatus('active').catch(fail)}>Enable</Button>
      )}
      <Button onClick={() => setAsked('delete')}>Delete</Button>
      <ConfirmSimply
        open={asked === 'rotate'}
        onClose={close}
        action="Make a new secret"
        onConfirm={async () => {
          const made = await engine.webhookEndpoints.rotateSecret({
            endpoint_id: id,
            keep_hours: Number(kept),
          })
          await changed()
          setSecret(made.secret)
        }}
      >
        <Select label="The former secret" options={KEPT} value={kept} onChange={setKept} />
      </ConfirmSimply>
      <ConfirmSimply
        open={asked === 'disable'}
        onClose={close}
        action="Disable the endpoint"
        onConfirm={() => setStatus('disabled')}
      >
        <p>Nothing is sent to it, and what was still to be sent ends as failed.</p>
      </ConfirmSimply>
      <ConfirmSimply
        open={asked === 'delete'}
        onClose={close}
        action="Delete the endpoint"
        onConfirm={async () => {
          await engine.webhookEndpoints.delete({ endpoint_id: id })
          await navigate({ to: '/settings/webhooks' })
          await changed()
        }}
      >
        <p>The record of what was sent to it is deleted too.</p>
      </ConfirmSimply>
      <SecretDialog title="The new secret" secret={secret} onClose={() => setSecret(null)}>
        Put it into the receiver. It is never shown again.
      </SecretDialog>
    </>
  )
}
