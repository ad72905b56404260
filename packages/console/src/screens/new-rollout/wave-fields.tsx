import { Button } from '../../ui/button.tsx'
import { Select, TextField } from '../../ui/field.tsx'
import { type WaveDraft } from './waves.ts'

const SIZES = [
  { value: 'count', label: 'So many clients' },
  { value: 'percent', label: 'A share of all, in %' },
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
      {wave.size !== 'rest' && (
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
    {error !== null && (
      <p className="field-error" role="alert">
        {error}
      </p>
    )}
  </fieldset>
)
