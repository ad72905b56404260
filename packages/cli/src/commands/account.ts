// login, logout, profiles, whoami.

import { type SfdcEngine } from '@sfdc-engine-x/client'
import { type Command } from 'commander'
import { hostname } from 'node:os'
import { usage } from '../exit.ts'
import { configPath, type Profile, readConfig, writeConfig } from '../profiles.ts'
import { engineAt, Session } from '../session.ts'
import { readStdin } from '../terminal.ts'
import { clean, minuteOf } from '../text.ts'

interface LoginOptions {
  email?: string
  withToken?: boolean
}

/** With an API token from standard input, or with e-mail and password from the terminal or a pipe. */
const logIn = async (session: Session, url: string, options: LoginOptions): Promise<Profile> => {
  const { terminal } = session
  if (options.withToken === true) return { url, token: await secretOf(session, 'API token') }
  const email = options.email ?? (await terminal.ask('E-mail'))
  return signIn(url, email, await secretOf(session, 'Password'))
}

/** Asked for, not shown; without a terminal it comes from standard input. */
const secretOf = ({ terminal }: Session, what: string): Promise<string> =>
  terminal.isInteractive ? terminal.ask(what, { secret: true }) : readStdin()

const signIn = async (url: string, email: string, password: string): Promise<Profile> => {
  const { auth } = engineAt({ baseUrl: url })
  const { access_token, expires_at } = await auth.login({ email, password })
  return { url, token: access_token, expires_at }
}

/** Makes this the current profile, if the server accepts its credential. */
const keep = async (session: Session, url: string, profile: Profile): Promise<void> => {
  const me = await engineAt({ baseUrl: url, token: profile.token }).auth.me()
  const name = session.options.profile ?? new URL(url).host
  const config = readConfig()
  config.profiles[name] = { ...profile, who: me.email }
  config.current = name
  writeConfig(config)
  session.terminal.result(
    { ...me, profile: name, url },
    `Logged in at ${url} as ${me.email} (${me.role}), as profile ${name} on ${hostname()}.`,
  )
}

/**
 * The organization of this name, or a new one: after a refused password or a lost answer, the command can
 * be repeated without leaving a second one behind. Throws Exit if there are several.
 */
const organizationOf = async (
  superAdmin: SfdcEngine['superAdmin'],
  name: string,
  { call, terminal }: Session,
): Promise<string> => {
  const found: string[] = []
  for await (const org of superAdmin.orgsList({}, { signal: call.signal })) {
    if (org.name === name && org.is_active) found.push(org.id)
  }
  const [only] = found
  if (only === undefined) return (await superAdmin.orgsCreate({ name }, call)).id
  if (found.length > 1) {
    throw usage(`${found.length} organizations are called ${name}: ${found.join(', ')}`)
  }
  terminal.note(clean(`There is an organization ${name} already; it gets this administrator.`))
  return only
}

export const accountCommands = (root: Command): void => {
  root
    .command('login <url>')
    .description('log in, and keep the session (12 hours) or an API token')
    .option('--email <address>', 'the password is asked for, or read from standard input')
    .option('--with-token', 'read an API token from standard input')
    .action(async (url: string, options: LoginOptions, command: Command) => {
      const session = new Session(command)
      await keep(session, url, await logIn(session, url, options))
    })

  const admin = root.command('admin').description('for who runs the server')
  admin
    .command('init <url>')
    .description('the first organization of a new server, and its administrator; logs in')
    .requiredOption('--org <name>')
    .requiredOption('--email <address>')
    .addHelpText(
      'after',
      '\nThe bootstrap secret (SUPER_ADMIN_JWT_SECRET of the server) is asked for, or taken from\n' +
        'SFX_BOOTSTRAP_SECRET; the new password is asked for, or read from standard input.',
    )
    .action(async (url: string, options: { org: string; email: string }, command: Command) => {
      const session = new Session(command)
      const { terminal } = session
      const secret =
        process.env.SFX_BOOTSTRAP_SECRET ??
        (await terminal.ask('Bootstrap secret', { secret: true }))
      const password = await secretOf(session, 'New password')
      const { superAdmin } = engineAt({ baseUrl: url, token: secret })
      const org_id = await organizationOf(superAdmin, options.org, session)
      const user = { org_id, email: options.email, password, role: 'org_admin' } as const
      await superAdmin.usersCreate(user)
      await keep(session, url, await signIn(url, options.email, password))
    })

  root
    .command('logout')
    .description('end the session and forget the profile')
    .action(async (_options: unknown, command: Command) => {
      const session = new Session(command)
      const config = readConfig()
      const name = session.options.profile ?? config.current
      const profile = name === undefined ? undefined : config.profiles[name]
      if (name === undefined || profile === undefined)
        throw usage('There is nothing to log out of.')
      const isSession = profile.expires_at !== undefined
      // A session that has ended already needs no end.
      const ended = isSession
        ? await engineAt({ baseUrl: profile.url, token: profile.token })
            .auth.logout()
            .then(
              () => true,
              () => false,
            )
        : false
      delete config.profiles[name]
      if (config.current === name) delete config.current
      writeConfig(config)
      const token = isSession ? '' : ' The API token itself lives on until it is revoked.'
      session.terminal.result(
        { profile: name, session_ended: ended },
        `Profile ${name} is forgotten.${token}`,
      )
    })

  root
    .command('profiles [name]')
    .description('list the profiles, or make one the current one')
    .action((name: string | undefined, _options: unknown, command: Command) => {
      const { terminal } = new Session(command)
      const config = readConfig()
      if (name !== undefined) {
        if (config.profiles[name] === undefined) throw usage(`There is no profile ${name}.`)
        config.current = name
        writeConfig(config)
      }
      const rows = Object.entries(config.profiles).map(([key, { url, who = '', expires_at }]) => ({
        ...{ profile: key, url, who, expires_at: expires_at ?? null },
        current: key === config.current,
      }))
      terminal.result(
        rows,
        rows.length === 0
          ? `No profiles in ${configPath()}. Run: sfx login URL`
          : terminal.table(
              ['', 'PROFILE', 'SERVER', 'USER', 'ENDS'],
              rows.map((row) => [
                row.current ? '*' : '',
                row.profile,
                row.url,
                row.who,
                row.expires_at === null ? 'never' : minuteOf(row.expires_at),
              ]),
            ),
      )
    })

  root
    .command('whoami')
    .description('show who you are and what you may do')
    .action(async (_options: unknown, command: Command) => {
      const { engine, terminal } = new Session(command)
      const me = await engine.auth.me()
      terminal.result(me, `${me.email}, ${me.role}: ${me.permissions.join(', ')}`)
    })
}
