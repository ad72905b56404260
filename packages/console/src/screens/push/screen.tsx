// One push: how far it is, what went wrong, its rows, and what failed, mended and sent again.

import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { type PushWithResults } from '@sfdc-engine-x/client'
import { engine } from '../../api/engine.ts'
import { clientKey, useWork } from '../../api/queries.ts'
import { useMay } from '../../api/session.ts'
import { ErrorGroups } from '../../app/error-groups.tsx'
import { PUSH_KINDS, PushState } from '../../app/push-status.tsx'
import { useDraft } from '../../app/use-draft.ts'
import { WorkFaultNote } from '../../app/work-fault.tsx'
import { KeyValue, Page, ProgressBar, Section } from '../../ui/layout.tsx'
import { Loaded, NotFound } from '../../ui/states.tsx'
import { Tag } from '../../ui/status.tsx'
import { count, counted, Foreign, Moment } from '../../ui/text.tsx'
import { CancelPush } from './cancel.tsx'
import { Mend } from './mend.tsx'
import { type Mended } from './mending.ts'
import { OpenRow } from './open-row.tsx'
import { Rows } from './rows.tsx'
import './push.css'

const route = getRouteApi('/_app/clients/$clientId/pushes/$pushId')
const REFRESH_MS = 5_000

export const Screen = () => {
  const { clientId, pushId } = route.useParams()
  const work = useWork({ kind: 'push', id: pushId, client_id: clientId })
  return (
    <Loaded query={work}>
      {(push) => (push.client_id === clientId ? <Stated key={pushId} push={push} /> : <NotFound />)}
    </Loaded>
  )
}

const Stated = ({ push }: { push: PushWithResults }) => {
  const { id, client_id: clientId, kind, is_final: isFinal, dry_run: isDry, failed } = push
  const [mended, setMended] = useDraft<Mended>(clientKey(clientId, 'mended', id), () => ({}))
  const { row } = route.useSearch()
  const mayPush = useMay('push.write')
  const canMend = isFinal && !isDry && failed > 0 && mayPush
  return (
    <Page
      title={
        <span className="row">
          {push.canonical_object === null ? (
            PUSH_KINDS[kind]
          ) : (
            <Foreign>{push.canonical_object}</Foreign>
          )}{' '}
          <PushState {...push} />
        </span>
      }
      lead={
        <span className="row">
          {push.sfdc_object !== null && (
            <span>
              to <Foreign mono>{push.sfdc_object}</Foreign>
            </span>
          )}
          {isDry && <Tag>Dry run: nothing was sent</Tag>}
          {kind === 'status_update' && <Tag>Updates only</Tag>}
          {push.retry_of !== null && (
            <Link
              to="/clients/$clientId/pushes/$pushId"
              params={{ clientId, pushId: push.retry_of }}
            >
              Retry of an earlier push
            </Link>
          )}
        </span>
      }
      actions={<CancelPush push={push} />}
    >
      {!isFinal && (
        <div aria-live="polite">
          <ProgressBar
            label={`${count(push.processed)} of ${counted(push.total, 'row')}`}
            done={push.processed}
            total={push.total}
          />
        </div>
      )}
      {push.error !== null && <WorkFaultNote fault={push.error} />}
      <Facts push={push} />
      {failed > 0 && <Errors push={push} />}
      {canMend && <Mend push={push} mended={mended} onDone={() => setMended({})} />}
      <Section title="Rows">
        {row !== undefined && (
          <OpenRow
            key={row}
            push={push}
            index={row}
            canMend={canMend}
            mended={mended}
            onMend={setMended}
          />
        )}
        <Rows push={push} mended={mended} />
      </Section>
    </Page>
  )
}

const Facts = ({ push }: { push: PushWithResults }) => (
  <KeyValue
    items={[
      ['Rows', count(push.total)],
      ...(push.dry_run
        ? ([
            ['Could be sent', count(push.succeeded)],
            ['Cannot be sent', count(push.failed)],
          ] as const)
        : ([
            ['Created', count(push.created_count)],
            ['Changed', count(push.updated_count)],
            ['Failed', count(push.failed)],
            ['Salesforce calls', count(push.salesforce_api_calls)],
            ['Sent by', push.transport === 'bulk' ? 'Bulk API' : 'sObject Collections'],
          ] as const)),
      ['Begun', <Moment key="begun" at={push.created_at} />],
      ['Ended', <Moment key="ended" at={push.completed_at} />],
    ]}
  />
)

const Errors = ({
  push: { id, client_id: clientId, is_final: isFinal, dry_run: isDry },
}: {
  push: PushWithResults
}) => {
  const { code: current } = route.useSearch()
  const errors = useQuery({
    queryKey: ['push errors', id, isFinal],
    queryFn: ({ signal }) => engine.push.errors({ push_id: id }, { signal }),
    refetchInterval: isFinal ? false : REFRESH_MS,
  })
  return (
    <Section title={isDry ? 'What would go wrong' : 'What went wrong'}>
      <Loaded query={errors}>
        {(found) => (
          <ErrorGroups errors={found}>
            {({ code }) => (
              <Link
                to="/clients/$clientId/pushes/$pushId"
                params={{ clientId, pushId: id }}
                search={code === current ? {} : { code }}
                resetScroll={false}
                aria-current={code === current}
                className="push-code"
              >
                {code}
              </Link>
            )}
          </ErrorGroups>
        )}
      </Loaded>
    </Section>
  )
}
