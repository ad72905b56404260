// What to do about failed rows: send them again, mended or not, or take them out as a file.

import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { type FailedRow, type PushWithResults } from '@sfdc-engine-x/client'
import { useClientMark } from '../../api/directory.ts'
import { engine } from '../../api/engine.ts'
import { clientKey, clientQuery, connectionQuery } from '../../api/queries.ts'
import { csvLine } from '../../app/rows-file.ts'
import { Button } from '../../ui/button.tsx'
import { ConfirmProduction } from '../../ui/dialog.tsx'
import { Section } from '../../ui/layout.tsx'
import { Problem } from '../../ui/states.tsx'
import { counted, Foreign } from '../../ui/text.tsx'
import { changesOf, type Mended } from './mending.ts'

interface Props {
  push: PushWithResults
  mended: Mended
  onDone: () => void
}

export const Mend = (props: Props) => {
  const { push } = props
  return (
    <Section title="Mend and send again">
      <p className="muted">
        Open a failed row below and correct its values, or take all of them out as a file, correct
        that, and push it.
      </p>
      <div className="row">
        <Retry {...props} />
        <Download push={push} />
        {push.kind === 'records' && push.canonical_object !== null && (
          <Link
            className="button"
            to="/clients/$clientId/pushes/new"
            params={{ clientId: push.client_id }}
            search={{ object: push.canonical_object }}
          >
            Push a corrected file
          </Link>
        )}
      </div>
    </Section>
  )
}

const Retry = ({ push, mended, onDone }: Props) => {
  const { id, client_id: clientId, failed, sfdc_object: object } = push
  const [isAsking, setAsking] = useState(false)
  const client = useQuery(clientQuery(clientId))
  const mark = useClientMark(client.data?.id)
  const connection = useQuery(connectionQuery(clientId))
  const queryClient = useQueryClient()
  const navigate = useNavigate()
  const changes = changesOf(mended)
  const action = `Retry ${counted(failed, 'row')}`
  const retry = async () => {
    const work = await engine.push.retry({
      push_id: id,
      ...(changes.length === 0 ? {} : { changes }),
    })
    onDone()
    void queryClient.invalidateQueries({ queryKey: clientKey(clientId, 'pushes') })
    await navigate({
      to: '/clients/$clientId/pushes/$pushId',
      params: { clientId, pushId: work.id },
    })
  }
  return (
    <>
      <Button look="primary" onClick={() => setAsking(true)}>
        {action}
        {changes.length > 0 && `, ${changes.length} mended`}
      </Button>
      <ConfirmProduction
        open={isAsking}
        onClose={() => setAsking(false)}
        action={action}
        clientName={client.data?.name ?? ''}
        mark={mark}
        environment={connection.data?.environment ?? null}
        onConfirm={retry}
      >
        <p>
          A new push of the rows that failed, with the mapping as it is now.{' '}
          {changes.length === 0
            ? 'All of them as they were sent in.'
            : `${counted(changes.length, 'row')} with the values that you corrected.`}{' '}
          Rows that repeat the key of another row are sent only with a key of their own.
          {object !== null && (
            <>
              {' '}
              They create or change records of <Foreign mono>{object}</Foreign>.
            </>
          )}
        </p>
      </ConfirmProduction>
    </>
  )
}

const TOLD_EVERY = 1_000

const Download = ({ push }: { push: PushWithResults }) => {
  const [read, setRead] = useState(0)
  const [left, setLeft] = useState(0)
  const download = useMutation({
    mutationFn: async () => {
      const rows: FailedRow[] = []
      for await (const row of engine.push.failedRows({ push_id: push.id }).stream()) {
        rows.push(row)
        if (rows.length % TOLD_EVERY === 0) setRead(rows.length)
      }
      const mendable = rows.filter((row) => !isRepeated(row))
      setLeft(rows.length - mendable.length)
      save(`${push.canonical_object ?? push.kind}.failed.csv`, csvOf(mendable))
    },
  })
  return (
    <>
      <Button pending={download.isPending} onClick={() => download.mutate()}>
        {download.isPending && read > 0
          ? `${counted(read, 'row')} read`
          : 'Download failed rows as CSV'}
      </Button>
      {left > 0 && (
        <span className="muted">
          Not in the file: {counted(left, 'row')} with the key of another row. Pushed, each would
          overwrite what that row wrote.
        </span>
      )}
      {download.error !== null && <Problem error={download.error} />}
    </>
  )
}

const isRepeated = ({ errors }: FailedRow): boolean =>
  errors.some(({ code }) => code === 'DUPLICATE_KEY_IN_INPUT')

/** With what went wrong in columns of their own, which a push of the corrected file leaves out. */
const csvOf = (rows: readonly FailedRow[]): string[] => {
  const names = new Set<string>()
  for (const { row } of rows) for (const name of Object.keys(row as object)) names.add(name)
  const columns = [...names]
  return [
    csvLine([...columns, '_error', '_remedy']),
    ...rows.map(({ row, errors }) =>
      csvLine([
        ...columns.map((name) => (row as Record<string, unknown>)[name]),
        errors.map(({ code, message }) => `${code}: ${message}`).join(' '),
        errors.map(({ remedy }) => remedy).join(' '),
      ]),
    ),
  ]
}

const save = (name: string, lines: string[]): void => {
  // Excel reads UTF-8 only with the mark.
  const url = URL.createObjectURL(new Blob(['\uFEFF', ...lines], { type: 'text/csv' }))
  const link = document.createElement('a')
  link.href = url
  link.download = name.replaceAll(/[^\w.-]/g, '_')
  link.click()
  URL.revokeObjectURL(url)
}
