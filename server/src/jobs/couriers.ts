// What is sent beside the work. As with the work, rows are the truth about what is due, and whoever takes one
// holds it by a lease. So no queue decides which replica sends: each of them hears what became due and looks
// for it, and the row goes to the first. Nothing is written to find that out, and an event is sent as soon as
// it is committed.
//
// A turn has a place only while it looks for what is due. Then it waits for somebody's answer, and its place is
// the next one's: however many hang, none of the others waits for them.

/** Something of an org has things to be sent. */
export interface CourierNote {
  queue: string
  orgId: string
  id: string
}

/** What a turn says while it runs. */
export interface Turn {
  /** This replica shuts down. */
  readonly signal: AbortSignal
  /** It has taken something, or found nothing. */
  readonly looked: () => void
  /** There is more for this or another turn: somebody has to look for it. */
  readonly more: (note: CourierNote) => void
}

export interface Courier {
  /** Its queues, and how many turns of each look at once, in a replica. */
  readonly queues: Readonly<Record<string, number>>
  /** How many turns of the same id go on at once, in a replica. */
  readonly perId: number
  /** What is due, and in nobody's hands: found by the sweep. */
  due(): Promise<CourierNote[]>
  /** Sends what is due, one after the other. Several turns of the same id may run at once, on any replica. */
  run(note: CourierNote, turn: Turn): Promise<void>
}

/** Announces what has become due: the queue, the org and the id, with spaces between them. */
export const DUE_CHANNEL = 'sfdc_engine_due'

/** So many of a queue wait for an answer, each with a socket; more of them keep their places. */
const WAITING_MAX = 500

interface Options {
  signal: AbortSignal
  onError: (what: string, error: unknown, about?: Record<string, unknown>) => void
}

interface Queue {
  /** Of those without a place, one of each id, first come first served. */
  notes: Map<string, CourierNote>
  /** Free ones. */
  places: number
  /** Turns that wait for an answer. */
  waiting: number
}

/** The turns of an id. One that looks sees all that is due, so one at a time is enough. */
interface Going {
  turns: number
  looking: number
  /** What came meanwhile: somebody has to look once more. */
  again: CourierNote | null
}

/** The turns of one courier in this process. */
const createTurns = (courier: Courier, { signal, onError }: Options) => {
  const queues = new Map<string, Queue>(
    Object.entries(courier.queues).map(([name, places]) => [
      name,
      { notes: new Map(), places, waiting: 0 },
    ]),
  )
  const going = new Map<string, Going>()
  const all = new Set<Promise<void>>()

  const begin = (queue: Queue, note: CourierNote): void => {
    const { id } = note
    const own = going.get(id) ?? { turns: 0, looking: 0, again: null }
    if (own.looking > 0 || own.turns >= courier.perId) {
      own.again = note
      return
    }
    own.turns += 1
    own.looking += 1
    going.set(id, own)
    queue.places -= 1
    let isLooking = true
    let hasPlace = true
    const leave = (): void => {
      hasPlace = false
      queue.places += 1
      fill(queue)
    }
    const looked = (): void => {
      if (!isLooking) return
      isLooking = false
      own.looking -= 1
      if (queue.waiting < WAITING_MAX) {
        queue.waiting += 1
        leave()
      }
      goOn(own)
    }
    const turn = courier
      .run(note, { signal, looked, more: add })
      .catch((error: unknown) => {
        if (!signal.aborted) onError('nothing sent', error, { queue: note.queue, id }) // the sweep finds it
      })
      .finally(() => {
        all.delete(turn)
        own.turns -= 1
        if (own.turns === 0) going.delete(id)
        if (isLooking) own.looking -= 1
        if (hasPlace) leave()
        else queue.waiting -= 1
        goOn(own)
      })
    all.add(turn)
  }

  const goOn = (own: Going): void => {
    const { again } = own
    own.again = null
    if (again !== null) add(again)
  }

  const fill = (queue: Queue): void => {
    while (queue.places > 0) {
      const [first] = queue.notes.values()
      if (first === undefined) return
      queue.notes.delete(first.id)
      begin(queue, first)
    }
  }

  const add = (note: CourierNote): void => {
    const queue = queues.get(note.queue)
    if (signal.aborted || queue === undefined) return
    queue.notes.set(note.id, note)
    fill(queue)
  }

  return { add, all }
}

export const createCouriers = (options: Options) => {
  const couriers = new Map<Courier, ReturnType<typeof createTurns>>()

  return {
    add: (courier: Courier): void => {
      couriers.set(courier, createTurns(courier, options))
    },

    /** What was announced on {@link DUE_CHANNEL}. */
    announced: (payload: string): void => {
      const [queue = '', orgId = '', id = ''] = payload.split(' ')
      for (const turns of couriers.values()) turns.add({ queue, orgId, id })
    },

    sweep: async (): Promise<void> => {
      for (const [courier, turns] of couriers) {
        for (const note of await courier.due()) turns.add(note)
      }
    },

    /** Resolves when what is being sent has its outcome. After the signal, none begins. */
    settled: async (): Promise<void> => {
      for (const { all } of couriers.values()) {
        while (all.size > 0) await Promise.all(all)
      }
    },
  }
}
