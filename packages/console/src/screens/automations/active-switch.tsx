import { useQuery } from '@tanstack/react-query'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { type Automation, type WorkflowType } from '@sfdc-engine-x/client'
import { engine } from '../../api/engine.ts'
import { useClientMark } from '../../api/directory.ts'
import { clientQuery, connectionQuery } from '../../api/queries.ts'
import { useMay } from '../../api/session.ts'
import { Button } from '../../ui/button.tsx'
import { ConfirmProduction } from '../../ui/dialog.tsx'
import { Foreign } from '../../ui/text.tsx'
import { NO_OBJECT } from './order.ts'

const route = getRouteApi('/_app/clients/$clientId/automations')

/** What the API activates and deactivates. */
const SWITCHABLE: readonly string[] = [
  'flow',
  'assignment_rule',
  'validation_rule',
] satisfies WorkflowType[]

const isSwitchable = (type: string): type is WorkflowType => SWITCHABLE.includes(type)

/** Offered for what can be switched, to whoever may. Others see whether it is active. */
export const ActiveSwitch = ({
  clientId,
  automation,
}: {
  clientId: string
  automation: Automation
}) => {
  const mayWrite = useMay('workflows.write')
  const [asked, setAsked] = useState(false)
  const { type, active, managed } = automation
  if (!mayWrite || managed || active === null || !isSwitchable(type)) return null
  return (
    <span className="row">
      <Button
        look="quiet"
        aria-label={`${active ? 'Deactivate' : 'Activate'} ${automation.api_name}`}
        onClick={() => setAsked(true)}
      >
        {active ? 'Deactivate' : 'Activate'}
      </Button>
      {asked && (
        <Question
          clientId={clientId}
          type={type}
          automation={automation}
          onClose={() => setAsked(false)}
        />
      )}
    </span>
  )
}

interface QuestionProps {
  clientId: string
  type: WorkflowType
  automation: Automation
  onClose: () => void
}

const Question = ({ clientId, type, automation, onClose }: QuestionProps) => {
  const { active, api_name: name } = automation
  const search = route.useSearch()
  const navigate = useNavigate()
  const client = useQuery(clientQuery(clientId))
  const mark = useClientMark(client.data?.id)
  const connection = useQuery(connectionQuery(clientId))
  if (client.data === undefined || connection.data === undefined) return null
  const change = async () => {
    const work = await engine.workflows.setActive({
      client_id: clientId,
      type,
      api_name: name,
      active: active !== true,
    })
    // The snapshot does not know of it, and without its object the page might show a different one.
    await navigate({
      to: '/clients/$clientId/automations',
      params: { clientId },
      search: { ...search, object: automation.object ?? NO_OBJECT, live: true, change: work.id },
    })
  }
  return (
    <ConfirmProduction
      open
      onClose={onClose}
      action={active === true ? 'Deactivate' : 'Activate'}
      clientName={client.data.name}
      mark={mark}
      environment={connection.data?.environment ?? null}
      onConfirm={change}
    >
      <p>
        <Foreign mono>{name}</Foreign>{' '}
        {active === true ? 'no longer runs.' : 'runs from then on for every record it is about.'}{' '}
        {type === 'assignment_rule' &&
          active !== true &&
          'The rule that is active now is deactivated. '}
        It can be rolled back from its deployment.
      </p>
    </ConfirmProduction>
  )
}
