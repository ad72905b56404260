// deploy, checkDeployStatus and cancelDeploy over SOAP. Salesforce: Metadata API guide, "File-Based
// Calls".

import type { Org, User } from '../../../org/model.ts'
import type { Viewer } from '../../../org/visibility.ts'
import { SoapFault, type SoapCall } from '../soap.ts'
import { child, text, texts, writeElements } from '../../../org/metadata-xml.ts'
import { checkMayDeploy } from './access.ts'
import { deploysOf, isDone, type DeployJob } from './jobs.ts'
import { DeployRefusal, readOptions } from './options.ts'
import { soapResult } from './result.ts'

/** Who calls, and where. */
export interface DeployCaller {
  /** The API version of the call: 67. */
  version: number
  org: Org
  user: User
  viewer: Viewer
}

type Call = (caller: DeployCaller, call: SoapCall) => string

/** Here, a refusal of a deployment is a fault. */
const asFault =
  (call: Call): Call =>
  (caller, soap) => {
    try {
      return call(caller, soap)
    } catch (error) {
      if (error instanceof DeployRefusal) throw new SoapFault(error.code, error.message)
      throw error
    }
  }

const found = ({ org }: DeployCaller, id: string): DeployJob => {
  const job = deploysOf(org).find(id)
  if (job === undefined) {
    throw new SoapFault('INVALID_CROSS_REFERENCE_KEY', `invalid cross reference id: ${id}`)
  }
  return job
}

export const deployCalls: Readonly<Record<string, Call>> = {
  deploy: asFault((caller, { arguments: given }) => {
    checkMayDeploy(caller.viewer)
    const options = child(given, 'DeployOptions') ?? {}
    const zip = Buffer.from(text(given, 'ZipFile') ?? '', 'base64')
    const job = deploysOf(caller.org).submit(
      zip,
      readOptions({ ...options, runTests: texts(options, 'runTests') }),
      caller.user.id,
    )
    return writeElements({ result: { done: false, id: job.id, state: 'Queued' } })
  }),
  checkDeployStatus: (caller, { arguments: given }) => {
    const job = found(caller, text(given, 'asyncProcessId') ?? '')
    const includeDetails = text(given, 'includeDetails') === 'true'
    return writeElements({ result: soapResult(caller.org, job, includeDetails) })
  },
  cancelDeploy: asFault((caller, { arguments: given }) => {
    checkMayDeploy(caller.viewer)
    // The WSDL names the argument String; clients send id as well.
    const id = text(given, 'String') ?? text(given, 'asyncProcessId') ?? text(given, 'id') ?? ''
    found(caller, id)
    const job = deploysOf(caller.org).cancel(id, caller.user.id)
    return writeElements({ result: { done: job !== undefined && isDone(job), id } })
  }),
}
