import { getRouteApi } from '@tanstack/react-router'
import { useMemo } from 'react'
import { type DeployedComponent, type Deployment } from '@sfdc-engine-x/client'
import { REVERSIBILITY } from '../../app/reversibility.ts'
import { type Column, DataTable } from '../../ui/data-table.tsx'
import { Checkbox, TextField } from '../../ui/field.tsx'
import { KeyValue, Toolbar } from '../../ui/layout.tsx'
import { Status } from '../../ui/status.tsx'
import { Absent, Foreign } from '../../ui/text.tsx'
import { Button } from '../../ui/button.tsx'

const route = getRouteApi('/_app/clients/$clientId/deployments/$deploymentId')

const keyOf = ({ type, full_name: name }: DeployedComponent): string => `${type} ${name}`

const ACTIONS: Readonly<Record<DeployedComponent['action'], readonly [string, string]>> = {
  created: ['Create', 'Created'],
  updated: ['Change', 'Changed'],
  unchanged: ['Leave as it is', 'Unchanged'],
  deleted: ['Delete', 'Deleted'],
}

const ActionOf = ({ action, success, problem }: DeployedComponent) => {
  const [ahead, done] = ACTIONS[action]
  if (problem?.severity === 'error' || success === false) {
    return <Status tone="stopped">Refused</Status>
  }
  return success === true ? (
    <Status tone="done">{done}</Status>
  ) : (
    <Status tone="idle">{ahead}</Status>
  )
}

const COLUMNS: readonly Column<DeployedComponent>[] = [
  {
    id: 'name',
    header: 'Component',
    width: 'minmax(10rem, 3fr)',
    cell: ({ full_name: name }) => <Foreign mono>{name}</Foreign>,
  },
  { id: 'type', header: 'Type', wideOnly: true, cell: ({ type }) => type },
  { id: 'state', header: 'State', width: '9rem', cell: (component) => <ActionOf {...component} /> },
  {
    id: 'reversible',
    header: 'Rollback',
    width: '8rem',
    wideOnly: true,
    cell: ({ reversibility }) => REVERSIBILITY[reversibility],
  },
  {
    id: 'problem',
    header: 'What Salesforce said',
    width: 'minmax(8rem, 2fr)',
    wideOnly: true,
    cell: ({ problem }) => (problem === null ? <Absent /> : <Foreign>{problem.message}</Foreign>),
  },
]

export const Components = ({ deployment: { components } }: { deployment: Deployment }) => {
  const { q = '', failed = false, component: openKey } = route.useSearch()
  const navigate = route.useNavigate()
  const shown = useMemo(() => {
    const wanted = q.toLowerCase()
    return components.filter(
      (one) =>
        (!failed || one.problem?.severity === 'error') && keyOf(one).toLowerCase().includes(wanted),
    )
  }, [components, q, failed])
  const open = components.find((one) => keyOf(one) === openKey)
  const choose = (key: string | null) =>
    void navigate({
      search: ({ component: _, ...rest }) => (key === null ? rest : { ...rest, component: key }),
      replace: true,
      resetScroll: false,
    })
  return (
    <>
      <Toolbar label="Filters">
        <TextField
          label="Name or type"
          value={q}
          onChange={({ target }) =>
            void navigate({
              search: ({ q: _, ...rest }) =>
                target.value === '' ? rest : { ...rest, q: target.value },
              replace: true,
              resetScroll: false,
            })
          }
        />
        <Checkbox
          label="Only what was refused"
          checked={failed}
          onChange={({ target }) =>
            void navigate({
              search: ({ failed: _, ...rest }) =>
                target.checked ? { ...rest, failed: true } : rest,
              replace: true,
              resetScroll: false,
            })
          }
        />
      </Toolbar>
      <div className="deployment-components">
        <DataTable
          label="Components"
          rows={shown}
          columns={COLUMNS}
          rowKey={keyOf}
          chosenKey={openKey ?? null}
          onOpen={(one) => choose(keyOf(one) === openKey ? null : keyOf(one))}
          empty={
            components.length === 0 ? 'It has no components yet.' : 'No component is like that.'
          }
        />
      </div>
      {open !== undefined && <Detail component={open} onClose={() => choose(null)} />}
    </>
  )
}

const Detail = ({ component, onClose }: { component: DeployedComponent; onClose: () => void }) => {
  const { type, full_name: name, problem, reversibility, reason } = component
  return (
    <section className="deployment-detail" aria-label="Component">
      <header className="section-head">
        <h3>
          {type} <Foreign mono>{name}</Foreign>
        </h3>
        <Button look="quiet" onClick={onClose}>
          Close
        </Button>
      </header>
      <KeyValue
        items={[
          ['State', <ActionOf key="state" {...component} />],
          ['Rollback', REVERSIBILITY[reversibility]],
          ['How', reason === null ? <Absent key="how" /> : <Foreign key="how">{reason}</Foreign>],
        ]}
      />
      {problem !== null && (
        <div className="problem">
          <p className="problem-message">
            <Foreign>{problem.message}</Foreign>
          </p>
          {problem.file !== null && (
            <p className="small">
              <Foreign mono>{problem.file}</Foreign>
              {problem.line !== null && `, line ${problem.line}`}
            </p>
          )}
        </div>
      )}
    </section>
  )
}
