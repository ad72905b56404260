// A file becomes a push: mapping and file, its columns, a dry run that says what would happen, and the push.

import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { useState } from 'react'
import { type Mapping } from '@sfdc-engine-x/client'
import { engine } from '../../api/engine.ts'
import { clientKey } from '../../api/queries.ts'
import { useMay } from '../../api/session.ts'
import { openRowsFile, type RowsFile } from '../../app/rows-file.ts'
import { Field, Select } from '../../ui/field.tsx'
import { Page, Section } from '../../ui/layout.tsx'
import { Empty, Forbidden, Loaded, Loading, NotFound } from '../../ui/states.tsx'
import { assign, type Assignment } from './columns.ts'
import { Columns } from './columns.tsx'
import { Sending } from './sending.tsx'
import './new-push.css'

const route = getRouteApi('/_app/clients/$clientId/pushes/new')

export const Screen = () => {
  const { clientId } = route.useParams()
  const may = useMay('push.write')
  const mappings = useQuery({
    queryKey: clientKey(clientId, 'mappings', 'all'),
    queryFn: async ({ signal }) => {
      const found: Mapping[] = []
      for await (const one of engine.mappings.list({ client_id: clientId }, { signal })) {
        found.push(one)
      }
      return found
    },
    enabled: may,
  })
  if (!may) return <Forbidden />
  return (
    <Page title="Push a file" lead="Rows of a CSV or NDJSON file become records in Salesforce.">
      <Loaded query={mappings}>
        {(all) => {
          const usable = all.filter((one) => one.is_active && one.external_id_field !== null)
          return usable.length === 0 ? (
            <NoMapping clientId={clientId} />
          ) : (
            <Steps clientId={clientId} mappings={usable} />
          )
        }}
      </Loaded>
    </Page>
  )
}

const NoMapping = ({ clientId }: { clientId: string }) => (
  <Empty title="There is no mapping yet">
    <p>
      A mapping says to which field of Salesforce each column goes, and by which one a record is
      found again.
    </p>
    <p>
      <Link className="button primary" to="/clients/$clientId/mappings" params={{ clientId }}>
        Create a mapping
      </Link>
    </p>
  </Empty>
)

interface Chosen {
  file: RowsFile
  /** Counts the files that were chosen: the same name may be a different file. */
  number: number
}

const Steps = ({ clientId, mappings }: { clientId: string; mappings: readonly Mapping[] }) => {
  const { object } = route.useSearch()
  const navigate = route.useNavigate()
  const [chosen, setChosen] = useState<Chosen | null>(null)
  const [fault, setFault] = useState<string | null>(null)
  const [isReading, setReading] = useState(false)
  const mapping = mappings.find(({ canonical_object: name }) => name === object)
  const first = mappings[0]
  if (object !== undefined && mapping === undefined) return <NotFound />
  const used = mapping ?? first
  if (used === undefined) return null
  const open = async (file: File) => {
    setFault(null)
    setReading(true)
    try {
      const opened = await openRowsFile(file)
      setChosen((before) => ({ file: opened, number: (before?.number ?? 0) + 1 }))
    } catch (error) {
      setChosen(null)
      setFault(error instanceof Error ? error.message : String(error))
    } finally {
      setReading(false)
    }
  }
  return (
    <>
      <div className="new-push-choice">
        <Select
          label="Mapping"
          value={used.canonical_object}
          options={mappings.map(({ canonical_object: name, sfdc_object: to }) => ({
            value: name,
            label: `${name} → ${to}`,
          }))}
          onChange={(name) => void navigate({ search: { object: name }, replace: true })}
        />
        <Field
          label="File"
          hint="CSV with a header, or one JSON object a line. It is read here, a piece at a time."
          error={fault}
        >
          {(tied) => (
            <input
              {...tied}
              className="input new-push-file"
              type="file"
              accept=".csv,.tsv,.txt,.ndjson,.jsonl"
              onChange={({ target }) => {
                const [file] = target.files ?? []
                if (file !== undefined) void open(file)
              }}
            />
          )}
        </Field>
      </div>
      {isReading && <Loading label="Reading the file" lines={3} />}
      {chosen !== null && !isReading && (
        <Mapped
          key={`${chosen.number} ${used.id} ${used.version}`}
          clientId={clientId}
          mapping={used}
          file={chosen.file}
        />
      )}
    </>
  )
}

const Mapped = ({
  clientId,
  mapping,
  file,
}: {
  clientId: string
  mapping: Mapping
  file: RowsFile
}) => {
  const [assignment, setAssignment] = useState<Assignment>(() =>
    assign(file.columns, mapping.fields),
  )
  return (
    <>
      <Section title="Columns">
        <Columns
          file={file}
          fields={mapping.fields}
          assignment={assignment}
          onChange={setAssignment}
        />
      </Section>
      <Sending clientId={clientId} mapping={mapping} file={file} assignment={assignment} />
    </>
  )
}
