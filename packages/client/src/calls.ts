// What a caller gives and gets, whatever the endpoint, and how an endpoint is called.

/** The kinds of work that go on after the call that began them. */
export type OperationKind = 'snapshot' | 'report' | 'deployment' | 'rollback' | 'push' | 'rollout'

export interface Endpoint {
  readonly path: string
  /** Default: POST. */
  readonly method?: string
  /** It takes no body: what a caller gives are the options. */
  readonly bare?: true
  /** It takes an idempotency key, so that it can be sent again after a lost answer. */
  readonly key?: true
  /** Without a key: a second call leaves what the first one left. */
  readonly repeat?: true
  /** The call begins work of this kind. */
  readonly work?: OperationKind
  /** It answers pages; so many items are asked for at once. */
  readonly list?: number
  /** It answers newline-delimited JSON. */
  readonly lines?: true
  /** The member of the body that can also be sent as newline-delimited JSON. */
  readonly rows?: string
}

export interface CallOptions {
  /** Ends the call. What was accepted goes on at the server. */
  readonly signal?: AbortSignal
  /**
   * One is made for each call that takes one, and kept over its retries. Give your own to repeat a call
   * of which you do not know whether it happened, from another process too: within 24 hours the same key
   * and body have the same effect as one call.
   */
  readonly idempotencyKey?: string
  /** Milliseconds without a sign of the server until an attempt counts as lost. Default: 60,000. */
  readonly timeout?: number
  /** How often the call is tried again. Default: that of the engine. */
  readonly retries?: number
}

/**
 * Rows to send, as they come: a list, an iterable, a stream. They are read only as fast as they are sent.
 * What can be read once only (a stream, a generator) cannot be sent again after a lost connection; give a
 * function that opens it, and it can.
 */
export type Rows<Row> =
  | Iterable<Row>
  | AsyncIterable<Row>
  | (() => Iterable<Row> | AsyncIterable<Row>)

/** A body whose rows may also come one after another. */
export type Streamed<Body, Member extends keyof Body> = Omit<Body, Member> & {
  readonly [Name in Member]: Rows<Body[Name] extends readonly (infer Row)[] ? Row : never>
}

export interface Page<Item> {
  items: Item[]
  /** `cursor` of the next page; null at the end. */
  next_cursor: string | null
}

/** A list. Nothing is sent until it is read: `for await (const item of list)`, or a page at a time. */
export interface Pages<Item, One extends Page<Item> = Page<Item>> extends AsyncIterable<Item> {
  /** One page, as the body asks for it (`limit`, `cursor`). */
  page(): Promise<One>
  /** Page after page. */
  pages(): AsyncIterable<One>
}

/** A list that can also be had in one answer. */
export interface StreamedPages<Item, One extends Page<Item> = Page<Item>> extends Pages<Item, One> {
  /**
   * All items in one answer, as fast as they are used. Faster for many, but if the connection breaks it
   * throws ConnectionLostError; `for await` over the list itself reads the same items and goes on.
   */
  stream(): AsyncIterable<Item>
}

/** Where work can be found again, also by another process: `engine.operation(reference)`. */
export interface WorkReference {
  readonly kind: OperationKind
  readonly id: string
  /** Absent: it is work on many clients, a rollout. */
  readonly client_id?: string
}

export interface WaitOptions<Resource> {
  /** Called with each state that is read, also the first and the last. */
  readonly onProgress?: (state: Resource) => void
  /** Ends the waiting, not the work. */
  readonly signal?: AbortSignal
  /** Milliseconds to wait at most. Its end is no failure: StillRunningError says where to wait on. */
  readonly timeout?: number
}

/** Work that goes on at the server, whether or not somebody waits for it. */
export interface Operation<Resource> {
  readonly id: string
  readonly reference: WorkReference
  /** As it was last seen. */
  readonly state: Resource
  /** Whether the work has ended, well or not. */
  readonly isFinal: boolean
  /** Looks once how far the work is. */
  look(options?: { signal?: AbortSignal }): Promise<Resource>
  /**
   * Waits for the end of the work. Answers the resource, also if it has ended only in part (a push with
   * failed rows, a rollback with remains). Throws OperationFailedError if it failed, and
   * StillRunningError if the waiting ended before the work: by `timeout`, by `signal`, or because the
   * server could not be reached for five minutes.
   */
  done(options?: WaitOptions<Resource>): Promise<Resource>
}

/** A call that begins work. Await it for the operation, or `done()` for the end of the work. */
export type PendingOperation<Resource> = Promise<Operation<Resource>> & {
  /** The same as `done` of the operation. */
  done(options?: WaitOptions<Resource>): Promise<Resource>
}
