// Runs one deployment in its org: deletions before, components in the order of their dependencies,
// deletions after, and then all of it or nothing.

import type { Org } from '../../../org/model.ts'
import { deleteComponent, DELETION_ORDER, Missing } from './deletions.ts'
import { DEPLOYERS, type Deployer } from './deployers.ts'
import { Draft, Problem, type Item, type Outcome } from './draft.ts'
import type { DeployOptions } from './options.ts'
import type { Deletion, DeployPackage } from './package.ts'

/** Salesforce: Metadata API guide, "DeployMessage". */
export interface DeployMessage {
  changed: boolean
  columnNumber?: number
  componentType: string
  created: boolean
  createdDate: Date
  deleted: boolean
  fileName: string
  fullName: string
  id?: string
  lineNumber?: number
  problem?: string
  problemType?: 'Warning' | 'Error'
  success: boolean
}

export interface Applied {
  messages: DeployMessage[]
  /** Whether the changes are kept. */
  kept: boolean
}

/** Deploys a package. What was not kept, because of an error or checkOnly, leaves no trace. */
export function applyPackage(
  org: Org,
  userId: string,
  deployment: DeployPackage,
  options: DeployOptions,
): Applied {
  const draft = new Draft(org, { userId, purgeOnDelete: options.purgeOnDelete })
  const run = new Run(draft, options.ignoreWarnings)
  for (const { fileName, fullName, type, problem } of deployment.problems) {
    run.failed({ type, fullName, fileName }, problem)
  }
  run.deletions(deployment.deletionsBefore)
  for (const [type, deploy] of DEPLOYERS) {
    run.items(
      deployment.items.filter((item) => item.type === type),
      deploy,
    )
  }
  run.deletions(deployment.deletionsAfter)
  const failed = run.messages.some(({ success }) => !success)
  // Salesforce: manifests are reported as components of no type.
  for (const fileName of deployment.manifests) {
    if (
      run.messages.some((message) => message.fileName === fileName && message.componentType === '')
    )
      continue
    run.succeeded(
      { type: '', fullName: fileName.split('/').at(-1) ?? fileName, fileName },
      { id: '', created: false, changed: true },
    )
  }
  const kept = !options.checkOnly && !(failed && options.rollbackOnError)
  if (kept) draft.commit()
  else draft.rollback()
  return { messages: run.messages, kept }
}

type Subject = Pick<Item, 'type' | 'fullName' | 'fileName' | 'position'>

class Run {
  readonly messages: DeployMessage[] = []
  readonly #draft: Draft
  readonly #ignoreWarnings: boolean

  constructor(draft: Draft, ignoreWarnings: boolean) {
    this.#draft = draft
    this.#ignoreWarnings = ignoreWarnings
  }

  /** Components of one type. They may depend on each other in any order: formulas on other fields. */
  items(items: readonly Item[], deploy: Deployer): void {
    let waiting = [...items]
    for (;;) {
      const refused: { item: Item; problem: string }[] = []
      for (const item of waiting) {
        try {
          this.succeeded(item, deploy(this.#draft, item))
        } catch (error) {
          if (!(error instanceof Problem)) throw error
          refused.push({ item, problem: error.message })
        }
      }
      if (refused.length === waiting.length) {
        for (const { item, problem } of refused) this.failed(item, problem)
        return
      }
      waiting = refused.map(({ item }) => item)
    }
  }

  deletions(deletions: readonly Deletion[]): void {
    const place = ({ type }: Deletion) => DELETION_ORDER.indexOf(type)
    for (const deletion of deletions.toSorted((a, b) => place(a) - place(b))) {
      try {
        const outcome = deleteComponent(this.#draft, deletion.type, deletion.fullName)
        this.succeeded(deletion, outcome, true)
      } catch (error) {
        if (error instanceof Missing) this.#warned(deletion, error.message)
        else if (error instanceof Problem) this.failed(deletion, error.message)
        else throw error
      }
    }
  }

  succeeded(
    subject: Subject,
    { id, created, changed, fullName = subject.fullName }: Outcome,
    deleted = false,
  ): void {
    const message = this.#message({ ...subject, fullName })
    this.messages.push({ ...message, ...(id && { id }), created, changed, deleted, success: true })
  }

  failed(subject: Subject, problem: string): void {
    this.messages.push({ ...this.#message(subject), problem, problemType: 'Error' })
  }

  /** Salesforce: a warning counts as an error unless ignoreWarnings is set ("DeployOptions"). */
  #warned(subject: Subject, problem: string): void {
    this.messages.push({
      ...this.#message(subject),
      problem,
      problemType: 'Warning',
      success: this.#ignoreWarnings,
    })
  }

  #message({ type, fullName, fileName, position }: Subject): DeployMessage {
    return {
      changed: false,
      componentType: type,
      created: false,
      createdDate: this.#draft.now,
      deleted: false,
      fileName,
      fullName,
      success: false,
      ...(position && { lineNumber: position.line, columnNumber: position.column }),
    }
  }
}
