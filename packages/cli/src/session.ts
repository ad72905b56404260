// What every command has: the library with the caller's credential, the terminal, the client that is
// meant, and the end of the work that it began.

import {
  ApiError,
  type Client,
  type Connection,
  ConnectionLostError,
  type EngineOptions,
  ForbiddenError,
  type Operation,
  type PendingOperation,
  SfdcEngine,
  StillRunningError,
  type WorkReference,
} from '@sfdc-engine-x/client'
import { type Command } from 'commander'
import { again } from './again.ts'
import { EXIT, Exit, usage } from './exit.ts'
import { credential } from './profiles.ts'
import { clean } from './text.ts'
import { type Progress, Terminal } from './terminal.ts'

/** Options that every command takes. */
export interface GlobalOptions {
  profile?: string
  json?: boolean
  yes?: boolean
  wait?: number
  key?: string
  approval?: string
}

/** A name that leads nowhere, or a port on which nobody listens twice in a row. A server may just be starting. */
const isAbsent = (error: Error, tries: number): error is ConnectionLostError =>
  error instanceof ConnectionLostError &&
  (error.code === 'ENOTFOUND' || (error.code === 'ECONNREFUSED' && tries > 1))

/**
 * The library at a server. Throws Exit if that is no address to which a credential may be sent; calls do, if
 * nobody has ever answered there.
 */
export const engineAt = (options: EngineOptions): SfdcEngine => {
  let isThere = false
  try {
    return new SfdcEngine({
      ...options,
      fetch: async (...call) => {
        const response = await fetch(...call)
        isThere = true
        return response
      },
      onRetry: (retry) => {
        if (!isThere && isAbsent(retry.error, retry.number)) {
          throw new Exit(
            EXIT.failed,
            `No server answers at ${options.baseUrl} (${retry.error.code}). Is the address right, and does the server run?`,
          )
        }
        options.onRetry?.(retry)
      },
    })
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    const [why = ''] = error.message.split(' Inside a network')
    throw usage(why.replace('baseUrl', 'The URL of the server'))
  }
}

const UUID = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i

export class Session {
  readonly terminal: Terminal
  readonly options: GlobalOptions
  #engine: SfdcEngine | undefined
  readonly #aborting = new AbortController()

  constructor(command: Command) {
    this.options = command.optsWithGlobals<GlobalOptions>()
    this.terminal = new Terminal(this.options.json === true)
    // The first Ctrl-C ends the waiting and says how to go on; the second one ends the program.
    process.once('SIGINT', () => this.#aborting.abort())
  }

  /** Throws Exit without a credential. */
  get engine(): SfdcEngine {
    if (this.#engine !== undefined) return this.#engine
    const { url, token } = credential(this.options.profile)
    this.#engine = engineAt({
      baseUrl: url,
      token,
      onRetry: ({ error, delayMs }) => {
        const [first = ''] = error.message.split('\n')
        this.terminal.note(`${clean(first)} Trying again in ${Math.ceil(delayMs / 1_000)} s.`)
      },
    })
    return this.#engine
  }

  /** For calls: Ctrl-C, and the key that the caller gave. */
  get call(): { signal: AbortSignal; idempotencyKey?: string } {
    const { key } = this.options
    return { signal: this.#aborting.signal, ...(key === undefined ? {} : { idempotencyKey: key }) }
  }

  /** For bodies: the approval that a person has granted. */
  get approved(): { approval_id?: string } {
    const { approval } = this.options
    return approval === undefined ? {} : { approval_id: approval }
  }

  /** Of a refusal that only asks for an approval: whom to ask, and the command that goes on then. */
  unapproved(error: unknown, options: Readonly<Record<string, string>> = {}): unknown {
    if (!(error instanceof ApiError) || error.approval === undefined) return error
    const { id, url } = error.approval
    return new Exit(
      EXIT.credential,
      `${error.detail} Somebody with the permission grants it (${url}), with\n  sfx approvals grant ${id}\nThen:\n  ${again({ ...options, '--approval': id })}`,
    )
  }

  /** The client with this id or this very name, in any case. Throws Exit if there is none, or several. */
  async client(given: string): Promise<Client> {
    if (UUID.test(given)) return this.engine.clients.get({ client_id: given })
    const found: Client[] = []
    for await (const client of this.engine.clients.list({ query: given })) {
      if (client.name.toLowerCase() === given.toLowerCase()) found.push(client)
    }
    const [only] = found
    if (only === undefined) throw usage(`There is no client ${given}. Run: sfx clients list`)
    if (found.length > 1) {
      throw usage(
        `${found.length} clients are called ${given}. Name one by its id: ${found.map(({ id }) => id).join(', ')}`,
      )
    }
    return only
  }

  /** What clients are called, by their ids; for tables. */
  async clientNames(): Promise<ReadonlyMap<string, string>> {
    const names = new Map<string, string>()
    for await (const { id, name } of this.engine.clients.list({ limit: 200 })) names.set(id, name)
    return names
  }

  /**
   * Says where something will be changed. In production it is confirmed by the client's name, or with
   * --yes. An org that the credential may not look at counts as production.
   */
  async confirm(client: Client, what: string): Promise<void> {
    const connection = await this.#connectionOf(client)
    const { environment = 'production', instance_url = 'not visible to this credential' } =
      connection ?? {}
    const where = `${environment} org of ${client.name} (${instance_url ?? 'not connected'})`
    this.terminal.note(clean(`${what} in the ${where}`))
    if (environment !== 'production' || this.options.yes === true) return
    if (!this.terminal.isInteractive) {
      throw usage(`This changes a production org: ${clean(client.name)}. In scripts, add --yes.`)
    }
    const typed = await this.terminal.ask(`Type the client's name to go on`)
    if (typed.trim() !== client.name) throw usage('That is another name. Nothing was changed.')
  }

  /** A narrow token may change an org without the permission to look at its connection. */
  async #connectionOf({ id }: Client): Promise<Connection | undefined> {
    try {
      return await this.engine.connections.get({ client_id: id })
    } catch (error) {
      if (error instanceof ForbiddenError) return undefined
      throw error
    }
  }

  /** Waits for work as long as --wait says, and shows how far it is. Throws Exit `running` if it goes on. */
  async end<Resource>(
    beginning: PendingOperation<Resource> | Promise<Operation<Resource>>,
    progressOf: (state: Resource) => Progress = stagesOf,
  ): Promise<Resource> {
    const { wait } = this.options
    const operation = await beginning
    try {
      return await operation.done({
        signal: this.#aborting.signal,
        ...(wait === undefined ? {} : { timeout: wait * 1_000 }),
        onProgress: (state) => this.terminal.progress(progressOf(state)),
      })
    } catch (error) {
      if (!(error instanceof StillRunningError)) throw error
      if (this.terminal.json) this.terminal.result(error.resource, '')
      throw new Exit(
        EXIT.running,
        `It goes on at the server; nothing was cancelled. To wait for it:\n  ${resumeCommand(operation.reference)}`,
      )
    }
  }
}

const stagesOf = (state: unknown): Progress =>
  (state as { progress?: Progress }).progress ?? { stage: 'running', done: 0, total: 0 }

/** What to type to wait for work again. */
export const resumeCommand = ({ kind, id, client_id }: WorkReference): string =>
  client_id === undefined
    ? `sfx ${kind} wait ${id}`
    : `sfx wait ${kind} ${id} --client ${client_id}`
