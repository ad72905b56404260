import { SelectionFields } from '../../app/selection-fields.tsx'
import { Button } from '../../ui/button.tsx'
import { Select, TextField } from '../../ui/field.tsx'
import { type WaveDraft } from './waves.ts'

const SIZES = [
  { value: 'count', label: 'So many clients' },
  { value: 'percent', label: 'A share of all, in %' },
  { value: 'chosen', label: 'Those that I choose' },
  { value: 'rest', label: 'The rest' },
] as const

const GATES = [
  { value: 'auto', label: 'By itself' },
  { value: 'manual', label: 'When a person approves' },
] as const

export const WaveFields = ({
  wave,
  position,
  error,
  onChange,
  onRemove,
}: {
  wave: WaveDraft
  position: number
  error: string | null
  onChange: (wave: WaveDraft) => void
  /** Null: it cannot be removed. */
  onRemove: (() => void) | null
}) => (
  <fieldset className="stack wave">
    <legend className="row">
      <strong>Wave {position}</strong>
      {onRemove !== null && (
        <Button look="quiet" onClick={onRemove} aria-label={`Remove wave ${position}`}>
          Remove
        </Button>
      )}
    </legend>
    <div className="fields">
      <TextField
        label="Name"
        value={wave.name}
        maxLength={80}
        onChange={({ target }) => onChange({ ...wave, name: target.value })}
      />
      <Select
        label="Size"
        options={SIZES}
        value={wave.size}
        onChange={(size) => onChange({ ...wave, size })}
      />
      {(wave.size === 'count' || wave.size === 'percent') && (
        <TextField
          label={wave.size === 'count' ? 'Clients' : 'Share in %'}
          inputMode="decimal"
          value={wave.amount}
          onChange={({ target }) => onChange({ ...wave, amount: target.value })}
        />
      )}
      <Select
        label="Begins"
        options={GATES}
        value={wave.gate}
        onChange={(gate) => onChange({ ...wave, gate })}
      />
      <TextField
        label="At once"
        inputMode="numeric"
        value={wave.concurrent}
        onChange={({ target }) => onChange({ ...wave, concurrent: target.value })}
      />
      <TextField
        label="Failures tolerated"
        inputMode="numeric"
        value={wave.tolerance}
        onChange={({ target }) => onChange({ ...wave, tolerance: target.value })}
      />
      <TextField
        label="Then wait, in minutes"
        inputMode="numeric"
        value={wave.soakMinutes}
        onChange={({ target }) => onChange({ ...wave, soakMinutes: target.value })}
      />
    </div>
    {wave.size === 'chosen' && (
      <SelectionFields
        value={wave.selection}
        onChange={(selection) => onChange({ ...wave, selection })}
        kinds={['tags', 'clients', 'drifted', 'all']}
        error={null}
      />
    )}
    {error !== null && (
      <p className="field-error" role="alert">
        {error}
      </p>
    )}
  </fieldset>
)
