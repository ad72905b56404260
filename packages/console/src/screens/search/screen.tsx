import { getRouteApi, Link, useNavigate } from '@tanstack/react-router'
import { type FormEvent } from 'react'
import {
  type ClientHits,
  type FleetSearchRequest,
  type SearchHit,
  type SearchKind,
  type SearchResult,
} from '@sfdc-engine-x/client'
import { engine } from '../../api/engine.ts'
import { useList } from '../../api/queries.ts'
import { allowed } from '../../app/allowed.tsx'
import { Button } from '../../ui/button.tsx'
import { type Column, DataTable } from '../../ui/data-table.tsx'
import { Checkbox, Select, TextField } from '../../ui/field.tsx'
import { Page, Toolbar } from '../../ui/layout.tsx'
import { Empty, Loaded } from '../../ui/states.tsx'
import { count, counted, Foreign } from '../../ui/text.tsx'
import { flagsInWords, hitName, KINDS, requestOf } from './kinds.ts'
import { type FleetSearch, isKind } from './search.ts'
import './search.css'

const route = getRouteApi('/_app/fleet/search')

const KIND_OPTIONS = Object.entries(KINDS).flatMap(([value, { label }]) =>
  isKind(value) ? [{ value, label }] : [],
)

export const Screen = allowed('fleet.read', () => {
  const search = route.useSearch()
  const [request, error] = asked(search)
  return (
    <Page
      title="Search"
      lead="Through the newest snapshots of all clients, without asking Salesforce."
    >
      <Form key={JSON.stringify(search)} search={search} error={error} />
      {request === null ? (
        error === null && (
          <Empty title="Nothing searched for yet">
            <p>
              Type a name; <code>*</code> stands for any characters: <code>Tier*</code>.
            </p>
          </Empty>
        )
      ) : (
        <Results request={request} />
      )}
    </Page>
  )
})

const asked = (search: FleetSearch): [FleetSearchRequest | null, string | null] => {
  try {
    return [requestOf(search), null]
  } catch (error) {
    return [null, error instanceof Error ? error.message : String(error)]
  }
}

const Form = ({ search, error }: { search: FleetSearch; error: string | null }) => {
  const navigate = useNavigate()
  const { kind = 'field' } = search
  const { flags, object, hasFormula } = KINDS[kind]
  const go = (more: FleetSearch) => void navigate({ to: '/fleet/search', search: more })
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    const texts = ['object', 'name', 'label', 'formula', 'tags', 'flag'].flatMap(
      (name): [string, string][] => {
        const value = form.get(name)
        return typeof value === 'string' && value.trim() !== '' ? [[name, value.trim()]] : []
      },
    )
    const typed: FleetSearch = Object.fromEntries(texts)
    go({
      kind,
      ...typed,
      ...(form.get('missing') === null ? {} : { missing: true }),
    })
  }
  return (
    <form onSubmit={submit} role="search" aria-label="Search all clients">
      <Toolbar label="What is searched for">
        <Select
          label="Search for"
          options={KIND_OPTIONS}
          value={kind}
          onChange={(chosen: SearchKind) => go({ ...search, kind: chosen })}
        />
        <TextField
          label={kind === 'picklist_value' ? 'Value' : 'API name'}
          name="name"
          type="search"
          defaultValue={search.name}
          maxLength={255}
        />
        {object !== null && (
          <TextField
            label={object === 'object' ? 'Object' : 'Started by object'}
            name="object"
            defaultValue={search.object}
            maxLength={255}
          />
        )}
        <TextField label="Label" name="label" defaultValue={search.label} maxLength={255} />
        {hasFormula && (
          <TextField
            label="Formula contains"
            name="formula"
            defaultValue={search.formula}
            maxLength={500}
          />
        )}
        <Flag flags={flags} chosen={search.flag} />
        <TextField
          label="Clients with tags"
          name="tags"
          placeholder="plan=premium"
          defaultValue={search.tags}
          error={error}
        />
      </Toolbar>
      <div className="row search-row">
        <Checkbox
          label="Clients that have none instead"
          name="missing"
          defaultChecked={search.missing === true}
        />
        <Button look="primary" type="submit">
          Search
        </Button>
      </div>
    </form>
  )
}

/** Submitted with the form, so it keeps its own value. */
const Flag = ({ flags, chosen }: { flags: readonly string[]; chosen: string | undefined }) => (
  <label className="field">
    <span className="search-label">Only</span>
    <select name="flag" className="input" defaultValue={chosen ?? ''}>
      <option value="">All</option>
      {flags.map((flag) => (
        <option key={flag} value={flag}>
          {flag.replaceAll('_', ' ')}
        </option>
      ))}
    </select>
  </label>
)

/** A hit with its client, or a client without any. */
interface Row {
  key: string
  client: ClientHits
  hit: SearchHit | null
}

const rowsOf = (clients: readonly ClientHits[]): Row[] =>
  clients.flatMap((client): Row[] =>
    client.hits.length === 0
      ? [{ key: client.client_id, client, hit: null }]
      : client.hits.map((hit) => ({
          key: `${client.client_id} ${hit.type} ${hitName(hit)}`,
          client,
          hit,
        })),
  )

const COLUMNS: readonly Column<Row>[] = [
  {
    id: 'client',
    header: 'Client',
    width: 'minmax(8rem, 1.5fr)',
    cell: ({ client: { client_id: clientId, client_name: name } }) => (
      <Link to="/clients/$clientId" params={{ clientId }}>
        <Foreign>{name}</Foreign>
      </Link>
    ),
  },
  {
    id: 'name',
    header: 'API name',
    width: 'minmax(10rem, 2fr)',
    cell: ({ hit }) => hit !== null && <Foreign mono>{hitName(hit)}</Foreign>,
  },
  {
    id: 'label',
    header: 'Label',
    width: 'minmax(8rem, 1.5fr)',
    wideOnly: true,
    cell: ({ hit }) => hit?.label != null && <Foreign>{hit.label}</Foreign>,
  },
  {
    id: 'type',
    header: 'Type',
    width: '8rem',
    wideOnly: true,
    cell: ({ hit }) => hit?.type.replaceAll('_', ' '),
  },
  {
    id: 'flags',
    header: 'Is',
    width: 'minmax(8rem, 1fr)',
    wideOnly: true,
    cell: ({ hit }) => hit !== null && flagsInWords(hit),
  },
]

/** Hits a page; a page holds hits of several clients. */
const PAGE = 200

const Results = ({ request }: { request: FleetSearchRequest }) => {
  const list = useList<ClientHits, SearchResult>(
    ['fleet-search', request],
    (page, options) => engine.fleet.search({ ...request, ...page }, options),
    { limit: PAGE },
  )
  const totals = list.data?.pages[0]?.totals
  return (
    <Loaded query={list}>
      {() => (
        <>
          {totals !== undefined && <Totals totals={totals} missing={request.missing === true} />}
          <DataTable
            label="Hits"
            rows={rowsOf(list.items)}
            columns={request.missing === true ? COLUMNS.slice(0, 1) : COLUMNS}
            rowKey={({ key }) => key}
            onEnd={() => {
              if (list.hasNextPage && !list.isFetchingNextPage) void list.fetchNextPage()
            }}
            empty={
              <Empty
                title={request.missing === true ? 'Every client has one' : 'No client has one'}
              >
                <p>What the connected users do not see is not in the snapshots.</p>
              </Empty>
            }
          />
        </>
      )}
    </Loaded>
  )
}

const Totals = ({ totals, missing }: { totals: SearchResult['totals']; missing: boolean }) => (
  <p aria-live="polite">
    <strong>
      {missing
        ? `${count(totals.searched - totals.clients_with_hits)} of ${counted(totals.searched, 'client')} have none`
        : `${counted(totals.hits, 'hit')} in ${count(totals.clients_with_hits)} of ${counted(totals.searched, 'client')}`}
    </strong>{' '}
    <span className="muted">
      {totals.without_snapshot > 0 &&
        `${counted(totals.without_snapshot, 'client')} without a snapshot. `}
      {totals.outdated > 0 && `${counted(totals.outdated, 'client')} with a newer one in a moment.`}
    </span>
  </p>
)
