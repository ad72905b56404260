// From columns to a push: a dry run first, whose counts and errors are read before anything is sent.

import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { type Mapping, type Push, type PushOptions } from '@sfdc-engine-x/client'
import { useClientMark } from '../../api/directory.ts'
import { engine } from '../../api/engine.ts'
import { clientKey, clientQuery, connectionQuery, useWork } from '../../api/queries.ts'
import { ErrorGroups } from '../../app/error-groups.tsx'
import { type RowsFile, RowsFileError } from '../../app/rows-file.ts'
import { WorkFaultNote } from '../../app/work-fault.tsx'
import { Button } from '../../ui/button.tsx'
import { ConfirmProduction } from '../../ui/dialog.tsx'
import { Checkbox } from '../../ui/field.tsx'
import { KeyValue, ProgressBar, Section } from '../../ui/layout.tsx'
import { Loaded, Problem } from '../../ui/states.tsx'
import { count, counted, Foreign } from '../../ui/text.tsx'
import { assigned, type Assignment, doubledFields } from './assignment.ts'

interface Props {
  clientId: string
  mapping: Mapping
  file: RowsFile
  assignment: Assignment
}

type Options = Pick<PushOptions, 'null_policy' | 'assignment_rules' | 'allow_duplicates'>

/** How many rows are read between two looks at the number. */
const TOLD_EVERY = 2_000

/** Sends the rows of the file, and says how many were read. */
const useSend = ({ clientId, mapping, file, assignment }: Props) => {
  const [read, setRead] = useState(0)
  const send = async (options: PushOptions): Promise<string> => {
    setRead(0)
    const rows = () =>
      assigned(file, assignment, (number) => {
        if (number % TOLD_EVERY === 0) setRead(number)
      })
    const { id } = await engine.push.records({
      client_id: clientId,
      object: mapping.canonical_object,
      options,
      records: rows,
    })
    return id
  }
  return { send, read }
}

export const Sending = (props: Props) => {
  const { clientId, assignment } = props
  const [options, setOptions] = useState<Options>({})
  const { send, read } = useSend(props)
  const queryClient = useQueryClient()
  const dryRun = useMutation({
    mutationFn: () => send({ ...options, dry_run: true }),
    onSuccess: () => queryClient.invalidateQueries({ queryKey: clientKey(clientId, 'pushes') }),
  })
  // What was tried is what is sent: with other columns or options it has to be tried again.
  const tried = JSON.stringify([assignment, options])
  const [triedAs, setTriedAs] = useState<string | null>(null)
  const isSent = Object.values(assignment).some((field) => field !== null)
  const set = (change: Options) => setOptions((before) => ({ ...before, ...change }))
  return (
    <>
      <Section title="How it is written">
        <div className="new-push-options">
          <Checkbox
            label="An empty cell empties the field"
            hint="Otherwise the field keeps what it has."
            checked={options.null_policy === 'blank'}
            onChange={({ target }) => set({ null_policy: target.checked ? 'blank' : 'skip' })}
          />
          <Checkbox
            label="Run the active assignment rule"
            hint="Of leads and cases."
            checked={options.assignment_rules === true}
            onChange={({ target }) => set({ assignment_rules: target.checked })}
          />
          <Checkbox
            label="Save although a duplicate rule warns"
            checked={options.allow_duplicates === true}
            onChange={({ target }) => set({ allow_duplicates: target.checked })}
          />
        </div>
        <div className="row">
          <Button
            look={triedAs === tried && dryRun.isSuccess ? 'plain' : 'primary'}
            pending={dryRun.isPending}
            disabled={!isSent || doubledFields(assignment).length > 0}
            onClick={() => {
              setTriedAs(tried)
              dryRun.mutate()
            }}
          >
            Try it without sending
          </Button>
          <span className="muted small">
            {dryRun.isPending && read > 0
              ? `${counted(read, 'row')} read`
              : 'Every row is checked against the mapping and the schema. Salesforce is not called.'}
          </span>
        </div>
        <Fault error={dryRun.error} />
      </Section>
      {dryRun.data !== undefined && triedAs === tried && !dryRun.isPending && (
        <Tried {...props} key={dryRun.data} pushId={dryRun.data} options={options} />
      )}
    </>
  )
}

const Fault = ({ error }: { error: unknown }) => {
  if (error === null) return null
  return error instanceof RowsFileError ? (
    <p className="problem problem-message" role="alert">
      <Foreign>{error.message}</Foreign>
    </p>
  ) : (
    <Problem error={error} />
  )
}

const Tried = ({ pushId, options, ...props }: Props & { pushId: string; options: Options }) => {
  const { clientId } = props
  const work = useWork({ kind: 'push', id: pushId, client_id: clientId })
  return (
    <Section title="What would happen">
      <Loaded query={work}>
        {(push) =>
          push.is_final ? (
            <Verdict push={push} options={options} {...props} />
          ) : (
            <ProgressBar
              label={`${count(push.processed)} of ${counted(push.total, 'row')} checked`}
              done={push.processed}
              total={push.total}
            />
          )
        }
      </Loaded>
    </Section>
  )
}

const Verdict = ({ push, options, ...props }: Props & { push: Push; options: Options }) => {
  const { total, failed, succeeded, dry_run_counts: counts, automations, error } = push
  const sent = (counts?.would_send ?? 0) + (counts?.would_update ?? 0)
  return (
    <>
      {error !== null && <WorkFaultNote fault={error} />}
      <KeyValue
        items={[
          ['Rows', count(total)],
          ['Create or change a record', count(counts?.would_send ?? 0)],
          ['Change a record', count(counts?.would_update ?? 0)],
          ['Change nothing', count(Math.max(0, succeeded - sent))],
          ['Cannot be sent', count(failed)],
        ]}
      />
      {automations !== null && automations.length > 0 && (
        <div>
          <p>Salesforce runs these for the rows that are saved:</p>
          <ul className="new-push-automations small">
            {automations.map(({ type, api_name: name }) => (
              <li key={`${type} ${name}`}>
                {type.replaceAll('_', ' ')} <Foreign mono>{name}</Foreign>
              </li>
            ))}
          </ul>
        </div>
      )}
      {failed > 0 && <Errors push={push} />}
      <PushIt push={push} options={options} sent={sent} {...props} />
    </>
  )
}

const Errors = ({ push: { id, client_id: clientId } }: { push: Push }) => {
  const errors = useQuery({
    queryKey: ['push errors', id, true],
    queryFn: ({ signal }) => engine.push.errors({ push_id: id }, { signal }),
  })
  return (
    <Loaded query={errors}>
      {(found) => (
        <ErrorGroups errors={found}>
          {({ code }) => (
            <Link
              to="/clients/$clientId/pushes/$pushId"
              params={{ clientId, pushId: id }}
              search={{ code }}
            >
              {code}
            </Link>
          )}
        </ErrorGroups>
      )}
    </Loaded>
  )
}

const PushIt = ({
  push,
  options,
  sent,
  ...props
}: Props & { push: Push; options: Options; sent: number }) => {
  const { clientId } = props
  const [isAsking, setAsking] = useState(false)
  const client = useQuery(clientQuery(clientId))
  const mark = useClientMark(client.data?.id)
  const connection = useQuery(connectionQuery(clientId))
  const queryClient = useQueryClient()
  const navigate = useNavigate()
  const { send, read } = useSend(props)
  const action = `Push ${counted(sent, 'row')}`
  const begin = async () => {
    const pushId = await send(options)
    void queryClient.invalidateQueries({ queryKey: clientKey(clientId, 'pushes') })
    await navigate({
      to: '/clients/$clientId/pushes/$pushId',
      params: { clientId, pushId },
    })
  }
  if (sent === 0) return <p>No row of this file would change anything.</p>
  return (
    <div className="row">
      <Button look="primary" onClick={() => setAsking(true)}>
        {action}
      </Button>
      {push.failed > 0 && (
        <span className="muted small">
          {counted(push.failed, 'row')} cannot be sent. They become failed rows, which can be mended
          and sent again.
        </span>
      )}
      <ConfirmProduction
        open={isAsking}
        onClose={() => setAsking(false)}
        action={action}
        clientName={client.data?.name ?? ''}
        mark={mark}
        environment={connection.data?.environment ?? null}
        onConfirm={begin}
      >
        <p>
          {counted(sent, 'record')} of <Foreign mono>{props.mapping.sfdc_object}</Foreign> created
          or changed. A push cannot be rolled back.
          {read > 0 && ` ${counted(read, 'row')} read.`}
        </p>
      </ConfirmProduction>
    </div>
  )
}
