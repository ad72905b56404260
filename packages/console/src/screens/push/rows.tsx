import { getRouteApi } from '@tanstack/react-router'
import { type PushWithResults, type RowAction, type RowResult } from '@sfdc-engine-x/client'
import { engine } from '../../api/engine.ts'
import { clientKey, useList } from '../../api/queries.ts'
import { Button } from '../../ui/button.tsx'
import { type Column } from '../../ui/data-table.tsx'
import { Select } from '../../ui/field.tsx'
import { Toolbar } from '../../ui/layout.tsx'
import { List } from '../../ui/list.tsx'
import { Empty } from '../../ui/states.tsx'
import { Status, type StatusTone, Tag } from '../../ui/status.tsx'
import { Absent, count, Foreign } from '../../ui/text.tsx'
import { type Mended } from './mending.ts'

const route = getRouteApi('/_app/clients/$clientId/pushes/$pushId')
const PAGE_ROWS = 1_000
/** Of each further page: whoever goes to the end of 100,000 rows waits for a few answers, not for a hundred. */
const MORE_ROWS = 10_000
const REFRESH_MS = 5_000

const ACTIONS: Readonly<Record<RowAction, readonly [StatusTone, string]>> = {
  created: ['done', 'Created'],
  updated: ['done', 'Changed'],
  skipped: ['idle', 'Nothing to change'],
  failed: ['stopped', 'Failed'],
  would_update: ['idle', 'Would change'],
  would_send: ['idle', 'Would be sent'],
}

/** Of a dry run no row has failed. */
export const actionOf = (
  action: RowAction,
  { dry_run: isDry }: Pick<PushWithResults, 'dry_run'>,
): readonly [StatusTone, string] =>
  isDry && action === 'failed' ? ['attention', 'Would fail'] : ACTIONS[action]

const statesOf = ({ dry_run: isDry, total, failed, succeeded }: PushWithResults) =>
  [
    { value: '', label: `All (${count(total)})` },
    { value: 'failed', label: `${isDry ? 'Would fail' : 'Failed'} (${count(failed)})` },
    {
      value: 'succeeded',
      label: `${isDry ? 'Would not fail' : 'Succeeded'} (${count(succeeded)})`,
    },
  ] as const

export const Rows = ({ push, mended }: { push: PushWithResults; mended: Mended }) => {
  const { id, client_id: clientId, is_final: isFinal, total } = push
  const { status, code, row: open } = route.useSearch()
  const navigate = route.useNavigate()
  const filters = {
    ...(status === undefined ? {} : { status }),
    ...(code === undefined ? {} : { code }),
  }
  const list = useList(
    // Read once more when it has ended, and then never again.
    clientKey(clientId, 'push rows', id, filters, isFinal),
    ({ cursor, limit }, options) =>
      engine.push.results(
        {
          push_id: id,
          ...filters,
          ...(cursor === undefined ? { limit } : { cursor, limit: MORE_ROWS }),
        },
        options,
      ),
    { limit: PAGE_ROWS, ...(isFinal ? { staleTime: Infinity } : { refetchInterval: REFRESH_MS }) },
  )
  const show = (index: number) =>
    void navigate({
      search: ({ row: before, ...rest }) => (before === index ? rest : { ...rest, row: index }),
      replace: true,
      resetScroll: false,
    })
  const columns: Column<RowResult>[] = [
    {
      id: 'index',
      header: 'Row',
      width: '5rem',
      cell: ({ index }) => (
        <Button look="quiet" className="push-row-link number" onClick={() => show(index)}>
          {count(index + 1)}
        </Button>
      ),
    },
    {
      id: 'key',
      header: 'Key',
      width: 'minmax(6rem, 1.5fr)',
      cell: ({ key }) => (key === null ? <Absent /> : <Foreign>{key}</Foreign>),
    },
    {
      id: 'state',
      header: 'State',
      width: '9.5rem',
      cell: ({ index, action }) => {
        const [tone, words] = actionOf(action, push)
        return (
          <>
            <Status tone={tone}>{words}</Status> {index in mended && <Tag>Mended</Tag>}
          </>
        )
      },
    },
    {
      id: 'errors',
      header: push.dry_run ? 'Why' : 'What went wrong',
      width: 'minmax(8rem, 3fr)',
      wideOnly: true,
      cell: ({ errors: [error] }) =>
        error === undefined ? <Absent /> : <Foreign>{error.message}</Foreign>,
    },
    {
      id: 'id',
      header: 'Record',
      width: '11rem',
      wideOnly: true,
      cell: ({ id: recordId }) =>
        recordId === null ? <Absent /> : <Foreign mono>{recordId}</Foreign>,
    },
  ]
  const shownTotal = code === undefined ? (status === undefined ? total : push[status]) : undefined
  return (
    <>
      <Toolbar label="Filters">
        <Select
          label="State"
          value={status ?? ''}
          options={statesOf(push)}
          onChange={(next) =>
            void navigate({
              search: ({ status: _, ...rest }) => (next === '' ? rest : { ...rest, status: next }),
              resetScroll: false,
            })
          }
        />
        {code !== undefined && (
          <Button
            onClick={() =>
              void navigate({ search: ({ code: _, ...rest }) => rest, resetScroll: false })
            }
          >
            Show rows without {code}, too
          </Button>
        )}
      </Toolbar>
      <div className="push-rows">
        <List
          query={list}
          label="Rows"
          columns={columns}
          rowKey={({ index }) => String(index)}
          chosenKey={open === undefined ? null : String(open)}
          onOpen={({ index }) => show(index)}
          total={shownTotal}
          empty={<Empty title={isFinal ? 'No row is like that' : 'No row has a result yet'} />}
        />
      </div>
    </>
  )
}
