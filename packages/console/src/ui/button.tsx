import { type ButtonHTMLAttributes, type MouseEvent, type Ref } from 'react'

interface Props extends ButtonHTMLAttributes<HTMLButtonElement> {
  /** `primary`: the one thing to do here. `quiet`: beside others, without a frame. */
  look?: 'primary' | 'plain' | 'quiet'
  /** Its work is under way: it says so, and cannot be pressed. */
  pending?: boolean
  ref?: Ref<HTMLButtonElement>
}

export const Button = ({ look = 'plain', pending = false, className, onClick, ...rest }: Props) => (
  <button
    type="button"
    {...rest}
    className={['button', look, className].filter(Boolean).join(' ')}
    // Not `disabled`, which would take the focus away for good.
    aria-disabled={pending ? true : undefined}
    aria-busy={pending}
    onClick={pending ? ignore : onClick}
  />
)

/** Of a form's button too: nothing is sent twice. */
const ignore = (event: MouseEvent) => event.preventDefault()
