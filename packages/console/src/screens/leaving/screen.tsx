import { useQuery, useQueryClient } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { useEffect, useRef } from 'react'
import {
  type Offboarding,
  type OffboardingCertificate,
  type StayingComponent,
} from '@sfdc-engine-x/client'
import { clientKey, clientQuery, useWork } from '../../api/queries.ts'
import { useMay } from '../../api/session.ts'
import { allowed } from '../../app/allowed.tsx'
import { UserName } from '../../app/names.tsx'
import { PurgeClient } from '../../app/purge-client.tsx'
import { WorkFaultNote } from '../../app/work-fault.tsx'
import { type Column, DataTable } from '../../ui/data-table.tsx'
import { KeyValue, Page, ProgressBar, Section } from '../../ui/layout.tsx'
import { Loaded } from '../../ui/states.tsx'
import { Status } from '../../ui/status.tsx'
import { Absent, CodeBlock, count, counted, Foreign, Moment } from '../../ui/text.tsx'
import { leadOf, stageOf, standing } from '../leavings/words.ts'
import { Cancel } from './cancel.tsx'
import { Leave } from './leave.tsx'
import './leaving.css'

const route = getRouteApi('/_app/fleet/leaving/$offboardingId')

export const Screen = allowed('fleet.read', () => {
  const { offboardingId } = route.useParams()
  const work = useWork({ kind: 'offboarding', id: offboardingId })
  return <Loaded query={work}>{(data) => <Detail key={data.id} offboarding={data} />}</Loaded>
})

const Detail = ({ offboarding }: { offboarding: Offboarding }) => {
  const mayWrite = useMay('fleet.write')
  const { is_preview: isPreview, is_final: isFinal, progress, proof, error } = offboarding
  const [tone, word] = standing(offboarding)
  const isDone = isFinal && offboarding.status !== 'failed'
  useChangedClients(offboarding)
  return (
    <Page
      title={<Foreign>{offboarding.client_name}</Foreign>}
      lead={leadOf(offboarding)}
      actions={
        <>
          <Cancel offboarding={offboarding} />
          {mayWrite && isDone && isPreview && <Leave preview={offboarding} />}
          {mayWrite && isDone && !isPreview && !offboarding.purged && (
            <PurgeIfLeft offboarding={offboarding} />
          )}
        </>
      }
    >
      {!isFinal && (
        <div aria-live="polite">
          <ProgressBar label={stageOf(offboarding)} done={progress.done} total={progress.total} />
        </div>
      )}
      {error !== null && <WorkFaultNote fault={error} />}
      <KeyValue
        items={[
          ['State', <Status tone={tone}>{word}</Status>],
          ...(offboarding.purged
            ? []
            : ([
                [
                  'Client',
                  <Link to="/clients/$clientId" params={{ clientId: offboarding.client_id }}>
                    <Foreign>{offboarding.client_name}</Foreign>
                  </Link>,
                ],
              ] as const)),
          ['By', <UserName id={offboarding.created_by} />],
          ['Begun', <Moment at={offboarding.created_at} />],
          ['Ended', <Moment at={offboarding.completed_at} />],
          ...(isPreview
            ? []
            : ([
                [
                  'Proof',
                  proof === null ? (
                    <Absent />
                  ) : proof.complete ? (
                    `Read back: ${counted(proof.compared, 'component')} as before`
                  ) : (
                    counted(proof.differences.length, 'difference')
                  ),
                ],
                ['Connection', offboarding.connection === null ? <Absent /> : 'Revoked'],
                ['Its data here', offboarding.purged ? 'Deleted' : 'Kept'],
              ] as const)),
          ['Salesforce calls', count(offboarding.salesforce_api_calls)],
        ]}
      />
      <Components
        title={isPreview ? 'Would be removed' : isFinal ? 'Removed' : 'Removed so far'}
        components={offboarding.removed}
      />
      <Components
        title={isPreview ? 'Would be restored' : isFinal ? 'Restored' : 'Restored so far'}
        components={offboarding.restored}
      />
      {offboarding.stays.length > 0 && (
        <Section title={`${isPreview ? 'Would stay' : 'Stays'} (${offboarding.stays.length})`}>
          <DataTable
            label="What stays"
            rows={offboarding.stays}
            columns={STAYS}
            rowKey={({ type, full_name: name }) => `${type} ${name}`}
          />
        </Section>
      )}
      {offboarding.certificate !== null && (
        <Certificate
          certificate={offboarding.certificate}
          hash={offboarding.certificate_hash ?? ''}
        />
      )}
    </Page>
  )
}

/** Once it has ended, the client is a different one everywhere, or no longer there. */
const useChangedClients = ({
  client_id: clientId,
  is_final: isFinal,
  is_preview: isPreview,
}: Offboarding) => {
  const queryClient = useQueryClient()
  const wasFinal = useRef(isFinal)
  useEffect(() => {
    if (wasFinal.current || !isFinal || isPreview) return
    wasFinal.current = true
    for (const queryKey of [['offboardings'], ['clients'], ['board'], clientKey(clientId)]) {
      void queryClient.invalidateQueries({ queryKey })
    }
  }, [queryClient, clientId, isFinal, isPreview])
}

/** Who was activated again since has not left. */
const PurgeIfLeft = ({
  offboarding: { client_id: clientId, client_name: name },
}: {
  offboarding: Offboarding
}) => {
  const { data: client, isPending, isError } = useQuery(clientQuery(clientId))
  if (isError || client?.left_at === null) return null
  return <PurgeClient clientId={clientId} name={name} pending={isPending} />
}

interface Named {
  type: string
  full_name: string
}

const NAMED: readonly Column<Named>[] = [
  {
    id: 'name',
    header: 'Component',
    width: 'minmax(12rem, 2fr)',
    cell: ({ full_name: name }) => <Foreign mono>{name}</Foreign>,
  },
  { id: 'type', header: 'Type', width: 'minmax(7rem, 1fr)', cell: ({ type }) => type },
]

const STAYS: readonly Column<StayingComponent>[] = [
  ...NAMED,
  {
    id: 'reason',
    header: 'Why',
    width: 'minmax(10rem, 3fr)',
    wideOnly: true,
    cell: ({ reason }) => <Foreign>{reason}</Foreign>,
  },
  {
    id: 'rows',
    header: 'Rows',
    width: '6rem',
    align: 'end',
    wideOnly: true,
    cell: ({ rows }) => (rows === null ? <Absent /> : count(rows)),
  },
]

const Components = ({ title, components }: { title: string; components: readonly Named[] }) =>
  components.length === 0 ? null : (
    <Section title={`${title} (${components.length})`}>
      <DataTable
        label={title}
        rows={components}
        columns={NAMED}
        rowKey={({ type, full_name: name }) => `${type} ${name}`}
      />
    </Section>
  )

const Certificate = ({
  certificate,
  hash,
}: {
  certificate: OffboardingCertificate
  hash: string
}) => (
  <Section title="Certificate">
    {certificate.purge !== null && <Deleted purge={certificate.purge} />}
    <p className="small">
      SHA-256 of its canonical JSON: <code className="hash">{hash}</code>
    </p>
    <CodeBlock label="Certificate" code={JSON.stringify(certificate, null, 2)} />
  </Section>
)

const Deleted = ({ purge }: { purge: NonNullable<OffboardingCertificate['purge']> }) => {
  const deleted = Object.values(purge.deleted_rows).filter((rows) => rows > 0)
  const rows = deleted.reduce((sum, one) => sum + one, 0)
  return (
    <KeyValue
      items={[
        ['Deleted here', `${counted(rows, 'row')} of ${counted(deleted.length, 'table')}`],
        ['Kept', purge.kept.map((table) => table.replaceAll('_', ' ')).join(', ')],
        [
          'Grants that Nango still keeps',
          purge.grants_left === 0 ? <Absent /> : count(purge.grants_left),
        ],
      ]}
    />
  )
}
