import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { type Role, type User } from '@sfdc-engine-x/client'
import { InputError } from '../../api/input-error.ts'
import { clientsQuery } from '../../api/directory.ts'
import { engine } from '../../api/engine.ts'
import { ConfirmSimply } from '../../ui/dialog.tsx'
import { Checkbox, Select, TextField } from '../../ui/field.tsx'
import { Foreign } from '../../ui/text.tsx'
import { isOfCompany, ROLES } from './words.ts'

const ROLE_OPTIONS = (['org_admin', 'company_admin', 'company_member'] as const).map((value) => ({
  value,
  label: ROLES[value].label,
}))

interface Fields {
  role: Role
  clientId: string
  fullName: string
  password: string
}

const PASSWORD_HINT = '12 characters at least'

export const NewUser = ({
  open,
  onClose,
  onSaved,
}: {
  open: boolean
  onClose: () => void
  onSaved: () => Promise<void>
}) => {
  const [email, setEmail] = useState('')
  const [fields, setFields] = useState<Fields>({
    role: 'company_admin',
    clientId: '',
    fullName: '',
    password: '',
  })
  const create = async () => {
    await engine.users.create({
      email,
      password: fields.password,
      role: fields.role,
      ...(fields.fullName.trim() === '' ? {} : { full_name: fields.fullName }),
      ...clientOf(fields),
    })
    setEmail('')
    setFields({ ...fields, fullName: '', password: '' })
    await onSaved()
  }
  return (
    <ConfirmSimply open={open} onClose={onClose} action="Create the user" onConfirm={create}>
      <TextField
        label="E-mail"
        type="email"
        value={email}
        required
        maxLength={254}
        onChange={({ target }) => setEmail(target.value)}
      />
      <CommonFields value={fields} onChange={setFields} passwordLabel="Password" isNew />
    </ConfirmSimply>
  )
}

/** Throws a sentence where the client is missing. */
const clientOf = ({ role, clientId }: Fields): { client_id: string | null } => {
  if (!isOfCompany(role)) return { client_id: null }
  if (clientId === '') throw new InputError('Choose the client that the user belongs to.')
  return { client_id: clientId }
}

export const EditUser = ({
  user,
  isOwn,
  onClose,
  onSaved,
}: {
  user: User
  isOwn: boolean
  onClose: () => void
  onSaved: () => Promise<void>
}) => {
  const [active, setActive] = useState(user.is_active)
  const [fields, setFields] = useState<Fields>({
    role: user.role,
    clientId: user.client_id ?? '',
    fullName: user.full_name ?? '',
    password: '',
  })
  const save = async () => {
    const { client_id: clientId } = clientOf(fields)
    const fullName = fields.fullName.trim() === '' ? null : fields.fullName.trim()
    // Only what differs: a new role or password ends the user's sessions.
    await engine.users.update({
      user_id: user.id,
      ...(fields.role === user.role && clientId === user.client_id
        ? {}
        : { role: fields.role, client_id: clientId }),
      ...(fullName === user.full_name ? {} : { full_name: fullName }),
      ...(active === user.is_active ? {} : { is_active: active }),
      ...(fields.password === '' ? {} : { password: fields.password }),
    })
    await onSaved()
  }
  return (
    <ConfirmSimply open onClose={onClose} action="Save the user" onConfirm={save}>
      <p>
        <Foreign>{user.email}</Foreign>
      </p>
      <CommonFields value={fields} onChange={setFields} passwordLabel="New password" />
      <Checkbox
        label="Active"
        hint={
          isOwn
            ? 'This is you: deactivated, you are signed out at once.'
            : 'Deactivated, the user is signed out at once, and the user’s tokens no longer work.'
        }
        checked={active}
        onChange={({ target }) => setActive(target.checked)}
      />
      <p className="muted small">
        A new role, client or password ends the sessions of the user at once.
      </p>
    </ConfirmSimply>
  )
}

const CommonFields = ({
  value,
  onChange,
  passwordLabel,
  isNew = false,
}: {
  value: Fields
  onChange: (fields: Fields) => void
  passwordLabel: string
  isNew?: boolean
}) => {
  const clients = useQuery(clientsQuery)
  return (
    <>
      <TextField
        label="Name"
        placeholder="optional"
        value={value.fullName}
        maxLength={200}
        onChange={({ target }) => onChange({ ...value, fullName: target.value })}
      />
      <Select
        label="Role"
        hint={ROLES[value.role].hint}
        options={ROLE_OPTIONS}
        value={value.role}
        onChange={(role) => onChange({ ...value, role })}
      />
      {isOfCompany(value.role) && (
        <Select
          label="Client"
          options={[
            { value: '', label: 'Choose a client' },
            ...(clients.data ?? []).map(({ id, name }) => ({ value: id, label: name })),
          ]}
          value={value.clientId}
          onChange={(clientId) => onChange({ ...value, clientId })}
        />
      )}
      <TextField
        label={passwordLabel}
        type="password"
        autoComplete="new-password"
        hint={isNew ? PASSWORD_HINT : `${PASSWORD_HINT}; empty: unchanged`}
        value={value.password}
        required={isNew}
        minLength={isNew ? 12 : undefined}
        onChange={({ target }) => onChange({ ...value, password: target.value })}
      />
    </>
  )
}
