import { keptByOrg } from '../../org/kept.ts'
import type { QueryResult } from '../../soql/engine.ts'
import { SoqlError } from '../../soql/schema.ts'

/** One page of a query's answer, as `/query` returns it. */
export interface QueryAnswer {
  totalSize: number
  done: boolean
  nextRecordsUrl?: string
  records: unknown[]
}

/** Which resource pages a result: `/services/data/v67.0/query` or its Tooling counterpart. */
export interface Paging {
  resource: string
  batchSize: number
}

interface Cursor {
  result: QueryResult
  batchSize: number
}

// Salesforce: a user has 10 open cursors; the oldest is released for an eleventh. Here they are
// counted for the whole Salesforce org, child rows included, so the bound is wider.
const maxOpen = 200

/** The open query locators of one Salesforce org. */
export class QueryCursors {
  private readonly cursors = new Map<string, Cursor>()
  private readonly newId: () => string

  /** `newId` returns ids with the prefix 01g. */
  constructor(newId: () => string) {
    this.newId = newId
  }

  /**
   * The first page. Opens a cursor if more follow; throws EXCEEDED_ID_LIMIT if they would, but the
   * result cannot be paged (aggregates, metadata entities).
   */
  first(result: QueryResult, paging: Paging): QueryAnswer {
    if (result.singleBatch === undefined) return this.page(result, 0, paging)
    const whole = 2000
    if (result.totalSize > whole) {
      throw new SoqlError(
        'EXCEEDED_ID_LIMIT',
        `${result.singleBatch}, use LIMIT to restrict the results to a single batch`,
      )
    }
    return this.page(result, 0, { ...paging, batchSize: whole })
  }

  /** The page of a locator (`01g…-2000`). Throws INVALID_QUERY_LOCATOR. */
  next(locator: string, resource: string, batchSize?: number): QueryAnswer {
    const [id = '', at = ''] = locator.split('-')
    const cursor = this.cursors.get(id.slice(0, 15))
    const offset = Number(at)
    if (!cursor || !/^\d+$/.test(at) || offset > cursor.result.totalSize) {
      throw new SoqlError('INVALID_QUERY_LOCATOR', 'invalid query locator')
    }
    const size = batchSize ?? cursor.batchSize
    return this.page(cursor.result, offset, { resource, batchSize: size }, id)
  }

  private page(result: QueryResult, offset: number, paging: Paging, open?: string): QueryAnswer {
    const { totalSize } = result
    const records = result.records(offset, paging.batchSize)
    const next = offset + records.length
    // COUNT() has a total, but no records to page.
    const done = records.length === 0 || next >= totalSize
    if (done) return { totalSize, done, records }
    const id = open ?? this.open(result, paging.batchSize)
    return { totalSize, done, nextRecordsUrl: `${paging.resource}/${id}-${next}`, records }
  }

  private open(result: QueryResult, batchSize: number): string {
    const id = this.newId()
    this.cursors.set(id.slice(0, 15), { result, batchSize })
    const [oldest] = this.cursors.keys()
    if (this.cursors.size > maxOpen && oldest) this.cursors.delete(oldest)
    return id
  }
}

export const cursorsOf = keptByOrg((org) => new QueryCursors(() => org.ids.make('01g')))

/** Reads `Sforce-Query-Options: batchSize=…`. Salesforce: 200 to 2000, anything else is 2000. */
export function batchSizeOf(header: string | undefined): number | undefined {
  const size = Number(/batchSize\s*=\s*(\d+)/i.exec(header ?? '')?.[1])
  return size >= 200 && size <= 2000 ? size : undefined
}
