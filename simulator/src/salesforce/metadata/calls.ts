import { isDocumentedType } from '../../documented.ts'
import { crudCalls } from './crud.ts'
import { deployCalls, type DeployCaller } from './deploy/soap.ts'
import { buildRetrieve } from './retrieve.ts'
import type { RetrieveJobs, RetrieveState } from './retrieve-jobs.ts'
import { everything, metadataTypes, plainName, type Component } from './component.ts'
import { readManifest } from './manifest.ts'
import { notSimulatedFault, SoapFault, unknownType, type SoapCall } from './soap.ts'
import {
  child,
  inSalesforceOrder,
  nodes,
  text,
  texts,
  writeElements,
  type MetadataNode,
} from '../../org/metadata-xml.ts'

/** What the calls work on: the components of one Salesforce org, as one user sees them. */
export interface MetadataScope {
  apiVersion: string
  isSandbox: boolean
  retrieves: RetrieveJobs
  /** Who calls; what deploys works on the org itself. */
  caller: DeployCaller
  newRetrieveId(): string
  userName(userId: string): string
  /** Every component of a type; undefined when the type is unknown. */
  list(type: string): readonly Component[] | undefined
  /** A component by its exact name, including flow versions (`Name-3`). */
  find(type: string, fullName: string): Component | undefined
}

type Call = (scope: MetadataScope, call: SoapCall) => string

// Salesforce: Metadata API guide, "listMetadata()" and "readMetadata()".
const maxListQueries = 3
const maxReadNames = (type: string) => (type === 'CustomMetadata' ? 200 : 10)

const calls: Readonly<Record<string, Call>> = {
  describeMetadata,
  listMetadata,
  readMetadata,
  retrieve,
  checkRetrieveStatus,
  ...Object.fromEntries(
    Object.entries({ ...crudCalls, ...deployCalls }).map(([name, run]): [string, Call] => [
      name,
      (scope, call) => run(scope.caller, call),
    ]),
  ),
}

/** Names of the calls that are simulated. */
export const simulatedCalls: readonly string[] = Object.keys(calls)

/** Runs one call and returns the XML inside `<…Response>`. Throws `SoapFault`. */
export function runMetadataCall(scope: MetadataScope, call: SoapCall): string {
  const run = Object.hasOwn(calls, call.name) ? calls[call.name] : undefined
  if (!run) {
    throw notSimulatedFault(`the call ${call.name}`)
  }
  return run(scope, call)
}

function describeMetadata(scope: MetadataScope): string {
  return writeElements({
    result: {
      metadataObjects: metadataTypes.map((type) => ({
        childXmlNames: type.childXmlNames,
        directoryName: type.directoryName,
        inFolder: type.inFolder,
        metaFile: type.metaFile,
        suffix: type.suffix,
        xmlName: type.xmlName,
      })),
      organizationNamespace: '',
      partialSaveAllowed: true,
      testRequired: !scope.isSandbox,
    },
  })
}

function listMetadata(scope: MetadataScope, call: SoapCall): string {
  const queries = nodes(call.arguments, 'queries')
  if (queries.length > maxListQueries) {
    throw new SoapFault(
      'EXCEEDED_ID_LIMIT',
      `record limit reached. cannot submit more than ${maxListQueries} queries into this call`,
    )
  }
  const result = queries.flatMap((query) => {
    const type = text(query, 'type') ?? ''
    const components = scope.list(type)
    if (!components) throw unknownType(type)
    return components.map((component) => fileProperties(scope, component, component.fileName))
  })
  return writeElements({ result })
}

function readMetadata(scope: MetadataScope, call: SoapCall): string {
  const type = text(call.arguments, 'type') ?? ''
  const names = texts(call.arguments, 'fullNames')
  if (names.length > maxReadNames(type)) {
    throw new SoapFault(
      'EXCEEDED_ID_LIMIT',
      `record limit reached. cannot submit more than ${maxReadNames(type)} records into this call`,
    )
  }
  if (!scope.list(type)) throw unknownType(type)
  const records = names.map((name) => {
    const component = scope.find(type, plainName(type, name))
    if (!component) return '<records xsi:nil="true"/>'
    const content = { fullName: component.fullName, ...component.metadata(everything) }
    const node = type === 'Flow' ? content : inSalesforceOrder(content)
    return `<records xsi:type="${type}">${writeElements(node)}</records>`
  })
  return `<result>${records.join('')}</result>`
}

function retrieve(scope: MetadataScope, call: SoapCall): string {
  // The WSDL names the argument retrieveRequest; jsforce sends it as request.
  const request = child(call.arguments, 'retrieveRequest') ?? child(call.arguments, 'request')
  const unpackaged = child(request, 'unpackaged')
  if (!unpackaged) {
    throw notSimulatedFault('a retrieve of anything but unpackaged components')
  }
  const manifest = readManifest(unpackaged)
  const missing = manifest.types.find(
    ({ name }) => scope.list(name) === undefined && isDocumentedType(name),
  )
  if (missing) throw unknownType(missing.name)
  const output = buildRetrieve({
    manifest: { ...manifest, version: manifest.version || scope.apiVersion },
    singlePackage: text(request, 'singlePackage') === 'true',
    list: (type) => scope.list(type),
    find: (type, fullName) => scope.find(type, fullName),
  })
  const id = scope.newRetrieveId()
  scope.retrieves.start(id, output)
  return writeElements({ result: { done: false, id, state: 'Queued' } })
}

function checkRetrieveStatus(scope: MetadataScope, call: SoapCall): string {
  const id = text(call.arguments, 'asyncProcessId') ?? ''
  const includeZip = text(call.arguments, 'includeZip') !== 'false'
  const state = scope.retrieves.check(id, includeZip)
  if (!state) {
    throw new SoapFault('INVALID_CROSS_REFERENCE_KEY', `invalid cross reference id: ${id}`)
  }
  return writeElements({ result: retrieveResult(scope, state, includeZip) })
}

function retrieveResult(
  scope: MetadataScope,
  { id, status, output, zipAvailable }: RetrieveState,
  includeZip: boolean,
): MetadataNode {
  if (status !== 'Succeeded') return { done: false, id, status, success: false }
  return {
    done: true,
    fileProperties: output.components.map((component) =>
      fileProperties(scope, component, output.fileNames.get(component) ?? component.fileName),
    ),
    id,
    messages: output.messages.map(({ fileName, problem }) => ({ fileName, problem })),
    status,
    success: true,
    zipFile: includeZip && zipAvailable ? Buffer.from(output.zip).toString('base64') : undefined,
  }
}

function fileProperties(
  scope: MetadataScope,
  component: Component,
  fileName: string,
): MetadataNode {
  const namespacePrefix = component.namespacePrefix ?? undefined
  return {
    createdById: component.createdById,
    createdByName: scope.userName(component.createdById),
    createdDate: new Date(component.createdDate).toISOString(),
    fileName,
    fullName: component.fullName,
    id: component.id,
    lastModifiedById: component.lastModifiedById,
    lastModifiedByName: scope.userName(component.lastModifiedById),
    lastModifiedDate: new Date(component.lastModifiedDate).toISOString(),
    manageableState: namespacePrefix === undefined ? 'unmanaged' : 'installed',
    namespacePrefix,
    type: component.type,
  }
}
