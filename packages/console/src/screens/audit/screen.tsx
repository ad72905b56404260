import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { useEffect, useRef, useState } from 'react'
import { type AuditRow, type CredentialType } from '@sfdc-engine-x/client'
import { engine } from '../../api/engine.ts'
import { useList } from '../../api/queries.ts'
import { allowed } from '../../app/allowed.tsx'
import { ClientFilter, PeriodFilter } from '../../app/list-filters.tsx'
import { ClientName, UserName } from '../../app/names.tsx'
import { filled } from '../../app/params.ts'
import { timeRangeOf } from '../../app/period.ts'
import { Button } from '../../ui/button.tsx'
import { type Column } from '../../ui/data-table.tsx'
import { KeyValue, Section } from '../../ui/layout.tsx'
import { ListPage } from '../../ui/list.tsx'
import { SearchField } from '../../ui/search-field.tsx'
import { Empty } from '../../ui/states.tsx'
import { Status } from '../../ui/status.tsx'
import { Absent, count, CopyButton, Foreign, Moment, RelativeTime } from '../../ui/text.tsx'
import { type AuditSearch } from './search.ts'

const route = getRouteApi('/_app/audit')

const CREDENTIALS: Readonly<Record<CredentialType, string>> = {
  super_admin: 'The operator',
  api_token: 'A token',
  session: 'A person',
  password: 'A login',
  system: 'By itself',
}

const COLUMNS: readonly Column<AuditRow>[] = [
  {
    id: 'at',
    header: 'When',
    width: '13.5rem',
    narrow: '5.75rem',
    cell: ({ at }) => (
      <>
        <span className="wide-only">
          <Moment at={at} />
        </span>
        <span className="narrow-only">
          <RelativeTime at={at} />
        </span>
      </>
    ),
  },
  {
    id: 'action',
    header: 'What',
    width: 'minmax(8rem, 2fr)',
    narrow: 'minmax(0, 1fr)',
    cell: ({ action }) => <Foreign mono>{action}</Foreign>,
  },
  {
    id: 'client',
    header: 'Client',
    width: 'minmax(8rem, 1fr)',
    wideOnly: true,
    cell: ({ client_id: id }) => <ClientName id={id} />,
  },
  {
    id: 'user',
    header: 'Who',
    width: 'minmax(8rem, 1fr)',
    wideOnly: true,
    cell: ({ user_id: id }) => <UserName id={id} />,
  },
  {
    id: 'with',
    header: 'With',
    width: '7rem',
    wideOnly: true,
    cell: ({ credential_type: type }) => CREDENTIALS[type],
  },
  {
    id: 'outcome',
    header: 'Outcome',
    width: 'minmax(6rem, 1fr)',
    narrow: '6.5rem',
    cell: ({ outcome }) =>
      outcome === 'ok' ? 'ok' : <Status tone="stopped">{outcome.replaceAll('_', ' ')}</Status>,
  },
  {
    id: 'calls',
    header: 'Salesforce calls',
    width: '8rem',
    align: 'end',
    wideOnly: true,
    cell: ({ salesforce_api_calls: calls }) => count(calls),
  },
]

export const Screen = allowed('org.manage', () => {
  const search = route.useSearch()
  const navigate = useNavigate()
  const [openId, setOpenId] = useState<string | null>(null)
  const go = (more: AuditSearch) =>
    void navigate({ to: '/audit', search: filled(more), replace: true })
  const list = useList(['audit', search], (page, options) =>
    engine.audit.list(
      {
        ...page,
        ...(search.client === undefined ? {} : { client_id: search.client }),
        ...(search.action === undefined ? {} : { action: search.action }),
        ...timeRangeOf(search),
      },
      options,
    ),
  )
  const open = list.items.find(({ id }) => id === openId)
  const isFiltered = Object.keys(search).length > 0
  return (
    <ListPage
      title="Audit"
      lead="Who did what, with which credential, and how it ended. Newest first."
      filters={
        <>
          <ClientFilter value={search.client} onChange={(client) => go({ ...search, client })} />
          <SearchField
            label="What"
            placeholder="connection.revoke"
            value={search.action ?? ''}
            onChange={(action) => go({ ...search, action })}
          />
          <PeriodFilter value={search} onChange={(period) => go({ ...search, ...period })} />
          {isFiltered && (
            <Button look="quiet" onClick={() => go({})}>
              Show all
            </Button>
          )}
        </>
      }
      query={list}
      label="Audit log"
      columns={COLUMNS}
      chosenKey={openId}
      onOpen={({ id }) => setOpenId(id)}
      empty={<Empty title={isFiltered ? 'Nothing fits the filters' : 'Nothing was done yet'} />}
    >
      {open !== undefined && <Entry row={open} />}
    </ListPage>
  )
})

const Entry = ({ row }: { row: AuditRow }) => {
  const place = useRef<HTMLDivElement>(null)
  // It is below a table that fills the window.
  useEffect(() => {
    // Newer browsers return a promise, which is nothing that an effect may return.
    place.current?.scrollIntoView({ block: 'nearest' })
  }, [row.id])
  return (
    <div ref={place}>
      <Section title={row.action}>
        <KeyValue
          items={[
            ['When', <Moment at={row.at} />],
            ['Client', <ClientName id={row.client_id} />],
            ['Who', <UserName id={row.user_id} />],
            ['With', CREDENTIALS[row.credential_type]],
            ['Outcome', <Foreign>{row.outcome}</Foreign>],
            ['About', row.target_type === null ? <Absent /> : row.target_type.replaceAll('_', ' ')],
            ['Its id', <Id id={row.target_id} />],
            ['Credential', <Id id={row.credential_id} />],
            ['Request', <Id id={row.request_id} />],
            ['Salesforce calls', count(row.salesforce_api_calls)],
          ]}
        />
      </Section>
    </div>
  )
}

const Id = ({ id }: { id: string | null }) =>
  id === null ? (
    <Absent />
  ) : (
    <span className="row">
      <Foreign mono>{id}</Foreign>
      <CopyButton text={id} />
    </span>
  )
