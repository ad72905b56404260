// Inputs with their label, hint and error, tied together for whoever does not see them.

import {
  type InputHTMLAttributes,
  type ReactNode,
  type SelectHTMLAttributes,
  type TextareaHTMLAttributes,
  useId,
} from 'react'
import './field.css'

interface Labelled {
  label: string
  /** One line below the label. */
  hint?: ReactNode
  /** What is wrong with the value. */
  error?: string | null
  /** For a field whose place says what it is; the label is still read out. */
  hideLabel?: boolean
}

interface Tied {
  id: string
  'aria-describedby': string | undefined
  'aria-invalid': true | undefined
}

/** The frame of a field; `children` gets what ties the input to it. */
export const Field = ({
  label,
  hint,
  error,
  hideLabel = false,
  children,
}: Labelled & { children: (tied: Tied) => ReactNode }) => {
  const id = useId()
  const describedBy = [hint === undefined ? '' : `${id}-hint`, error == null ? '' : `${id}-error`]
    .join(' ')
    .trim()
  return (
    <div className="field">
      <label htmlFor={id} className={hideLabel ? 'visually-hidden' : undefined}>
        {label}
      </label>
      {hint !== undefined && (
        <p id={`${id}-hint`} className="hint">
          {hint}
        </p>
      )}
      {children({
        id,
        'aria-describedby': describedBy === '' ? undefined : describedBy,
        'aria-invalid': error == null ? undefined : true,
      })}
      {error != null && (
        <p id={`${id}-error`} className="field-error" role="alert">
          {error}
        </p>
      )}
    </div>
  )
}

export const TextField = ({
  label,
  hint,
  error,
  hideLabel,
  ...rest
}: Labelled & InputHTMLAttributes<HTMLInputElement>) => (
  <Field {...{ label, hint, error, hideLabel }}>
    {(tied) => (
      <input
        type="text"
        autoComplete="off"
        spellCheck={false}
        {...rest}
        {...tied}
        className="input"
      />
    )}
  </Field>
)

export const TextArea = ({
  label,
  hint,
  error,
  hideLabel,
  ...rest
}: Labelled & TextareaHTMLAttributes<HTMLTextAreaElement>) => (
  <Field {...{ label, hint, error, hideLabel }}>
    {(tied) => <textarea spellCheck={false} {...rest} {...tied} className="input area" />}
  </Field>
)

export interface Option<Value extends string> {
  value: Value
  label: string
}

/** The browser's own list: it works by keyboard and on a phone as everywhere. */
export const Select = <Value extends string>({
  label,
  hint,
  error,
  hideLabel,
  options,
  value,
  onChange,
  ...rest
}: Labelled &
  Omit<SelectHTMLAttributes<HTMLSelectElement>, 'onChange' | 'value'> & {
    options: readonly Option<Value>[]
    value: Value
    onChange: (value: Value) => void
  }) => (
  <Field {...{ label, hint, error, hideLabel }}>
    {(tied) => (
      <select
        {...rest}
        {...tied}
        className="input"
        value={value}
        onChange={({ target }) => {
          const chosen = options.find((option) => option.value === target.value)
          if (chosen !== undefined) onChange(chosen.value)
        }}
      >
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
    )}
  </Field>
)

export const Checkbox = ({
  label,
  hint,
  ...rest
}: { label: string; hint?: ReactNode } & InputHTMLAttributes<HTMLInputElement>) => {
  const id = useId()
  return (
    <div className="checkbox">
      <input
        {...rest}
        type="checkbox"
        id={id}
        aria-describedby={hint === undefined ? undefined : `${id}-hint`}
      />
      <label htmlFor={id}>{label}</label>
      {hint !== undefined && (
        <p id={`${id}-hint`} className="hint">
          {hint}
        </p>
      )}
    </div>
  )
}
