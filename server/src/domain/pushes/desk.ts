// What the lanes of one push in this process share while one of them works on it.

import { type ConnectionRow } from '../connections/rows.ts'
import { createPushJournal, type PushJournal } from './journal.ts'
import { type Explain } from './prepare/explain.ts'
import { createRounds, type Rounds } from './rounds.ts'
import { type PushRow } from './rows.ts'
import { type PushKey } from './store.ts'

export interface Desk {
  journal: PushJournal
  rounds: Rounds
  /** Salesforce's errors in the words of the mapping that the push was accepted with. */
  explain: (push: PushRow) => Promise<Explain>
  /** As it was last opened; null: it has to be read. Its standing is compared before each sending. */
  connection: ConnectionRow | null
  /** How long Salesforce took for the chunk that was answered last; Infinity: not known yet. */
  answerMs: number
}

interface Deps {
  db: Parameters<typeof createPushJournal>[0]
  jobs: Parameters<typeof createPushJournal>[1]
  explain: Desk['explain']
  retentionDays: number
  leaseSeconds: number
}

export interface Desks {
  /** The desk of the push, until `leave`. The last to leave gives back what nobody began. */
  join(key: PushKey): { desk: Desk; leave: () => Promise<void> }
}

export const createDesks = (deps: Deps): Desks => {
  const open = new Map<string, Desk & { lanes: number }>()

  const openDesk = (key: PushKey): Desk & { lanes: number } => {
    const journal = createPushJournal(deps.db, deps.jobs, key, deps)
    let explained: Promise<Explain> | null = null
    const desk = {
      journal,
      rounds: createRounds(journal, deps),
      explain: (push: PushRow): Promise<Explain> => {
        explained ??= deps.explain(push).catch((error: unknown) => {
          explained = null
          throw error
        })
        return explained
      },
      connection: null,
      answerMs: Infinity,
      lanes: 0,
    }
    open.set(key.pushId, desk)
    return desk
  }

  return {
    join: (key) => {
      const desk = open.get(key.pushId) ?? openDesk(key)
      desk.lanes += 1
      desk.rounds.takeAhead(desk.lanes)
      return {
        desk,
        leave: async () => {
          desk.lanes -= 1
          desk.rounds.takeAhead(desk.lanes)
          if (desk.lanes > 0) return
          open.delete(key.pushId)
          await desk.rounds.giveBack()
        },
      }
    },
  }
}
