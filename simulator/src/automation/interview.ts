// One run of a flow over one record, from element to element. Salesforce: Metadata API guide, "Flow";
// Salesforce Help, "Flow Elements".

import { FormulaNotSimulated, FormulaSyntaxError } from '../formula/formula.ts'
import { add, isMoment, textOf } from '../formula/values.ts'
import { type Row, type SObject } from '../org/model.ts'
import { type NestedSave } from '../records/automation.ts'
import { plainText } from '../records/row-errors.ts'
import { ROWS_MAX } from '../records/save.ts'
import { outboxOf } from './outbox.ts'
import { child, nodes, text, type MetadataNode } from '../org/metadata-xml.ts'
import { conditionsOf, operandOf, type Operand } from './expressions.ts'
import { dataFault, FlowFault, triggerProblem, type DataVerb } from './faults.ts'
import { FlowMemory, isRecord, type HeldRecord, type InterviewOf } from './flow-memory.ts'
import { START, type FlowElement, type FlowPlan } from './flow-plan.ts'
import { candidates, passes, rowFilter } from './find-rows.ts'

/** A flow with a cycle would run for ever. */
const ELEMENTS_MAX = 2000

type Next = string | undefined

export class Interview {
  readonly #plan: FlowPlan
  readonly #of: InterviewOf
  readonly #memory: FlowMemory

  constructor(plan: FlowPlan, of: InterviewOf) {
    this.#plan = plan
    this.#of = of
    this.#memory = new FlowMemory(plan, of)
  }

  /** Whether the record starts the flow. Throws a `RowProblem` if that cannot be determined. */
  starts(): boolean {
    const plan = this.#plan
    const { event, before } = this.#of.event
    if (event === 'create' ? !plan.onCreate : event === 'update' && !plan.onUpdate) return false
    return this.#at(START, () => {
      if (!plan.fits(this.#memory.scope)) return false
      if (!plan.onlyWhenItComesToFit || event !== 'update' || before === null) return true
      return !plan.fits(this.#memory.scopeWith(before))
    })
  }

  /** Runs a flow that only reads and sets values. Throws a `RowProblem`. */
  runBeforeSave(): void {
    let element = this.#element(this.#plan.first, START)
    for (let n = 0; element !== null; n++) {
      const at = element
      const next = this.#at(at, () => {
        checkLength(n)
        return this.#look(at) ?? this.#setRecord(at)
      })
      element = this.#element(next.to, at)
    }
  }

  /** Runs a flow that may save further records. Throws a `RowProblem`. */
  async run(save: NestedSave): Promise<void> {
    let element = this.#element(this.#plan.first, START)
    for (let n = 0; element !== null; n++) {
      const at = element
      const looked = this.#at(at, () => {
        checkLength(n)
        return this.#look(at)
      })
      const next = looked?.to ?? (looked === null ? await this.#change(at, save) : undefined)
      element = this.#element(next, at)
    }
  }

  #element(name: Next, from: { name: string; type: string }): FlowElement | null {
    if (name === undefined) return null
    const found = this.#plan.elements.get(name.toLowerCase())
    if (found !== undefined) return found
    return this.#at(from, () => {
      throw new FlowFault(`its connector leads to ${name}, which does not exist`)
    })
  }

  /** Runs an element; what goes wrong becomes the row's error. */
  #at<T>(element: { name: string; type: string }, work: () => T): T {
    try {
      return work()
    } catch (error) {
      throw this.#failure(element, error)
    }
  }

  #failure(element: { name: string; type: string }, error: unknown): unknown {
    if (error instanceof FlowFault) return triggerProblem(this.#plan.label, element, error)
    if (error instanceof FormulaNotSimulated || error instanceof FormulaSyntaxError) {
      const message =
        error instanceof FormulaNotSimulated
          ? `the simulator does not evaluate ${error.message}`
          : error.message
      return triggerProblem(this.#plan.label, element, { message, unhandled: true })
    }
    return error
  }

  /** Elements that save nothing; null: it is not one of those. */
  #look({ type, node }: FlowElement): { to: Next } | null {
    switch (type) {
      case 'FlowAssignment':
        for (const item of nodes(node, 'assignmentItems')) this.#assign(item)
        return { to: connector(node) }
      case 'FlowDecision': {
        const rule = nodes(node, 'rules').find((each) =>
          this.#plan.compiled(each, conditionsOf)(this.#memory.scope),
        )
        return { to: rule === undefined ? connector(node, 'defaultConnector') : connector(rule) }
      }
      case 'FlowRecordLookup':
        this.#lookUp(node)
        return { to: connector(node) }
      default:
        return null
    }
  }

  /** Salesforce: before the save, Update Records is for the record that starts the flow only. */
  #setRecord({ type, node }: FlowElement): { to: Next } {
    if (type !== 'FlowRecordUpdate' || !isRecord(text(node, 'inputReference'))) {
      throw new FlowFault('before the record is saved, a flow may change only the record itself')
    }
    if (nodes(node, 'filters').length > 0) {
      throw new FlowFault('the simulator does not filter the record that starts the flow')
    }
    for (const [name, value] of Object.entries(this.#memory.inputs(this.#of.object, node))) {
      this.#of.record[name] = value
    }
    return { to: connector(node) }
  }

  async #change(element: FlowElement, save: NestedSave): Promise<Next> {
    const { node } = element
    try {
      switch (element.type) {
        case 'FlowRecordUpdate':
          await this.#update(node, save)
          break
        case 'FlowRecordCreate':
          await this.#create(element, save)
          break
        case 'FlowRecordDelete':
          await this.#delete(node, save)
          break
        case 'FlowActionCall':
          this.#act(element)
          break
        default:
          throw new FlowFault(`the simulator does not run elements of this type`)
      }
      return connector(node)
    } catch (error) {
      const onFault = connector(node, 'faultConnector')
      if (error instanceof FlowFault && !error.unhandled && onFault !== undefined) {
        this.#memory.faultMessage = error.message
        return onFault
      }
      throw this.#failure(element, error)
    }
  }

  async #update(node: MetadataNode, save: NestedSave): Promise<void> {
    const held = this.#given(node)
    if (held === null) {
      const of = this.#memory.objectOf(node)
      const fields = this.#memory.inputs(of, node)
      const rows = this.#find(of, node).map(({ Id }) => ({ Id, ...fields }))
      await this.#save(save, 'update', of, rows)
      return
    }
    const { object, row, assigned } = held
    const fields = { ...assignedOf(held), ...this.#memory.inputs(object, node) }
    if (!this.#filter(object, node)({ Id: '', ...row })) return
    await this.#save(save, 'update', object, [{ ...fields, Id: row['Id'] }])
    Object.assign(row, fields)
    assigned.clear()
  }

  async #create({ name, node }: FlowElement, save: NestedSave): Promise<void> {
    const held = this.#given(node)
    const object = held?.object ?? this.#memory.objectOf(node)
    const row = held === null ? this.#memory.inputs(object, node) : assignedOf(held)
    const [id] = await this.#save(save, 'insert', object, [row])
    if (id === undefined) return
    if (held === null) this.#memory.keep(name, id)
    else {
      held.row['Id'] = id
      held.assigned.clear()
    }
    const variable = text(node, 'assignRecordIdToReference')
    if (variable !== undefined) this.#memory.set(variable.split('.'), () => id)
  }

  async #delete(node: MetadataNode, save: NestedSave): Promise<void> {
    const held = this.#given(node)
    const object = held?.object ?? this.#memory.objectOf(node)
    const ids = held === null ? this.#find(object, node).map(({ Id }) => Id) : [held.row['Id']]
    await this.#save(
      save,
      'delete',
      object,
      ids.map((Id) => ({ Id })),
    )
  }

  /** The record that the element names by `inputReference`; null: it uses object and filters. */
  #given(node: MetadataNode): HeldRecord | null {
    const path = text(node, 'inputReference') ?? ''
    if (path === '') return null
    const held = this.#memory.held(path)
    if (held === null) throw new FlowFault(`${path} holds no record`)
    return held
  }

  /** Saves all of them or fails the flow; returns their ids. */
  async #save(
    save: NestedSave,
    operation: 'insert' | 'update' | 'delete',
    object: SObject,
    rows: Record<string, unknown>[],
  ): Promise<string[]> {
    const ids: string[] = []
    for (let from = 0; from < rows.length; from += ROWS_MAX) {
      const outcomes = await save({
        operation,
        object: object.name,
        rows: rows.slice(from, from + ROWS_MAX),
        // Salesforce: assignment rules do not apply to what a flow saves.
        options: { allOrNone: true, assignmentRule: 'none', allowDuplicates: false },
      })
      const errors = outcomes.flatMap((outcome) => (outcome.success ? [] : outcome.errors))
      const own = errors.filter(
        ({ statusCode }) => statusCode !== 'ALL_OR_NONE_OPERATION_ROLLED_BACK',
      )
      if (own.length > 0) throw dataFault(VERBS[operation], own)
      ids.push(...outcomes.flatMap((outcome) => (outcome.success ? [outcome.id] : [])))
    }
    return ids
  }

  #act(element: FlowElement): void {
    const { org, event, record } = this.#of
    const { node } = element
    const kind = text(node, 'actionType')
    if (kind !== 'emailAlert' && kind !== 'emailSimple') {
      throw new FlowFault(`the simulator does not run actions of the type ${kind ?? 'none'}`)
    }
    const inputs = Object.fromEntries(
      nodes(node, 'inputParameters').map((each) => {
        const value = operandOf(child(each, 'value'))(this.#memory.scope)
        return [text(each, 'name') ?? '', value !== null && isMoment(value) ? textOf(value) : value]
      }),
    )
    const about = inputs['SObjectRowId'] ?? inputs['relatedRecordId']
    if (kind === 'emailAlert' && (typeof about !== 'string' || about === '')) {
      throw new FlowFault('the alert is about no record: SObjectRowId is missing')
    }
    event.transaction.onRollback(
      outboxOf(org).send({
        sentAt: this.#memory.now.toISOString(),
        flow: this.#plan.name,
        version: this.#plan.version,
        element: element.name,
        kind,
        name: text(node, 'actionName') ?? '',
        recordId: typeof about === 'string' ? about : record.Id,
        inputs,
      }),
    )
  }

  #lookUp(node: MetadataNode): void {
    const object = this.#memory.objectOf(node)
    const into = text(node, 'outputReference')
    const one = text(node, 'getFirstRecordOnly') === 'true' || into !== undefined
    if (!one || this.#plan.variables.get((into ?? '').toLowerCase())?.collection === true) {
      throw new FlowFault('the simulator does not look up more than one record')
    }
    const found = this.#find(object, node)
    const by = object.fields.get((text(node, 'sortField') ?? '').toLowerCase())?.describe.name
    if (by !== undefined) {
      const sign = text(node, 'sortOrder') === 'Desc' ? -1 : 1
      found.sort((a, b) => sign * compareRaw(a[by], b[by]))
    }
    const [first] = found
    const name = into ?? text(node, 'name') ?? ''
    const outputs = nodes(node, 'outputAssignments')
    if (outputs.length === 0) {
      const held = first && { object, row: { ...first }, assigned: new Set<string>() }
      this.#memory.hold(name, held ?? null)
      return
    }
    for (const each of outputs) {
      const path = (text(each, 'field') ?? '').split('.')
      this.#memory.set((text(each, 'assignToReference') ?? '').split('.'), () =>
        first === undefined ? null : this.#memory.ofRow(object, first).read(path),
      )
    }
  }

  #find(object: SObject, node: MetadataNode): Row[] {
    const lets = this.#filter(object, node)
    return candidates(this.#of.org, object, node, this.#memory.scope).filter(lets)
  }

  #filter(object: SObject, node: MetadataNode): (row: Row) => boolean {
    const filter = this.#plan.compiled(node, rowFilter)
    return (row) => passes(filter, this.#memory.ofRow(object, row), this.#memory.scope)
  }

  #assign(item: MetadataNode): void {
    const path = (text(item, 'assignToReference') ?? '').split('.')
    const operator = text(item, 'operator')
    const operand = operandOf(child(item, 'value'))
    const own: Operand = (scope) => scope.read(path)
    switch (operator) {
      case 'Assign':
        return this.#memory.set(path, operand)
      case 'Add':
      case 'Subtract': {
        const sign = operator === 'Add' ? 1 : -1
        return this.#memory.set(path, (scope) => {
          const before = own(scope)
          const by = operand(scope)
          return before === null && sign === 1 ? by : add(before ?? 0, by, sign)
        })
      }
      default:
        throw new FlowFault(`the simulator does not assign with the operator ${operator ?? 'none'}`)
    }
  }
}

/** The fields of the record to save. */
const assignedOf = ({ row, assigned }: HeldRecord): Record<string, unknown> =>
  Object.fromEntries([...assigned].map((name) => [name, row[name]]))

const VERBS: Record<'insert' | 'update' | 'delete', DataVerb> = {
  insert: 'create',
  update: 'update',
  delete: 'delete',
}

const connector = (node: MetadataNode, member = 'connector'): Next =>
  text(child(node, member), 'targetReference')

const checkLength = (n: number): void => {
  if (n >= ELEMENTS_MAX) throw new FlowFault(`the flow ran more than ${ELEMENTS_MAX} elements`)
}

/** Blank values first, as SOQL sorts them. */
const compareRaw = (left: unknown, right: unknown): number => {
  const [a, b] = [left ?? null, right ?? null]
  if (a === null || b === null) return Number(a !== null) - Number(b !== null)
  if (typeof a === 'number' && typeof b === 'number') return a - b
  return plainText(a) < plainText(b) ? -1 : a === b ? 0 : 1
}
