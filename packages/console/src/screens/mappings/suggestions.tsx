// Proposals for fields by their names, with the reasons; a file brings values along, which make them better.

import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { type CanonicalField, type MappingSuggestion } from '@sfdc-engine-x/client'
import { engine } from '../../api/engine.ts'
import { openRowsFile, OWN_COLUMNS, type RowsFile } from '../../app/rows-file.ts'
import { Button } from '../../ui/button.tsx'
import { Field, TextArea } from '../../ui/field.tsx'
import { Problem } from '../../ui/states.tsx'
import { counted, Foreign } from '../../ui/text.tsx'
import { canonicalName, type Draft, namesIn, takeProposal, takeSuggestion } from './draft.ts'

interface Props {
  clientId: string
  draft: Draft
  onChange: (draft: Draft) => void
}

const SAMPLES = 20
const PERCENT = new Intl.NumberFormat(undefined, { style: 'percent' })

export const Suggestions = ({ clientId, draft, onChange }: Props) => {
  const [names, setNames] = useState(() =>
    draft.fields.map(({ canonical_field: name }) => name).join('\n'),
  )
  const [file, setFile] = useState<RowsFile | null>(null)
  const [fault, setFault] = useState<string | null>(null)
  const suggest = useMutation({
    mutationFn: () =>
      engine.mappings.suggest({
        client_id: clientId,
        canonical_object: draft.canonical_object.trim(),
        canonical_fields: namesIn(names).map((name): CanonicalField => described(name, file)),
        ...(draft.sfdc_object.trim() === '' ? {} : { sfdc_object: draft.sfdc_object.trim() }),
      }),
  })
  const read = async (chosen: File) => {
    setFault(null)
    try {
      const opened = await openRowsFile(chosen)
      setFile(opened)
      setNames(opened.columns.filter((column) => !OWN_COLUMNS.includes(column)).join('\n'))
    } catch (error) {
      setFault(error instanceof Error ? error.message : String(error))
    }
  }
  const isReady = draft.canonical_object.trim() !== '' && namesIn(names).length > 0
  return (
    <>
      <div className="mapping-suggest">
        <TextArea
          label="Names of your fields"
          hint="One a line, or the header of your file"
          value={names}
          onChange={({ target }) => setNames(target.value)}
        />
        <Field
          label="Or a file of yours"
          hint="Its first rows show what the fields hold; only some values are sent to the server."
          error={fault}
        >
          {(tied) => (
            <input
              {...tied}
              className="input"
              type="file"
              accept=".csv,.tsv,.txt,.ndjson,.jsonl"
              onChange={({ target }) => {
                const [chosen] = target.files ?? []
                if (chosen !== undefined) void read(chosen)
              }}
            />
          )}
        </Field>
      </div>
      <div className="row">
        <Button pending={suggest.isPending} disabled={!isReady} onClick={() => suggest.mutate()}>
          Suggest fields
        </Button>
        {draft.canonical_object.trim() === '' && (
          <span className="muted small">Name your object first.</span>
        )}
      </div>
      {suggest.error !== null && <Problem error={suggest.error} />}
      {suggest.data !== undefined && (
        <Proposals suggestion={suggest.data} draft={draft} onChange={onChange} />
      )}
    </>
  )
}

/** A field with values of the file, where it is a column of it. */
const described = (name: string, file: RowsFile | null): CanonicalField => {
  const column = file?.columns.find((one) => canonicalName(one) === name) ?? name
  const values = (file?.sample ?? []).flatMap((row) => {
    const value = row[column]
    const isPlain = ['string', 'number', 'boolean'].includes(typeof value)
    return isPlain ? [value as string | number | boolean] : []
  })
  return values.length === 0
    ? name
    : { name, sample_values: [...new Set(values)].slice(0, SAMPLES) }
}

const Proposals = ({
  suggestion,
  draft,
  onChange,
}: Omit<Props, 'clientId'> & { suggestion: MappingSuggestion }) => {
  const { sfdc_object: object, objects, fields, draft: proposed } = suggestion
  const taken = new Map(draft.fields.map((field) => [field.canonical_field, field.sfdc_field]))
  const reasons = objects.find(({ api_name: name }) => name === object)?.reasons ?? []
  return (
    <div className="stack" role="region" aria-label="Proposals">
      {object === null ? (
        <p>No object of the schema seems to match. Write the Salesforce object above.</p>
      ) : (
        <div className="row">
          <span>
            For <Foreign mono>{object}</Foreign>
          </span>
          <span className="muted small">
            {reasons.map(({ message }) => (
              <Foreign key={message}>{`${message} `}</Foreign>
            ))}
          </span>
        </div>
      )}
      {proposed !== null && (
        <div className="row">
          <Button look="primary" onClick={() => onChange(takeSuggestion(draft, suggestion))}>
            Take {counted(proposed.fields.length, 'proposal')} of 60 % or more
          </Button>
        </div>
      )}
      <Keys suggestion={suggestion} draft={draft} onChange={onChange} />
      {suggestion.required_unmapped.length > 0 && (
        <p role="status">
          Salesforce requires these too, and nothing of yours seems to fill them:{' '}
          {suggestion.required_unmapped.map(({ sfdc_field: name }) => (
            <Foreign key={name} mono>{`${name} `}</Foreign>
          ))}
        </p>
      )}
      <ul className="mapping-proposals">
        {fields.map(({ canonical_field: name, proposals }) => (
          <li key={name}>
            <Foreign>{name}</Foreign>
            {proposals.length === 0 ? (
              <span className="muted small">Nothing seems to match.</span>
            ) : (
              <ul>
                {proposals.map((proposal) => {
                  const isTaken = taken.get(name) === proposal.sfdc_field
                  return (
                    <li key={proposal.sfdc_field}>
                      <span className="number">{PERCENT.format(proposal.score)}</span>
                      <div>
                        <p>
                          <Foreign mono>{proposal.sfdc_field}</Foreign>{' '}
                          <span className="muted small">
                            <Foreign>{proposal.label}</Foreign>, {proposal.type}
                            {proposal.required && ', required'}
                          </span>
                        </p>
                        <p className="muted small">
                          {proposal.reasons.map(({ message }) => (
                            <Foreign key={message}>{`${message} `}</Foreign>
                          ))}
                        </p>
                      </div>
                      {isTaken ? (
                        <span className="muted small">Taken</span>
                      ) : (
                        <Button
                          look="quiet"
                          aria-label={`Take ${proposal.sfdc_field} for ${name}`}
                          onClick={() => onChange(takeProposal(draft, name, proposal))}
                        >
                          Take
                        </Button>
                      )}
                    </li>
                  )
                })}
              </ul>
            )}
          </li>
        ))}
      </ul>
    </div>
  )
}

/** Fields by which records could be found again. */
const Keys = ({
  suggestion,
  draft,
  onChange,
}: Omit<Props, 'clientId'> & { suggestion: MappingSuggestion }) =>
  suggestion.external_ids.length === 0 ? null : (
    <ul className="mapping-proposals" aria-label="Fields that find a record">
      <li>
        <span>Records are found by</span>
        <ul>
          {suggestion.external_ids.map(({ sfdc_field: name, label, score, unique, reasons }) => (
            <li key={name}>
              <span className="number">{PERCENT.format(score)}</span>
              <div>
                <p>
                  <Foreign mono>{name}</Foreign>{' '}
                  <span className="muted small">
                    <Foreign>{label}</Foreign>
                    {!unique && ', not unique'}
                  </span>
                </p>
                <p className="muted small">
                  {reasons.map(({ message }) => (
                    <Foreign key={message}>{`${message} `}</Foreign>
                  ))}
                </p>
              </div>
              {draft.external_id_field === name ? (
                <span className="muted small">Taken</span>
              ) : (
                <Button
                  look="quiet"
                  aria-label={`Take ${name} to find records by`}
                  onClick={() => onChange({ ...draft, external_id_field: name })}
                >
                  Take
                </Button>
              )}
            </li>
          ))}
        </ul>
      </li>
    </ul>
  )
