// Deployments, workflow changes and rollbacks in the storm. Each thing that is deployed has a stack of the
// deployments that made it what it is; a rollback takes the topmost one off. What the stacks say has to
// be what the Salesforce org holds, and once all are rolled back, it has to be as it was before.

import { setTimeout as pass } from 'node:timers/promises'
import { type DeploymentBody, text } from '../deploy-bodies.ts'
import { type Row } from '../push-support.ts'
import { type Caller, type LongResource, type Work } from './caller.ts'
import { type Dice } from './dice.ts'
import { isListed } from './salesforce-org.ts'
import { type Storm } from './storm.ts'
import { type StormClient } from './world.ts'

type Deployment = DeploymentBody & LongResource

/** How something looks after a deployment of it; null if it no longer exists. */
interface State {
  /** Of a plan: the length of its text fields. */
  length?: number
  /** Of a workflow. */
  active?: boolean
}

interface Thing {
  type: 'plan' | 'flow' | 'validation_rule'
  name: string
  /** Oldest first. The topmost state is the present one; without any the thing does not exist. */
  stack: { deploymentId: string; state: State | null; told: Deployment['components'] }[]
}

export interface ChangeLane {
  run(): Promise<void>
  /** Compares the stacks with the Salesforce org. */
  check(): Promise<void>
  /** Rolls back whatever is still deployed, the newest first. */
  rollBackAll(): Promise<void>
  /** Compares the Salesforce org with what it was before the storm. */
  checkRestored(): Promise<void>
}

const PAUSE_MS = { least: 200, most: 1_500 }
/** A revoked connection ends work that has changed nothing yet. */
const AFTER_REVOKE = new Set(['connection_revoked', 'connection_lost'])
const LENGTHS = [40, 80, 120]
const PARTS = ['object', 'lead', 'layout', 'tab', 'rule'] as const

const planOf = (name: string, length: number, parts: readonly (typeof PARTS)[number][]): Row => {
  const has = (part: (typeof PARTS)[number]) => parts.includes(part)
  const object = `${name}__c`
  return {
    objects: [
      {
        api_name: object,
        label: name,
        plural_label: `${name}s`,
        name_field: { label: 'Name', type: 'Text' },
        fields: [
          text('Title__c', length),
          { api_name: 'Seats__c', label: 'Seats', type: 'Number', precision: 4, scale: 0 },
          {
            api_name: 'Lead__c',
            label: 'Lead',
            type: 'Lookup',
            reference_to: 'Lead',
            relationship_name: `${name}s`,
          },
        ],
        ...(has('rule')
          ? {
              validation_rules: [
                {
                  api_name: 'Seats_Positive',
                  error_condition_formula: 'Seats__c < 0',
                  error_message: 'Not below zero.',
                },
              ],
            }
          : {}),
      },
      ...(has('lead') ? [{ api_name: 'Lead', fields: [text(object, length)] }] : []),
    ],
    permissions: { permission_set: name },
    ...(has('layout') && has('lead')
      ? {
          layouts: [{ object: 'Lead', layout: 'Lead Layout', section: name, fields: [object] }],
        }
      : {}),
    ...(has('tab') ? { tabs: [object] } : {}),
  }
}

const workflowOf = (
  type: 'flow' | 'validation_rule',
  name: string,
  words: string,
  activate: boolean,
): Row =>
  type === 'flow'
    ? {
        type,
        api_name: name,
        definition: {
          form: 'record_triggered',
          label: name.replaceAll('_', ' '),
          object: 'Lead',
          on: 'create',
          criteria: [{ field: 'LeadSource', operator: 'equals', value: words }],
          action: { type: 'update_fields', fields: { Rating: 'Hot' } },
        },
        activate,
      }
    : {
        type,
        api_name: name,
        definition: { form: 'validation', condition: 'LastName = "never"', message: words },
        activate,
      }

export const changeLaneOf = (
  storm: Storm,
  { client, view, before, isRestless, name: whose }: StormClient,
  caller: Caller,
  dice: Dice,
): ChangeLane => {
  const things: Thing[] = []
  let made = 0
  const client_id = client.id
  const stateOf = ({ stack }: Thing): State | null => stack.at(-1)?.state ?? null
  /** Parts of the plans, by the name of the thing. */
  const partsOf = new Map<string, readonly (typeof PARTS)[number][]>()

  /** The deployment when it has ended; null if it was refused, or a revoked connection ended it. */
  const finished = async (work: Work | null): Promise<Deployment | null> => {
    if (work === null) return null
    const done = await caller.ended<Deployment>(work)
    if (done.status === 'failed') {
      const excused = isRestless && AFTER_REVOKE.has(done.error?.code ?? '')
      if (!excused) storm.violated(`${work.kind} ${work.id} of ${whose} failed`, done)
      return null
    }
    const unsuccessful = done.components.filter(({ success }) => success !== true)
    if (done.status !== 'rolled_back' && unsuccessful.length > 0) {
      storm.violated(
        `${work.kind} ${work.id} of ${whose} has components that are not done`,
        unsuccessful,
      )
    }
    if (done.warnings.length > 0 && work.kind !== 'rollback') {
      storm.note(`${work.kind} ${work.id} of ${whose} warns: ${JSON.stringify(done.warnings)}`)
      storm.count(`deployments with warnings: ${done.warnings.map(({ code }) => code).join()}`)
    }
    return done
  }

  const applied = (thing: Thing, done: Deployment | null, state: State | null): void => {
    if (done === null) return
    if (done.status !== 'deployed') {
      storm.violated(`a deployment of ${whose} ended ${done.status}`, done)
      return
    }
    thing.stack.push({ deploymentId: done.id, state, told: done.components })
  }

  const added = (type: Thing['type']): Thing => {
    const thing: Thing = { type, name: `Storm_${type === 'plan' ? 'P' : 'W'}${made++}`, stack: [] }
    if (type === 'validation_rule') thing.name = `Lead.${thing.name}`
    things.push(thing)
    return thing
  }

  /** With a report before it, or without one. */
  const deployPlan = async (thing: Thing, length: number): Promise<void> => {
    const parts = partsOf.get(thing.name) ?? PARTS.filter(() => dice.chance(0.6))
    partsOf.set(thing.name, parts)
    const plan = planOf(thing.name, length, parts)
    const gate: Row = {}
    if (dice.chance(0.3)) {
      const check = await caller.begin('check before a deploy', '/api/conflicts/check', {
        client_id,
        plan,
        refresh: true,
      })
      if (check === null) return
      const report = await caller.ended<LongResource & { severity: string }>(check)
      if (report.status !== 'complete') {
        const excused = isRestless && AFTER_REVOKE.has(report.error?.code ?? '')
        if (!excused) storm.violated(`check ${check.id} of ${whose} ended ${report.status}`, report)
        return
      }
      if (report.severity === 'red') storm.violated(`a good plan of ${whose} is red`, report)
      Object.assign(gate, { conflict_report_id: check.id, accept: ['yellow'] })
    }
    const body = { client_id, plan, ...gate }
    const path = '/api/deploy/custom-objects'
    if (dice.chance(0.15)) {
      const tried = await finished(
        await caller.begin('validate', path, { ...body, check_only: true }),
      )
      if (tried !== null && tried.status !== 'validated') {
        storm.violated(`a check_only deployment of ${whose} ended ${tried.status}`, tried)
      }
    }
    const done = await finished(await caller.begin('deploy', path, body))
    applied(thing, done, { length })
    if (done === null || !dice.chance(0.2)) return
    const again = await finished(await caller.begin('deploy again', path, { client_id, plan }))
    if (again === null) return
    const changed = again.components.filter(({ action }) => action !== 'unchanged')
    if (changed.length > 0)
      storm.violated(`the same plan of ${whose} again changed something`, changed)
  }

  const deployWorkflow = async (thing: Thing): Promise<void> => {
    if (thing.type === 'plan') return
    const active = dice.chance(0.6)
    const words = `Words ${dice.between(1, 1_000)}`
    const done = await finished(
      await caller.begin('workflow', '/api/workflows/deploy', {
        client_id,
        workflows: [workflowOf(thing.type, thing.name, words, active)],
      }),
    )
    applied(thing, done, { active })
  }

  const setActive = async (thing: Thing): Promise<void> => {
    const active = stateOf(thing)?.active !== true
    const { type, name: api_name } = thing
    const done = await finished(
      await caller.begin('activation', '/api/workflows/set-active', {
        client_id,
        type,
        api_name,
        active,
      }),
    )
    applied(thing, done, { active })
  }

  const remove = async (thing: Thing): Promise<void> => {
    const { type, name: api_name } = thing
    const done = await finished(
      await caller.begin('removal', '/api/workflows/remove', {
        client_id,
        workflows: [{ type, api_name }],
      }),
    )
    applied(thing, done, null)
  }

  /** Takes the topmost deployment off; false if it could not be. */
  const rollBack = async (thing: Thing): Promise<boolean> => {
    const top = thing.stack.at(-1)
    if (top === undefined) return false
    const { deploymentId: deployment_id } = top
    const work = await caller.begin('rollback', '/api/deploy/rollback', { deployment_id })
    if (work === null) return false
    const done = await caller.ended<Deployment>(work)
    if (done.status === 'rolled_back') {
      thing.stack.pop()
      if (done.rollback?.proof?.complete !== true || done.rollback.proof.differences.length > 0) {
        storm.violated(`the rollback of ${thing.name} of ${whose} has no proof`, done.rollback)
      }
      return true
    }
    const code = (done.rollback as { error?: { code: string } } | null)?.error?.code ?? ''
    const excused = isRestless && AFTER_REVOKE.has(code)
    if (!excused)
      storm.violated(`the rollback of ${thing.name} of ${whose} left it ${done.status}`, done)
    return false
  }

  const change = async (): Promise<void> => {
    const standing = things.filter(({ stack }) => stack.length > 0)
    const plans = standing.filter(({ type }) => type === 'plan')
    const workflows = standing.filter((thing) => thing.type !== 'plan' && stateOf(thing) !== null)
    const acts: (() => Promise<unknown>)[] = [
      () => deployPlan(added('plan'), dice.pick(LENGTHS)),
      () => deployWorkflow(added(dice.pick(['flow', 'validation_rule'] as const))),
    ]
    if (plans.length > 0) {
      acts.push(() => {
        const thing = dice.pick(plans)
        const longer = LENGTHS.find((length) => length > (stateOf(thing)?.length ?? 0))
        return longer === undefined ? rollBack(thing) : deployPlan(thing, longer)
      })
    }
    if (workflows.length > 0) {
      acts.push(
        () => deployWorkflow(dice.pick(workflows)),
        () => setActive(dice.pick(workflows)),
        () => remove(dice.pick(workflows)),
      )
    }
    if (standing.length > 0) {
      const back = () => rollBack(dice.pick(standing))
      acts.push(back, back, back)
    }
    await dice.pick(acts)()
  }

  /** What of a thing the Salesforce org holds, as a state. */
  const found = async (thing: Thing, components: Map<string, string>): Promise<State | null> => {
    if (thing.type !== 'plan') {
      const active = await view.isActive(thing.type, thing.name)
      return active === null ? null : { active }
    }
    const object = components.get(`CustomObject:${thing.name}__c`)
    if (object === undefined) return null
    const { fields } = JSON.parse(object) as { fields: Row | Row[] }
    const title = [fields].flat().find(({ fullName }) => fullName === 'Title__c')
    return { length: Number(title?.['length']) }
  }

  return {
    run: async () => {
      while (!storm.isOver()) {
        await change()
        await pass(dice.between(PAUSE_MS.least, PAUSE_MS.most))
      }
    },
    check: async () => {
      const components = await view.components()
      for (const thing of things) {
        const [expected, present] = [stateOf(thing), await found(thing, components)]
        if (JSON.stringify(expected) !== JSON.stringify(present)) {
          storm.violated(`${thing.name} of ${whose} is not as it was deployed`, {
            expected,
            present,
            thing,
          })
        }
        for (const { type, full_name, action } of thing.stack.at(-1)?.told ?? []) {
          if (!isListed(type)) continue
          if (components.has(`${type}:${full_name}`) === (action !== 'deleted')) continue
          storm.violated(`${type} ${full_name} of ${whose} was reported as ${action}`, thing)
        }
        if (thing.type !== 'plan') continue
        const parts = partsOf.get(thing.name) ?? []
        const names = [
          `PermissionSet:${thing.name}`,
          ...(parts.includes('tab') ? [`CustomTab:${thing.name}__c`] : []),
          ...(parts.includes('rule') ? [`ValidationRule:${thing.name}__c.Seats_Positive`] : []),
        ]
        for (const component of names) {
          if (components.has(component) !== (expected !== null)) {
            storm.violated(
              `${component} of ${whose} ${expected === null ? 'is left' : 'is missing'}`,
            )
          }
        }
      }
    },
    rollBackAll: async () => {
      for (;;) {
        const newest = things
          .filter(({ stack }) => stack.length > 0)
          .toSorted((a, b) =>
            (a.stack.at(-1)?.deploymentId ?? '') < (b.stack.at(-1)?.deploymentId ?? '') ? 1 : -1,
          )[0]
        if (newest === undefined) return
        if (!(await rollBack(newest))) newest.stack.length = 0
      }
    },
    checkRestored: async () => {
      const now = await view.components()
      for (const [key, content] of now) {
        const was = before.components.get(key)
        if (was === undefined) storm.violated(`${key} is left in the Salesforce org of ${whose}`)
        else if (was !== content) {
          storm.violated(`${key} in the Salesforce org of ${whose} is not as it was`, {
            was,
            content,
          })
        }
      }
      for (const key of before.components.keys()) {
        if (!now.has(key)) storm.violated(`${key} is gone from the Salesforce org of ${whose}`)
      }
    },
  }
}
