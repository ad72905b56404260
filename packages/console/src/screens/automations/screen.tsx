import { useQuery, useQueryClient } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { useEffect } from 'react'
import {
  ApiError,
  type Automation,
  type AutomationPage,
  type RecordEvent,
} from '@sfdc-engine-x/client'
import { everything } from '../../api/directory.ts'
import { engine } from '../../api/engine.ts'
import { clientKey, useWork } from '../../api/queries.ts'
import { Page, Section, Tabs } from '../../ui/layout.tsx'
import { Empty, Loaded } from '../../ui/states.tsx'
import { Status, Tag } from '../../ui/status.tsx'
import { count, Foreign } from '../../ui/text.tsx'
import { ActiveSwitch } from './active-switch.tsx'
import {
  EVENTS,
  NO_OBJECT,
  type ObjectCount,
  objectsOf,
  phasesOf,
  type Step,
  TYPES,
} from './order.ts'
import { type AutomationsSearch, isRecordEvent } from './search.ts'
import './automations.css'

const route = getRouteApi('/_app/clients/$clientId/automations')
const PAGE = 200

const sourceOf = ({ live }: AutomationsSearch): 'live' | 'snapshot' =>
  live === true ? 'live' : 'snapshot'

export const Screen = () => {
  const { clientId } = route.useParams()
  const search = route.useSearch()
  const source = sourceOf(search)
  const all = useQuery({
    queryKey: clientKey(clientId, 'automations', source),
    queryFn: async ({ signal }) => {
      const list = engine.workflows.list({ client_id: clientId, source, limit: PAGE }, { signal })
      // Each further page of a live list asks Salesforce again: the first 200 changed last are enough there.
      if (source === 'live') return list.page()
      const items = await everything(list)
      return { items, total: items.length }
    },
  })
  return (
    <Page
      title="Automations"
      lead={
        source === 'live' ? 'As Salesforce lists them now.' : 'As the newest snapshot shows them.'
      }
      actions={
        <Link
          to="/clients/$clientId/automations"
          params={{ clientId }}
          search={withLive(search, source === 'snapshot')}
          className="button"
        >
          {source === 'live' ? 'Show the snapshot' : 'Ask Salesforce now'}
        </Link>
      }
    >
      {search.change !== undefined && <Change clientId={clientId} deploymentId={search.change} />}
      {isWithoutSnapshot(all.error) ? (
        <Empty title="No snapshot yet">
          <p>Pull the schema of the client first, or ask Salesforce now.</p>
        </Empty>
      ) : (
        <Loaded query={all}>
          {({ items, total }) =>
            items.length === 0 ? (
              <Empty title="No automation">
                <p>
                  The Salesforce org has neither flows nor rules nor triggers that the connected
                  user sees.
                </p>
              </Empty>
            ) : (
              <>
                {total > items.length && (
                  <p className="muted">
                    The {count(items.length)} of {count(total)} that were changed last.
                  </p>
                )}
                <ByObject clientId={clientId} automations={items} />
              </>
            )
          }
        </Loaded>
      )}
    </Page>
  )
}

const withLive = ({ live: _live, ...rest }: AutomationsSearch, live: boolean): AutomationsSearch =>
  live ? { ...rest, live } : rest

const isWithoutSnapshot = (error: unknown): boolean =>
  error instanceof ApiError && error.code === 'no_snapshot'

/** What became of a switch: followed until it has ended, then the list is read again. */
const Change = ({ clientId, deploymentId }: { clientId: string; deploymentId: string }) => {
  const queryClient = useQueryClient()
  const work = useWork({ kind: 'deployment', id: deploymentId, client_id: clientId })
  const isFinal = work.data?.is_final === true
  useEffect(() => {
    if (isFinal) void queryClient.invalidateQueries({ queryKey: clientKey(clientId) })
  }, [isFinal, queryClient, clientId])
  const { data } = work
  if (data === undefined) return null
  const tone = !data.is_final ? 'running' : data.error === null ? 'done' : 'stopped'
  return (
    <p className="row" aria-live="polite">
      <Status tone={tone}>
        {data.is_final ? `The change is ${data.status.replaceAll('_', ' ')}` : 'Being changed'}
      </Status>
      {data.error !== null && <Foreign>{data.error.message}</Foreign>}
      <Link to="/clients/$clientId/deployments/$deploymentId" params={{ clientId, deploymentId }}>
        The deployment
      </Link>
    </p>
  )
}

const ByObject = ({
  clientId,
  automations,
}: {
  clientId: string
  automations: readonly Automation[]
}) => {
  const search = route.useSearch()
  const objects = objectsOf(automations)
  const chosen = search.object ?? objects[0]?.object ?? NO_OBJECT
  return (
    <div className="automations">
      <nav className="automations-objects" aria-label="Objects">
        {objects.map((one) => (
          <ObjectLink
            key={one.object ?? ''}
            clientId={clientId}
            counts={one}
            isChosen={chosen === (one.object ?? NO_OBJECT)}
          />
        ))}
      </nav>
      {chosen === NO_OBJECT ? (
        <Others
          clientId={clientId}
          automations={automations.filter(({ object }) => object === null)}
        />
      ) : (
        <OfObject key={chosen} clientId={clientId} object={chosen} />
      )}
    </div>
  )
}

const ObjectLink = ({
  clientId,
  counts: { object, all, active },
  isChosen,
}: {
  clientId: string
  counts: ObjectCount
  isChosen: boolean
}) => {
  const { change: _change, event: _event, ...search } = route.useSearch()
  return (
    <Link
      to="/clients/$clientId/automations"
      params={{ clientId }}
      search={{ ...search, object: object ?? NO_OBJECT }}
      activeProps={{ 'aria-current': undefined }}
      aria-current={isChosen ? 'true' : undefined}
      resetScroll={false}
    >
      {object === null ? 'Started otherwise' : <Foreign>{object}</Foreign>}
      <span className="muted number">
        {active} of {all}
      </span>
    </Link>
  )
}

const OfObject = ({ clientId, object }: { clientId: string; object: string }) => {
  const search = route.useSearch()
  const source = sourceOf(search)
  const page = useQuery({
    queryKey: clientKey(clientId, 'automations', source, object),
    queryFn: ({ signal }) =>
      engine.workflows
        .list({ client_id: clientId, source, object, limit: PAGE }, { signal })
        .page(),
  })
  return (
    <Loaded query={page}>
      {(data) => <Order clientId={clientId} object={object} page={data} />}
    </Loaded>
  )
}

const Order = ({
  clientId,
  object,
  page: { items, execution_order: orders, warnings },
}: {
  clientId: string
  object: string
  page: AutomationPage
}) => {
  const search = route.useSearch()
  const events = Object.keys(EVENTS).filter(isRecordEvent)
  const stepsOn = (event: RecordEvent): readonly Step[] =>
    (orders ?? []).find((one) => one.event === event)?.steps ?? []
  const event = search.event ?? events.find((one) => stepsOn(one).length > 0) ?? 'create'
  const byName = new Map(items.map((item) => [`${item.type} ${item.api_name}`, item]))
  const processes = new Set(
    items.filter(({ process_type: type }) => type === 'Workflow').map((item) => item.api_name),
  )
  const phases = phasesOf(stepsOn(event), processes)
  const rest = items.filter(({ active }) => active !== true)
  return (
    <div className="stack">
      <Tabs label={`When a record of ${object} is`}>
        {events.map((one) => (
          <Link
            key={one}
            className="tab"
            to="/clients/$clientId/automations"
            params={{ clientId }}
            search={{ ...search, object, event: one }}
            activeProps={{
              'data-status': event === one ? 'active' : '',
              'aria-current': undefined,
            }}
            aria-current={event === one ? 'true' : undefined}
            resetScroll={false}
          >
            {EVENTS[one]} ({stepsOn(one).length})
          </Link>
        ))}
      </Tabs>
      {warnings.map(({ code, message }) => (
        <p key={`${code} ${message}`} className="muted small">
          <Foreign>{message}</Foreign>
        </p>
      ))}
      {phases.length === 0 && <p className="muted">Nothing active runs then.</p>}
      {phases.map(({ name, steps }, at) => (
        <section key={`${at} ${name}`} className="automations-phase">
          <h2>
            {at + 1}. {name}
          </h2>
          <ol>
            {steps.map((step) => (
              <One
                key={`${step.type} ${step.api_name}`}
                clientId={clientId}
                step={step}
                automation={byName.get(`${step.type} ${step.api_name}`)}
              />
            ))}
          </ol>
        </section>
      ))}
      <p className="muted small">
        Within one phase Salesforce defines an order only for flows with a number.
      </p>
      {rest.length > 0 && <Inactive clientId={clientId} automations={rest} />}
    </div>
  )
}

const One = ({
  clientId,
  step,
  automation,
}: {
  clientId: string
  step: Step
  automation: Automation | undefined
}) => (
  <li>
    <Foreign mono>{step.api_name}</Foreign>
    {automation?.label != null && (
      <span className="muted">
        <Foreign>{automation.label}</Foreign>
      </span>
    )}
    {step.order !== null && <span className="muted small">no. {step.order}</span>}
    {automation !== undefined && <Marks automation={automation} />}
    {automation !== undefined && <ActiveSwitch clientId={clientId} automation={automation} />}
  </li>
)

const Marks = ({ automation }: { automation: Automation }) => (
  <>
    {automation.deployed_by_engine && <Tag>deployed from here</Tag>}
    {automation.managed && <Tag>of a package</Tag>}
    {automation.active === null && <Tag>not known whether active</Tag>}
  </>
)

const Listed = ({
  clientId,
  automations,
}: {
  clientId: string
  automations: readonly Automation[]
}) => (
  <ul className="automations-phase">
    {automations.map((automation) => (
      <li key={`${automation.type} ${automation.api_name}`}>
        <Foreign mono>{automation.api_name}</Foreign>
        <span className="muted small">{TYPES[automation.type]}</span>
        {automation.label !== null && (
          <span className="muted">
            <Foreign>{automation.label}</Foreign>
          </span>
        )}
        <Marks automation={automation} />
        <ActiveSwitch clientId={clientId} automation={automation} />
      </li>
    ))}
  </ul>
)

const Inactive = (props: { clientId: string; automations: readonly Automation[] }) => (
  <Section title="Not active">
    <Listed {...props} />
  </Section>
)

const Others = (props: { clientId: string; automations: readonly Automation[] }) => (
  <div className="stack">
    <p className="muted">Started by hand, by a schedule, by an event, or by other automations.</p>
    <Listed {...props} />
  </div>
)
