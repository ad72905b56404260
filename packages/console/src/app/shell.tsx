// The frame of every page: where one can go, who is signed in, and the page itself.

import { useQueryClient } from '@tanstack/react-query'
import { Outlet, useNavigate, useRouterState } from '@tanstack/react-router'
import { useEffect, useRef, useState } from 'react'
import { signOut, useMe } from '../api/session.ts'
import { Button } from '../ui/button.tsx'
import { useKeptFocus } from '../ui/focus.ts'
import { useToast } from '../ui/toast.tsx'
import { Foreign } from '../ui/text.tsx'
import { ConnectionLost } from './connection-lost.tsx'
import { hrefOf, usePlainLinks } from './href.ts'
import { GROUPS } from './navigation.ts'
import { chooseTheme, chosenTheme, type Theme } from './theme.ts'
import './shell.css'

export const Shell = () => {
  const main = useRef<HTMLElement>(null)
  const plainLinks = usePlainLinks()
  const side = useRef<HTMLElement>(null)
  const [isOpen, setOpen] = useState(false)
  const path = useRouterState({ select: ({ location }) => location.pathname })
  useEffect(() => {
    setOpen(false)
    // By hand: the router's own way keeps positions in web storage, and nothing of the console is there.
    scrollTo(0, 0)
    // What was pressed in the navigation is done with: the next stop is the first of the page.
    if (side.current?.contains(document.activeElement) === true) {
      main.current?.focus({ preventScroll: true })
    }
  }, [path])
  useKeptFocus(main)
  return (
    <div className="shell">
      <a
        className="skip"
        href="#content"
        onClick={(event) => {
          event.preventDefault()
          main.current?.focus()
        }}
      >
        Skip to the content
      </a>
      <header className="side" ref={side} {...plainLinks}>
        <div className="side-top">
          <a href={hrefOf('/', {})} className="brand">
            sfdc-engine-x
          </a>
          <Button
            look="quiet"
            className="menu-button"
            aria-expanded={isOpen}
            aria-controls="navigation"
            onClick={() => setOpen(!isOpen)}
          >
            Menu
          </Button>
        </div>
        <div id="navigation" className={isOpen ? 'side-body open' : 'side-body'}>
          <Navigation path={path} />
          <Account />
        </div>
      </header>
      <main id="content" ref={main} tabIndex={-1} {...plainLinks}>
        <ConnectionLost />
        <Outlet />
      </main>
    </div>
  )
}

const Navigation = ({ path }: { path: string }) => {
  const { permissions } = useMe()
  return (
    <nav aria-label="Main">
      {GROUPS.map(({ label, entries }) => {
        const allowed = entries.filter(
          ({ permission }) => permission === undefined || permissions.includes(permission),
        )
        return allowed.length === 0 ? null : (
          <section key={label}>
            <h2>{label}</h2>
            <ul>
              {allowed.map(({ label: name, to, exact = false }) => {
                const isCurrent = path === to || (!exact && path.startsWith(`${to}/`))
                return (
                  <li key={name}>
                    <a href={hrefOf(to, {})} aria-current={isCurrent ? 'page' : undefined}>
                      {name}
                    </a>
                  </li>
                )
              })}
            </ul>
          </section>
        )
      })}
    </nav>
  )
}

const THEMES: Readonly<Record<Theme, { next: Theme; label: string }>> = {
  system: { next: 'light', label: 'as the system' },
  light: { next: 'dark', label: 'light' },
  dark: { next: 'system', label: 'dark' },
}

const Account = () => {
  const { email } = useMe()
  const queryClient = useQueryClient()
  const navigate = useNavigate()
  const { fail } = useToast()
  const [theme, setTheme] = useState(chosenTheme)
  const switchTheme = () => {
    const { next } = THEMES[theme]
    chooseTheme(next)
    setTheme(next)
  }
  const leave = async () => {
    try {
      await signOut(queryClient)
      await navigate({ to: '/signin', search: {} })
    } catch (error) {
      fail(error)
    }
  }
  return (
    <div className="account">
      <p className="small muted account-name" title={email}>
        <Foreign>{email}</Foreign>
      </p>
      <div className="row">
        <Button look="quiet" onClick={switchTheme}>
          Colours: {THEMES[theme].label}
        </Button>
        <Button look="quiet" onClick={() => void leave()}>
          Sign out
        </Button>
      </div>
    </div>
  )
}
