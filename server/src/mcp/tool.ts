// What a tool is: its name and schemas, the permission without which nobody sees it, and what it does.

import * as z from 'zod'
import { type Permission } from '../domain/auth/permissions.ts'
import { type Api } from './api.ts'

export interface ToolContext {
  api: Api
  /** Aborted when the agent hangs up. */
  signal: AbortSignal
  /** Whether the credential has a permission. */
  may: (permission: Permission) => boolean
  /** Makes an absolute address of a path of this server. */
  urlOf: (path: string) => string
}

interface Definition<Input extends z.ZodObject, Output extends z.ZodObject> {
  name: string
  title: string
  /** Fixed words of ours: nothing of a client ever gets into them. */
  description: string
  needs: Permission
  /** Absent: it only reads. `destructive`: it may take something away. */
  writes?: 'additive' | 'destructive'
  input: Input
  output: Output
  run: (context: ToolContext, input: z.output<Input>) => Promise<z.input<Output>>
}

export interface Tool {
  name: string
  title: string
  description: string
  needs: Permission
  writes?: 'additive' | 'destructive'
  input: z.ZodObject
  output: z.ZodObject
  run: (context: ToolContext, input: Record<string, unknown>) => Promise<Record<string, unknown>>
}

export const tool = <Input extends z.ZodObject, Output extends z.ZodObject>(
  definition: Definition<Input, Output>,
): Tool => ({
  ...definition,
  // Checked against `input` by the SDK before it is called.
  run: (context, input) => definition.run(context, input as z.output<Input>),
})

export const clientId = z.uuid().describe('Of find_clients')

/** How long a call may wait; hosts give up on a tool after a minute. */
export const WAIT_SECONDS = 50
export const waitSeconds = z.int().min(0).max(WAIT_SECONDS).default(20)
export const cursor = z.string().max(2000).optional().describe('next_cursor of the page before')
export const nextCursor = z.string().nullable()
