import { useQueryClient } from '@tanstack/react-query'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { type WebhookDelivery, type WebhookEndpoint } from '@sfdc-engine-x/client'
import { engine } from '../../api/engine.ts'
import { useList } from '../../api/queries.ts'
import { ChoiceFilter } from '../../app/list-filters.tsx'
import { ClientName } from '../../app/names.tsx'
import { filled } from '../../app/params.ts'
import { Button } from '../../ui/button.tsx'
import { type Column } from '../../ui/data-table.tsx'
import { Section, Toolbar } from '../../ui/layout.tsx'
import { List } from '../../ui/list.tsx'
import { Empty } from '../../ui/states.tsx'
import { Status } from '../../ui/status.tsx'
import { counted, Moment, RelativeTime } from '../../ui/text.tsx'
import { useToast } from '../../ui/toast.tsx'
import { DELIVERIES, eventInWords } from '../webhooks/words.ts'

const route = getRouteApi('/_app/settings/webhooks/$endpointId')
const LOOK_MS = 5_000
const DAY_MS = 86_400_000

const COLUMNS: readonly Column<WebhookDelivery>[] = [
  {
    id: 'event',
    header: 'Event',
    width: 'minmax(10rem, 2fr)',
    cell: ({ event_type: type }) => eventInWords(type),
  },
  {
    id: 'client',
    header: 'Client',
    width: 'minmax(8rem, 1fr)',
    wideOnly: true,
    cell: ({ client_id: id }) => <ClientName id={id} />,
  },
  {
    id: 'status',
    header: 'State',
    width: '8rem',
    cell: ({ status }) => <Status tone={DELIVERIES[status][0]}>{DELIVERIES[status][1]}</Status>,
  },
  {
    id: 'answer',
    header: 'Last answer',
    width: 'minmax(8rem, 1fr)',
    wideOnly: true,
    cell: ({ attempts }) => answerOf(attempts.at(-1)),
  },
  {
    id: 'tries',
    header: 'Tries',
    width: '4rem',
    align: 'end',
    wideOnly: true,
    cell: ({ tries }) => tries,
  },
  {
    id: 'at',
    header: 'Happened',
    width: '7rem',
    cell: ({ created_at: at }) => <RelativeTime at={at} />,
  },
]

const answerOf = (attempt: WebhookDelivery['attempts'][number] | undefined): string => {
  if (attempt === undefined) return ''
  const { status, failure } = attempt
  return [failure?.replaceAll('_', ' ') ?? 'taken', status ?? ''].join(' ').trim()
}

export const Deliveries = ({ endpoint }: { endpoint: WebhookEndpoint }) => {
  const search = route.useSearch()
  const navigate = useNavigate()
  const list = useList(
    ['webhooks', endpoint.id, 'deliveries', search.status],
    (page, options) =>
      engine.webhookEndpoints.deliveries(
        {
          endpoint_id: endpoint.id,
          ...(search.status === undefined ? {} : { status: search.status }),
          ...page,
        },
        options,
      ),
    { refetchInterval: LOOK_MS },
  )
  const go = (more: typeof search) =>
    void navigate({
      to: '/settings/webhooks/$endpointId',
      params: { endpointId: endpoint.id },
      search: more,
      resetScroll: false,
    })
  const open = list.items.find(({ id }) => id === search.delivery)
  return (
    <Section
      title="What was sent"
      actions={endpoint.status === 'active' && <ResendFailed endpointId={endpoint.id} />}
    >
      <Toolbar label="Filters">
        <ChoiceFilter
          label="State"
          words={DELIVERIES}
          value={search.status}
          onChange={(status) => go(filled({ status }))}
        />
      </Toolbar>
      <List
        query={list}
        label="Deliveries"
        columns={COLUMNS}
        rowKey={({ id }) => id}
        chosenKey={open?.id ?? null}
        onOpen={({ id }) => go({ ...search, delivery: id })}
        empty={
          <Empty title="Nothing was sent">
            <p>Deliveries are kept for 30 days.</p>
          </Empty>
        }
      />
      {open !== undefined && <Delivery delivery={open} canResend={endpoint.status === 'active'} />}
    </Section>
  )
}

/** Each try, and sending it once more. */
const Delivery = ({ delivery, canResend }: { delivery: WebhookDelivery; canResend: boolean }) => {
  const queryClient = useQueryClient()
  const { say, fail } = useToast()
  const resend = async () => {
    try {
      await engine.webhookEndpoints.resend({
        endpoint_id: delivery.endpoint_id,
        event_id: delivery.event_id,
      })
      say('It is sent once more.')
      await queryClient.invalidateQueries({ queryKey: ['webhooks', delivery.endpoint_id] })
    } catch (error) {
      fail(error)
    }
  }
  return (
    <Section
      title={eventInWords(delivery.event_type)}
      actions={canResend && <Button onClick={() => void resend()}>Send again</Button>}
    >
      <p className="muted small">
        Event <code>{delivery.event_id}</code>
        {delivery.next_try_at !== null && (
          <>
            ; next try <RelativeTime at={delivery.next_try_at} />
          </>
        )}
      </p>
      <ol className="lines small">
        {delivery.attempts.map((attempt) => (
          <li key={attempt.at} className="row">
            <Moment at={attempt.at} />
            <span>{answerOf(attempt)}</span>
            <span className="muted">{attempt.ms} ms</span>
          </li>
        ))}
      </ol>
    </Section>
  )
}

const ResendFailed = ({ endpointId }: { endpointId: string }) => {
  const queryClient = useQueryClient()
  const { say, fail } = useToast()
  const [pending, setPending] = useState(false)
  const resend = async () => {
    setPending(true)
    try {
      const since = new Date(Date.now() - DAY_MS).toISOString()
      const { resent, has_more: more } = await engine.webhookEndpoints.resend({
        endpoint_id: endpointId,
        since,
      })
      say(
        `${counted(resent, 'event')} sent again${more ? '; there are more, press once more' : ''}.`,
      )
      await queryClient.invalidateQueries({ queryKey: ['webhooks', endpointId] })
    } catch (error) {
      fail(error)
    }
    setPending(false)
  }
  return (
    <Button pending={pending} onClick={() => void resend()}>
      Send again what was not taken in 24 hours
    </Button>
  )
}
