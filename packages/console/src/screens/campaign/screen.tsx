import { useQueryClient } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useState } from 'react'
import {
  type ReconsentCampaignWithClients,
  type ReconsentClient,
  type ReconsentLink,
} from '@sfdc-engine-x/client'
import { engine } from '../../api/engine.ts'
import { useList } from '../../api/queries.ts'
import { useMay } from '../../api/session.ts'
import { allowed } from '../../app/allowed.tsx'
import { ClientName } from '../../app/names.tsx'
import { Button } from '../../ui/button.tsx'
import { type Column } from '../../ui/data-table.tsx'
import { Page, Section } from '../../ui/layout.tsx'
import { List } from '../../ui/list.tsx'
import { Empty, Loaded } from '../../ui/states.tsx'
import { Status } from '../../ui/status.tsx'
import { count, counted, CopyButton, Foreign, RelativeTime } from '../../ui/text.tsx'
import { useToast } from '../../ui/toast.tsx'
import { CLIENT_STATES, REASONS } from '../campaigns/words.ts'

const route = getRouteApi('/_app/fleet/campaigns/$campaignId')
const LOOK_MS = 10_000

const COLUMNS: readonly Column<ReconsentClient>[] = [
  {
    id: 'client',
    header: 'Client',
    width: 'minmax(9rem, 2fr)',
    cell: ({ client_id: id }) => <ClientName id={id} />,
  },
  {
    id: 'state',
    header: 'State',
    width: 'minmax(9rem, 1fr)',
    cell: ({ state }) => <Status tone={CLIENT_STATES[state][0]}>{CLIENT_STATES[state][1]}</Status>,
  },
  {
    id: 'reason',
    header: 'Why',
    width: 'minmax(9rem, 2fr)',
    wideOnly: true,
    cell: ({ reason, refusal, cause }) => (
      <Foreign>{(refusal ?? cause)?.message ?? REASONS[reason]}</Foreign>
    ),
  },
  {
    id: 'until',
    header: 'Link valid',
    width: '8rem',
    wideOnly: true,
    cell: ({ link_expires_at: at }) => <RelativeTime at={at} />,
  },
  {
    id: 'done',
    header: 'Done',
    width: '7rem',
    wideOnly: true,
    cell: ({ done_at: at }) => <RelativeTime at={at} />,
  },
]

export const Screen = allowed('fleet.read', () => {
  const { campaignId } = route.useParams()
  const mayWrite = useMay('fleet.write')
  const list = useList<ReconsentClient, ReconsentCampaignWithClients>(
    ['campaigns', campaignId],
    (page, options) => engine.fleet.reconsentGet({ campaign_id: campaignId, ...page }, options),
    { refetchInterval: LOOK_MS },
  )
  return (
    <Loaded query={list}>
      {({ pages: [campaign] }) =>
        campaign === undefined ? null : (
          <Page
            title={<Foreign>{campaign.name}</Foreign>}
            lead={campaign.note !== null && <Foreign>{campaign.note}</Foreign>}
          >
            <p aria-live="polite">
              <strong>
                {count(campaign.totals.done)} of {counted(campaign.totals.clients, 'client')}{' '}
                authorized again
              </strong>{' '}
              <span className="muted">
                {count(campaign.totals.link_open)} with a link, {count(campaign.totals.waiting)}{' '}
                without, {count(campaign.totals.refused)} not accepted
              </span>
            </p>
            <List
              query={list}
              label="Clients of the campaign"
              columns={COLUMNS}
              rowKey={({ client_id: id }) => id}
              empty={<Empty title="No client is asked" />}
            />
            {mayWrite && campaign.totals.done < campaign.totals.clients && (
              <Links campaignId={campaignId} />
            )}
          </Page>
        )
      }
    </Loaded>
  )
})

/** A fresh link each, for whoever has not authorized yet: shown here, and nowhere again. */
const Links = ({ campaignId }: { campaignId: string }) => {
  const queryClient = useQueryClient()
  const { fail } = useToast()
  const [links, setLinks] = useState<readonly ReconsentLink[] | null>(null)
  const [pending, setPending] = useState(false)
  const make = async () => {
    setPending(true)
    try {
      const { items } = await engine.fleet.reconsentLinks({ campaign_id: campaignId })
      setLinks(items ?? [])
      await queryClient.invalidateQueries({ queryKey: ['campaigns'] })
    } catch (error) {
      fail(error)
    }
    setPending(false)
  }
  const withLink = (links ?? []).filter(({ connect_link: link }) => link !== null)
  return (
    <Section
      title="Links"
      actions={
        <>
          {withLink.length > 0 && (
            <CopyButton
              text={withLink
                .map(({ client_name: name, connect_link: link }) => `${name}\t${link ?? ''}`)
                .join('\n')}
            >
              Copy all
            </CopyButton>
          )}
          <Button pending={pending} onClick={() => void make()}>
            Make a link for each
          </Button>
        </>
      }
    >
      <p className="muted small">
        Send each client its own link. It is valid for half an hour, and a new one ends the former.
      </p>
      {links !== null && (
        <ul className="lines">
          {links.map(({ client_id: id, client_name: name, connect_link: link, error }) => (
            <li key={id} className="row">
              <Foreign>{name}</Foreign>
              {link === null ? (
                <span className="muted">
                  <Foreign>{error?.message ?? 'No link could be made.'}</Foreign>
                </span>
              ) : (
                <CopyButton text={link}>Copy the link</CopyButton>
              )}
            </li>
          ))}
        </ul>
      )}
    </Section>
  )
}
