import { Dialog as Base } from '@base-ui/react/dialog'
import { type ReactNode, useLayoutEffect, useRef, useState } from 'react'
import { type Environment } from '@sfdc-engine-x/client'
import { Button } from './button.tsx'
import { TextField } from './field.tsx'
import { nearestLeft, type Place, placeOf } from './focus.ts'
import { Problem } from './states.tsx'
import { EnvironmentTag } from './status.tsx'
import { counted, Foreign } from './text.tsx'
import './dialog.css'

interface DialogProps {
  open: boolean
  onClose: () => void
  title: string
  children: ReactNode
}

/**
 * A modal dialog: the focus stays inside, Escape closes it. Then the focus is where it was before, or as near to it as
 * something is left.
 */
export const Dialog = ({ open, onClose, title, children }: DialogProps) => {
  const opener = useRef<Place>([])
  useLayoutEffect(() => {
    if (open) opener.current = placeOf(document.activeElement)
  }, [open])
  return (
    <Base.Root open={open} onOpenChange={(isOpen) => !isOpen && onClose()}>
      <Base.Portal>
        <Base.Backdrop className="veil" />
        <Base.Popup className="dialog" finalFocus={() => nearestLeft(opener.current)}>
          <Base.Title className="dialog-title">{title}</Base.Title>
          {children}
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  )
}

interface Common {
  open: boolean
  onClose: () => void
  /** What is about to happen, as a verb: `Deploy 12 components`. It is the title and the button. */
  action: string
  /** What will change, and what cannot be rolled back. */
  children: ReactNode
  /** Closes the dialog when it resolves; what it throws is shown in it. */
  onConfirm: () => Promise<unknown>
}

interface ConfirmProps extends Common {
  clientName: string
  /** Its domain or id, where others have its name. */
  mark?: string | null
  /** Null: not known; treated as production. */
  environment: Environment | null
  /** The name is asked for in a sandbox too. */
  isIrreversible?: boolean
}

/**
 * Before anything changes a Salesforce org. For a production org the client's name has to be typed: nobody
 * deploys to the wrong client by pressing Enter.
 */
export const ConfirmProduction = ({
  clientName,
  mark = null,
  environment,
  isIrreversible = false,
  ...props
}: ConfirmProps) => (
  <Confirm
    {...props}
    subject={
      <>
        <ClientSubject clientName={clientName} mark={mark} />
        <EnvironmentTag environment={environment ?? 'production'} />
      </>
    }
    typed={
      isIrreversible
        ? nameOf(clientName, 'This cannot be undone.')
        : environment === 'sandbox'
          ? null
          : nameOf(clientName, 'This changes a production org.')
    }
  />
)

/** Before what is stored here about a client is deleted, which changes nothing in Salesforce. */
export const ConfirmDeletion = ({
  clientName,
  mark = null,
  ...props
}: Common & Pick<ConfirmProps, 'clientName' | 'mark'>) => (
  <Confirm
    {...props}
    subject={<ClientSubject clientName={clientName} mark={mark} />}
    typed={nameOf(clientName, 'This cannot be undone.')}
  />
)

const ClientSubject = ({ clientName, mark }: { clientName: string; mark: string | null }) => (
  <>
    <strong>
      <Foreign>{clientName}</Foreign>
    </strong>
    {mark !== null && <Foreign mono>{mark}</Foreign>}
  </>
)

const nameOf = (clientName: string, why: string): ConfirmationProps['typed'] => ({
  label: 'The client’s name',
  text: clientName,
  hint: (
    <>
      {why} Type <Foreign>{clientName}</Foreign> to go on.
    </>
  ),
})

interface ConfirmFleetProps extends Common {
  /** What is rolled out or rolled back. */
  subject: ReactNode
  /** How many clients it is about. */
  clients: number
}

/** Before anything changes the Salesforce orgs of several clients: their number has to be typed. */
export const ConfirmFleet = ({ clients, ...props }: ConfirmFleetProps) => (
  <Confirm
    {...props}
    typed={{
      label: 'The number of clients',
      text: String(clients),
      hint: `This changes Salesforce orgs of ${counted(clients, 'client')}, in production too. Type ${clients} to go on.`,
    }}
  />
)

/** For what changes no Salesforce org: says what will happen, and asks nothing to be typed. */
export const ConfirmSimply = (props: Common) => <Confirm {...props} subject={null} typed={null} />

interface ConfirmationProps extends Common {
  /** Who or what it is about. */
  subject: ReactNode
  /** What has to be typed first. */
  typed: { label: string; text: string; hint: ReactNode } | null
}

const Confirm = (props: ConfirmationProps) => (
  <Dialog open={props.open} onClose={props.onClose} title={props.action}>
    <Confirmation {...props} />
  </Dialog>
)

const Confirmation = ({
  onClose,
  action,
  subject,
  typed: asked,
  children,
  onConfirm,
}: ConfirmationProps) => {
  const [typed, setTyped] = useState('')
  const [pending, setPending] = useState(false)
  const [error, setError] = useState<unknown>(null)
  const isConfirmed = asked === null || sameName(typed, asked.text)
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
      {subject !== null && <p className="row">{subject}</p>}
      <div className="stack">{children}</div>
      {asked !== null && (
        <TextField
          label={asked.label}
          hint={asked.hint}
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
