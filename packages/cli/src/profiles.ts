// Which server, and with which credential: profiles in a file that only its owner can read. A secret is
// never an argument, where other users of the machine could see it.

import { chmodSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { EXIT, Exit, usage } from './exit.ts'

export interface Profile {
  url: string
  token: string
  /** Of a session; an API token of the user lives until it is revoked. */
  expires_at?: string
  who?: string
}

interface Config {
  current?: string
  profiles: Record<string, Profile>
}

const OTHERS = 0o077

/** `SFX_CONFIG`, or `sfx/config.json` in the folder for configurations. */
export const configPath = (env = process.env): string =>
  env.SFX_CONFIG ?? join(env.XDG_CONFIG_HOME ?? join(homedir(), '.config'), 'sfx', 'config.json')

/** Throws if others can read the file: then the credentials in it are no secrets any more. */
export const readConfig = (path = configPath()): Config => {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { profiles: {} }
    throw error
  }
  if (process.platform !== 'win32' && (statSync(path).mode & OTHERS) !== 0) {
    throw new Exit(
      EXIT.credential,
      `${path} can be read by other users. Run: chmod 600 ${path}. If others have used this machine, log in anew.`,
    )
  }
  try {
    return JSON.parse(text) as Config
  } catch {
    throw new Exit(
      EXIT.credential,
      `${path} is not JSON. Repair it, or remove it and log in again.`,
    )
  }
}

/** All or nothing: a crash leaves the earlier file. */
export const writeConfig = (config: Config, path = configPath()): void => {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const draft = `${path}.${process.pid}`
  writeFileSync(draft, `${JSON.stringify(config, null, 2)}\n`, { mode: 0o600 })
  chmodSync(draft, 0o600) // whatever the umask says
  renameSync(draft, path)
}

/** `SFX_URL` and `SFX_TOKEN`, else the named profile, else the current one. Throws Exit. */
export const credential = (name: string | undefined, env = process.env): Profile => {
  if (name === undefined && env.SFX_TOKEN !== undefined) {
    if (env.SFX_URL === undefined) throw usage('SFX_TOKEN is set; set SFX_URL too.')
    return { url: env.SFX_URL, token: env.SFX_TOKEN }
  }
  const config = readConfig(configPath(env))
  const chosen = name ?? config.current
  if (chosen === undefined) {
    throw new Exit(
      EXIT.credential,
      'You are not logged in. Run: sfx login URL. In scripts, set SFX_URL and SFX_TOKEN.',
    )
  }
  const profile = config.profiles[chosen]
  if (profile === undefined) {
    const known = Object.keys(config.profiles).join(', ')
    throw usage(
      `There is no profile ${chosen}. ${known === '' ? 'Run: sfx login URL' : `Known: ${known}`}.`,
    )
  }
  if (profile.expires_at !== undefined && Date.parse(profile.expires_at) < Date.now()) {
    throw new Exit(
      EXIT.credential,
      `The session of profile ${chosen} has ended. Run: sfx login ${profile.url} --profile ${chosen}`,
    )
  }
  return profile
}
