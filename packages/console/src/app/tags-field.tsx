import { TextField } from '../ui/field.tsx'
import { tagsOf } from './tags.ts'

/** Tags in one line. The server says which keys and values it takes. */
export const TagsField = ({
  value,
  onChange,
}: {
  value: string
  onChange: (value: string) => void
}) => (
  <TextField
    label="Tags"
    hint="Keys and values, with commas between: tier=gold, region=emea. Fleets are chosen by them."
    error={tagsOf(value).error}
    value={value}
    onChange={({ target }) => onChange(target.value)}
  />
)
