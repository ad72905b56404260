// The Metadata API over SOAP: what exists, its content, and many components as files.

import { type Readable } from 'node:stream'
import { componentName } from './component-name.ts'
import { classifyError, makeFailure, malformed, SalesforceError } from './failure.ts'
import { type Priority, type SalesforceOrg, type SalesforceRequest } from './gateway.ts'
import { type JsonObject, isObject } from './json.ts'
import { leaf, list, listObjects, parseXml, toXml, type XmlValue } from './xml.ts'
import { decodeZipElement, unzip, type ZipEntry } from './zip.ts'

export const METADATA_NAMESPACE = 'http://soap.sforce.com/2006/04/metadata'
/** Salesforce: Metadata API guide, listMetadata: at most three queries per call. */
const LIST_QUERIES_MAX = 3
/** Salesforce: Metadata API guide, readMetadata: at most ten components per call. */
const READ_COMPONENTS_MAX = 10

/**
 * The API version as metadata files and SOAP write it: `66.0` for `v66.0`, the form used everywhere
 * else.
 */
export const bareVersion = (apiVersion: string): string => apiVersion.replace(/^v/, '')

const envelope = (
  org: SalesforceOrg,
  operation: string,
  parameters: XmlValue,
  priority?: Priority,
): SalesforceRequest => ({
  method: 'POST',
  path: `/services/Soap/m/${bareVersion(org.apiVersion)}`,
  kind: 'soap',
  effect: 'read',
  headers: { accept: 'text/xml', soapaction: '""' },
  body: {
    type: 'text/xml; charset=UTF-8',
    carriesToken: true,
    content: (accessToken) =>
      '<?xml version="1.0" encoding="UTF-8"?>' +
      `<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns="${METADATA_NAMESPACE}">` +
      `<soapenv:Header>${toXml('SessionHeader', { sessionId: accessToken?.reveal() })}</soapenv:Header>` +
      `<soapenv:Body>${toXml(operation, parameters)}</soapenv:Body></soapenv:Envelope>`,
  },
  ...(priority === undefined ? {} : { priority }),
})

/** One SOAP call; the `result` elements of its response, however many there are. */
const soapCall = async (
  org: SalesforceOrg,
  operation: string,
  parameters: XmlValue,
  priority?: Priority,
): Promise<JsonObject[]> => {
  const { body, status } = await org.requestText(envelope(org, operation, parameters, priority))
  const envelopeBody = parseXml(body).Envelope
  const soapBody = isObject(envelopeBody) ? envelopeBody.Body : null
  const response = isObject(soapBody) ? soapBody[`${operation}Response`] : undefined
  if (response === undefined) {
    throw new SalesforceError(malformed(`The answer holds no ${operation}Response.`, status))
  }
  return isObject(response) ? listObjects(response.result) : []
}

/** What listMetadata and retrieve return about one component; empty members are null. */
export interface FileProperties {
  type: string
  fullName: string
  fileName: string | null
  id: string | null
  namespacePrefix: string | null
  manageableState: string | null
  /** ISO 8601, as Salesforce wrote it. */
  lastModifiedDate: string | null
  lastModifiedById: string | null
  lastModifiedByName: string | null
}

const readFileProperties = (value: JsonObject): FileProperties => ({
  type: leaf(value.type) ?? '',
  fullName: componentName(leaf(value.type) ?? '', leaf(value.fullName) ?? ''),
  fileName: leaf(value.fileName),
  id: leaf(value.id),
  namespacePrefix: leaf(value.namespacePrefix),
  manageableState: leaf(value.manageableState),
  lastModifiedDate: leaf(value.lastModifiedDate),
  lastModifiedById: leaf(value.lastModifiedById),
  lastModifiedByName: leaf(value.lastModifiedByName),
})

export interface MetadataQuery {
  type: string
  /** For types in folders (reports, e-mail templates). */
  folder?: string
}

/** All components of the types, without their content; one call for every three types. */
export const listMetadata = async (
  org: SalesforceOrg,
  queries: readonly MetadataQuery[],
): Promise<FileProperties[]> => {
  const found: FileProperties[] = []
  for (let start = 0; start < queries.length; start += LIST_QUERIES_MAX) {
    const results = await soapCall(org, 'listMetadata', {
      // The order of members is the WSDL's: folder before type.
      queries: queries
        .slice(start, start + LIST_QUERIES_MAX)
        .map(({ folder, type }) => ({ folder, type })),
      asOfVersion: bareVersion(org.apiVersion),
    })
    for (const result of results) found.push(readFileProperties(result))
  }
  return found
}

export interface MetadataType {
  xmlName: string
  directoryName: string
  suffix: string | null
  inFolder: boolean
  metaFile: boolean
  childXmlNames: string[]
}

/** The metadata types that this Salesforce org knows at the target's API version. */
export const describeMetadata = async (org: SalesforceOrg): Promise<MetadataType[]> => {
  const [result] = await soapCall(org, 'describeMetadata', {
    asOfVersion: bareVersion(org.apiVersion),
  })
  return listObjects(result?.metadataObjects).map((type) => ({
    xmlName: leaf(type.xmlName) ?? '',
    directoryName: leaf(type.directoryName) ?? '',
    suffix: leaf(type.suffix),
    inFolder: type.inFolder === 'true',
    metaFile: type.metaFile === 'true',
    childXmlNames: list(type.childXmlNames).filter(
      (name): name is string => typeof name === 'string',
    ),
  }))
}

/**
 * Components of one type with their content, ten per call; what does not exist is left out. Values are
 * texts and single-element lists are not arrays: read lists through `list` of xml.ts.
 */
export const readMetadata = async (
  org: SalesforceOrg,
  type: string,
  fullNames: readonly string[],
): Promise<JsonObject[]> => {
  const records: JsonObject[] = []
  for (let start = 0; start < fullNames.length; start += READ_COMPONENTS_MAX) {
    const chunk = fullNames.slice(start, start + READ_COMPONENTS_MAX)
    const [result] = await soapCall(org, 'readMetadata', { type, fullNames: chunk })
    // Salesforce: a component that does not exist is returned as an empty `records` element.
    for (const record of listObjects(result?.records)) {
      if (leaf(record.fullName) !== null) records.push(record)
    }
  }
  return records
}

export interface RetrieveOptions {
  /** How long Salesforce may take to collect the files. */
  timeoutMs?: number
  /** First and longest wait between two polls. */
  pollMs?: { first: number; most: number }
}

export interface Retrieved {
  properties: FileProperties[]
  /** Members that Salesforce could not return, in its words; the others are present. */
  problems: { fileName: string | null; problem: string }[]
  /** One file in memory at a time, besides the compressed zip. Can be iterated more than once. */
  files(): Generator<ZipEntry, void, undefined>
}

/**
 * Salesforce drops the zip once it was sent, so after a broken download it has to be collected again.
 */
const DOWNLOADS_MAX = 2

/**
 * Components as files (paths as in a package: `flows/X.flow`). `members` is type → full names, or `*` if
 * the type allows it. Polling and download are never stopped by the budget, since Salesforce has already
 * accepted the work. Throws SalesforceError; LIMIT_EXCEEDED asks for fewer members at once.
 */
export const retrieve = async (
  org: SalesforceOrg,
  members: ReadonlyMap<string, readonly string[]>,
  options: RetrieveOptions = {},
): Promise<Retrieved> => {
  for (let downloads = 1; ; downloads += 1) {
    const id = await startRetrieve(org, members)
    const result = await awaitRetrieve(org, id, options)
    try {
      const zip = await download(org, id)
      return {
        properties: listObjects(result.fileProperties).map(readFileProperties),
        problems: listObjects(result.messages).map((message) => ({
          fileName: leaf(message.fileName),
          problem: leaf(message.problem) ?? '',
        })),
        files: () => unzip(zip),
      }
    } catch (error) {
      const passing = error instanceof SalesforceError && error.failure.passing
      if (!passing || downloads >= DOWNLOADS_MAX) throw error
    }
  }
}

const startRetrieve = async (
  org: SalesforceOrg,
  members: ReadonlyMap<string, readonly string[]>,
): Promise<string> => {
  const version = bareVersion(org.apiVersion)
  const [result] = await soapCall(org, 'retrieve', {
    retrieveRequest: {
      apiVersion: version,
      singlePackage: true,
      unpackaged: {
        types: [...members].map(([name, names]) => ({ members: names, name })),
        version,
      },
    },
  })
  const id = leaf(result?.id)
  if (id === null) throw new SalesforceError(malformed('The retrieve was accepted without an id.'))
  return id
}

const awaitRetrieve = async (
  org: SalesforceOrg,
  asyncProcessId: string,
  { timeoutMs = 30 * 60_000, pollMs = { first: 250, most: 5000 } }: RetrieveOptions,
): Promise<JsonObject> => {
  const endsAt = performance.now() + timeoutMs
  for (let wait = pollMs.first; ; wait = Math.min(pollMs.most, wait * 1.5)) {
    const parameters = { asyncProcessId, includeZip: false }
    const [result = {}] = await soapCall(org, 'checkRetrieveStatus', parameters, 'protected')
    if (result.done === 'true') {
      if (result.success === 'true') return result
      throw new SalesforceError(
        classifyError({
          errorCode: leaf(result.errorStatusCode) ?? 'RETRIEVE_FAILED',
          message:
            leaf(result.errorMessage) ?? leaf(listObjects(result.messages)[0]?.problem) ?? '',
        }),
      )
    }
    if (performance.now() > endsAt) {
      const message = `Salesforce did not collect the files within ${timeoutMs} ms.`
      throw new SalesforceError(makeFailure('timeout_body', { code: 'RETRIEVE_NOT_DONE', message }))
    }
    await org.pause(wait)
  }
}

const download = async (org: SalesforceOrg, asyncProcessId: string): Promise<Uint8Array> => {
  const parameters = { asyncProcessId, includeZip: true }
  const request = envelope(org, 'checkRetrieveStatus', parameters, 'protected')
  const answer = await org.stream({ ...request, attemptsMax: 2 })
  const body: Readable = answer.body
  try {
    return await decodeZipElement(body)
  } finally {
    body.destroy()
  }
}
