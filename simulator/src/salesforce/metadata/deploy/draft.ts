// What one deployment changes in its Salesforce org, and how to roll it back. A deployment is all or
// nothing with rollbackOnError, and changes nothing with checkOnly.

import { nextSchemaTime } from '../../../org/changes.ts'
import { isProduction } from '../../../org/edition.ts'
import type { MetadataNode } from '../../../org/metadata-xml.ts'
import type { Org, SObject, Stamps } from '../../../org/model.ts'

/**
 * Why Salesforce refuses one component: the `problem` of its message. Calls that return codes (CRUD,
 * Tooling) also return the code. Salesforce: Metadata API WSDL, "StatusCode".
 */
export class Problem extends Error {
  override name = 'Problem'
  readonly code: string

  constructor(message: string, code = 'FIELD_INTEGRITY_EXCEPTION') {
    super(message)
    this.code = code
  }
}

/** What Salesforce would do here and the simulator does not, with its name. */
export class NotDone extends Problem {
  override name = 'NotDone'

  constructor(message: string) {
    super(`The simulator ${message}`, 'NOT_SIMULATED')
  }
}

/** One component to deploy. */
export interface Item {
  type: string
  fullName: string
  /** Its path in the zip. */
  fileName: string
  /** Its metadata; of a CustomObject, the whole file with fields and all. */
  node: MetadataNode
  /** The line of its name in the file, from 1; undefined if it is the file itself. */
  position?: { line: number; column: number }
}

/** The outcome of an accepted component. */
export interface Outcome {
  id: string
  created: boolean
  changed: boolean
  /** Set if the result of a deployment names it differently than the package. */
  fullName?: string
}

/**
 * An org while a deployment works on it. Code that changes something first gets it from here (`edit`,
 * `keep`), or says how to roll it back (`onRollback`). Members of an object's lists and maps are
 * replaced, never changed in place, so a shallow copy is enough for a rollback.
 */
export class Draft {
  readonly org: Org
  readonly userId: string
  readonly apiVersion: string
  readonly purgeOnDelete: boolean
  readonly now: Date = new Date()
  readonly #undo: (() => void)[] = []
  readonly #edited = new Set<string>()
  readonly #described = new Set<string>()
  #orgWide = false

  constructor(org: Org, options: { userId: string; apiVersion?: string; purgeOnDelete?: boolean }) {
    this.org = org
    this.userId = options.userId
    this.apiVersion = options.apiVersion ?? ''
    this.purgeOnDelete = options.purgeOnDelete ?? false
  }

  get isProduction(): boolean {
    return isProduction(this.org)
  }

  /** The live object of this name, read-only. */
  object(name: string): SObject | undefined {
    const object = this.org.objects.get(name.toLowerCase())
    return object?.deletedAt === undefined ? object : undefined
  }

  /** The same object, to be changed: its describe is counted as changed. */
  edit(object: SObject): SObject {
    const key = object.name.toLowerCase()
    this.#described.add(key)
    return this.#copied(key, object)
  }

  /** The same object, to be changed in parts that no describe shows, such as validation rules. */
  editQuietly(object: SObject): SObject {
    return this.#copied(object.name.toLowerCase(), object)
  }

  #copied(key: string, object: SObject): SObject {
    if (this.#edited.has(key)) return object
    this.#edited.add(key)
    const before: SObject = {
      ...object,
      describe: { ...object.describe },
      fields: new Map(object.fields),
      businessProcesses: [...object.businessProcesses],
      recordTypes: [...object.recordTypes],
      validationRules: [...object.validationRules],
      parts: { ...object.parts },
    }
    this.onRollback(() => this.org.objects.set(key, before))
    return object
  }

  /** Another object's describe also changes: a lookup appears in its parent as a child relationship. */
  touch(name: string): void {
    this.#described.add(name.toLowerCase())
  }

  /** Permissions, profiles or labels change: the date of every describe changes. */
  touchOrg(): void {
    this.#orgWide = true
  }

  added(object: SObject): void {
    const key = object.name.toLowerCase()
    this.#edited.add(key)
    this.#described.add(key)
    this.onRollback(() => this.org.objects.delete(key))
  }

  /** Saves a member of the org that is about to be replaced by a changed copy. */
  keep(member: 'layouts' | 'tabs' | 'apps' | 'assignmentRules' | 'assignments' | 'groups'): void {
    const { org } = this
    const before = { [member]: org[member] }
    this.onRollback(() => Object.assign(org, before))
  }

  /** Sets or (with undefined) removes an entry of one of the org's maps. */
  put<Value>(map: Map<string, Value>, key: string, value: Value | undefined): void {
    const had = map.has(key)
    const before = map.get(key)
    this.onRollback(() => {
      if (had && before !== undefined) map.set(key, before)
      else map.delete(key)
    })
    if (value === undefined) map.delete(key)
    else map.set(key, value)
  }

  onRollback(undo: () => void): void {
    this.#undo.push(undo)
  }

  /** Stamps of something created, or of something existing that changed: with a later date. */
  stamps(before?: Stamps): Stamps {
    const earliest = before === undefined ? 0 : before.lastModifiedDate.getTime() + 1
    return {
      createdById: before?.createdById ?? this.userId,
      createdDate: before?.createdDate ?? this.now,
      lastModifiedById: this.userId,
      lastModifiedDate: earliest > this.now.getTime() ? new Date(earliest) : this.now,
    }
  }

  rollback(): void {
    for (const undo of this.#undo.reverse()) undo()
    this.#undo.length = 0
  }

  /** Keeps the changes and updates the dates of the describes that changed. */
  commit(): void {
    Draft.commitAll(this.org, [this])
  }

  /** Rolls back what was already committed. The dates change once more, as for any other change. */
  takeBack(): void {
    this.rollback()
    this.commit()
  }

  /** Keeps the changes of several drafts, with one date for all of them. */
  static commitAll(org: Org, drafts: readonly Draft[]): void {
    const described = new Map(
      drafts.flatMap((draft) => [...draft.#described].map((key) => [key, draft.userId] as const)),
    )
    const orgWide = drafts.some((draft) => draft.#orgWide)
    if (described.size === 0 && !orgWide) return
    const at = nextSchemaTime(org)
    for (const [key, userId] of described) {
      const object = org.objects.get(key)
      if (object === undefined) continue
      object.schemaModifiedAt = at
      object.lastModifiedDate = at
      object.lastModifiedById = userId
    }
    if (described.size > 0) org.schemaRevision++
    if (orgWide) {
      org.orgWideModifiedAt = at
      org.permissionRevision++
    }
  }
}

/** One metadata change outside a deployment: all of it, or nothing and an exception. */
export function changeSetup<Result>(draft: Draft, change: (draft: Draft) => Result): Result {
  try {
    const result = change(draft)
    draft.commit()
    return result
  } catch (error) {
    draft.rollback()
    throw error
  }
}
