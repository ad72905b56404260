// Around the pages of one client: which client, and whether this is production, whatever page it is.

import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link, Outlet } from '@tanstack/react-router'
import { clientQuery, connectionQuery } from '../api/queries.ts'
import { useMe } from '../api/session.ts'
import { Tabs } from '../ui/layout.tsx'
import { Failed } from '../ui/states.tsx'
import { EnvironmentTag } from '../ui/status.tsx'
import { Foreign, Moment } from '../ui/text.tsx'
import { ConnectionState } from './connection-state.tsx'
import { CLIENT_ENTRIES } from './navigation.ts'

const route = getRouteApi('/_app/clients/$clientId')

export const ClientFrame = () => {
  const { clientId } = route.useParams()
  const { permissions } = useMe()
  const client = useQuery(clientQuery(clientId))
  const connection = useQuery(connectionQuery(clientId))
  if (client.data === undefined && client.error !== null) {
    return <Failed error={client.error} retry={() => void client.refetch()} />
  }
  return (
    <>
      {/* Moved by a long name, and nobody should see that. */}
      <header className={client.data === undefined ? 'client-bar awaited' : 'client-bar'}>
        <div className="client-name">
          <strong>
            {client.data === undefined ? <>&nbsp;</> : <Foreign>{client.data.name}</Foreign>}
          </strong>
          {/* Comes later, into room that is there already. */}
          <div className="client-state">
            {client.data?.is_active === false && (
              <span className="muted">
                {client.data.left_at === null ? (
                  'Deactivated'
                ) : (
                  <>
                    Left <Moment at={client.data.left_at} />
                  </>
                )}
              </span>
            )}
            {connection.data != null && connection.data.sfdc_org_id !== null && (
              <EnvironmentTag environment={connection.data.environment} />
            )}
            {connection.data !== undefined && (
              <ConnectionState status={connection.data?.status ?? null} />
            )}
          </div>
        </div>
        <Tabs label="This client">
          {CLIENT_ENTRIES.filter(
            ({ permission }) => permission === undefined || permissions.includes(permission),
          ).map(({ label, to, exact = false }) => (
            <Link
              key={label}
              className="tab"
              to={to}
              params={{ clientId }}
              activeOptions={{ exact, includeSearch: false }}
            >
              {label}
            </Link>
          ))}
        </Tabs>
      </header>
      <Outlet />
    </>
  )
}
