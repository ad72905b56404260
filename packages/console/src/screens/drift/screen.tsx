import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { type DriftResult, type DriftRun } from '@sfdc-engine-x/client'
import { everything } from '../../api/directory.ts'
import { engine } from '../../api/engine.ts'
import { useList } from '../../api/queries.ts'
import { useMay } from '../../api/session.ts'
import { allowed } from '../../app/allowed.tsx'
import { ChoiceFilter } from '../../app/list-filters.tsx'
import { ClientName } from '../../app/names.tsx'
import { filled } from '../../app/params.ts'
import { Button } from '../../ui/button.tsx'
import { type Column } from '../../ui/data-table.tsx'
import { Checkbox, Select } from '../../ui/field.tsx'
import { Page, ProgressBar, Toolbar } from '../../ui/layout.tsx'
import { List } from '../../ui/list.tsx'
import { Empty, Loaded, Problem } from '../../ui/states.tsx'
import { Status } from '../../ui/status.tsx'
import { counted, Foreign, RelativeTime, relativeTime } from '../../ui/text.tsx'
import { Result } from './result.tsx'
import { CLIENT_STATES, clientStateOf, differencesInWords } from './words.ts'

const route = getRouteApi('/_app/fleet/drift')
const LOOK_MS = 2_000
const RUNS_SHOWN = 30

export const Screen = allowed('fleet.read', () => {
  const { result: _result, ...search } = route.useSearch()
  const { blueprint } = search
  const navigate = useNavigate()
  const queryClient = useQueryClient()
  const [refresh, setRefresh] = useState(false)
  const blueprints = useQuery({
    queryKey: ['blueprints', 'all'],
    queryFn: ({ signal }) => everything(engine.blueprints.list({ limit: 200 }, { signal })),
  })
  const runs = useQuery({
    queryKey: ['drift', 'runs', blueprint],
    queryFn: ({ signal }) =>
      engine.fleet
        .driftList(
          { limit: RUNS_SHOWN, ...(blueprint === undefined ? {} : { blueprint_id: blueprint }) },
          { signal },
        )
        .page(),
  })
  const look = useMutation({
    mutationFn: () =>
      engine.fleet.driftRun({
        ...(blueprint === undefined ? {} : { blueprint_id: blueprint }),
        refresh,
        wait_seconds: 1,
      }),
    onSuccess: async ({ id }) => {
      await queryClient.invalidateQueries({ queryKey: ['drift'] })
      await navigate({ to: '/fleet/drift', search: { ...search, run: id } })
    },
  })
  return (
    <Page
      title="Drift"
      lead="How bound clients differ from their blueprints, by their newest snapshots."
      actions={
        <Button look="primary" pending={look.isPending} onClick={() => look.mutate()}>
          Look now
        </Button>
      }
    >
      <Toolbar label="What to look at">
        <Select
          label="Blueprint"
          options={[
            { value: '', label: 'All' },
            ...(blueprints.data ?? []).map(({ id, name }) => ({ value: id, label: name })),
          ]}
          value={blueprint ?? ''}
          onChange={(id) =>
            void navigate({ to: '/fleet/drift', search: id === '' ? {} : { blueprint: id } })
          }
        />
        <Checkbox
          label="Read the Salesforce orgs first"
          checked={refresh}
          onChange={({ target }) => setRefresh(target.checked)}
        />
      </Toolbar>
      {look.error !== null && <Problem error={look.error} />}
      <Loaded query={runs}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="Nobody has looked yet">
              <p>
                Looking compares each bound client with its blueprint, component by component.
                Nothing is changed.
              </p>
            </Empty>
          ) : (
            <Run runs={items} />
          )
        }
      </Loaded>
    </Page>
  )
})

const Run = ({ runs }: { runs: readonly DriftRun[] }) => {
  const search = route.useSearch()
  const navigate = useNavigate()
  const runId = search.run ?? runs[0]?.id ?? ''
  const run = useQuery({
    queryKey: ['drift', 'run', runId],
    queryFn: ({ signal }) => engine.fleet.driftGet({ run_id: runId }, { signal }),
    refetchInterval: ({ state: { data } }) => (data?.is_final === false ? LOOK_MS : false),
  })
  const now = Date.now()
  return (
    <>
      <Toolbar label="Which result">
        <Select
          label="Looked at"
          options={optionsOf(runs, runId, now)}
          value={runId}
          onChange={(id) => {
            const { result: _result, ...rest } = search
            void navigate({ to: '/fleet/drift', search: { ...rest, run: id } })
          }}
        />
        <ChoiceFilter
          label="Clients"
          words={CLIENT_STATES}
          value={search.state}
          onChange={(state) => {
            const { result: _result, ...rest } = search
            void navigate({ to: '/fleet/drift', search: filled({ ...rest, state }) })
          }}
        />
      </Toolbar>
      <Loaded query={run}>{(data) => <Results key={data.id} run={data} />}</Loaded>
    </>
  )
}

const optionsOf = (runs: readonly DriftRun[], chosen: string, nowMs: number) => [
  ...runs.map(({ id, created_at: at, counts }) => ({
    value: id,
    label: `${relativeTime(at, nowMs)}: ${counts.drifted} drifted`,
  })),
  // Of an older run, which somebody has a link to.
  ...(runs.some(({ id }) => id === chosen) ? [] : [{ value: chosen, label: 'An older one' }]),
]

const columnsOf = (open: (result: DriftResult) => void): readonly Column<DriftResult>[] => [
  {
    id: 'client',
    header: 'Client',
    width: 'minmax(9rem, 1.5fr)',
    cell: ({ client_id: id }) => <ClientName id={id} />,
  },
  {
    id: 'state',
    header: 'State',
    width: '8rem',
    cell: (result) => (
      <button type="button" className="link" onClick={() => open(result)}>
        <State result={result} />
      </button>
    ),
  },
  {
    id: 'version',
    header: 'Version',
    width: '5rem',
    align: 'end',
    wideOnly: true,
    cell: ({ version }) => version,
  },
  {
    id: 'what',
    header: 'What differs',
    width: 'minmax(12rem, 3fr)',
    wideOnly: true,
    cell: ({ components, reason }) =>
      reason === null ? differencesInWords(components) : <Foreign>{reason.message}</Foreign>,
  },
  {
    id: 'snapshot',
    header: 'Snapshot',
    width: '7rem',
    wideOnly: true,
    cell: ({ snapshot_at: at }) => <RelativeTime at={at} />,
  },
]

const State = ({ result }: { result: DriftResult }) => {
  const [tone, words] = clientStateOf(result)
  return <Status tone={tone}>{words}</Status>
}

const Results = ({ run }: { run: DriftRun }) => {
  const search = route.useSearch()
  const navigate = useNavigate()
  const mayWrite = useMay('fleet.write')
  const { counts } = run
  const all = counts.in_sync + counts.drifted + counts.unknown + counts.waiting
  const list = useList(
    ['drift', 'results', run.id, search.state, run.is_final],
    (page, options) =>
      engine.fleet.driftResults(
        {
          run_id: run.id,
          ...(search.state === undefined ? {} : { state: search.state }),
          ...page,
        },
        options,
      ),
    run.is_final ? {} : { refetchInterval: LOOK_MS },
  )
  const open = ({ id }: DriftResult) =>
    void navigate({
      to: '/fleet/drift',
      search: { ...search, run: run.id, result: id },
      resetScroll: false,
    })
  const opened = list.items.find(({ id }) => id === search.result)
  const { blueprint_id: blueprintId } = run
  return (
    <>
      {!run.is_final && (
        <ProgressBar
          label={`${all - counts.waiting} of ${all} Salesforce orgs read`}
          done={all - counts.waiting}
          total={all}
        />
      )}
      <p className="row">
        <strong>
          {counts.drifted} of {counted(all, 'client')} drifted
        </strong>
        <span className="muted">
          {counts.in_sync} as wanted, {counts.unknown} unknown
        </span>
        {mayWrite && blueprintId !== null && counts.drifted > 0 && (
          <Link
            to="/fleet/rollouts/new"
            search={{ blueprint: blueprintId, to: 'drifted' }}
            className="button"
          >
            Bring the drifted back
          </Link>
        )}
      </p>
      <List
        query={list}
        label="Clients"
        columns={columnsOf(open)}
        rowKey={({ id }) => id}
        chosenKey={opened?.id ?? null}
        onOpen={open}
        empty={
          <Empty title={all === 0 ? 'No client is bound' : 'No client fits the filter'}>
            {all === 0 && <p>Bind clients to a blueprint: then they can drift from it.</p>}
          </Empty>
        }
      />
      {opened !== undefined && <Result key={opened.id} result={opened} />}
    </>
  )
}
