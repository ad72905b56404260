import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import {
  type Blueprint,
  type BlueprintDifference,
  type BlueprintParameter,
  type BlueprintVersion,
  type BlueprintVersionSummary,
} from '@sfdc-engine-x/client'
import { engine } from '../../api/engine.ts'
import { useList } from '../../api/queries.ts'
import { useMay } from '../../api/session.ts'
import { UserName } from '../../app/names.tsx'
import { Button } from '../../ui/button.tsx'
import { type Column, DataTable } from '../../ui/data-table.tsx'
import { Select } from '../../ui/field.tsx'
import { Section } from '../../ui/layout.tsx'
import { List } from '../../ui/list.tsx'
import { Empty, Loaded } from '../../ui/states.tsx'
import { Absent, CodeBlock, counted, Foreign, RelativeTime } from '../../ui/text.tsx'
import { type LeftOut, LeftOutDialog, NewVersion } from './new-version.tsx'

const route = getRouteApi('/_app/fleet/blueprints/$blueprintId')

const COLUMNS: readonly Column<BlueprintVersionSummary>[] = [
  {
    id: 'version',
    header: 'Version',
    width: '6rem',
    cell: ({ blueprint_id: blueprintId, version }) => (
      <Link
        to="/fleet/blueprints/$blueprintId"
        params={{ blueprintId }}
        search={{ version }}
        resetScroll={false}
      >
        {version}
      </Link>
    ),
  },
  {
    id: 'notes',
    header: 'Notes',
    width: 'minmax(10rem, 3fr)',
    cell: ({ notes }) => (notes === null ? <Absent /> : <Foreign>{notes}</Foreign>),
  },
  {
    id: 'by',
    header: 'By',
    wideOnly: true,
    cell: ({ created_by: by }) => <UserName id={by} />,
  },
  {
    id: 'at',
    header: 'Created',
    width: '7rem',
    cell: ({ created_at: at }) => <RelativeTime at={at} />,
  },
]

export const Versions = ({ blueprint }: { blueprint: Blueprint }) => {
  const { id, latest_version: latest, is_archived: archived } = blueprint
  const { version = latest, from } = route.useSearch()
  const navigate = useNavigate()
  const mayWrite = useMay('fleet.write')
  const [isCreating, setCreating] = useState(false)
  const [leftOut, setLeftOut] = useState<LeftOut>([])
  const list = useList(['blueprints', id, 'versions', latest], (page, options) =>
    engine.blueprints.versionsList({ blueprint_id: id, ...page }, options),
  )
  const show = (shown: number, than?: number) =>
    void navigate({
      to: '/fleet/blueprints/$blueprintId',
      params: { blueprintId: id },
      search: { version: shown, ...(than === undefined ? {} : { from: than }) },
      resetScroll: false,
    })
  return (
    <>
      {mayWrite && !archived && (
        <div className="row">
          <Button onClick={() => setCreating(true)}>New version</Button>
        </div>
      )}
      <NewVersion
        key={latest}
        blueprint={blueprint}
        open={isCreating}
        onClose={() => setCreating(false)}
        onCreated={show}
        onLeftOut={setLeftOut}
      />
      <LeftOutDialog things={leftOut} onClose={() => setLeftOut([])} />
      <List
        query={list}
        label="Versions"
        columns={COLUMNS}
        rowKey={(one) => one.id}
        chosenKey={list.items.find((one) => one.version === version)?.id ?? null}
        onOpen={(one) => show(one.version)}
        empty={
          <Empty title="No version yet">
            <p>The first version says what clients should have.</p>
          </Empty>
        }
      />
      {latest > 0 && (
        <Section
          title={from === undefined ? `Version ${version}` : `From version ${from} to ${version}`}
          actions={
            version > 1 && (
              <Select
                label="Compared with"
                hideLabel
                options={[
                  { value: '0', label: 'Whole content' },
                  ...Array.from({ length: version - 1 }, (_, at) => ({
                    value: String(version - 1 - at),
                    label: `Compared with version ${version - 1 - at}`,
                  })),
                ]}
                value={String(from ?? 0)}
                onChange={(chosen) => show(version, chosen === '0' ? undefined : Number(chosen))}
              />
            )
          }
        >
          {from === undefined ? (
            <Content blueprintId={id} version={version} />
          ) : (
            <Comparison blueprintId={id} from={from} to={version} />
          )}
        </Section>
      )}
    </>
  )
}

const Content = ({ blueprintId, version }: { blueprintId: string; version: number }) => {
  const content = useQuery({
    queryKey: ['blueprints', blueprintId, 'version', version],
    queryFn: ({ signal }) =>
      engine.blueprints.versionsGet({ blueprint_id: blueprintId, version }, { signal }),
  })
  return <Loaded query={content}>{(data) => <Parts version={data} />}</Loaded>
}

const PARAMETERS: readonly Column<BlueprintParameter>[] = [
  { id: 'name', header: 'Parameter', cell: ({ name }) => <Foreign mono>{name}</Foreign> },
  { id: 'type', header: 'Type', width: '6rem', cell: ({ type }) => type },
  {
    id: 'required',
    header: 'Each client',
    wideOnly: true,
    width: 'minmax(8rem, 1fr)',
    cell: ({ required }) => (required ? 'has to bring one' : 'may bring one'),
  },
  {
    id: 'default',
    header: 'Otherwise',
    cell: (parameter) =>
      parameter.default === undefined ? <Absent /> : <Foreign>{shown(parameter.default)}</Foreign>,
  },
  {
    id: 'description',
    header: 'Description',
    width: 'minmax(8rem, 2fr)',
    wideOnly: true,
    cell: ({ description }) => description !== undefined && <Foreign>{description}</Foreign>,
  },
]

const Parts = ({
  version: { plan, workflows, mappings, parameters, notes },
}: {
  version: BlueprintVersion
}) => (
  <>
    {notes !== null && (
      <p>
        <Foreign>{notes}</Foreign>
      </p>
    )}
    {parameters.length > 0 && (
      <DataTable
        label="Parameters"
        rows={parameters}
        columns={PARAMETERS}
        rowKey={({ name }) => name}
      />
    )}
    {plan !== undefined && <CodeBlock label="Plan" code={JSON.stringify(plan, null, 2)} />}
    {workflows !== undefined && (
      <CodeBlock label="Automations" code={JSON.stringify(workflows, null, 2)} />
    )}
    {mappings !== undefined && (
      <CodeBlock label="Mappings" code={JSON.stringify(mappings, null, 2)} />
    )}
  </>
)

/** A value of a plan in one line. */
const shown = (value: unknown): string =>
  typeof value === 'string' ? value : (JSON.stringify(value) ?? '')

const CHANGES = { added: 'Added', removed: 'Removed', changed: 'Changed' } as const

const DIFFERENCES: readonly Column<BlueprintDifference>[] = [
  { id: 'change', header: 'Change', width: '6rem', cell: ({ change }) => CHANGES[change] },
  {
    id: 'path',
    header: 'Where',
    width: 'minmax(10rem, 2fr)',
    cell: ({ path }) => <Foreign mono>{path}</Foreign>,
  },
  {
    id: 'before',
    header: 'Before',
    width: 'minmax(6rem, 1fr)',
    cell: ({ before, change }) =>
      change === 'added' ? <Absent /> : <Foreign mono>{shown(before)}</Foreign>,
  },
  {
    id: 'after',
    header: 'After',
    width: 'minmax(6rem, 1fr)',
    cell: ({ after, change }) =>
      change === 'removed' ? <Absent /> : <Foreign mono>{shown(after)}</Foreign>,
  },
]

const keyOf = ({ path, change }: BlueprintDifference): string => `${change} ${path}`

/** Both values as they are, of the difference that is open. */
const Whole = ({ difference }: { difference: BlueprintDifference | undefined }) =>
  difference === undefined ? null : (
    <>
      {difference.change !== 'added' && (
        <CodeBlock label={`Before: ${difference.path}`} code={pretty(difference.before)} />
      )}
      {difference.change !== 'removed' && (
        <CodeBlock label={`After: ${difference.path}`} code={pretty(difference.after)} />
      )}
    </>
  )

const pretty = (value: unknown): string =>
  typeof value === 'string' ? value : (JSON.stringify(value, null, 2) ?? '')

const Comparison = ({
  blueprintId,
  from,
  to,
}: {
  blueprintId: string
  from: number
  to: number
}) => {
  const [open, setOpen] = useState<string | null>(null)
  const diff = useQuery({
    queryKey: ['blueprints', blueprintId, 'diff', from, to],
    queryFn: ({ signal }) =>
      engine.blueprints.versionsDiff(
        { blueprint_id: blueprintId, from_version: from, to_version: to },
        { signal },
      ),
  })
  return (
    <Loaded query={diff}>
      {({ equal, differences }) =>
        equal ? (
          <Empty title="They are the same" />
        ) : (
          <>
            <p className="muted">{counted(differences.length, 'difference')}</p>
            <DataTable
              label="Differences"
              rows={differences}
              columns={DIFFERENCES}
              rowKey={keyOf}
              chosenKey={open}
              onOpen={(difference) => setOpen(keyOf(difference))}
            />
            <Whole difference={differences.find((one) => keyOf(one) === open)} />
          </>
        )
      }
    </Loaded>
  )
}
