// What the tests of the simulator share: a running simulator and plain HTTP against one of its orgs.

import { createControl, type Control } from '../control/client.ts'
import { startSimulator, type Simulator, type SimulatorOptions } from '../index.ts'

export interface Rig extends Simulator {
  control: Control
}

export const startRig = async (options: SimulatorOptions = {}): Promise<Rig> => {
  const simulator = await startSimulator(options)
  return { ...simulator, control: createControl(simulator.controlUrl) }
}

export interface Client {
  token: string
  instanceUrl: string
  /** `path` below `/services/data/v66.0`, or from the root if it begins with `//` or `/services`. */
  get(path: string, headers?: Record<string, string>): Promise<Response>
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Response>
}

/** A client with a session of this user (default: the administrator) of this org. */
export const clientOf = async (
  control: Control,
  org = 'Acme',
  username?: string,
): Promise<Client> => {
  const { token, instanceUrl } = await control.openSession(org, username)
  const url = (path: string) =>
    instanceUrl + (/^\/(\/|services)/.test(path) ? path : `/services/data/v66.0${path}`)
  const authorization = `Bearer ${token}`
  return {
    token,
    instanceUrl,
    get: (path, headers = {}) => fetch(url(path), { headers: { authorization, ...headers } }),
    post: (path, body, headers = {}) =>
      fetch(url(path), {
        method: 'POST',
        headers: { authorization, 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
      }),
  }
}

/** The body as JSON of the type that the test expects. */
export const bodyOf = async <T>(response: Response): Promise<T> => (await response.json()) as T

export interface DescribedField {
  name: string
  label: string
  length: number
  [key: string]: unknown
}

export const fieldNames = async (client: Client, object: string): Promise<string[]> => {
  const { fields } = await bodyOf<{ fields: DescribedField[] }>(
    await client.get(`/sobjects/${object}/describe`),
  )
  return fields.map(({ name }) => name)
}
