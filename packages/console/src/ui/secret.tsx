// A secret that is shown once.

import { useState } from 'react'
import { Button } from './button.tsx'
import { Dialog } from './dialog.tsx'
import { Checkbox } from './field.tsx'
import { CodeBlock } from './text.tsx'

/** Stays open until somebody says that they have it: it cannot be shown again. */
export const SecretDialog = ({
  title,
  secret,
  children,
  onClose,
}: {
  title: string
  /** Null: closed. */
  secret: string | null
  children: string
  onClose: () => void
}) => (
  // Escape does not close it: what is lost would be lost.
  <Dialog open={secret !== null} onClose={() => undefined} title={title}>
    {secret !== null && (
      <Shown secret={secret} onClose={onClose}>
        {children}
      </Shown>
    )}
  </Dialog>
)

const Shown = ({
  secret,
  children,
  onClose,
}: {
  secret: string
  children: string
  onClose: () => void
}) => {
  const [kept, setKept] = useState(false)
  return (
    <>
      <p>{children}</p>
      <CodeBlock label="Shown once" code={secret} />
      <Checkbox
        label="I have stored it"
        checked={kept}
        onChange={({ target }) => setKept(target.checked)}
      />
      <div className="row end">
        <Button look="primary" disabled={!kept} onClick={onClose}>
          Close
        </Button>
      </div>
    </>
  )
}
