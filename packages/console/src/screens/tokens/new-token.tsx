import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { type Permission } from '@sfdc-engine-x/client'
import { InputError } from '../../api/input-error.ts'
import { usersQuery } from '../../api/directory.ts'
import { engine } from '../../api/engine.ts'
import { useMe } from '../../api/session.ts'
import { ClientPicker } from '../../app/client-picker.tsx'
import { ConfirmSimply } from '../../ui/dialog.tsx'
import { Checkbox, Select, TextField } from '../../ui/field.tsx'
import { expiryOf, EXPIRIES, type Expiry } from './expiry.ts'

const SCOPES = [
  { value: 'all', label: 'All that its user may' },
  { value: 'chosen', label: 'Only these permissions' },
] as const
const CLIENTS = [
  { value: 'all', label: 'All that its user sees' },
  { value: 'chosen', label: 'Only these' },
] as const

/** A token can name so many. */
const CLIENTS_MAX = 200

export const NewToken = ({
  open,
  onClose,
  onCreated,
}: {
  open: boolean
  onClose: () => void
  onCreated: (token: string | null) => Promise<void>
}) => {
  const me = useMe()
  const users = useQuery({ ...usersQuery, enabled: open })
  const [name, setName] = useState('')
  const [userId, setUserId] = useState(me.user_id)
  const [expiry, setExpiry] = useState<Expiry>('90')
  const [asks, setAsks] = useState(false)
  const [scopes, setScopes] = useState<'all' | 'chosen'>('all')
  const [permissions, setPermissions] = useState<readonly Permission[]>([])
  const [clients, setClients] = useState<'all' | 'chosen'>('all')
  const [clientIds, setClientIds] = useState<readonly string[]>([])
  const create = async () => {
    if (scopes === 'chosen' && permissions.length === 0) {
      throw new InputError('Choose at least one permission.')
    }
    if (clients === 'chosen' && clientIds.length === 0) {
      throw new InputError('Choose at least one client.')
    }
    const expiresAt = expiryOf(expiry, Date.now())
    const { token } = await engine.tokens.create({
      name,
      user_id: userId,
      ...(expiresAt === null ? {} : { expires_at: expiresAt }),
      ...(scopes === 'all' ? {} : { scopes: permissions }),
      ...(clients === 'all' ? {} : { client_ids: clientIds }),
      approval: asks ? 'required' : 'none',
    })
    setName('')
    await onCreated(token)
  }
  return (
    <ConfirmSimply open={open} onClose={onClose} action="Create the token" onConfirm={create}>
      <TextField
        label="Name"
        hint="What it is for: nightly push"
        value={name}
        required
        maxLength={200}
        onChange={({ target }) => setName(target.value)}
      />
      <div className="fields">
        <Select
          label="Acts as"
          options={(users.data ?? [])
            .filter(({ is_active: active }) => active)
            .map(({ id, email }) => ({ value: id, label: email }))}
          value={userId}
          onChange={setUserId}
        />
        <Select label="Expires" options={EXPIRIES} value={expiry} onChange={setExpiry} />
      </div>
      <Checkbox
        label="Has to ask a person"
        hint="Whatever would change a Salesforce org waits until somebody grants it here. Such a token has to expire."
        checked={asks}
        onChange={({ target }) => setAsks(target.checked)}
      />
      <Select label="Permissions" options={SCOPES} value={scopes} onChange={setScopes} />
      {scopes === 'chosen' && (
        <fieldset className="choices">
          <legend className="visually-hidden">Permissions</legend>
          {me.permissions.map((permission) => (
            <Checkbox
              key={permission}
              label={permission}
              checked={permissions.includes(permission)}
              onChange={({ target }) =>
                setPermissions(
                  target.checked
                    ? [...permissions, permission]
                    : permissions.filter((one) => one !== permission),
                )
              }
            />
          ))}
        </fieldset>
      )}
      <Select label="Clients" options={CLIENTS} value={clients} onChange={setClients} />
      {clients === 'chosen' && (
        <ClientPicker
          label="Only these clients"
          chosen={clientIds}
          onChange={setClientIds}
          max={CLIENTS_MAX}
        />
      )}
    </ConfirmSimply>
  )
}
