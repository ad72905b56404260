import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { type WebhookEndpoint } from '@sfdc-engine-x/client'
import { engine } from '../../api/engine.ts'
import { allowed } from '../../app/allowed.tsx'
import { ClientName } from '../../app/names.tsx'
import { KeyValue, Page } from '../../ui/layout.tsx'
import { Loaded } from '../../ui/states.tsx'
import { Status } from '../../ui/status.tsx'
import { Foreign, Moment, RelativeTime } from '../../ui/text.tsx'
import { endpointStanding, eventInWords } from '../webhooks/words.ts'
import { Actions } from './actions.tsx'
import { Deliveries } from './deliveries.tsx'

const route = getRouteApi('/_app/settings/webhooks/$endpointId')

export const Screen = allowed('webhooks.manage', () => {
  const { endpointId } = route.useParams()
  const endpoint = useQuery({
    queryKey: ['webhooks', endpointId],
    queryFn: ({ signal }) => engine.webhookEndpoints.get({ endpoint_id: endpointId }, { signal }),
  })
  return <Loaded query={endpoint}>{(data) => <Detail endpoint={data} />}</Loaded>
})

const Detail = ({ endpoint }: { endpoint: WebhookEndpoint }) => {
  const [tone, word] = endpointStanding(endpoint)
  const { event_types: types, client_ids: clients } = endpoint
  return (
    <Page
      title={<Foreign>{endpoint.url}</Foreign>}
      lead={endpoint.description !== null && <Foreign>{endpoint.description}</Foreign>}
      actions={<Actions endpoint={endpoint} />}
    >
      <KeyValue
        items={[
          ['State', <Status tone={tone}>{word}</Status>],
          ['Events', types === null ? 'All' : types.map(eventInWords).join(', ')],
          [
            'Clients',
            clients === null ? (
              'All'
            ) : (
              <span className="row">
                {clients.map((id) => (
                  <ClientName key={id} id={id} />
                ))}
              </span>
            ),
          ],
          ['Last taken', <RelativeTime at={endpoint.last_success_at} />],
          ['Last failure', <RelativeTime at={endpoint.last_failure_at} />],
          ...(endpoint.last_failure === null
            ? []
            : ([['It was', <Foreign mono>{endpoint.last_failure}</Foreign>]] as const)),
          ...(endpoint.former_secret_until === null
            ? []
            : ([
                ['The former secret signs until', <Moment at={endpoint.former_secret_until} />],
              ] as const)),
        ]}
      />
      <Deliveries endpoint={endpoint} />
    </Page>
  )
}
