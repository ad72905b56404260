// createMetadata, updateMetadata, upsertMetadata and deleteMetadata: a few components of one type, at
// once. Salesforce: Metadata API guide, "CRUD-Based Calls" and "AllOrNoneHeader".

import { childTypes, metadataTypes, plainName, saysTypes } from './component.ts'
import { checkMayDeploy } from './deploy/access.ts'
import { Draft, NotDone, Problem, type Outcome } from './deploy/draft.ts'
import { DeployRefusal } from './deploy/options.ts'
import { removeComponent, saveComponent, type SaveMode } from './deploy/single.ts'
import type { DeployCaller } from './deploy/soap.ts'
import { SoapFault, unknownType, type SoapCall } from './soap.ts'
import {
  child,
  nodes,
  text,
  texts,
  writeElements,
  type MetadataNode,
} from '../../org/metadata-xml.ts'

const MAX_COMPONENTS = 10
/** Salesforce: for custom metadata records, twenty times as many ("createMetadata()"). */
const MAX_RECORDS = 200
/** Since this version one component's failure leaves the others as they are. */
const PARTIAL_SINCE = 34

type Call = (caller: DeployCaller, call: SoapCall) => string

/** One component of a call: its name, and what to do with it. */
interface Step {
  fullName: string
  run(draft: Draft): Outcome
}

/** The result of a step: what it did, or why nothing was done. */
interface Done {
  fullName: string
  created: boolean
  problem?: Problem
}

export const crudCalls: Readonly<Record<string, Call>> = {
  createMetadata: (caller, call) => save(caller, call, 'create'),
  updateMetadata: (caller, call) => save(caller, call, 'update'),
  upsertMetadata: (caller, call) => save(caller, call, 'upsert'),
  deleteMetadata: (caller, call) => {
    const type = text(call.arguments, 'type') ?? ''
    if (!isKnown(type)) throw unknownType(type)
    const names = texts(call.arguments, 'fullNames')
    const steps = names.map((fullName): Step => ({
      fullName,
      run: (draft) => removeComponent(draft, type, plainName(type, fullName)),
    }))
    return written(runSteps(caller, call, steps, limitOf(type)), false)
  },
}

function save(caller: DeployCaller, call: SoapCall, mode: SaveMode): string {
  const given = nodes(call.typedArguments(), 'metadata')
  const [type = ''] = given.map(typeOf)
  const components = saysTypes(type) ? nodes(call.typedArguments(true), 'metadata') : given
  if (components.some((node) => typeOf(node) !== type)) {
    throw new SoapFault('INVALID_TYPE', 'All components of a call must be of the same type')
  }
  const steps = components.map((node): Step => {
    const fullName = text(node, 'fullName') ?? ''
    return {
      fullName,
      run: (draft) => {
        const given = { type, fullName: plainName(type, fullName), node: withoutType(node) }
        return saveComponent(draft, given, mode)
      },
    }
  })
  return written(runSteps(caller, call, steps, limitOf(type)), mode === 'upsert')
}

const limitOf = (type: string) => (type === 'CustomMetadata' ? MAX_RECORDS : MAX_COMPONENTS)

/** `xsi:type` may have a prefix. */
function typeOf(node: MetadataNode): string {
  const type = (text(node, '@type') ?? '').replace(/^.*:/, '')
  if (!isKnown(type)) {
    throw new SoapFault(
      'soapenv:Client',
      type === ''
        ? 'Must specify the type of a component as xsi:type'
        : `'${type}' is not a type of component`,
    )
  }
  return type
}

const isKnown = (type: string) =>
  [...metadataTypes, ...childTypes].some(({ xmlName }) => xmlName === type)

const withoutType = ({ '@type': _, ...node }: MetadataNode): MetadataNode => node

/** Runs the steps in their order: each all or nothing, and with allOrNone all of them. */
function runSteps(
  caller: DeployCaller,
  call: SoapCall,
  steps: readonly Step[],
  max: number,
): Done[] {
  checkAccess(caller)
  if (steps.length > max) {
    throw new SoapFault(
      'EXCEEDED_ID_LIMIT',
      `record limit reached. cannot submit more than ${max} records in this operation`,
    )
  }
  const drafts: Draft[] = []
  const takeBack = () => {
    for (const draft of drafts.splice(0).toReversed()) draft.rollback()
  }
  try {
    const done = steps.map((step): Done => {
      const draft = new Draft(caller.org, { userId: caller.user.id })
      drafts.push(draft)
      try {
        return { fullName: step.fullName, created: step.run(draft).created }
      } catch (problem) {
        draft.rollback()
        drafts.pop()
        if (!(problem instanceof Problem) || problem instanceof NotDone) throw problem
        return { fullName: step.fullName, created: false, problem }
      }
    })
    if (allOrNone(caller, call) && done.some(({ problem }) => problem !== undefined)) {
      takeBack()
      return done.map((each) => ({ problem: rolledBack(), ...each, created: false }))
    }
    Draft.commitAll(caller.org, drafts)
    return done
  } catch (error) {
    takeBack()
    if (error instanceof NotDone) throw new SoapFault('soapenv:Server', error.message)
    throw error
  }
}

function checkAccess({ viewer }: DeployCaller): void {
  try {
    checkMayDeploy(viewer)
  } catch (error) {
    if (error instanceof DeployRefusal) throw new SoapFault(error.code, error.message)
    throw error
  }
}

function allOrNone({ version }: DeployCaller, { headers }: SoapCall): boolean {
  const given = text(child(headers, 'AllOrNoneHeader'), 'allOrNone')
  return given === undefined ? version < PARTIAL_SINCE : given === 'true' || given === '1'
}

/** The code is recorded for components; the words are those of the record calls. */
const rolledBack = () =>
  new Problem(
    'Record rolled back because not all records were valid and the request was using AllOrNone header',
    'ALL_OR_NONE_OPERATION_ROLLED_BACK',
  )

/** As recorded: SaveResult, DeleteResult and UpsertResult differ only in `created`. */
const written = (done: readonly Done[], upserted: boolean): string =>
  writeElements({
    result: done.map(({ created, fullName, problem }) => ({
      ...(upserted && { created }),
      ...(problem && { errors: { message: problem.message, statusCode: problem.code } }),
      fullName,
      success: problem === undefined,
    })),
  })
