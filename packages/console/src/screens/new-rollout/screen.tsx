import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import { type Blueprint, type RolloutPart } from '@sfdc-engine-x/client'
import { everything } from '../../api/directory.ts'
import { engine } from '../../api/engine.ts'
import {
  NOTHING_SELECTED,
  type Selection,
  selectionError,
  selectorOf,
} from '../../app/selection.ts'
import { allowed } from '../../app/allowed.tsx'
import { SelectionFields } from '../../app/selection-fields.tsx'
import { Button } from '../../ui/button.tsx'
import { Select, TextField } from '../../ui/field.tsx'
import { Page, Section } from '../../ui/layout.tsx'
import { Empty, Loaded, Problem } from '../../ui/states.tsx'
import { AS_EVER, type StrategyDraft, strategyError, strategyOf } from './strategy.ts'
import { StrategyFields } from './strategy-fields.tsx'
import { CANARY_FIRST, type WaveDraft, waveErrors, withOneMore } from './waves.ts'
import { WaveFields } from './wave-fields.tsx'
import './new-rollout.css'

const route = getRouteApi('/_app/fleet/rollouts/new')

export const Screen = allowed('fleet.write', () => {
  const blueprints = useQuery({
    queryKey: ['blueprints', 'all'],
    queryFn: ({ signal }) => everything(engine.blueprints.list({ limit: 200 }, { signal })),
  })
  return (
    <Page title="New rollout" lead="Nothing is sent yet: next, every client is checked.">
      <Loaded query={blueprints}>
        {(all) => {
          const usable = all.filter(({ latest_version: latest }) => latest > 0)
          return usable.length === 0 ? (
            <Empty title="There is nothing to roll out yet">
              <p>
                Create a <Link to="/fleet/blueprints">blueprint</Link> and its first version.
              </p>
            </Empty>
          ) : (
            <Form blueprints={usable} />
          )
        }}
      </Loaded>
    </Page>
  )
})

const PARTS = [
  { value: 'plan', label: 'Its plan' },
  { value: 'workflows', label: 'Its automations' },
] as const

const Form = ({ blueprints }: { blueprints: readonly Blueprint[] }) => {
  const search = route.useSearch()
  const navigate = useNavigate()
  const queryClient = useQueryClient()
  const [name, setName] = useState('')
  const [blueprintId, setBlueprintId] = useState(search.blueprint ?? blueprints[0]?.id ?? '')
  const [typedVersion, setVersion] = useState(search.version ?? 0)
  const [part, setPart] = useState<RolloutPart>('plan')
  const [selection, setSelection] = useState<Selection>({
    ...NOTHING_SELECTED,
    by: search.to ?? 'bound',
  })
  const [waves, setWaves] = useState<readonly WaveDraft[]>(CANARY_FIRST)
  const [strategy, setStrategy] = useState<StrategyDraft>(AS_EVER)
  const [isSent, setSent] = useState(false)

  const blueprint = blueprints.find(({ id }) => id === blueprintId)
  const latest = blueprint?.latest_version ?? 1
  const version = typedVersion === 0 ? latest : Math.min(typedVersion, latest)
  const content = useQuery({
    queryKey: ['blueprints', blueprintId, 'version', version],
    queryFn: ({ signal }) =>
      engine.blueprints.versionsGet({ blueprint_id: blueprintId, version }, { signal }),
    enabled: blueprint !== undefined,
  })
  const hasBoth = content.data?.plan !== undefined && content.data.workflows !== undefined

  const create = useMutation({
    mutationFn: () =>
      engine.fleet.rolloutsCreate({
        ...(name.trim() === '' ? {} : { name: name.trim() }),
        blueprint_id: blueprintId,
        version,
        ...(hasBoth ? { part } : {}),
        targets: selectorOf(selection, blueprintId),
        strategy: strategyOf(strategy, waves, blueprintId),
      }),
    onSuccess: async ({ id }) => {
      await queryClient.invalidateQueries({ queryKey: ['rollouts'] })
      await navigate({ to: '/fleet/rollouts/$rolloutId', params: { rolloutId: id } })
    },
  })
  const wrongClients = selectionError(selection)
  const wrongWaves = waveErrors(waves)
  const wrongStrategy = strategyError(strategy)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    setSent(true)
    if (wrongClients === null && wrongWaves.size === 0 && wrongStrategy === null) create.mutate()
  }
  return (
    <form className="stack" onSubmit={submit} noValidate>
      <Section title="What">
        <div className="fields">
          <Version
            blueprints={blueprints}
            blueprintId={blueprintId}
            version={version}
            latest={latest}
            onChange={(id, chosen) => {
              setBlueprintId(id)
              setVersion(chosen)
            }}
          />
          {hasBoth && (
            <Select
              label="Of the version"
              hint="It has both; each goes in a rollout of its own."
              options={PARTS}
              value={part}
              onChange={setPart}
            />
          )}
          <TextField
            label="Name of the rollout"
            placeholder="optional"
            value={name}
            maxLength={120}
            onChange={({ target }) => setName(target.value)}
          />
        </div>
      </Section>
      <Section title="To whom">
        <SelectionFields
          value={selection}
          onChange={setSelection}
          kinds={['bound', 'drifted', 'tags', 'clients', 'all']}
          error={isSent ? wrongClients : null}
        />
        <p className="muted small">
          The list of clients is frozen now: later changes do not count.
        </p>
      </Section>
      <Section
        title="In which waves"
        actions={<Button onClick={() => setWaves(withOneMore(waves))}>Add a wave</Button>}
      >
        <Waves waves={waves} errors={isSent ? wrongWaves : NO_ERRORS} onChange={setWaves} />
      </Section>
      <Section title="How">
        <StrategyFields
          draft={strategy}
          error={isSent ? wrongStrategy : null}
          onChange={setStrategy}
        />
      </Section>
      {create.error !== null && <Problem error={create.error} />}
      <div className="row">
        <Button look="primary" type="submit" pending={create.isPending}>
          Create the rollout
        </Button>
        <Link to="/fleet/rollouts" className="button">
          Cancel
        </Link>
      </div>
    </form>
  )
}

const NO_ERRORS: ReturnType<typeof waveErrors> = new Map()

const Waves = ({
  waves,
  errors,
  onChange,
}: {
  waves: readonly WaveDraft[]
  errors: ReturnType<typeof waveErrors>
  onChange: (waves: readonly WaveDraft[]) => void
}) => (
  <>
    {waves.map((wave, at) => (
      <WaveFields
        key={wave.key}
        wave={wave}
        position={at + 1}
        error={errors.get(wave.key) ?? null}
        onChange={(changed) => onChange(waves.map((one) => (one.key === wave.key ? changed : one)))}
        onRemove={
          waves.length === 1 ? null : () => onChange(waves.filter(({ key }) => key !== wave.key))
        }
      />
    ))}
    {errors.has(null) && (
      <p className="field-error" role="alert">
        {errors.get(null)}
      </p>
    )}
  </>
)

const Version = ({
  blueprints,
  blueprintId,
  version,
  latest,
  onChange,
}: {
  blueprints: readonly Blueprint[]
  blueprintId: string
  version: number
  latest: number
  /** Version 0: the newest, whichever that is. */
  onChange: (blueprintId: string, version: number) => void
}) => (
  <>
    <Select
      label="Blueprint"
      options={blueprints.map(({ id, name }) => ({ value: id, label: name }))}
      value={blueprintId}
      onChange={(id) => onChange(id, 0)}
    />
    <Select
      label="Version"
      options={Array.from({ length: latest }, (_, at) => ({
        value: String(latest - at),
        label: at === 0 ? `${latest}, the newest` : String(latest - at),
      }))}
      value={String(version)}
      onChange={(chosen) => onChange(blueprintId, Number(chosen))}
    />
  </>
)
