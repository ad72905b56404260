// A plan, and the verdict beside it. The text is edited here; what it means and whether it can be deployed, the
// check says.

import {
  useMutation,
  type UseMutationResult,
  useQuery,
  useQueryClient,
} from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useDeferredValue, useEffect, useMemo, useRef, useState } from 'react'
import { ApiError, type ConflictReport, type ConflictsCheckRequest } from '@sfdc-engine-x/client'
import { engine } from '../../api/engine.ts'
import { clientKey } from '../../api/queries.ts'
import { useMay } from '../../api/session.ts'
import { useDraft } from '../../app/use-draft.ts'
import { Button } from '../../ui/button.tsx'
import { Checkbox, Select } from '../../ui/field.tsx'
import { Page, Section } from '../../ui/layout.tsx'
import { Empty, Forbidden, Loading, NotFound, Problem } from '../../ui/states.tsx'
import { TextEditor, type LineMark, type TextEditorHandle } from '../../ui/text-editor.tsx'
import { Foreign } from '../../ui/text.tsx'
import { EXAMPLES } from './examples.ts'
import { NewFieldDialog, NewObjectDialog } from './forms.tsx'
import { addField, addObject, readPlanText, textOfPlan } from './plan-text.ts'
import { Report } from './report.tsx'
import { Reports } from './reports.tsx'
import './plan.css'

const route = getRouteApi('/_app/clients/$clientId/plan')

interface Draft {
  text: string
  /** The text of the last check that was begun here. */
  checked: { reportId: string; text: string } | null
}

export const Screen = () => {
  const { clientId } = route.useParams()
  const { report } = route.useSearch()
  const may = useMay('deploy.write')
  const known = useQueryClient().getQueryData<Draft>(draftKey(clientId))
  if (!may) return <Forbidden />
  // A link to a report brings its plan along, unless somebody is writing one here.
  if (report !== undefined && known === undefined) {
    return <FromReport key={report} clientId={clientId} reportId={report} />
  }
  return (
    <Editor key={clientId} clientId={clientId} start={{ text: EXAMPLES[0].text, checked: null }} />
  )
}

const draftKey = (clientId: string) => clientKey(clientId, 'plan draft')

const planOfReport = (reportId: string) => ({
  queryKey: ['report plan', reportId],
  queryFn: ({ signal }: { signal: AbortSignal }) =>
    engine.conflicts.get({ report_id: reportId, include: ['plan'] }, { signal }),
})

const FromReport = ({ clientId, reportId }: { clientId: string; reportId: string }) => {
  const { data, error } = useQuery(planOfReport(reportId))
  if (data !== undefined && data.client_id !== clientId) return <NotFound />
  if (data === undefined && error === null) return <Loading />
  const text = data?.plan == null ? EXAMPLES[0].text : textOfPlan(data.plan)
  const checked = data?.plan == null ? null : { reportId, text }
  return <Editor clientId={clientId} start={{ text, checked }} />
}

const Editor = ({ clientId, start }: { clientId: string; start: Draft }) => {
  const { report: reportId } = route.useSearch()
  const navigate = route.useNavigate()
  const queryClient = useQueryClient()
  const editor = useRef<TextEditorHandle>(null)
  const [draft, setDraft] = useDraft<Draft>(draftKey(clientId), () => start)
  const [form, setForm] = useState<'object' | 'field' | null>(null)
  const [formFault, setFormFault] = useState<string | null>(null)
  const [options, setOptions] = useState<CheckOptions>({})
  const { text, checked } = draft
  const later = useDeferredValue(text)
  const read = useMemo(() => readPlanText(later), [later])

  const check = useMutation({
    mutationFn: async () => {
      const { plan, fault } = readPlanText(text)
      if (plan === null) throw new Error(fault?.message ?? 'The plan is empty.')
      // Checked by the API, which says what is wrong and where.
      const { id } = await engine.conflicts.check({
        client_id: clientId,
        plan,
        ...options,
      })
      return { reportId: id, text }
    },
    onSuccess: async (begun) => {
      setDraft((before) => ({ ...before, checked: begun }))
      void queryClient.invalidateQueries({ queryKey: clientKey(clientId, 'reports') })
      await navigate({ search: { report: begun.reportId }, replace: true })
    },
  })

  // Faults of the last text that was sent are about that text only.
  const { reset } = check
  useEffect(() => reset(), [text, reset])

  const change = (edit: (before: string) => string) => {
    setFormFault(null)
    try {
      const next = edit(text)
      setDraft((before) => ({ ...before, text: next }))
      setForm(null)
    } catch (thrown) {
      setForm(null)
      setFormFault(thrown instanceof Error ? thrown.message : String(thrown))
    }
  }
  const isSameText = checked?.reportId === reportId && checked?.text === text
  const marks = useMarks(isSameText ? reportId : undefined, check.error, read)
  const goTo = (line: number) => editor.current?.goTo(line)
  const objects = (read.plan?.objects ?? []) as { api_name?: string }[]

  return (
    <Page
      title="Plan"
      lead="What the Salesforce org should contain. A plan adds and changes; it deletes nothing."
    >
      <div className="plan-split">
        <section className="plan-side" aria-label="The plan">
          <div className="toolbar" role="group" aria-label="Add to the plan">
            <ExampleSelect
              onChoose={(next) => {
                setFormFault(null)
                setDraft((before) => ({ ...before, text: next }))
              }}
            />
            <Button disabled={read.plan === null} onClick={() => setForm('object')}>
              New object
            </Button>
            <Button disabled={read.plan === null} onClick={() => setForm('field')}>
              New field
            </Button>
          </div>
          <TextEditor
            ref={editor}
            label="The plan as JSON or YAML"
            value={text}
            onChange={(next) => setDraft((before) => ({ ...before, text: next }))}
            marks={marks}
          />
          {read.fault !== null && (
            <p className="row small">
              <Button look="quiet" onClick={() => goTo(read.fault?.line ?? 1)}>
                Line {read.fault.line}
              </Button>
              <Foreign>{read.fault.message}</Foreign>
            </p>
          )}
          {formFault !== null && <p role="alert">{formFault}</p>}
        </section>
        <VerdictSide
          {...{ clientId, reportId, isSameText, check, lineOf: read.lineOf, goTo }}
          isReadable={read.plan !== null}
          options={options}
          onOptions={setOptions}
        />
      </div>
      <Section title="Earlier checks">
        <Reports clientId={clientId} currentId={reportId} onOpen={(plan) => setDraft(plan)} />
      </Section>
      <NewObjectDialog
        open={form === 'object'}
        onClose={() => setForm(null)}
        onAdd={(object) => change((before) => addObject(before, object))}
      />
      <NewFieldDialog
        open={form === 'field'}
        onClose={() => setForm(null)}
        clientId={clientId}
        object={objects.at(-1)?.api_name ?? 'Lead'}
        onAdd={(object, field) => change((before) => addField(before, object, field))}
      />
    </Page>
  )
}

type CheckOptions = Pick<ConflictsCheckRequest, 'refresh' | 'validate_in_salesforce'>

interface VerdictProps {
  clientId: string
  reportId: string | undefined
  isSameText: boolean
  isReadable: boolean
  check: Pick<UseMutationResult, 'isPending' | 'error'> & { mutate: () => void }
  options: CheckOptions
  onOptions: (options: CheckOptions) => void
  lineOf: (path: string) => number
  goTo: (line: number) => void
}

const VerdictSide = ({
  clientId,
  reportId,
  isSameText,
  isReadable,
  check,
  options,
  onOptions,
  lineOf,
  goTo,
}: VerdictProps) => (
  <section className="plan-side" aria-label="The verdict">
    <div className="plan-check">
      <Button
        look="primary"
        pending={check.isPending}
        disabled={!isReadable}
        onClick={() => check.mutate()}
      >
        Check the plan
      </Button>
      <Checkbox
        label="Read the schema first"
        checked={options.refresh === true}
        onChange={({ target }) => onOptions({ ...options, refresh: target.checked })}
      />
      <Checkbox
        label="Let Salesforce validate it too"
        checked={options.validate_in_salesforce === true}
        onChange={({ target }) => onOptions({ ...options, validate_in_salesforce: target.checked })}
      />
    </div>
    {check.error !== null && <Refusal error={check.error} lineOf={lineOf} onGoTo={goTo} />}
    {reportId === undefined ? (
      <Empty title="Not checked yet">
        <p>
          A check compares the plan with the Salesforce org and changes nothing there. It says what
          would happen, component by component.
        </p>
      </Empty>
    ) : (
      <Report
        key={reportId}
        {...{ clientId, reportId, isSameText }}
        lineOf={lineOf}
        onGoTo={goTo}
      />
    )}
  </section>
)

/** Marks of the report's findings, of what the API refused, and of what cannot be read. */
const useMarks = (
  reportId: string | undefined,
  refusal: unknown,
  { fault, lineOf }: ReturnType<typeof readPlanText>,
): LineMark[] => {
  // What `useWork` of the report keeps.
  const { data: report } = useQuery<ConflictReport>({
    queryKey: ['work', 'report', reportId],
    enabled: false,
  })
  return useMemo(() => {
    if (fault !== null) return [{ line: fault.line, tone: 'fault' }]
    if (refusal !== null) {
      return membersOf(refusal).map(({ path }) => ({ line: lineOf(path), tone: 'fault' }))
    }
    return (reportId === undefined ? [] : (report?.findings ?? [])).flatMap(({ severity, path }) =>
      severity === 'green' ? [] : [{ line: lineOf(path), tone: severity }],
    )
  }, [report, reportId, refusal, fault, lineOf])
}

/** The members of the plan that the API refused, by their paths in the plan. */
const membersOf = (error: unknown): { path: string; message: string }[] =>
  error instanceof ApiError
    ? error.errors.flatMap(({ path, message }) =>
        /^plan(\.|$)/.test(path) ? [{ path: path.replace(/^plan\.?/, ''), message }] : [],
      )
    : []

const Refusal = ({
  error,
  lineOf,
  onGoTo,
}: {
  error: unknown
  lineOf: (path: string) => number
  onGoTo: (line: number) => void
}) => {
  const members = membersOf(error)
  if (members.length === 0) return <Problem error={error} />
  return (
    <section className="problem" role="alert">
      <p className="problem-message">
        The plan has {members.length === 1 ? 'a mistake' : 'mistakes'}.
      </p>
      <ul className="problem-members">
        {members.map(({ path, message }) => (
          <li key={`${path} ${message}`} className="row">
            <Button look="quiet" onClick={() => onGoTo(lineOf(path))}>
              Line {lineOf(path)}
            </Button>
            <Foreign>{message}</Foreign>
          </li>
        ))}
      </ul>
    </section>
  )
}

const ExampleSelect = ({ onChoose }: { onChoose: (text: string) => void }) => (
  <Select
    label="Start from an example"
    hideLabel
    value=""
    onChange={(name) => {
      const example = EXAMPLES.find((one) => one.name === name)
      if (example !== undefined) onChoose(example.text)
    }}
    options={[
      { value: '', label: 'Start from an example' },
      ...EXAMPLES.map(({ name }) => ({ value: name, label: name })),
    ]}
  />
)
