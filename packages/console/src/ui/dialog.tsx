import { Dialog as Base } from '@base-ui/react/dialog'
import { type ReactNode, useState } from 'react'
import { type Environment } from '@sfdc-engine-x/client'
import { Button } from './button.tsx'
import { TextField } from './field.tsx'
import { Problem } from './states.tsx'
import { EnvironmentTag } from './status.tsx'
import { Foreign } from './text.tsx'

interface DialogProps {
  open: boolean
  onClose: () => void
  title: string
  children: ReactNode
}

/** A modal dialog: the focus stays inside, Escape closes it. */
export const Dialog = ({ open, onClose, title, children }: DialogProps) => (
  <Base.Root open={open} onOpenChange={(isOpen) => !isOpen && onClose()}>
    <Base.Portal>
      <Base.Backdrop className="veil" />
      <Base.Popup className="dialog">
        <Base.Title className="dialog-title">{title}</Base.Title>
        {children}
      </Base.Popup>
    </Base.Portal>
  </Base.Root>
)

interface ConfirmProps {
  open: boolean
  onClose: () => void
  /** What is about to happen, as a verb: `Deploy 12 components`. It is the title and the button. */
  action: string
  clientName: string
  /** Null: not known; treated as production. */
  environment: Environment | null
  /** What will change, and what cannot be rolled back. */
  children: ReactNode
  /** Closes the dialog when it resolves; what it throws is shown in it. */
  onConfirm: () => Promise<unknown>
}

/**
 * Before anything changes a Salesforce org. For a production org the client's name has to be typed: nobody
 * deploys to the wrong client by pressing Enter.
 */
export const ConfirmProduction = (props: ConfirmProps) => (
  <Dialog open={props.open} onClose={props.onClose} title={props.action}>
    <Confirmation {...props} />
  </Dialog>
)

const Confirmation = ({
  onClose,
  action,
  clientName,
  environment,
  children,
  onConfirm,
}: ConfirmProps) => {
  const [typed, setTyped] = useState('')
  const [pending, setPending] = useState(false)
  const [error, setError] = useState<unknown>(null)
  const asksName = environment !== 'sandbox'
  const isConfirmed = !asksName || sameName(typed, clientName)
  const confirm = async () => {
    setPending(true)
    setError(null)
    try {
      await onConfirm()
      onClose()
    } catch (thrown) {
      setError(thrown)
    } finally {
      setPending(false)
    }
  }
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault()
        if (isConfirmed && !pending) void confirm()
      }}
    >
      <p className="row">
        <strong>
          <Foreign>{clientName}</Foreign>
        </strong>
        <EnvironmentTag environment={environment ?? 'production'} />
      </p>
      <div>{children}</div>
      {asksName && (
        <TextField
          label="The client’s name"
          hint={
            <>
              This changes a production org. Type <Foreign>{clientName}</Foreign> to go on.
            </>
          }
          value={typed}
          onChange={({ target }) => setTyped(target.value)}
        />
      )}
      {error !== null && <Problem error={error} />}
      <div className="row end">
        <Button onClick={onClose}>Cancel</Button>
        <Button look="primary" type="submit" disabled={!isConfirmed} pending={pending}>
          {action}
        </Button>
      </div>
    </form>
  )
}

/** Characters that nobody can see and so nobody can type. */
const INVISIBLE = /[\p{Cf}\p{Cc}]/gu

const sameName = (typed: string, name: string): boolean => {
  const plain = (text: string) =>
    text.normalize('NFC').replaceAll(INVISIBLE, '').replaceAll(/\s+/g, ' ').trim().toLowerCase()
  return plain(typed) === plain(name)
}
