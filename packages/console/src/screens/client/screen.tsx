// One client: what is wrong, its connection, its snapshots, and what was deployed to it.

import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { type ClientDetail } from '@sfdc-engine-x/client'
import { clientQuery } from '../../api/queries.ts'
import { useMay } from '../../api/session.ts'
import { Page } from '../../ui/layout.tsx'
import { Loaded } from '../../ui/states.tsx'
import { ConnectionSection } from './connection.tsx'
import { DeploymentsSection } from './deployments.tsx'
import { DetailsSection } from './details.tsx'
import { HealthSection } from './health.tsx'
import { SnapshotsSection } from './snapshots.tsx'
import { WorkSection } from './work.tsx'
import './client.css'

const route = getRouteApi('/_app/clients/$clientId/')

export const Screen = () => {
  const { clientId } = route.useParams()
  const client = useQuery(clientQuery(clientId))
  return <Loaded query={client}>{(data) => <Overview client={data} />}</Loaded>
}

const Overview = ({ client }: { client: ClientDetail }) => {
  const seesFleet = useMay('fleet.read')
  const seesWork = useMay('topology.read')
  const seesDeployments = useMay('deploy.read')
  return (
    <Page title="Overview">
      {seesFleet && client.is_active && <HealthSection clientId={client.id} />}
      <ConnectionSection client={client} />
      {seesWork && <WorkSection clientId={client.id} />}
      <SnapshotsSection client={client} />
      {seesDeployments && <DeploymentsSection clientId={client.id} />}
      <DetailsSection client={client} />
    </Page>
  )
}
