// What the tests of deployments share: zips from a few lines of XML, and jsforce as the client.

import { Connection } from '@jsforce/jsforce-node'
import { strToU8, zipSync } from 'fflate'
import { vi } from 'vitest'
import type { Rig } from '../../../../testing/rig.ts'
import { metadataNamespace } from '../../../../org/metadata-xml.ts'

export type Files = Record<string, string>

/** A metadata file around its content. */
export const file = (type: string, content: string): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<${type} xmlns="${metadataNamespace}">\n${content}\n</${type}>`

export const manifest = (members: Record<string, string[]>): string =>
  file(
    'Package',
    Object.entries(members)
      .map(
        ([name, names]) =>
          `<types>${names.map((each) => `<members>${each}</members>`).join('')}<name>${name}</name></types>`,
      )
      .join('') + '<version>67.0</version>',
  )

/** A zip with its manifest at the root. */
export const zipOf = (members: Record<string, string[]>, files: Files = {}): Buffer =>
  Buffer.from(
    zipSync(
      Object.fromEntries(
        Object.entries({ 'package.xml': manifest(members), ...files }).map(([name, text]) => [
          name,
          strToU8(text),
        ]),
      ),
    ),
  )

/** `Lead.Tier__c` with this metadata, as a package of its own. */
export const fieldZip = (path: string, content: string): Buffer => {
  const [object = '', name = ''] = path.split('.')
  return zipOf(
    { CustomField: [path] },
    {
      [`objects/${object}.object`]: file(
        'CustomObject',
        `<fields>\n<fullName>${name}</fullName>\n<label>${name.replace(/__c$/, '')}</label>\n${content}</fields>`,
      ),
    },
  )
}

export const connect = async (sim: Rig, org: string, username?: string): Promise<Connection> => {
  const { token, instanceUrl } = await sim.control.openSession(org, username)
  return new Connection({ instanceUrl, accessToken: token, version: '67.0' })
}

export interface Message {
  componentType: string
  fullName: string
  fileName: string
  problem?: string
  problemType?: string
  created: boolean
  changed: boolean
  deleted: boolean
  success: boolean
  id?: string
  lineNumber?: number
}

type DeployResult = Awaited<ReturnType<Connection['metadata']['checkDeployStatus']>>

export interface Deployed {
  result: DeployResult
  failures: Message[]
  successes: Message[]
}

export const OPTIONS = { singlePackage: true, rollbackOnError: true }

/** Waits until a deployment has ended. */
export const finished = async (connection: Connection, id: string): Promise<Deployed> => {
  const result = await vi.waitFor(
    async () => {
      const state = await connection.metadata.checkDeployStatus(id, true)
      if (!state.done) throw new Error(`still ${state.status}`)
      return state
    },
    { timeout: 5000, interval: 5 },
  )
  const details = result.details as unknown as {
    componentFailures?: Message[]
    componentSuccesses?: Message[]
  } | null
  return {
    result,
    failures: [details?.componentFailures ?? []].flat(),
    successes: [details?.componentSuccesses ?? []].flat(),
  }
}

/** Deploys a zip by SOAP and waits for its end. */
export const deploy = async (
  connection: Connection,
  zip: Buffer,
  options: Record<string, unknown> = {},
): Promise<Deployed> => {
  const { id } = await connection.metadata.deploy(zip, { ...OPTIONS, ...options })
  return finished(connection, id ?? '')
}

/** The first problem of a deployment that fails. */
export const problemOf = async (
  connection: Connection,
  zip: Buffer,
  options: Record<string, unknown> = {},
): Promise<string | undefined> => (await deploy(connection, zip, options)).failures[0]?.problem
