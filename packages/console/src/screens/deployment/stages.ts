// A deployment as what happened one after the other: stages by its kind, those of a rollback, and where it stands.
// Pure: no React.

import { type Deployment, type DeploymentKind } from '@sfdc-engine-x/client'

export interface StageItem {
  key: string
  title: string
  /** Null: the API keeps no time of single stages. */
  at: string | null
  state: 'done' | 'running' | 'waiting' | 'failed' | 'ahead'
  /** How far, where the stage counts something. */
  progress: { done: number; total: number } | null
}

const WORDS: Readonly<Record<string, string>> = {
  before_image: 'Read what is there now',
  build: 'Build the package',
  submit: 'Send it to Salesforce',
  wait: 'Salesforce applies it',
  permissions: 'Assign the permission set',
  activate: 'Activate and deactivate',
  delete_versions: 'Delete versions',
  read_back: 'Read back what was deployed',
  rollback_read: 'Compare with the state before',
  rollback_release: 'Take what was made out of what uses it',
  rollback_submit: 'Send the rollback to Salesforce',
  rollback_wait: 'Salesforce applies the rollback',
  rollback_activate: 'Activate what was active before',
  rollback_delete_versions: 'Delete our versions',
  rollback_verify: 'Compare what is there with the state before',
}

const PLAN = ['before_image', 'build', 'submit', 'wait', 'permissions', 'read_back']
const AUTOMATIONS = [
  'before_image',
  'build',
  'submit',
  'wait',
  'activate',
  'delete_versions',
  'read_back',
]
const ROLLBACK = ['read', 'release', 'submit', 'wait', 'verify']
const ROLLBACK_OF_AUTOMATIONS = ['read', 'submit', 'wait', 'activate', 'delete_versions', 'verify']

const stagesOf = (kind: DeploymentKind): readonly string[] =>
  kind === 'custom_objects' ? PLAN : AUTOMATIONS

const rollbackStagesOf = (kind: DeploymentKind): readonly string[] =>
  (kind === 'custom_objects' ? ROLLBACK : ROLLBACK_OF_AUTOMATIONS).map((name) => `rollback_${name}`)

type Standing = Pick<
  Deployment,
  | 'kind'
  | 'status'
  | 'is_final'
  | 'check_only'
  | 'progress'
  | 'error'
  | 'rollback'
  | 'created_at'
  | 'deployed_at'
  | 'rolled_back_at'
>

/** Whether a rollback, or a look at what it would do, is under way. */
export const isRollingBack = ({ is_final: isFinal, rollback }: Standing): boolean =>
  !isFinal && rollback?.status === 'running'

export const stageItems = (deployment: Standing): StageItem[] => {
  const { status, created_at: createdAt } = deployment
  const accepted = item('accepted', 'Accepted', 'done', createdAt)
  return [
    accepted,
    ...deployItems(deployment),
    ...(status === 'pending' && !isRollingBack(deployment) ? [] : rollbackItems(deployment)),
  ]
}

const ENDS: Readonly<Partial<Record<Deployment['status'], string>>> = {
  deployed: 'Deployed',
  rolled_back: 'Deployed',
  validated: 'Validated: it would work; nothing was changed',
}

const deployItems = (deployment: Standing): StageItem[] => {
  const { kind, status, deployed_at: deployedAt, check_only: isTrial, error } = deployment
  const stages = stagesOf(kind).filter((name) => !isTrial || !AFTER_TRIAL.has(name))
  if (status === 'pending' && !isRollingBack(deployment)) {
    return [
      ...runningItems(stages, deployment),
      item('end', isTrial ? 'Validated' : 'Deployed', 'ahead'),
    ]
  }
  if (status === 'failed') {
    const words = error?.code === 'cancelled' ? 'Cancelled: nothing was changed' : 'Failed'
    return [item('end', words, 'failed')]
  }
  return [
    ...stages.map((name) => item(name, WORDS[name] ?? name, 'done')),
    item('end', ENDS[status] ?? status, 'done', deployedAt),
  ]
}

/** A validation changes nothing, so nothing follows it. */
const AFTER_TRIAL = new Set(['permissions', 'read_back', 'activate', 'delete_versions'])

const rollbackItems = (deployment: Standing): StageItem[] => {
  const { kind, rollback, rolled_back_at: at } = deployment
  if (rollback === null || rollback.status === 'dry_run') return []
  if (isRollingBack(deployment)) {
    return [
      ...runningItems(rollbackStagesOf(kind), deployment),
      item('rolled back', 'Rolled back', 'ahead'),
    ]
  }
  switch (rollback.status) {
    case 'complete':
      return [item('rolled back', 'Rolled back', 'done', at)]
    case 'partial':
      return [item('rolled back', 'Rolled back in part', 'done', at)]
    default:
      return [item('rolled back', 'Rollback failed', 'failed')]
  }
}

const runningItems = (stages: readonly string[], { progress, error }: Standing): StageItem[] => {
  const { stage, done, total } = progress
  const current = stages.indexOf(stage)
  return stages.map((name, at): StageItem => {
    const title = WORDS[name] ?? name
    if (at < current) return item(name, title, 'done')
    if (at > current) return item(name, title, 'ahead')
    const state = error?.waiting === undefined ? 'running' : 'waiting'
    // Only while Salesforce works do the numbers count components; else they count stages.
    const counts = name.endsWith('wait') && total > 0 && total !== stages.length
    return { ...item(name, title, state), progress: counts ? { done, total } : null }
  })
}

const item = (
  key: string,
  title: string,
  state: StageItem['state'],
  at: string | null = null,
): StageItem => ({ key, title, at, state, progress: null })
