// What the suites about deploys send and read.

interface Component {
  type: string
  full_name: string
  action: string
  reversibility: string
  reason: string | null
  success: boolean | null
  problem: {
    message: string
    file: string | null
    line: number | null
    code: string | null
  } | null
}

export interface DeploymentBody {
  id: string
  kind: string
  status: string
  sfdc_deploy_id: string | null
  components: Component[]
  warnings: { code: string; message: string }[]
  error: { code: string; message: string } | null
  progress: { stage: string }
  rollback: {
    status: string
    removed: { type: string; full_name: string }[]
    restored: { type: string; full_name: string }[]
    kept: {
      type: string
      full_name: string
      changed_by: string | null
      changed_at: string | null
    }[]
    remaining: unknown[]
    proof: { complete: boolean; differences: unknown[] } | null
  } | null
  code?: string
  upstream?: { service: string; status: number; code: string; message: string }
  errors?: { path: string; code: string; message: string }[]
}

/** A text field of a plan. */
export const text = (api_name: string, length = 40) => ({
  api_name,
  label: api_name.replace(/__c$/, '').replaceAll('_', ' '),
  type: 'Text',
  length,
})
