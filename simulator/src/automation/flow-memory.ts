// What a flow knows while it runs: `$Record`, its variables, what its elements found and created, and
// how all of that is read and set by name. Salesforce Help, "Flow Resources".

import { type FormulaScope } from '../formula/formula.ts'
import { type FormulaValue } from '../formula/values.ts'
import { findObject } from '../org/changes.ts'
import { type Field, type Org, type Row, type SObject } from '../org/model.ts'
import { type RowEvent } from '../records/automation.ts'
import { recordScope } from '../records/formulas.ts'
import { targetRow } from '../records/targets.ts'
import { child, nodes, text, type MetadataNode } from '../org/metadata-xml.ts'
import { fieldInput, operandOf, type Operand } from './expressions.ts'
import { FlowFault } from './faults.ts'
import { type FlowPlan, type FlowVariable } from './flow-plan.ts'

/** A record that a flow holds: found, about to be created, or both. */
export interface HeldRecord {
  object: SObject
  row: Record<string, unknown>
  /** Fields that the flow assigned and has not saved. */
  assigned: Set<string>
}

export interface InterviewOf {
  org: Org
  object: SObject
  event: RowEvent
  /** `$Record`: the row itself before it is saved, a copy of it after that. */
  record: Row
}

export class FlowMemory {
  readonly #plan: FlowPlan
  readonly #of: InterviewOf
  readonly #values = new Map<string, FormulaValue>()
  readonly #records = new Map<string, HeldRecord | null>()
  /** Resources being evaluated: one that needs itself has no value. */
  readonly #open = new Set<string>()
  readonly now = new Date()
  /** Current values by name. */
  readonly scope: FormulaScope
  /** Fields of `$Record` that were assigned and are not saved yet. */
  readonly #assigned = new Set<string>()
  faultMessage: string | null = null

  constructor(plan: FlowPlan, of: InterviewOf) {
    this.#plan = plan
    this.#of = of
    this.scope = {
      read: (path) => this.#read(path, of.record),
      prior: (path) => this.#read(path, of.event.before ?? of.record),
      isNew: of.event.event === 'create',
      now: this.now,
    }
  }

  /** The same with a different row as `$Record`. */
  scopeWith(record: Row): FormulaScope {
    const read: FormulaScope['read'] = (path) => this.#read(path, record)
    return { read, prior: read, isNew: false, now: this.now }
  }

  /** Sets what an element or a variable of this name holds; null: it found none. */
  hold(name: string, record: HeldRecord | null): void {
    this.#records.set(name.toLowerCase(), record)
  }

  keep(name: string, value: FormulaValue): void {
    this.#values.set(name.toLowerCase(), value)
  }

  /** The object that the element names. */
  objectOf(node: MetadataNode): SObject {
    const name = text(node, 'object') ?? ''
    const found = findObject(this.#of.org, name)
    if (found === undefined) throw new FlowFault(`there is no object ${name}`)
    return found
  }

  /** `inputAssignments`: the values that the fields of a record of this object get. */
  inputs(object: SObject, node: MetadataNode): Record<string, unknown> {
    return Object.fromEntries(
      nodes(node, 'inputAssignments').map((each) => {
        const name = text(each, 'field') ?? ''
        const field = object.fields.get(name.toLowerCase())
        return [
          field?.describe.name ?? name,
          fieldInput(field, operandOf(child(each, 'value'))(this.scope)),
        ]
      }),
    )
  }

  /** Assigns to a variable, or to a field of `$Record` or of a record variable. */
  set(path: readonly string[], operand: Operand): void {
    const [first = '', name, ...rest] = path
    const value = operand(this.scope)
    if (isRecord(first) && name !== undefined && rest.length === 0) {
      const field = this.#writable(this.#of.object, name)
      this.#of.record[field.describe.name] = fieldInput(field, value)
      this.#assigned.add(field.describe.name)
      return
    }
    const key = first.toLowerCase()
    const variable = this.#plan.variables.get(key)
    if (name === undefined && variable?.object === null && !variable.collection) {
      this.#values.set(key, value)
      return
    }
    const held = this.#records.get(key) ?? this.#emptyRecord(variable)
    if (held === null || name === undefined || rest.length > 0) {
      throw new FlowFault(`the simulator does not assign to ${path.join('.')}`)
    }
    this.#records.set(key, held)
    const field = this.#writable(held.object, name)
    held.row[field.describe.name] = fieldInput(field, value)
    held.assigned.add(field.describe.name)
  }

  /** What a record variable holds before anything was assigned to it. */
  #emptyRecord(variable: FlowVariable | undefined): HeldRecord | null {
    if (variable === undefined || variable.collection || variable.object === null) return null
    const object = findObject(this.#of.org, variable.object)
    return object === undefined ? null : { object, row: {}, assigned: new Set() }
  }

  #writable(object: SObject, name: string): Field {
    const field = object.fields.get(name.toLowerCase())
    if (field === undefined || field.deletedAt !== undefined) {
      throw new FlowFault(`there is no field ${object.name}.${name}`)
    }
    return field
  }

  /** `$Record`, a parent of it, or the record that a variable or a lookup holds; null: none. */
  held(path: string): HeldRecord | null {
    const [first = '', name, ...rest] = path.split('.')
    if (name === undefined && isRecord(first)) {
      return { object: this.#of.object, row: this.#of.record, assigned: this.#assigned }
    }
    if (name === undefined) return this.#records.get(first.toLowerCase()) ?? null
    const { org, object, record } = this.#of
    const parent = [...object.fields.values()].find(
      ({ describe }) => describe.relationshipName?.toLowerCase() === name.toLowerCase(),
    )
    if (!isRecord(first) || parent === undefined || rest.length > 0) {
      throw new FlowFault(`the simulator does not find the record ${path}`)
    }
    const id = record[parent.describe.name]
    for (const each of typeof id === 'string' ? parent.describe.referenceTo : []) {
      const found = targetRow(org, each, String(id))
      if (found?.object !== undefined)
        return { object: found.object, row: { Id: id }, assigned: new Set() }
    }
    return null
  }

  /** A record's fields and its parents'; blank if the record does not have the field yet. */
  ofRow(object: SObject, row: Record<string, unknown>): FormulaScope {
    const { org, event } = this.#of
    const whole: Row = { Id: '', ...row }
    return recordScope({
      org,
      object,
      row: whole,
      before: whole,
      user: event.user,
      wholePercents: true,
    })
  }

  #read(path: readonly string[], record: Row): FormulaValue {
    const [first = '', ...rest] = path
    const lower = first.toLowerCase()
    const { object, event } = this.#of
    if (lower === '$record') return this.ofRow(object, record).read(rest)
    if (lower === '$record__prior') {
      return event.before === null ? null : this.ofRow(object, event.before).read(rest)
    }
    if (lower === '$flow') return this.#flowGlobal(rest.join('.'))
    if (lower.startsWith('$')) return this.ofRow(object, record).read(path)
    const held = this.#records.get(lower)
    if (held !== undefined) {
      if (held === null) return null
      return this.ofRow(held.object, held.row).read(rest.length === 0 ? ['Id'] : rest)
    }
    const value = this.#values.get(lower)
    if (value !== undefined) return value
    const resource = this.#plan.resources.get(lower) ?? this.#plan.variables.get(lower)?.initial
    if (resource === undefined) {
      // What an element that did not run would have returned.
      if (this.#plan.elements.has(lower)) return null
      throw new FlowFault(`nothing has the name ${path.join('.')}`)
    }
    if (this.#open.has(lower)) throw new FlowFault(`${first} refers to itself`)
    this.#open.add(lower)
    try {
      return resource(this.scope)
    } finally {
      this.#open.delete(lower)
    }
  }

  #flowGlobal(name: string): FormulaValue {
    const ms = this.now.getTime()
    switch (name.toLowerCase()) {
      case 'currentdate':
        return { kind: 'date', ms: Math.floor(ms / 86_400_000) * 86_400_000 }
      case 'currentdatetime':
        return { kind: 'datetime', ms }
      case 'currentrecord':
        return this.#of.record.Id
      case 'faultmessage':
        return this.faultMessage
      default:
        throw new FlowFault(`the simulator does not know $Flow.${name}`)
    }
  }
}

export const isRecord = (path: string | undefined): boolean => path?.toLowerCase() === '$record'
