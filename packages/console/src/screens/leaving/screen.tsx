import { getRouteApi } from '@tanstack/react-router'
import {
  type Offboarding,
  type OffboardingCertificate,
  type StayingComponent,
} from '@sfdc-engine-x/client'
import { useWork } from '../../api/queries.ts'
import { useMay } from '../../api/session.ts'
import { allowed } from '../../app/allowed.tsx'
import { ClientName, UserName } from '../../app/names.tsx'
import { type Column, DataTable } from '../../ui/data-table.tsx'
import { KeyValue, Page, ProgressBar, Section } from '../../ui/layout.tsx'
import { Loaded } from '../../ui/states.tsx'
import { Status } from '../../ui/status.tsx'
import { Absent, CodeBlock, count, counted, Foreign, Moment } from '../../ui/text.tsx'
import { standing } from '../leavings/words.ts'
import { Leave } from './leave.tsx'

const route = getRouteApi('/_app/fleet/leaving/$offboardingId')

export const Screen = allowed('fleet.read', () => {
  const { offboardingId } = route.useParams()
  const work = useWork({ kind: 'offboarding', id: offboardingId })
  return <Loaded query={work}>{(data) => <Detail offboarding={data} />}</Loaded>
})

const Detail = ({ offboarding }: { offboarding: Offboarding }) => {
  const mayWrite = useMay('fleet.write')
  const { is_preview: isPreview, is_final: isFinal, progress, proof, error } = offboarding
  const [tone, word] = standing(offboarding)
  const isReady = isPreview && isFinal && offboarding.status !== 'failed'
  return (
    <Page
      title={<Foreign>{offboarding.client_name}</Foreign>}
      lead={
        isPreview
          ? 'What leaving would do. Nothing was changed.'
          : 'What was ever deployed is removed again, then the connection is revoked.'
      }
      actions={mayWrite && isReady && <Leave preview={offboarding} />}
    >
      {!isFinal && (
        <ProgressBar
          label={progress.stage.replaceAll('_', ' ')}
          done={progress.done}
          total={progress.total}
        />
      )}
      {error !== null && (
        <div className="problem">
          <p className="problem-message">
            <Foreign>{error.message}</Foreign>
          </p>
          <code className="small muted">{error.code}</code>
        </div>
      )}
      <KeyValue
        items={[
          ['State', <Status tone={tone}>{word}</Status>],
          ...(offboarding.purged
            ? []
            : ([['Client', <ClientName id={offboarding.client_id} />]] as const)),
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
        title={isPreview ? 'Would be removed' : 'Removed'}
        components={offboarding.removed}
      />
      <Components
        title={isPreview ? 'Would be restored' : 'Restored'}
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
    <p className="small">
      SHA-256 of its canonical JSON: <code className="hash">{hash}</code>
    </p>
    <CodeBlock label="Certificate" code={JSON.stringify(certificate, null, 2)} />
  </Section>
)
