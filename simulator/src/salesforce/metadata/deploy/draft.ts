// What one deployment changes in its Salesforce org, with the way back. A deployment is all or nothing
// where rollbackOnError says so, and nothing at all where checkOnly does.

import { nextSchemaTime } from '../../../org/changes.ts'
import { isProduction } from '../../../org/edition.ts'
import type { Org, SObject, Stamps } from '../../../org/model.ts'

/** Why Salesforce refuses one component: the `problem` of its message. */
export class Problem extends Error {
  override name = 'Problem'
}

/** What became of a component that was accepted. */
export interface Outcome {
  id: string
  created: boolean
  changed: boolean
}

/**
 * An org while a deployment works on it. Whoever changes something takes it from here first
 * (`edit`, `keep`), or says how to take it back (`onRollback`). Members of an object's lists and maps
 * are replaced, never changed in place: that is what makes a shallow copy enough to go back to.
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

  /** The live object of this name, to look at. */
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

  /** The same object, to be changed in what no describe shows, such as validation rules. */
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
      recordTypes: [...object.recordTypes],
      validationRules: [...object.validationRules],
    }
    this.onRollback(() => this.org.objects.set(key, before))
    return object
  }

  /** Another object's describe changes too: a lookup shows in its parent as a child relationship. */
  touch(name: string): void {
    this.#described.add(name.toLowerCase())
  }

  /** Permissions, profiles or labels change: the date of every describe moves. */
  touchOrg(): void {
    this.#orgWide = true
  }

  added(object: SObject): void {
    const key = object.name.toLowerCase()
    this.#edited.add(key)
    this.#described.add(key)
    this.onRollback(() => this.org.objects.delete(key))
  }

  /** Remembers a member of the org that is about to be replaced by a changed copy. */
  keep(member: 'layouts' | 'tabs' | 'assignmentRules' | 'assignments'): void {
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

  /** Stamps of something made, or of something changed that was there before. */
  stamps(before?: Stamps): Stamps {
    return {
      createdById: before?.createdById ?? this.userId,
      createdDate: before?.createdDate ?? this.now,
      lastModifiedById: this.userId,
      lastModifiedDate: this.now,
    }
  }

  rollback(): void {
    for (const undo of this.#undo.reverse()) undo()
    this.#undo.length = 0
  }

  /** Lets the changes stand and moves the dates of the describes that changed, once for all. */
  commit(): void {
    const { org } = this
    if (this.#described.size === 0 && !this.#orgWide) return
    const at = nextSchemaTime(org)
    for (const key of this.#described) {
      const object = org.objects.get(key)
      if (object === undefined) continue
      object.schemaModifiedAt = at
      object.lastModifiedDate = at
      object.lastModifiedById = this.userId
    }
    if (this.#described.size > 0) org.schemaRevision++
    if (this.#orgWide) {
      org.orgWideModifiedAt = at
      org.permissionRevision++
    }
  }
}
