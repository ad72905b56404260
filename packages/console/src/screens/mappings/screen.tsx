import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { type Mapping } from '@sfdc-engine-x/client'
import { engine } from '../../api/engine.ts'
import { clientKey, useList } from '../../api/queries.ts'
import { useMay } from '../../api/session.ts'
import { type Column } from '../../ui/data-table.tsx'
import { ListPage } from '../../ui/list.tsx'
import { Empty, Forbidden, Loaded, NotFound } from '../../ui/states.tsx'
import { Status } from '../../ui/status.tsx'
import { Absent, count, Foreign, RelativeTime } from '../../ui/text.tsx'
import { Editor } from './editor.tsx'
import './mappings.css'

const route = getRouteApi('/_app/clients/$clientId/mappings')
const NEW = 'new'

export const Screen = () => {
  const { mapping: open } = route.useSearch()
  const mayRead = useMay('topology.read')
  if (!mayRead) return <Forbidden />
  if (open === undefined) return <Mappings />
  return open === NEW ? <NewMapping /> : <OpenMapping key={open} id={open} />
}

const NewMapping = () => {
  const { clientId } = route.useParams()
  const mayWrite = useMay('push.write')
  return mayWrite ? <Editor clientId={clientId} mapping={null} /> : <Forbidden />
}

const OpenMapping = ({ id }: { id: string }) => {
  const { clientId } = route.useParams()
  const query = useQuery({
    queryKey: clientKey(clientId, 'mapping', id),
    queryFn: ({ signal }) => engine.mappings.get({ mapping_id: id }, { signal }),
  })
  return (
    <Loaded query={query}>
      {(mapping) =>
        mapping.client_id === clientId ? (
          <Editor key={mapping.version} clientId={clientId} mapping={mapping} />
        ) : (
          <NotFound />
        )
      }
    </Loaded>
  )
}

const COLUMNS: readonly Column<Mapping>[] = [
  {
    id: 'name',
    header: 'Your object',
    width: 'minmax(7rem, 1.5fr)',
    cell: ({ id, client_id: clientId, canonical_object: name }) => (
      <Link to="/clients/$clientId/mappings" params={{ clientId }} search={{ mapping: id }}>
        <Foreign>{name}</Foreign>
      </Link>
    ),
  },
  {
    id: 'object',
    header: 'Salesforce object',
    width: 'minmax(7rem, 1.5fr)',
    cell: ({ sfdc_object: name }) => <Foreign mono>{name}</Foreign>,
  },
  {
    id: 'key',
    header: 'Found by',
    wideOnly: true,
    cell: ({ external_id_field: name }) =>
      name === null ? <Absent /> : <Foreign mono>{name}</Foreign>,
  },
  {
    id: 'fields',
    header: 'Fields',
    width: '4rem',
    align: 'end',
    cell: ({ fields }) => count(fields.length),
  },
  {
    id: 'state',
    header: 'State',
    width: '6rem',
    cell: ({ is_active: isActive }) => (
      <Status tone={isActive ? 'done' : 'idle'}>{isActive ? 'Active' : 'Inactive'}</Status>
    ),
  },
  {
    id: 'changed',
    header: 'Changed',
    width: '7rem',
    wideOnly: true,
    cell: ({ updated_at: at }) => <RelativeTime at={at} />,
  },
]

const Mappings = () => {
  const { clientId } = route.useParams()
  const navigate = route.useNavigate()
  const mayWrite = useMay('push.write')
  const list = useList(clientKey(clientId, 'mappings', 'list'), (page, options) =>
    engine.mappings.list({ client_id: clientId, ...page }, options),
  )
  return (
    <ListPage
      title="Mappings"
      lead="To which field of Salesforce each field of your own objects goes."
      actions={
        mayWrite && (
          <Link
            className="button primary"
            to="/clients/$clientId/mappings"
            params={{ clientId }}
            search={{ mapping: NEW }}
          >
            New mapping
          </Link>
        )
      }
      query={list}
      label="Mappings"
      columns={COLUMNS}
      onOpen={({ id }) => void navigate({ search: { mapping: id } })}
      empty={
        <Empty title="There is no mapping yet">
          <p>
            A push needs one. Suggestions are made from the names of your fields and the newest
            schema of this client.
          </p>
        </Empty>
      }
    />
  )
}
