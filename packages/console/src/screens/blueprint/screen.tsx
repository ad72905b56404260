import { useQuery, useQueryClient } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { useState } from 'react'
import { type Blueprint } from '@sfdc-engine-x/client'
import { engine } from '../../api/engine.ts'
import { useMay } from '../../api/session.ts'
import { allowed } from '../../app/allowed.tsx'
import { Button } from '../../ui/button.tsx'
import { ConfirmSimply } from '../../ui/dialog.tsx'
import { Page, Tabs } from '../../ui/layout.tsx'
import { Loaded } from '../../ui/states.tsx'
import { Tag } from '../../ui/status.tsx'
import { Foreign } from '../../ui/text.tsx'
import { Bindings } from './bindings.tsx'
import { Versions } from './versions.tsx'

const route = getRouteApi('/_app/fleet/blueprints/$blueprintId')

export const Screen = allowed('fleet.read', () => {
  const { blueprintId } = route.useParams()
  const blueprint = useQuery({
    queryKey: ['blueprints', blueprintId],
    queryFn: ({ signal }) => engine.blueprints.get({ blueprint_id: blueprintId }, { signal }),
  })
  return <Loaded query={blueprint}>{(data) => <Detail blueprint={data} />}</Loaded>
})

const Detail = ({ blueprint }: { blueprint: Blueprint }) => {
  const { tab, version } = route.useSearch()
  const mayWrite = useMay('fleet.write')
  const { id, name, description, slug, latest_version: latest, is_archived: archived } = blueprint
  return (
    <Page
      title={
        <>
          <Foreign>{name}</Foreign> {archived && <Tag>archived</Tag>}
        </>
      }
      lead={
        <>
          <code>{slug}</code>
          {description !== null && (
            <>
              {' '}
              <Foreign>{description}</Foreign>
            </>
          )}
        </>
      }
      actions={
        mayWrite && (
          <>
            {latest > 0 && !archived && (
              <Link
                to="/fleet/rollouts/new"
                search={{ blueprint: id, ...(version === undefined ? {} : { version }) }}
                className="button primary"
              >
                Roll out
              </Link>
            )}
            <Archive blueprint={blueprint} />
          </>
        )
      }
    >
      <Tabs label="Of the blueprint">
        <Link
          className="tab"
          to="/fleet/blueprints/$blueprintId"
          params={{ blueprintId: id }}
          activeProps={{ 'data-status': tab === undefined ? 'active' : '' }}
          aria-current={tab === undefined ? 'page' : undefined}
        >
          Versions
        </Link>
        <Link
          className="tab"
          to="/fleet/blueprints/$blueprintId"
          params={{ blueprintId: id }}
          search={{ tab: 'clients' }}
          activeProps={{ 'data-status': tab === 'clients' ? 'active' : '' }}
          aria-current={tab === 'clients' ? 'page' : undefined}
        >
          Bound clients
        </Link>
        <Link className="tab" to="/fleet/drift" search={{ blueprint: id }}>
          Drift
        </Link>
      </Tabs>
      {tab === 'clients' ? <Bindings blueprint={blueprint} /> : <Versions blueprint={blueprint} />}
    </Page>
  )
}

const Archive = ({ blueprint: { id, is_archived: archived } }: { blueprint: Blueprint }) => {
  const queryClient = useQueryClient()
  const [asked, setAsked] = useState(false)
  return (
    <>
      <Button onClick={() => setAsked(true)}>{archived ? 'Restore' : 'Archive'}</Button>
      <ConfirmSimply
        open={asked}
        onClose={() => setAsked(false)}
        action={archived ? 'Restore the blueprint' : 'Archive the blueprint'}
        onConfirm={async () => {
          await engine.blueprints.archive({ blueprint_id: id, is_archived: !archived })
          await queryClient.invalidateQueries({ queryKey: ['blueprints'] })
        }}
      >
        <p>
          {archived
            ? 'It can get new versions, clients and rollouts again.'
            : 'It gets no new versions, clients and rollouts. Nothing changes in any Salesforce org.'}
        </p>
      </ConfirmSimply>
    </>
  )
}
