// One mapping: its fields, what is wrong with them according to the newest schema, and suggestions.

import { useMutation, type UseMutationResult, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import {
  ApiError,
  type CheckedMapping,
  type Mapping,
  type MappingFinding,
  type MappingsValidateResponse,
} from '@sfdc-engine-x/client'
import { engine } from '../../api/engine.ts'
import { clientKey } from '../../api/queries.ts'
import { useMay } from '../../api/session.ts'
import { ObjectField } from '../../app/object-field.tsx'
import { useDraft } from '../../app/use-draft.ts'
import { Button } from '../../ui/button.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { Checkbox, TextField } from '../../ui/field.tsx'
import { Page, Section } from '../../ui/layout.tsx'
import { Problem } from '../../ui/states.tsx'
import { count, counted, Foreign } from '../../ui/text.tsx'
import { useToast } from '../../ui/toast.tsx'
import { bodyOf, type Draft, draftOf, EMPTY } from './draft.ts'
import { Fields } from './fields.tsx'
import { type FieldFinding, Findings } from './findings.tsx'
import { Suggestions } from './suggestions.tsx'

interface Props {
  clientId: string
  /** Null: a new one. */
  mapping: Mapping | null
}

export const Editor = ({ clientId, mapping }: Props) => {
  const mayWrite = useMay('push.write')
  const queryClient = useQueryClient()
  const navigate = useNavigate()
  const { say } = useToast()
  const stored = mapping === null ? EMPTY : draftOf(mapping)
  const [draft, setDraft] = useDraft<Draft>(
    clientKey(clientId, 'mapping draft', mapping?.id ?? 'new', mapping?.version ?? 0),
    () => stored,
  )
  const [allowBroken, setAllowBroken] = useState(false)
  const body = bodyOf(draft)
  const name = JSON.stringify(body)
  const isChanged = name !== JSON.stringify(bodyOf(stored))

  const validation = useMutation({
    mutationFn: async () => ({
      ...(await engine.mappings.validate({ client_id: clientId, mapping: body })),
      of: name,
    }),
  })
  const save = useMutation({
    mutationFn: (): Promise<CheckedMapping> => {
      const { canonical_object, ...rest } = body
      const more = allowBroken ? { allow_broken: true } : {}
      return mapping === null
        ? engine.mappings.create({ client_id: clientId, canonical_object, ...rest, ...more })
        : engine.mappings.update({ mapping_id: mapping.id, ...rest, ...more })
    },
    onSuccess: async (saved) => {
      say(
        `Saved as version ${saved.version}${saved.warnings.length === 0 ? '' : `, with ${counted(saved.warnings.length, 'finding')}`}.`,
      )
      setDraft(stored)
      // Not after the answers of what is read again: somebody may have gone elsewhere by then.
      await navigate({
        to: '/clients/$clientId/mappings',
        params: { clientId },
        search: { mapping: saved.id },
      })
      void queryClient.invalidateQueries({ queryKey: clientKey(clientId) })
    },
  })
  const findings: readonly MappingFinding[] | null =
    validation.data?.of === name ? validation.data.findings : null
  const isRefused = save.error instanceof ApiError && save.error.code === 'invalid_mapping'
  return (
    <Page
      title={mapping === null ? 'New mapping' : <Foreign>{mapping.canonical_object}</Foreign>}
      lead={mapping === null ? undefined : `Version ${count(mapping.version)}`}
      actions={
        <>
          <Link className="button" to="/clients/$clientId/mappings" params={{ clientId }}>
            All mappings
          </Link>
          {mapping !== null && mayWrite && <DeleteMapping mapping={mapping} />}
        </>
      }
    >
      <Head clientId={clientId} draft={draft} isNew={mapping === null} onChange={setDraft} />
      <Section title={`Fields (${count(draft.fields.length)})`}>
        <Fields
          clientId={clientId}
          draft={draft}
          onChange={setDraft}
          findings={[...(findings ?? []), ...refusalsIn(validation.error ?? save.error)]}
        />
      </Section>
      <Fit validation={validation} findings={findings} canRun={draft.fields.length > 0} />
      {mayWrite && (
        <div className="stack">
          {save.error !== null && <Problem error={save.error} />}
          {isRefused && (
            <Checkbox
              label="Save it although pushes with it would fail"
              hint="For fields that are deployed later."
              checked={allowBroken}
              onChange={({ target }) => setAllowBroken(target.checked)}
            />
          )}
          <div className="row">
            <Button
              look="primary"
              pending={save.isPending}
              disabled={!isChanged}
              onClick={() => save.mutate()}
            >
              {mapping === null ? 'Save the mapping' : 'Save as a new version'}
            </Button>
            {isChanged && (
              <Button look="quiet" onClick={() => setDraft(stored)}>
                Discard the changes
              </Button>
            )}
          </div>
        </div>
      )}
      <Section title="Suggestions">
        <Suggestions clientId={clientId} draft={draft} onChange={setDraft} />
      </Section>
    </Page>
  )
}

interface HeadProps {
  clientId: string
  draft: Draft
  isNew: boolean
  onChange: (draft: Draft) => void
}

const Head = ({ clientId, draft, isNew, onChange }: HeadProps) => {
  const set = (change: Partial<Draft>) => onChange({ ...draft, ...change })
  return (
    <div className="mapping-head">
      <TextField
        label="Your object"
        hint="As your own data names it: lead, job_posting"
        value={draft.canonical_object}
        disabled={!isNew}
        onChange={({ target }) => set({ canonical_object: target.value })}
      />
      <ObjectField
        clientId={clientId}
        label="Salesforce object"
        hint="API name"
        value={draft.sfdc_object}
        onChange={(value) => set({ sfdc_object: value })}
      />
      <TextField
        label="Records are found by"
        hint="A field of the Salesforce object that is an external id"
        value={draft.external_id_field}
        onChange={({ target }) => set({ external_id_field: target.value })}
      />
    </div>
  )
}

type Validation = UseMutationResult<MappingsValidateResponse & { of: string }, Error, void>

/** What the newest schema says against the mapping; findings are null where the draft has changed since. */
const Fit = ({
  validation,
  findings,
  canRun,
}: {
  validation: Validation
  findings: readonly MappingFinding[] | null
  canRun: boolean
}) => (
  <Section title="Does it fit the schema?">
    <div className="row">
      <Button pending={validation.isPending} disabled={!canRun} onClick={() => validation.mutate()}>
        Validate
      </Button>
      {findings !== null && (
        <span role="status">
          {validation.data?.valid === true
            ? `It fits version ${validation.data.snapshot_version} of the schema.`
            : `It does not fit version ${validation.data?.snapshot_version ?? ''} of the schema.`}
        </span>
      )}
    </div>
    {validation.error !== null && <Problem error={validation.error} />}
    {findings !== null && <Findings findings={findings} />}
  </Section>
)

/** What the API refused about single fields, so that it stands at them too. */
const refusalsIn = (error: unknown): FieldFinding[] =>
  error instanceof ApiError
    ? error.errors.map(({ path, code, message }) => ({
        severity: 'error',
        code,
        path: path.replace(/^mapping\./, ''),
        message,
        remedy: '',
      }))
    : []

const DeleteMapping = ({ mapping }: { mapping: Mapping }) => {
  const { id, client_id: clientId, canonical_object: name } = mapping
  const [isAsking, setAsking] = useState(false)
  const queryClient = useQueryClient()
  const navigate = useNavigate()
  const remove = useMutation({
    mutationFn: () => engine.mappings.delete({ mapping_id: id }),
    onSuccess: async () => {
      await navigate({ to: '/clients/$clientId/mappings', params: { clientId } })
      await queryClient.invalidateQueries({ queryKey: clientKey(clientId) })
    },
  })
  return (
    <>
      <Button onClick={() => setAsking(true)}>Delete</Button>
      <Dialog open={isAsking} onClose={() => setAsking(false)} title="Delete the mapping">
        <p>
          Pushes of <Foreign>{name}</Foreign> are no longer possible for this client. What was
          pushed stays in Salesforce; pushes that run end with this version.
        </p>
        {remove.error !== null && <Problem error={remove.error} />}
        <div className="row end">
          <Button onClick={() => setAsking(false)}>Keep it</Button>
          <Button look="primary" pending={remove.isPending} onClick={() => remove.mutate()}>
            Delete the mapping
          </Button>
        </div>
      </Dialog>
    </>
  )
}
