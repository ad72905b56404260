import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { type AuditRow, type CredentialType } from '@sfdc-engine-x/client'
import { engine } from '../../api/engine.ts'
import { useList } from '../../api/queries.ts'
import { Allowed } from '../../app/allowed.tsx'
import { ClientFilter, PeriodFilter } from '../../app/list-filters.tsx'
import { ClientName, UserName } from '../../app/names.tsx'
import { timeRangeOf } from '../../app/period.ts'
import { Button } from '../../ui/button.tsx'
import { type Column, DataTable } from '../../ui/data-table.tsx'
import { TextField } from '../../ui/field.tsx'
import { KeyValue, Page, Section, Toolbar } from '../../ui/layout.tsx'
import { Empty, Loaded } from '../../ui/states.tsx'
import { Status } from '../../ui/status.tsx'
import { Absent, count, CopyButton, Foreign, Moment } from '../../ui/text.tsx'
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
  { id: 'at', header: 'When', width: '13.5rem', cell: ({ at }) => <Moment at={at} /> },
  {
    id: 'action',
    header: 'What',
    width: 'minmax(8rem, 1fr)',
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
    width: 'minmax(6rem, 12rem)',
    wideOnly: true,
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

export const Screen = () => (
  <Allowed permission="org.manage">
    <Content />
  </Allowed>
)

const Content = () => {
  const search = route.useSearch()
  const navigate = useNavigate()
  const [openId, setOpenId] = useState<string | null>(null)
  const go = (more: AuditSearch) => {
    const kept = Object.entries(more).filter(([, value]) => value !== undefined && value !== '')
    void navigate({ to: '/audit', search: Object.fromEntries(kept), replace: true })
  }
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
    <Page title="Audit" lead="Who did what, with which credential, and how it ended. Newest first.">
      <Toolbar label="Filters">
        <ClientFilter value={search.client} onChange={(client) => go({ ...search, client })} />
        <ActionFilter
          key={search.action ?? ''}
          value={search.action}
          onChange={(action) => go({ ...search, action })}
        />
        <PeriodFilter value={search} onChange={(period) => go({ ...search, ...period })} />
        {isFiltered && (
          <Button look="quiet" onClick={() => go({})}>
            Show all
          </Button>
        )}
      </Toolbar>
      <Loaded query={list}>
        {() => (
          <DataTable
            label="Audit log"
            rows={list.items}
            columns={COLUMNS}
            rowKey={({ id }) => id}
            chosenKey={openId}
            onOpen={({ id }) => setOpenId(id)}
            onEnd={() => {
              if (list.hasNextPage && !list.isFetchingNextPage) void list.fetchNextPage()
            }}
            empty={
              <Empty title={isFiltered ? 'Nothing fits the filters' : 'Nothing was done yet'} />
            }
          />
        )}
      </Loaded>
      {open !== undefined && <Entry row={open} />}
    </Page>
  )
}

/** Sent with Enter or when it is left: each letter would be a search of its own. */
const ActionFilter = ({
  value,
  onChange,
}: {
  value: string | undefined
  onChange: (action: string | undefined) => void
}) => {
  const [typed, setTyped] = useState(value ?? '')
  const send = () => {
    if (typed.trim() !== (value ?? '')) onChange(typed.trim() === '' ? undefined : typed.trim())
  }
  return (
    <TextField
      label="What"
      placeholder="connection.revoke"
      value={typed}
      maxLength={100}
      onChange={({ target }) => setTyped(target.value)}
      onBlur={send}
      onKeyDown={({ key }) => {
        if (key === 'Enter') send()
      }}
    />
  )
}

const Entry = ({ row }: { row: AuditRow }) => (
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
)

const Id = ({ id }: { id: string | null }) =>
  id === null ? (
    <Absent />
  ) : (
    <span className="row">
      <Foreign mono>{id}</Foreign>
      <CopyButton text={id} />
    </span>
  )
