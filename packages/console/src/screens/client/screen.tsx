// One client: what is wrong, its connection, its snapshots, and what was deployed to it.

import { type ReactNode } from 'react'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { type ClientDetail } from '@sfdc-engine-x/client'
import { clientQuery, connectionQuery } from '../../api/queries.ts'
import { useMay } from '../../api/session.ts'
import { Page } from '../../ui/layout.tsx'
import { Loaded, Loading } from '../../ui/states.tsx'
import { ConnectionSection } from './connection.tsx'
import { DepartureSection, useDeparture } from './departure.tsx'
import { DeploymentsSection, useNewestDeployments } from './deployments.tsx'
import { DetailsSection } from './details.tsx'
import { HealthSection, useHealth } from './health.tsx'
import { SnapshotsSection, useSnapshots } from './snapshots.tsx'
import { useWeekOfWork, WorkSection } from './work.tsx'
import './client.css'

const route = getRouteApi('/_app/clients/$clientId/')

export const Screen = () => {
  const { clientId } = route.useParams()
  const client = useQuery(clientQuery(clientId))
  return <Loaded query={client}>{(data) => <Overview client={data} />}</Loaded>
}

const Overview = ({ client }: { client: ClientDetail }) => {
  const { id, is_active: isActive, left_at: leftAt } = client
  const readsFleet = useMay('fleet.read')
  const seesHealth = readsFleet && isActive
  const seesDeparture = readsFleet && leftAt !== null
  const seesWork = useMay('topology.read')
  const seesDeployments = useMay('deploy.read')
  // All are asked at once, and shown in their order.
  const departure = useDeparture(id, seesDeparture)
  const health = useHealth(id, seesHealth)
  const connection = useQuery(connectionQuery(id))
  const work = useWeekOfWork(id, seesWork)
  const snapshots = useSnapshots(id)
  const deployments = useNewestDeployments(id, seesDeployments)
  return (
    <Page title="Overview">
      <InOrder
        sections={[
          seesDeparture && {
            query: departure,
            shows: <DepartureSection key="departure" client={client} departure={departure} />,
          },
          seesHealth && { query: health, shows: <HealthSection key="health" health={health} /> },
          {
            query: connection,
            shows: <ConnectionSection key="connection" client={client} connection={connection} />,
          },
          seesWork && { query: work, shows: <WorkSection key="work" work={work} /> },
          {
            query: snapshots,
            shows: <SnapshotsSection key="snapshots" client={client} snapshots={snapshots} />,
          },
          seesDeployments && {
            query: deployments,
            shows: <DeploymentsSection key="deployments" clientId={id} deployments={deployments} />,
          },
          { query: null, shows: <DetailsSection key="details" client={client} /> },
        ]}
      />
    </Page>
  )
}

type OneSection = { query: { isPending: boolean } | null; shows: ReactNode } | false

/** From the top down, each once all above it have come: nothing that is there is moved by what comes later. */
const InOrder = ({ sections }: { sections: readonly OneSection[] }) => {
  const shown = sections.filter((one) => one !== false)
  const next = shown.findIndex(({ query }) => query?.isPending === true)
  return next === -1 ? (
    shown.map(({ shows }) => shows)
  ) : (
    <>
      {shown.slice(0, next).map(({ shows }) => shows)}
      {/* A new one each time, for the same reason. */}
      <Loading key={`${next} of all`} />
    </>
  )
}
