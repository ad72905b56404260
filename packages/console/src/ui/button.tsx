import { type ButtonHTMLAttributes, type Ref } from 'react'

interface Props extends ButtonHTMLAttributes<HTMLButtonElement> {
  /** `primary`: the one thing to do here. `quiet`: beside others, without a frame. */
  look?: 'primary' | 'plain' | 'quiet'
  /** Its work is under way: it says so, and cannot be pressed. */
  pending?: boolean
  ref?: Ref<HTMLButtonElement>
}

export const Button = ({
  look = 'plain',
  pending = false,
  disabled,
  className,
  ...rest
}: Props) => (
  <button
    type="button"
    {...rest}
    className={['button', look, className].filter(Boolean).join(' ')}
    disabled={disabled === true || pending}
    aria-busy={pending}
  />
)
