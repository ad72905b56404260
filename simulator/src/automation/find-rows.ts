// The records that an element's filters find. Salesforce: Metadata API guide, "FlowRecordFilter".

import { type FormulaScope } from '../formula/formula.ts'
import { toId18 } from '../org/ids.ts'
import { type Org, type Row, type SObject } from '../org/model.ts'
import { KEPT_ELSEWHERE } from '../records/save.ts'
import { recordStateOf } from '../records/state.ts'
import { child, nodes, text, type MetadataNode } from '../org/metadata-xml.ts'
import { filtersOf, operandOf, type Condition } from './expressions.ts'
import { FlowFault } from './faults.ts'

/** The prefix of a filter's own field, so that it is not mistaken for a resource of the flow. */
const CANDIDATE = '$Candidate'

/** The filters of an element, to be compiled once. */
export const rowFilter = (node: MetadataNode): Condition => filtersOf(node, [CANDIDATE])

/** Whether the row passes; `flow` returns what the filters compare with. */
export const passes = (filter: Condition, row: FormulaScope, flow: FormulaScope): boolean => {
  const read: FormulaScope['read'] = (path) =>
    path[0] === CANDIDATE ? row.read(path.slice(1)) : flow.read(path)
  return filter({ ...flow, read, prior: read })
}

/** Rows of the object that may pass the element's filters: few, if an index finds them. */
export const candidates = (
  org: Org,
  object: SObject,
  node: MetadataNode,
  flow: FormulaScope,
): Row[] => {
  if (KEPT_ELSEWHERE.has(object.name)) {
    throw new FlowFault(`the simulator's flows do not find records of ${object.name}`)
  }
  const { store } = recordStateOf(org)
  const logic = text(node, 'filterLogic') ?? 'and'
  for (const filter of /^and$/i.test(logic) ? nodes(node, 'filters') : []) {
    const field = object.fields.get((text(filter, 'field') ?? '').toLowerCase())
    if (field === undefined || text(filter, 'operator') !== 'EqualTo') continue
    const { type, unique, externalId } = field.describe
    if (type !== 'id' && type !== 'reference' && !unique && !externalId) continue
    const value = operandOf(child(filter, 'value'))(flow)
    if (typeof value !== 'string') return []
    const id = toId18(value)
    if (type !== 'id') return store.liveWith(object, field, value)
    const row = id === null ? undefined : store.row(object, id)
    return row === undefined || row['IsDeleted'] === true ? [] : [row]
  }
  return [...store.rows(object).values()].filter((row) => row['IsDeleted'] !== true)
}
