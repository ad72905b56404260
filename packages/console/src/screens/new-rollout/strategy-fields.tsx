// How a rollout goes about it: pace, hours, and what it puts up with.

import { Checkbox, Select, TextField } from '../../ui/field.tsx'
import { atNight, type StrategyDraft } from './strategy.ts'

const MODES = [
  { value: 'strict', label: 'Strict: slows down' },
  { value: 'soft', label: 'Soft: goes on as before' },
] as const

const ZONES_ID = 'rollout-zones'

export const StrategyFields = ({
  draft,
  error,
  onChange,
}: {
  draft: StrategyDraft
  error: string | null
  onChange: (draft: StrategyDraft) => void
}) => {
  const { window } = draft
  return (
    <>
      <div className="fields">
        <Select
          label="After a failure"
          hint="Slowed down, no more can fail than are tolerated."
          options={MODES}
          value={draft.mode}
          onChange={(mode) => onChange({ ...draft, mode })}
        />
        <TextField
          label="Waits so many hours for a connection"
          hint="After that the client counts as failed."
          inputMode="decimal"
          value={draft.graceHours}
          onChange={({ target }) => onChange({ ...draft, graceHours: target.value })}
        />
      </div>
      <Checkbox
        label="Yellow findings are accepted"
        hint="Without it, a client with a yellow finding is blocked."
        checked={draft.acceptsYellow}
        onChange={({ target }) => onChange({ ...draft, acceptsYellow: target.checked })}
      />
      <Checkbox
        label="Only at certain hours"
        hint="Outside of them nothing is sent; what was sent ends."
        checked={window !== null}
        onChange={({ target }) => onChange({ ...draft, window: target.checked ? atNight() : null })}
      />
      {window !== null && (
        <div className="fields">
          <TextField
            label="From"
            type="time"
            value={window.from}
            onChange={({ target }) =>
              onChange({ ...draft, window: { ...window, from: target.value } })
            }
          />
          <TextField
            label="To"
            type="time"
            value={window.to}
            onChange={({ target }) =>
              onChange({ ...draft, window: { ...window, to: target.value } })
            }
          />
          <TextField
            label="Time zone"
            list={ZONES_ID}
            value={window.zone}
            maxLength={60}
            onChange={({ target }) =>
              onChange({ ...draft, window: { ...window, zone: target.value.trim() } })
            }
          />
          <datalist id={ZONES_ID}>
            {Intl.supportedValuesOf('timeZone').map((zone) => (
              <option key={zone} value={zone} />
            ))}
          </datalist>
        </div>
      )}
      {error !== null && (
        <p className="field-error" role="alert">
          {error}
        </p>
      )}
    </>
  )
}
