import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { type ClientDetail, type Snapshot } from '@sfdc-engine-x/client'
import { engine } from '../../api/engine.ts'
import { clientKey, useList } from '../../api/queries.ts'
import { useMay } from '../../api/session.ts'
import { Button } from '../../ui/button.tsx'
import { type Column } from '../../ui/data-table.tsx'
import { ProgressBar, Section } from '../../ui/layout.tsx'
import { List } from '../../ui/list.tsx'
import { Empty } from '../../ui/states.tsx'
import { Status } from '../../ui/status.tsx'
import { Absent, count, Foreign, RelativeTime } from '../../ui/text.tsx'
import { useToast } from '../../ui/toast.tsx'

export const useSnapshots = (clientId: string) =>
  useList<Snapshot>(
    clientKey(clientId, 'snapshots'),
    (page, options) => engine.topology.history({ client_id: clientId, ...page }, options),
    { limit: 10, refetchWhile: ({ is_final: isFinal }) => !isFinal },
  )

export const SnapshotsSection = ({
  client,
  snapshots,
}: {
  client: ClientDetail
  snapshots: ReturnType<typeof useSnapshots>
}) => {
  const mayPull = useMay('connections.write') && client.connection_status === 'connected'
  const queryClient = useQueryClient()
  const { fail } = useToast()
  const capture = useMutation({
    mutationFn: () => engine.topology.pull({ client_id: client.id }),
    onError: fail,
    onSettled: () => queryClient.invalidateQueries({ queryKey: clientKey(client.id) }),
  })
  const running = snapshots.items.find(({ is_final: isFinal }) => !isFinal)
  return (
    <Section
      title="Snapshots"
      actions={
        mayPull && (
          <Button
            pending={capture.isPending || running !== undefined}
            onClick={() => capture.mutate()}
          >
            Capture the schema now
          </Button>
        )
      }
    >
      {running !== undefined && <Running snapshot={running} />}
      <List
        query={snapshots}
        label="Snapshots"
        columns={COLUMNS}
        rowKey={({ id }) => id}
        more="button"
        empty={
          <Empty title="Nothing captured yet">
            <p>
              A snapshot is the whole schema at one moment: to explore, to compare, to check plans
              against.
            </p>
          </Empty>
        }
      />
    </Section>
  )
}

const Running = ({ snapshot: { progress, error } }: { snapshot: Snapshot }) => (
  <>
    <ProgressBar
      label={`Capturing: ${progress.stage}`}
      done={progress.done}
      total={progress.total}
    />
    {error !== null && (
      <p className="muted">
        Paused, and resumes by itself: <Foreign>{error.message}</Foreign>
      </p>
    )}
  </>
)

const VersionLink = ({ client_id: clientId, version }: Snapshot) =>
  version === null ? (
    <Absent>none</Absent>
  ) : (
    <Link to="/clients/$clientId/schema" params={{ clientId }} search={{ version }}>
      Version {version}
    </Link>
  )

const Changes = ({ client_id: clientId, version, changes_from_previous: changes }: Snapshot) => {
  if (changes === null || version === null) return <Absent />
  const { added, removed, changed } = changes
  if (added + removed + changed === 0) return <span className="muted">No change</span>
  return (
    <Link
      to="/clients/$clientId/diff"
      params={{ clientId }}
      search={{ from: version - 1, to: version }}
    >
      {[
        added > 0 && `${count(added)} added`,
        removed > 0 && `${count(removed)} removed`,
        changed > 0 && `${count(changed)} changed`,
      ]
        .filter(Boolean)
        .join(', ')}
    </Link>
  )
}

const State = ({ status, error }: Snapshot) => {
  if (status === 'complete') return <Status tone="done">Complete</Status>
  if (status === 'pulling') {
    return <Status tone="running">{error === null ? 'Capturing' : 'Paused'}</Status>
  }
  return (
    <span title={error?.message}>
      <Status tone="stopped">Failed</Status>
    </span>
  )
}

const COLUMNS: readonly Column<Snapshot>[] = [
  { id: 'version', header: 'Version', width: '6.5rem', cell: VersionLink },
  {
    id: 'at',
    header: 'Captured',
    width: 'minmax(7rem, 1fr)',
    cell: ({ completed_at: at, created_at: since }) => <RelativeTime at={at ?? since} />,
  },
  { id: 'changes', header: 'Changes', width: 'minmax(9rem, 2fr)', cell: Changes },
  {
    id: 'objects',
    header: 'Objects',
    width: '5.5rem',
    align: 'end',
    wideOnly: true,
    cell: ({ objects_count: number }) => (number === null ? <Absent /> : count(number)),
  },
  {
    id: 'fields',
    header: 'Fields',
    width: '5.5rem',
    align: 'end',
    wideOnly: true,
    cell: ({ fields_count: number }) => (number === null ? <Absent /> : count(number)),
  },
  {
    id: 'automations',
    header: 'Automations',
    width: '6.5rem',
    align: 'end',
    wideOnly: true,
    cell: ({ automations_count: number }) => (number === null ? <Absent /> : count(number)),
  },
  { id: 'status', header: 'Status', width: '7rem', wideOnly: true, cell: State },
]
