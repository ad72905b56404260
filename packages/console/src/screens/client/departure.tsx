import { useQuery, type UseQueryResult } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { type ClientDetail, type OffboardingSummary } from '@sfdc-engine-x/client'
import { engine } from '../../api/engine.ts'
import { clientKey } from '../../api/queries.ts'
import { useMay } from '../../api/session.ts'
import { PurgeClient } from '../../app/purge-client.tsx'
import { KeyValue, Section } from '../../ui/layout.tsx'
import { Loaded } from '../../ui/states.tsx'
import { Status } from '../../ui/status.tsx'
import { Absent, Moment } from '../../ui/text.tsx'
import { standing } from '../leavings/words.ts'

/** The off-boarding with which the client left; null: it is not known. */
export const useDeparture = (clientId: string, enabled: boolean) =>
  useQuery({
    queryKey: clientKey(clientId, 'departure'),
    queryFn: async ({ signal }): Promise<OffboardingSummary | null> => {
      for await (const one of engine.fleet.offboardList({ client_id: clientId }, { signal })) {
        if (!one.is_preview && one.status !== 'failed') return one
      }
      return null
    },
    enabled,
  })

/** Of a client that has left: how, and what is still kept of it. */
export const DepartureSection = ({
  client: { id, name, left_at: leftAt },
  departure,
}: {
  client: ClientDetail
  departure: UseQueryResult<OffboardingSummary | null>
}) => {
  const mayWrite = useMay('fleet.write')
  return (
    <Section
      title="Left"
      actions={
        mayWrite &&
        // What is being deleted is not deleted twice.
        departure.data?.status !== 'running' && <PurgeClient clientId={id} name={name} />
      }
    >
      <Loaded query={departure}>
        {(data) => (
          <KeyValue
            items={[
              ['Since', <Moment key="since" at={leftAt} />],
              [
                'Off-boarding',
                data === null ? (
                  <Absent key="none">not known</Absent>
                ) : (
                  <Way key="way" way={data} />
                ),
              ],
              [
                'Its data here',
                data?.status === 'running' && data.options.purge ? 'Being deleted' : 'Kept',
              ],
            ]}
          />
        )}
      </Loaded>
    </Section>
  )
}

const Way = ({ way }: { way: OffboardingSummary }) => {
  const [tone, word] = standing(way)
  return (
    <Link to="/fleet/leaving/$offboardingId" params={{ offboardingId: way.id }}>
      <Status tone={tone}>{word}</Status>
    </Link>
  )
}
