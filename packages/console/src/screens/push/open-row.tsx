// One row: what became of it, and, if it failed, its values with what is wrong about each, to be mended in place.

import { useQuery, useQueryClient, type InfiniteData } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import {
  type FailedRow,
  type PushWithResults,
  type RowResult,
  type RowResultPage,
} from '@sfdc-engine-x/client'
import { inConsoleWords } from '../../api/words.ts'
import { engine } from '../../api/engine.ts'
import { clientKey } from '../../api/queries.ts'
import { textOf } from '../../app/typed-value.ts'
import { Button } from '../../ui/button.tsx'
import { TextArea, TextField } from '../../ui/field.tsx'
import { KeyValue } from '../../ui/layout.tsx'
import { Loaded } from '../../ui/states.tsx'
import { Status } from '../../ui/status.tsx'
import { Absent, count, Foreign } from '../../ui/text.tsx'
import { mend, membersOf, type Mended } from './mending.ts'
import { actionOf } from './rows.tsx'

const route = getRouteApi('/_app/clients/$clientId/pushes/$pushId')
/** Longer values get more lines. */
const LONG = 80

interface Props {
  push: PushWithResults
  index: number
  /** The values of failed rows are kept, and the user may send them again. */
  canMend: boolean
  mended: Mended
  onMend: (mended: Mended) => void
}

export const OpenRow = (props: Props) => {
  const { push, index, canMend } = props
  const navigate = route.useNavigate()
  const result = useKnownResult(push, index)
  const failed = useQuery({
    queryKey: ['failed row', push.id, index],
    queryFn: async ({ signal }) => {
      const page = await engine.push
        .failedRows({ push_id: push.id, index, limit: 1 }, { signal })
        .page()
      return page.items[0] ?? null
    },
    enabled: canMend && result?.success !== true,
    staleTime: Infinity,
  })
  return (
    <section ref={focusOnce} tabIndex={-1} className="push-row" aria-label={`Row ${index + 1}`}>
      <header className="section-head">
        <h3>Row {count(index + 1)}</h3>
        <Button
          look="quiet"
          onClick={() =>
            void navigate({ search: ({ row: _, ...rest }) => rest, resetScroll: false })
          }
        >
          Close
        </Button>
      </header>
      {result !== undefined && <Result result={result} push={push} />}
      {canMend && result?.success !== true ? (
        <Loaded query={failed}>
          {(row) =>
            row === null ? (
              <p className="muted">This row did not fail.</p>
            ) : (
              <Values key={row.index} row={row} {...props} />
            )
          }
        </Loaded>
      ) : (
        result === undefined && <p className="muted">Open the row from the table below.</p>
      )}
    </section>
  )
}

/** Where the row opens is where one goes on reading. */
const focusOnce = (element: HTMLElement | null): void => element?.focus()

/** From the pages that the table has loaded. */
const useKnownResult = (push: PushWithResults, index: number): RowResult | undefined => {
  const queryClient = useQueryClient()
  return queryClient
    .getQueriesData<InfiniteData<RowResultPage>>({
      queryKey: clientKey(push.client_id, 'push rows', push.id),
    })
    .flatMap(([, data]) => data?.pages ?? [])
    .flatMap(({ items }) => items)
    .find((one) => one.index === index)
}

const Result = ({ result, push }: { result: RowResult; push: PushWithResults }) => {
  const { action, key, id, attempts, errors, warnings = [], resent = false } = result
  const [tone, words] = actionOf(action, push)
  return (
    <>
      <KeyValue
        items={[
          [
            'State',
            <Status key="state" tone={tone}>
              {words}
            </Status>,
          ],
          ['Key', key === null ? <Absent key="key" /> : <Foreign key="key">{key}</Foreign>],
          [
            'Record',
            id === null ? (
              <Absent key="id" />
            ) : (
              <Foreign key="id" mono>
                {id}
              </Foreign>
            ),
          ],
          ['Sent', attempts === 0 ? 'not sent' : `${count(attempts)} times`],
        ]}
      />
      {resent && (
        <p>It was sent again after a lost connection: automations may have run twice for it.</p>
      )}
      <Messages items={errors} />
      <Messages items={warnings} />
    </>
  )
}

const Messages = ({ items }: { items: RowResult['errors'] }) =>
  items.length === 0 ? null : (
    <ul className="push-messages">
      {items.map(({ code, message, remedy }) => (
        <li key={`${code} ${message}`}>
          <p>
            <Foreign mono>{code}</Foreign> <Foreign>{message}</Foreign>
          </p>
          <p className="muted small">
            <Foreign>{inConsoleWords(remedy)}</Foreign>
          </p>
        </li>
      ))}
    </ul>
  )

const Values = ({ row, mended, onMend }: Props & { row: FailedRow }) => {
  const members = membersOf(row)
  const kept = mended[row.index]
  const [typed, setTyped] = useState<Readonly<Record<string, string>>>(() =>
    Object.fromEntries(Object.entries(kept ?? {}).map(([name, value]) => [name, textOf(value)])),
  )
  const next = mend(mended, row, typed)
  const isNew = JSON.stringify(next[row.index]) !== JSON.stringify(kept)
  const keep = (event: FormEvent) => {
    event.preventDefault()
    onMend(next)
  }
  return (
    <form className="stack" onSubmit={keep} aria-label="Values of the row">
      <div className="push-values">
        {members.map(({ name, text, messages }) => {
          const value = typed[name] ?? text
          const Control = value.length > LONG || value.includes('\n') ? TextArea : TextField
          return (
            <Control
              key={name}
              label={name}
              value={value}
              error={value === text && messages.length > 0 ? messages.join(' ') : null}
              hint={
                value === text ? undefined : (
                  <>It was {text === '' ? 'empty' : <Foreign>{text}</Foreign>}</>
                )
              }
              onChange={({ target }: { target: { value: string } }) =>
                setTyped({ ...typed, [name]: target.value })
              }
            />
          )
        })}
      </div>
      <div className="row">
        <Button type="submit" disabled={!isNew}>
          Keep these values for the retry
        </Button>
        {kept !== undefined && (
          <Button
            look="quiet"
            onClick={() => {
              setTyped({})
              onMend(mend(mended, row, {}))
            }}
          >
            Back to what was sent
          </Button>
        )}
      </div>
    </form>
  )
}
