import { useMutation, useQueryClient } from '@tanstack/react-query'
import { getRouteApi, useRouter } from '@tanstack/react-router'
import { type FormEvent } from 'react'
import { signIn } from '../../api/session.ts'
import { Button } from '../../ui/button.tsx'
import { TextField } from '../../ui/field.tsx'
import { Problem } from '../../ui/states.tsx'
import './sign-in.css'

const route = getRouteApi('/signin')

export const Screen = () => {
  const { return: wanted = '/' } = route.useSearch()
  const queryClient = useQueryClient()
  const router = useRouter()
  const login = useMutation({
    mutationFn: (given: { email: string; password: string }) => signIn(queryClient, given),
    onSuccess: () => router.history.push(`${router.basepath}${wanted}`),
  })
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    login.mutate({ email: textOf(form, 'email'), password: textOf(form, 'password') })
  }
  return (
    <main className="sign-in">
      <form className="stack" onSubmit={submit}>
        <header>
          <p className="muted small">sfdc-engine-x</p>
          <h1>Sign in</h1>
        </header>
        <TextField label="E-mail" name="email" type="email" autoComplete="username" required />
        <TextField
          label="Password"
          name="password"
          type="password"
          autoComplete="current-password"
          required
        />
        {login.error !== null && <Problem error={login.error} />}
        <Button look="primary" type="submit" pending={login.isPending}>
          Sign in
        </Button>
        <p className="muted small">
          An administrator of your organization creates users and resets passwords.
        </p>
      </form>
    </main>
  )
}

const textOf = (form: FormData, name: string): string => {
  const value = form.get(name)
  return typeof value === 'string' ? value : ''
}
