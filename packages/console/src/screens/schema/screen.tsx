// What a client's Salesforce org looked like at one moment: objects at the left, the open one at the right.

import { getRouteApi, Link, useNavigate } from '@tanstack/react-router'
import { useCallback } from 'react'
import { VersionSelect } from '../../app/version-select.tsx'
import { Page } from '../../ui/layout.tsx'
import { Empty } from '../../ui/states.tsx'
import { FieldHits } from './field-hits.tsx'
import { ObjectPane } from './object-pane.tsx'
import { ObjectList } from './object-list.tsx'
import { type SchemaSearch } from './address.ts'
import { SearchField } from '../../ui/search-field.tsx'
import { useMay } from '../../api/session.ts'
import './schema.css'

const route = getRouteApi('/_app/clients/$clientId/schema')

export const Screen = () => {
  const { clientId } = route.useParams()
  const search = route.useSearch()
  const navigate = useNavigate({ from: '/clients/$clientId/schema' })
  const seesFleet = useMay('fleet.read')
  /** `undefined` removes a parameter. */
  const change = useCallback(
    (changes: { [Name in keyof SchemaSearch]: SchemaSearch[Name] | undefined }, replace = true) =>
      void navigate({ search: (before) => present({ ...before, ...changes }), replace }),
    [navigate],
  )
  const changeQuery = useCallback((q: string) => change({ q: q || undefined }), [change])
  const openObject = useCallback(
    (object: string) => change({ object, fq: undefined, field: undefined }, false),
    [change],
  )
  const openField = useCallback(
    (object: string, field: string) => change({ object, field, fq: undefined }, false),
    [change],
  )
  // The index holds the newest version only.
  const inFields = search.in === 'fields' && seesFleet && search.version === undefined
  return (
    <Page
      title="Schema"
      actions={
        <VersionSelect
          clientId={clientId}
          label="Version"
          value={search.version}
          onChange={(version) => change({ version })}
        />
      }
    >
      <div className={search.object === undefined ? 'schema' : 'schema with-object'}>
        <div className="schema-list">
          <SearchField
            label={inFields ? 'Find a field' : 'Find an object'}
            value={search.q ?? ''}
            onChange={changeQuery}
          />
          {seesFleet && search.version === undefined && (
            <nav className="tabs" aria-label="What to find">
              <Link
                from="/clients/$clientId/schema"
                to="."
                search={({ in: _, ...rest }) => rest}
                className="schema-kind"
                data-current={!inFields}
              >
                Objects
              </Link>
              <Link
                from="/clients/$clientId/schema"
                to="."
                search={(before) => ({ ...before, in: 'fields' as const })}
                className="schema-kind"
                data-current={inFields}
              >
                Fields of all objects
              </Link>
            </nav>
          )}
          {inFields ? (
            <FieldHits clientId={clientId} query={search.q ?? ''} onOpen={openField} />
          ) : (
            <ObjectList
              clientId={clientId}
              version={search.version}
              query={search.q ?? ''}
              chosen={search.object ?? null}
              onOpen={openObject}
            />
          )}
        </div>
        {search.object === undefined ? (
          <div className="schema-nothing">
            <Empty title="No object is open">
              <p>Choose one in the list to see its fields.</p>
            </Empty>
          </div>
        ) : (
          <ObjectPane
            key={`${search.version} ${search.object}`}
            clientId={clientId}
            version={search.version}
            object={search.object}
            query={search.fq ?? ''}
            field={search.field ?? null}
            onQuery={(fq) => change({ fq: fq || undefined })}
            onField={(field) => change({ field: field ?? undefined }, field === null)}
          />
        )}
      </div>
    </Page>
  )
}

const present = (search: { [Name in keyof SchemaSearch]: SchemaSearch[Name] | undefined }) =>
  Object.fromEntries(
    Object.entries(search).filter(([, value]) => value !== undefined),
  ) as SchemaSearch
