// The gate of a writing tool is the approval on the credential (domain/approvals), not the good will of the
// host: a token that has to ask is refused by the API until a person agreed in a session of their own. The
// same call again, once that has happened, goes through.

import { inputRequired } from '@modelcontextprotocol/server'
import * as z from 'zod'
import { type Api, ApiProblem } from './api.ts'

export const approvalAsked = z.object({
  approval_id: z.uuid(),
  state: z.string(),
  url: z.string().describe('Where a person who is logged in sees what will happen, and decides'),
  expires_at: z.string(),
  next: z.string(),
})

export type Asked = z.infer<typeof approvalAsked>

interface Approval {
  state: string
  expires_at: string
}

/**
 * Makes the change, or says for which approval it waits. An approval that was granted for exactly this change
 * is used without being named.
 */
export const withApproval = async <Result>(
  api: Api,
  urlOf: (path: string) => string,
  change: (approval: { approval_id?: string }) => Promise<Result>,
): Promise<{ done: Result } | { asked: Asked }> => {
  try {
    return { done: await change({}) }
  } catch (error) {
    const asked = error instanceof ApiProblem ? error.problem : null
    const id = asked?.code === 'approval_required' ? asked.approval_id : undefined
    if (id === undefined) throw error
    const { state, expires_at } = await api.post<Approval>('/api/approvals/get', {
      approval_id: id,
    })
    if (state === 'granted') return { done: await change({ approval_id: id }) }
    return {
      asked: {
        approval_id: id,
        state,
        url: urlOf(asked?.url ?? ''),
        expires_at,
        next: 'Ask a person to open the url and decide. Then call this tool again with the same arguments.',
      },
    }
  }
}

/** For hosts that can open an address for their user: the page of the approval. */
export const openInHost = (asked: Asked) =>
  inputRequired({
    inputRequests: {
      approval: inputRequired.elicitUrl({
        message: 'This change needs the approval of a person.',
        url: asked.url,
      }),
    },
  })
