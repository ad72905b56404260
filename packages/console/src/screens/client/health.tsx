import { useQuery, type UseQueryResult } from '@tanstack/react-query'
import { type ClientHealth, type ClientRisk } from '@sfdc-engine-x/client'
import { engine } from '../../api/engine.ts'
import { clientKey } from '../../api/queries.ts'
import { inConsoleWords } from '../../api/words.ts'
import { KeyValue, Section } from '../../ui/layout.tsx'
import { Loaded } from '../../ui/states.tsx'
import { Status } from '../../ui/status.tsx'
import { Absent, CopyButton, count, counted, Foreign } from '../../ui/text.tsx'
import { Causes } from './causes.tsx'

export const useHealth = (clientId: string, enabled: boolean) =>
  useQuery({
    queryKey: clientKey(clientId, 'health'),
    queryFn: async ({ signal }) => {
      const { items } = await engine.fleet
        .health({ selector: { client_ids: [clientId] } }, { signal })
        .page()
      return items[0] ?? null
    },
    enabled,
  })

/** What is wrong with the client and what to do about it. */
export const HealthSection = ({ health }: { health: UseQueryResult<ClientHealth | null> }) => (
  <Section title="Health">
    <Loaded query={health}>
      {(data) => (data === null ? <Absent>not known</Absent> : <Health health={data} />)}
    </Loaded>
  </Section>
)

const Health = ({ health }: { health: ClientHealth }) => (
  <>
    {health.risks.length === 0 ? (
      <p>
        <Status tone="done">Nothing to do</Status>
      </p>
    ) : (
      <ul className="stack">
        {health.risks.map((risk) => (
          <Risk key={risk.code} risk={risk} />
        ))}
      </ul>
    )}
    <Numbers health={health} />
  </>
)

const Risk = ({ risk }: { risk: ClientRisk }) => (
  <li className="client-risk">
    <Status
      tone={risk.level === 'critical' ? 'stopped' : risk.level === 'warning' ? 'attention' : 'idle'}
    >
      <span className="visually-hidden">{risk.level}</span>
    </Status>
    <div>
      <p className="client-risk-message">
        <Foreign>{risk.message}</Foreign>
      </p>
      <p className="muted">
        <Foreign>{inConsoleWords(risk.remedy, 'client')}</Foreign>
      </p>
      <Causes causes={risk.possible_causes} />
      {risk.for_admin !== null && (
        <blockquote className="client-for-admin">
          <p className="small muted">To send to the client’s Salesforce administrator</p>
          <p>
            <Foreign>{risk.for_admin}</Foreign>
          </p>
          <CopyButton text={risk.for_admin}>Copy this text</CopyButton>
        </blockquote>
      )}
    </div>
  </li>
)

const Numbers = ({ health: { api_usage: usage, work, drift } }: { health: ClientHealth }) => (
  <KeyValue
    items={[
      [
        'Salesforce calls left today',
        usage === null ? (
          <Absent key="usage">not known</Absent>
        ) : (
          <span className="number">
            {count(usage.left)} of {count(usage.max)}, {count(usage.reserve)} of them in reserve
          </span>
        ),
      ],
      ['Work under way', work.running === 0 ? <Absent key="work" /> : count(work.running)],
      ['Failed in the last 7 days', work.failed === 0 ? <Absent key="f" /> : count(work.failed)],
      [
        'Drift',
        drift === null ? (
          <Absent key="drift">not looked for</Absent>
        ) : (
          `${count(drift.drifted)} of ${counted(drift.blueprints, 'blueprint')}`
        ),
      ],
    ]}
  />
)
