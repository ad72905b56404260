import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import {
  type Blueprint,
  type BlueprintBinding,
  type BlueprintParameter,
} from '@sfdc-engine-x/client'
import { engine } from '../../api/engine.ts'
import { useList } from '../../api/queries.ts'
import { useMay } from '../../api/session.ts'
import { ClientName } from '../../app/names.tsx'
import { NOTHING_SELECTED, type Selection, selectorOf } from '../../app/selection.ts'
import { SelectionFields } from '../../app/selection-fields.tsx'
import { Button } from '../../ui/button.tsx'
import { type Column } from '../../ui/data-table.tsx'
import { ConfirmSimply } from '../../ui/dialog.tsx'
import { Select, TextField } from '../../ui/field.tsx'
import { List } from '../../ui/list.tsx'
import { Empty } from '../../ui/states.tsx'
import { Absent, counted, Foreign, RelativeTime } from '../../ui/text.tsx'
import { useToast } from '../../ui/toast.tsx'
import { parameterValuesOf, typedValue } from './parameters.ts'

const columnsOf = (
  remove: ((binding: BlueprintBinding) => void) | null,
): readonly Column<BlueprintBinding>[] => [
  {
    id: 'client',
    header: 'Client',
    width: 'minmax(9rem, 1.5fr)',
    cell: ({ client_id: id }) => <ClientName id={id} />,
  },
  {
    id: 'version',
    header: 'Version',
    width: '7rem',
    cell: ({ pinned_version: pinned }) => (pinned === null ? 'the newest' : `stays at ${pinned}`),
  },
  {
    id: 'parameters',
    header: 'Parameters',
    width: 'minmax(8rem, 2fr)',
    wideOnly: true,
    cell: ({ parameters }) => {
      const pairs = Object.entries(parameters)
      return pairs.length === 0 ? (
        <Absent />
      ) : (
        <Foreign>
          {pairs.map(([name, value]) => `${name}: ${typedValue(value)}`).join('; ')}
        </Foreign>
      )
    },
  },
  {
    id: 'overrides',
    header: 'Accepted differences',
    width: '10rem',
    align: 'end',
    wideOnly: true,
    cell: ({ overrides }) => (overrides.length === 0 ? <Absent /> : overrides.length),
  },
  {
    id: 'at',
    header: 'Changed',
    width: '7rem',
    wideOnly: true,
    cell: ({ updated_at: at }) => <RelativeTime at={at} />,
  },
  ...(remove === null
    ? []
    : [
        {
          id: 'remove',
          header: 'Action',
          width: '5.5rem',
          cell: (binding: BlueprintBinding) => (
            <button type="button" className="link" onClick={() => remove(binding)}>
              Release
            </button>
          ),
        },
      ]),
]

export const Bindings = ({ blueprint }: { blueprint: Blueprint }) => {
  const { id, latest_version: latest, is_archived: archived } = blueprint
  const mayWrite = useMay('fleet.write')
  const queryClient = useQueryClient()
  const [isBinding, setBinding] = useState(false)
  const [released, setReleased] = useState<BlueprintBinding | null>(null)
  const list = useList(['blueprints', id, 'bindings'], (page, options) =>
    engine.blueprints.bindingsList({ blueprint_id: id, ...page }, options),
  )
  return (
    <>
      {mayWrite && !archived && (
        <div className="row">
          <Button onClick={() => setBinding(true)}>Bind clients</Button>
        </div>
      )}
      <List
        query={list}
        label="Bound clients"
        columns={columnsOf(mayWrite ? setReleased : null)}
        rowKey={(binding) => binding.id}
        empty={
          <Empty title="No client is bound">
            <p>
              A bound client should stand at this blueprint: rollouts and drift know it, and its
              values for the parameters.
            </p>
          </Empty>
        }
      />
      <BindClients
        blueprintId={id}
        latest={latest}
        open={isBinding}
        onClose={() => setBinding(false)}
      />
      <ConfirmSimply
        open={released !== null}
        onClose={() => setReleased(null)}
        action="Release the client"
        onConfirm={async () => {
          if (released === null) return
          await engine.blueprints.bindingsRemove({
            blueprint_id: id,
            client_ids: [released.client_id],
          })
          await queryClient.invalidateQueries({ queryKey: ['blueprints', id] })
        }}
      >
        <p>
          <ClientName id={released?.client_id ?? null} /> is no longer asked to stand at the
          blueprint. Nothing changes in its Salesforce org.
        </p>
      </ConfirmSimply>
    </>
  )
}

interface BindProps {
  blueprintId: string
  latest: number
  open: boolean
  onClose: () => void
}

const BindClients = ({ blueprintId, latest, open, onClose }: BindProps) => {
  const queryClient = useQueryClient()
  const { say } = useToast()
  const [selection, setSelection] = useState<Selection>({ ...NOTHING_SELECTED, by: 'clients' })
  const [pinned, setPinned] = useState('')
  const [typed, setTyped] = useState<Readonly<Record<string, string>>>({})
  const version = useQuery({
    queryKey: ['blueprints', blueprintId, 'version', latest],
    queryFn: ({ signal }) =>
      engine.blueprints.versionsGet({ blueprint_id: blueprintId, version: latest }, { signal }),
    enabled: open && latest > 0,
  })
  const declared = version.data?.parameters ?? []
  const bind = async () => {
    const values = parameterValuesOf(declared, typed)
    const { created, updated } = await engine.blueprints.bindingsSet({
      blueprint_id: blueprintId,
      selector: selectorOf(selection, blueprintId),
      ...(Object.keys(values).length === 0 ? {} : { parameters: values }),
      pinned_version: pinned === '' ? null : Number(pinned),
    })
    await queryClient.invalidateQueries({ queryKey: ['blueprints', blueprintId] })
    say(`${counted(created, 'client')} bound, ${counted(updated, 'binding')} changed.`)
  }
  return (
    <ConfirmSimply open={open} onClose={onClose} action="Bind" onConfirm={bind}>
      <SelectionFields
        value={selection}
        onChange={setSelection}
        kinds={['clients', 'tags', 'all']}
        error={null}
      />
      {latest > 0 && (
        <Select
          label="Version"
          options={[
            { value: '', label: 'Always the newest' },
            ...Array.from({ length: latest }, (_, at) => ({
              value: String(latest - at),
              label: `Stays at version ${latest - at}`,
            })),
          ]}
          value={pinned}
          onChange={setPinned}
        />
      )}
      {declared.map((parameter) => (
        <TextField
          key={parameter.name}
          label={parameter.name}
          hint={hintOf(parameter)}
          value={typed[parameter.name] ?? ''}
          onChange={({ target }) => setTyped({ ...typed, [parameter.name]: target.value })}
        />
      ))}
    </ConfirmSimply>
  )
}

const hintOf = ({ description, type, required, ...more }: BlueprintParameter): string => {
  const form = type === 'list' ? 'a list, separated by commas' : type
  const otherwise =
    more.default !== undefined
      ? `; if empty: ${typedValue(more.default)}`
      : required
        ? ''
        : ', optional'
  return `${description === undefined ? '' : `${description} `}(${form}${otherwise})`
}
