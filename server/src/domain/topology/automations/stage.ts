// The part of a pull that reads automations: lists them all, retrieves the content of those that
// changed, and carries the others over.

import { type Fault } from '../../../db/tables/work.ts'
import { isRefusal, SalesforceError, withoutQuery } from '../../../salesforce/failure.ts'
import { type SalesforceOrg } from '../../../salesforce/gateway.ts'
import { type ItemWriter } from '../writer.ts'
import { type Contents } from '../contents.ts'
import { type Validator } from '../validators.ts'
import { type Automation, assemble, keyOfAutomation } from './automation.ts'
import { flowMember, retrieveBodies } from './bodies.ts'
import { infoStamp, listAutomations, type ListedAutomation } from './listing.ts'

export interface AutomationsRead {
  /** Content hash by key: what the manifest holds. */
  hashes: Map<string, string>
  unreadable: { object: string; code: string; message: string }[]
}

export interface AutomationsTask {
  org: SalesforceOrg
  objectNames: readonly string[]
  /** By key: content and stamp of known automations, from validators and from this pull's journal. */
  known: ReadonlyMap<string, Validator>
  contents: Contents
  writer: ItemWriter
  /** Content hashes by key in the previous snapshot. */
  previous: ReadonlyMap<string, string>
  /** Whether a later pull may ask with this date. False if a change could still have the same date. */
  isSettled: (date: string) => boolean
}

/** `body stamp|info stamp`: the first changes with the content, the second with the listing. */
const stampOf = (one: ListedAutomation): string => `${one.bodyStamp}|${infoStamp(one)}`
const bodyPart = (stamp: string): string => stamp.slice(0, stamp.lastIndexOf('|'))

const BATCH = 50

/**
 * Reads all automations. What cannot be read is reported and does not fail the pull: a type that cannot
 * be listed is carried over, an automation without content has a null definition. Throws for faults that
 * concern the Salesforce org as a whole, and for temporary ones: the pull then tries again.
 */
export const readAutomations = async (task: AutomationsTask): Promise<AutomationsRead> => {
  const { org, known, previous } = task
  const { listed, failures } = await listAutomations(org, task.objectNames)
  const read: AutomationsRead = { hashes: new Map(), unreadable: [] }
  for (const [type, { code, message }] of failures) {
    read.unreadable.push({ object: type, code, message: withoutQuery(message) })
    for (const [key, hash] of previous) if (key.startsWith(`${type}/`)) read.hashes.set(key, hash)
  }

  const moved: ListedAutomation[] = []
  const relisted: { one: ListedAutomation; hash: string }[] = []
  for (const one of listed) {
    const key = keyOfAutomation(one.info)
    const before = known.get(key)
    if (before === undefined || one.bodyStamp === null) moved.push(one)
    else if (before.lastModified === stampOf(one)) read.hashes.set(key, before.hash)
    else if (bodyPart(before.lastModified) === one.bodyStamp) {
      relisted.push({ one, hash: before.hash })
    } else moved.push(one)
  }
  await writeRelisted(task, relisted, read)
  await writeMoved(task, moved, read)
  return read
}

const store = async (
  { writer, isSettled }: AutomationsTask,
  one: ListedAutomation,
  automation: Automation,
  read: AutomationsRead,
  unreadable: Fault | null,
): Promise<void> => {
  const name = keyOfAutomation(one.info)
  const mayKeep = unreadable === null && one.bodyDate !== null && isSettled(one.bodyDate)
  const hash = await writer.add(
    {
      kind: 'automation',
      name,
      fieldsCount: 0,
      lastModified: mayKeep ? stampOf(one) : null,
      notModified: false,
      unreadable,
    },
    automation,
  )
  read.hashes.set(name, hash)
  if (unreadable !== null) read.unreadable.push({ object: one.info.api_name, ...unreadable })
}

/** Only the listing changed (activated, renamed): the previous content with the new listing. */
const writeRelisted = async (
  task: AutomationsTask,
  relisted: readonly { one: ListedAutomation; hash: string }[],
  read: AutomationsRead,
): Promise<void> => {
  for (let start = 0; start < relisted.length; start += BATCH) {
    const batch = relisted.slice(start, start + BATCH)
    const contents = await task.contents.read(batch.map(({ hash }) => hash))
    for (const { one, hash } of batch) {
      const before = JSON.parse(String(contents.get(hash))) as Automation
      const { definition, definition_version: version } = before
      await store(task, one, assemble(one.info, definition, version, one.trigger), read, null)
    }
  }
}

const writeMoved = async (
  task: AutomationsTask,
  moved: readonly ListedAutomation[],
  read: AutomationsRead,
): Promise<void> => {
  const missing = new Map(
    moved.map((one) => [
      keyOfAutomation(
        one.info.type === 'flow' ? { type: 'flow', api_name: flowMember(one) } : one.info,
      ),
      one,
    ]),
  )
  const problems: string[] = []
  let failure: Fault = {
    code: 'CONTENT_NOT_RETRIEVED',
    message: 'Salesforce returned no content for it.',
  }
  try {
    for await (const { key, definition } of retrieveBodies(task.org, moved, (problem) =>
      problems.push(problem),
    )) {
      const one = missing.get(key)
      if (one === undefined) continue
      missing.delete(key)
      const automation = assemble(one.info, definition, one.bodyVersion, one.trigger)
      await store(task, one, automation, read, null)
    }
  } catch (error) {
    if (!(error instanceof SalesforceError) || !isRefusal(error.failure)) throw error
    failure = { code: error.failure.code, message: error.failure.message }
  }
  for (const one of missing.values()) {
    const automation = assemble(one.info, null, null, one.trigger)
    const said = problems.find((problem) => problem.includes(one.info.api_name))
    // Salesforce hides the content of managed packages: that is normal, not a fault.
    const unreadable = one.info.managed ? null : { ...failure, message: said ?? failure.message }
    await store(task, one, automation, read, unreadable)
  }
}
