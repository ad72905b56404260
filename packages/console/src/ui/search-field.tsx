import { useEffect, useState } from 'react'
import { TextField } from './field.tsx'

/** A pause in typing after which the search begins. */
const PAUSE_MS = 200

interface Props {
  label: string
  placeholder?: string
  /** As it stands in the address. */
  value: string
  onChange: (value: string) => void
  /** Ids of a `<datalist>` with proposals. */
  list?: string
}

/** A field whose text goes to the address after a pause in typing, and at once with Enter. */
export const SearchField = ({ label, placeholder, value, onChange, list }: Props) => {
  const [text, setText] = useState(value)
  useEffect(() => setText(value), [value]) // Back and forward change it from outside
  useEffect(() => {
    if (text.trim() === value) return
    const timer = setTimeout(() => onChange(text.trim()), PAUSE_MS)
    return () => clearTimeout(timer)
  }, [text, value, onChange])
  return (
    <TextField
      label={label}
      type="search"
      placeholder={placeholder}
      value={text}
      list={list}
      maxLength={200}
      onChange={({ target }) => setText(target.value)}
      onKeyDown={({ key }) => {
        if (key === 'Enter') onChange(text.trim())
      }}
    />
  )
}
